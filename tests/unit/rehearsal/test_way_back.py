"""Which way leads back, and what putting a server folder back does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.rehearsal import folders
from tidegate.rehearsal.folders import aside_of, copy_folder, describe_folder, differences, put_back
from tidegate.rehearsal.rollback import Way, way_back_of
from tidegate.versions import Version, plan, release_knowledge


def nothing(_: str) -> None:
    """A report that nobody reads."""


@pytest.mark.parametrize(
    ("origin", "target", "scripts", "way"),
    [
        ("2020.2.13", "2020.2.17", 0, Way.SHORT),
        ("2020.2.13", "2020.2.17", 1, Way.RESTORE),  # a script changed the database after all
        ("2020.6.4671", "2020.6.4855", 0, Way.RESTORE),  # the server refuses since 2020.3
        ("2020.1.4", "2020.2.17", 0, Way.RESTORE),
        ("2018.12.1", "2019.13.5", 3, Way.RESTORE),
    ],
)
def test_only_a_patch_without_scripts_that_the_server_accepts_goes_the_short_way(
    origin: str, target: str, scripts: int, way: Way
) -> None:
    path = plan(Version.parse(origin), Version.parse(target), release_knowledge())

    assert way_back_of(path, scripts) is way


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Packages"
    (made / "Spaces-1" / "empty").mkdir(parents=True)
    (made / "Spaces-1" / "acme.1.0.0.zip").write_bytes(b"acme")
    (made / "top.txt").write_bytes(b"top")
    return made


def test_a_folder_is_put_back_and_what_was_there_is_kept_aside(folder: Path, tmp_path: Path) -> None:
    manifest = copy_folder(folder, tmp_path / "copy", nothing)
    (folder / "Spaces-1" / "acme.1.0.0.zip").write_bytes(b"changed")
    (folder / "Spaces-2").mkdir()
    (folder / "Spaces-2" / "later.zip").write_bytes(b"later")
    (folder / "top.txt").unlink()

    aside = put_back(folder, tmp_path / "copy", manifest, nothing)

    assert differences(folder, manifest) == []
    assert (folder / "Spaces-1" / "empty").is_dir()
    assert aside == aside_of(folder)
    assert (aside / "Spaces-2" / "later.zip").read_bytes() == b"later"
    assert (aside / "Spaces-1" / "acme.1.0.0.zip").read_bytes() == b"changed"


def test_a_second_attempt_does_not_lose_what_the_first_one_put_aside(folder: Path, tmp_path: Path) -> None:
    manifest = copy_folder(folder, tmp_path / "copy", nothing)
    (folder / "later.zip").write_bytes(b"later")
    put_back(folder, tmp_path / "copy", manifest, nothing)
    (folder / "top.txt").unlink()  # the first attempt was killed while it copied

    aside = put_back(folder, tmp_path / "copy", manifest, nothing)

    assert differences(folder, manifest) == []
    assert (aside / "later.zip").read_bytes() == b"later"


def test_an_attempt_that_died_while_putting_aside_is_begun_again(folder: Path, tmp_path: Path) -> None:
    manifest = copy_folder(folder, tmp_path / "copy", nothing)
    partial = aside_of(folder).with_name(aside_of(folder).name + ".partial")
    (partial / "half").mkdir(parents=True)

    aside = put_back(folder, tmp_path / "copy", manifest, nothing)

    assert not partial.exists()
    assert differences(aside, manifest) == []


def test_where_files_cannot_have_two_names_they_are_copied_aside(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(folders.os, "link", refuse)
    manifest = copy_folder(folder, tmp_path / "copy", nothing)

    aside = put_back(folder, tmp_path / "copy", manifest, nothing)

    assert differences(aside, manifest) == []
    assert not (aside / "top.txt").samefile(tmp_path / "copy" / "top.txt")


def test_a_description_is_the_manifest_that_a_copy_would_have(folder: Path, tmp_path: Path) -> None:
    assert describe_folder(folder) == copy_folder(folder, tmp_path / "copy", nothing)
