"""Copies of server folders, and whether a folder is what its manifest says."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidegate.errors import HarnessError, ProvisioningFailed
from tidegate.rehearsal import folders
from tidegate.rehearsal.folders import assert_matches, copy_folder, differences
from tidegate.rehearsal.instances import FileEntry

NAMES = st.text(st.sampled_from("abcÄ 1.-"), min_size=1, max_size=12).map(lambda name: f"f{name}x")
TREES = st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map(tuple), st.binary(max_size=200), max_size=8)


def nothing(_: str) -> None:
    """A report that nobody reads."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "TaskLogs"
    (folder / "2021" / "06").mkdir(parents=True)
    (folder / "2021" / "06" / "servertasks-1.txt").write_bytes(b"one")
    (folder / "servertasks-2.txt").write_bytes(b"two")
    (folder / "empty").mkdir()
    return folder


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_any_tree_arrives_as_it_was(tmp_path: Path, tree: dict[tuple[str, ...], bytes]) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target):
        shutil.rmtree(folder, ignore_errors=True)
    source.mkdir()
    expected: dict[str, str] = {}
    for parts, content in tree.items():
        path = source.joinpath(*parts)
        if any(parent.is_file() for parent in path.parents) or path.is_dir():
            continue  # one name cannot be a file and a folder
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        expected["/".join(parts)] = hashlib.sha256(content).hexdigest()

    manifest = copy_folder(source, target, nothing)

    assert {entry.path: entry.sha256 for entry in manifest} == expected
    assert differences(target, manifest) == []


def test_empty_folders_are_copied_too(source: Path, tmp_path: Path) -> None:
    copy_folder(source, tmp_path / "copy", nothing)

    assert (tmp_path / "copy" / "empty").is_dir()


def test_every_kind_of_difference_is_named(source: Path, tmp_path: Path) -> None:
    manifest = copy_folder(source, tmp_path / "copy", nothing)
    (tmp_path / "copy" / "servertasks-2.txt").write_bytes(b"TWO")
    (tmp_path / "copy" / "2021" / "06" / "servertasks-1.txt").unlink()
    (tmp_path / "copy" / "stranger.txt").touch()

    assert differences(tmp_path / "copy", manifest) == [
        "missing: 2021/06/servertasks-1.txt",
        "not in the manifest: stranger.txt",
        "changed: servertasks-2.txt",
    ]
    with pytest.raises(ProvisioningFailed, match=r"servertasks-1\.txt"):
        assert_matches(tmp_path / "copy", manifest)


def test_a_folder_that_is_gone_misses_every_file(tmp_path: Path) -> None:
    assert differences(tmp_path / "nowhere", [FileEntry("a.txt", 1, "00")]) == ["missing: a.txt"]


def test_a_file_that_vanishes_meanwhile_is_left_out(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = folders._copy_bytes  # pyright: ignore[reportPrivateUsage] - the moment between listing and copying

    def vanish(file: Path, copy: Path) -> str:
        if file.name == "servertasks-2.txt":
            file.unlink()
        return original(file, copy)

    monkeypatch.setattr(folders, "_copy_bytes", vanish)

    manifest = copy_folder(source, tmp_path / "copy", nothing)

    assert [entry.path for entry in manifest] == ["2021/06/servertasks-1.txt"]
    assert differences(tmp_path / "copy", manifest) == []


def test_a_file_that_grows_while_it_is_copied_is_copied_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = folders._copy_bytes  # pyright: ignore[reportPrivateUsage]
    growths = iter([b" and more", b" and still more"])

    def grow(file: Path, copy: Path) -> str:
        digest = original(file, copy)
        if file.name == "servertasks-2.txt":
            with file.open("ab") as stream:
                stream.write(next(growths, b""))
        return digest

    monkeypatch.setattr(folders, "_copy_bytes", grow)

    copy_folder(source, tmp_path / "copy", nothing)

    assert (tmp_path / "copy" / "servertasks-2.txt").read_bytes() == b"two and more and still more"


def test_a_file_that_never_holds_still_is_an_error(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = folders._copy_bytes  # pyright: ignore[reportPrivateUsage]

    def grow(file: Path, copy: Path) -> str:
        digest = original(file, copy)
        with file.open("ab") as stream:
            stream.write(b"!")
        return digest

    monkeypatch.setattr(folders, "_copy_bytes", grow)

    with pytest.raises(HarnessError, match="changed during each"):
        copy_folder(source, tmp_path / "copy", nothing)


def test_too_little_room_is_told_before_anything_is_copied(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nearly_full(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=2)

    monkeypatch.setattr(folders.shutil, "disk_usage", nearly_full)

    with pytest.raises(ProvisioningFailed, match="only 2 bytes are free"):
        copy_folder(source, tmp_path / "copy", nothing)

    assert list((tmp_path / "copy").iterdir()) == []
