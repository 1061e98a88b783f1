"""The seal: no file of a run can be changed, taken away or added."""

from __future__ import annotations

import shutil
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.unit.gate.approvals import signing_key
from tidegate.gate.evidence import Evidence
from tidegate.gate.seal import SEAL, SIGNATURE, seal, signer_of, verify_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    evidence = Evidence(tmp_path)
    evidence.record("run.started", run="r")
    evidence.attach("one", b"first", "text/plain")
    evidence.record("run.finished")
    (tmp_path / "verdict.json").write_text("{}", encoding="utf-8")
    (tmp_path / "junit.xml").write_text("<testsuites/>", encoding="utf-8")
    (tmp_path / "allure-results").mkdir()
    (tmp_path / "allure-results" / "1-result.json").write_text("{}", encoding="utf-8")
    seal(tmp_path)
    return tmp_path


def test_a_sealed_run_is_sound(run: Path) -> None:
    assert verify_run(run).damage == ()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils")
def test_anybody_can_check_it_without_tidegate(run: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", "--strict", SEAL], cwd=run, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "verdict.json: OK" in done.stdout


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no seal": (lambda run: (run / SEAL).unlink(), "SHA256SUMS: is missing"),
    "an empty seal": (lambda run: (run / SEAL).write_bytes(b""), "was added"),
    "a torn seal": (lambda run: (run / SEAL).write_bytes((run / SEAL).read_bytes()[:-80]), "seal"),
    "another verdict": (lambda run: (run / "verdict.json").write_bytes(b"{ }"), "verdict.json: was changed"),
    "no verdict": (lambda run: (run / "verdict.json").unlink(), "verdict.json: is missing"),
    "other results": (lambda run: (run / "junit.xml").write_bytes(b"<x/>"), "junit.xml: was changed"),
    "a result less": (lambda run: shutil.rmtree(run / "allure-results"), "allure-results/1-result.json: is missing"),
    "a result more": (lambda run: (run / "allure-results" / "2").write_bytes(b""), "allure-results/2: was added"),
    "a file more": (lambda run: (run / "README").write_bytes(b""), "README: was added"),
    "a recorded file in the seal only": (
        lambda run: (run / SEAL).write_text((run / SEAL).read_text().replace("-one", "-two"), encoding="utf-8"),
        "-two: is missing",
    ),
}


@pytest.mark.parametrize(("damage", "told"), DAMAGE.values(), ids=DAMAGE)
def test_finds(run: Path, damage: Callable[[Path], object], told: str) -> None:
    damage(run)

    assert told in "\n".join(map(str, verify_run(run).damage))


def test_what_people_sign_and_read_may_come_later(run: Path) -> None:
    for name in ("approval.json", "change-board.pdf", "change-board.html"):
        (run / name).write_bytes(b"later")
    (run / "allure-report").mkdir()
    (run / "allure-report" / "index.html").write_bytes(b"later")

    assert verify_run(run).damage == ()


def test_memory_does_not_grow_with_the_evidence(tmp_path: Path) -> None:
    """64 MiB in one file and 2 MiB of lines take less than 3 MiB of memory."""
    folder = tmp_path / "run"
    (folder / "snapshots").mkdir(parents=True)
    with (folder / "snapshots" / "large.sqlite").open("wb") as file:
        file.truncate(64 * 2**20)
    evidence = Evidence(folder)
    evidence.attach("large", folder / "snapshots" / "large.sqlite", "application/vnd.sqlite3")
    for _ in range(20):
        evidence.record("note", text="x" * 100_000)
    seal(folder)

    tracemalloc.start()
    try:
        assert verify_run(folder).sound
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * 2**20


def test_a_signed_run_names_its_runner(run: Path) -> None:
    key = signing_key()
    seal(run, key)

    assert signer_of(run, verify_run(run).head) == key.public
    assert verify_run(run).damage == ()


SIGNATURES: dict[str, Callable[[Path], object]] = {
    "nothing in it": lambda run: (run / SIGNATURE).write_text("{}", encoding="utf-8"),
    "no key": lambda run: (run / SIGNATURE).write_text('{"key": "ed25519:AAAA", "signature": ""}', encoding="utf-8"),
    "that of an earlier seal": seal,
}


@pytest.mark.parametrize("change", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_that_does_not_fit_is_damage(run: Path, change: Callable[[Path], object]) -> None:
    seal(run, signing_key())
    (run / "junit.xml").write_text("<other/>", encoding="utf-8")
    change(run)

    assert signer_of(run, verify_run(run).head) == ""
    assert "SHA256SUMS.sig: is not a signature of this run" in map(str, verify_run(run).damage)


def test_an_unsigned_run_has_no_runner(run: Path) -> None:
    assert signer_of(run, verify_run(run).head) == ""


def _every_byte(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_no_byte_can_be_changed_taken_away_or_added(run: Path, data: st.DataObject) -> None:
    """Whatever is done to any one file: it is found, and nothing that is found is a traceback."""
    before = _every_byte(run)
    name = data.draw(st.sampled_from(sorted(before)))
    content = before[name]
    at = data.draw(st.integers(0, len(content)))
    end = data.draw(st.sampled_from([at, min(at + 1, len(content)), len(content)]))
    put = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"\n", b"[" * 5000, b"1e999", b"null"])))
    changed = content[:at] + put + content[end:]
    assume(changed != content)
    (run / name).write_bytes(changed)
    try:
        assert verify_run(run).damage
    finally:
        (run / name).write_bytes(content)
    assert not verify_run(run).damage
