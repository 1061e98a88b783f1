"""The ledger: what is written, what is masked, and what verifying finds."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.checks.finding import Severity
from tidegate.gate.evidence import GENESIS, Evidence
from tidegate.gate.integrity import verify
from tidegate.secrets import Secret


def test_each_line_names_the_digest_of_the_one_before(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    first, second = evidence.record("a", x=1), evidence.record("b")

    assert (first.number, first.previous) == (1, GENESIS)
    assert (second.number, second.previous) == (2, first.digest)
    assert evidence.entries() == (first, second)


def test_a_second_writer_continues_the_chain(tmp_path: Path) -> None:
    Evidence(tmp_path).record("a", text="x" * 9000)  # longer than one look back from the end

    assert Evidence(tmp_path).record("b").number == 2
    assert verify(tmp_path).sound


def _write(folder: str, times: int) -> None:
    evidence = Evidence(Path(folder))
    for number in range(times):
        evidence.record("event", writer=os.getpid(), number=number)


def test_many_processes_write_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(str(tmp_path), 25)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    ledger = verify(tmp_path)
    assert (ledger.length, ledger.damage) == (75, ())


def test_masks_secrets_wherever_they_hide(tmp_path: Path) -> None:
    secret = Secret.generated("a key", "API-HIDDENHIDDEN").reveal()
    evidence = Evidence(tmp_path)
    evidence.record("event", text=f"key {secret}", deep={"list": [secret], secret: 1}, error=ValueError(secret))
    evidence.attach("log", f"line with {secret}", "text/plain")
    evidence.attach("log", f"line with {secret}".encode(), "application/json")

    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert secret.encode() not in written
    assert b"********" in written


def test_writes_what_json_does_not_know_as_text(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    entry = Evidence(tmp_path).record("x", when=moment, where=tmp_path, how=Severity.INFO, what={"b"}, none=None)

    assert entry.details == {
        "when": moment.isoformat(),
        "where": str(tmp_path),
        "how": "info",
        "what": ["b"],
        "none": None,
    }


def test_attaches_a_file_of_the_run_folder_in_place(tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "before.sqlite").write_bytes(b"\0data")
    attachment = Evidence(tmp_path).attach("before", tmp_path / "snapshots" / "before.sqlite", "application/x-sqlite3")

    assert (attachment.path, attachment.size) == ("snapshots/before.sqlite", 5)


def test_copies_a_file_from_elsewhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside.log"
    outside.write_text("a log", encoding="utf-8")
    attachment = Evidence(tmp_path / "run").attach("server log", outside, "text/plain")

    assert (tmp_path / "run" / attachment.path).read_text(encoding="utf-8") == "a log"


def _recorded(folder: Path) -> None:
    evidence = Evidence(folder)
    evidence.record("run.started", run="r")
    evidence.attach("one", b"first", "text/plain")
    evidence.attach("two", b"second", "text/plain")
    evidence.record("run.finished")


def _edit(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    ledger = folder / "evidence.jsonl"
    lines = ledger.read_text(encoding="utf-8").splitlines()
    ledger.write_text("".join(f"{line}\n" for line in change(lines)), encoding="utf-8")


def _attachment(folder: Path, number: int) -> Path:
    return sorted((folder / "attachments").iterdir())[number]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no ledger": lambda folder: (folder / "evidence.jsonl").unlink(),
    "an empty ledger": lambda folder: (folder / "evidence.jsonl").write_text("", encoding="utf-8"),
    "one letter changed": lambda folder: _edit(folder, lambda lines: [lines[0].replace('"r"', '"s"'), *lines[1:]]),
    "a line removed": lambda folder: _edit(folder, lambda lines: [lines[0], *lines[2:]]),
    "the first line removed": lambda folder: _edit(folder, lambda lines: lines[1:]),
    "two lines swapped": lambda folder: _edit(folder, lambda lines: [lines[1], lines[0], *lines[2:]]),
    "a line repeated": lambda folder: _edit(folder, lambda lines: [lines[0], lines[0], *lines[1:]]),
    "a line added in the middle": lambda folder: _edit(folder, lambda lines: [lines[0], lines[1] + " ", *lines[2:]]),
    "a line that is no event": lambda folder: _edit(folder, lambda lines: [*lines, "{}"]),
    "a line that is not JSON": lambda folder: _edit(folder, lambda lines: [*lines[:2], "x", *lines[2:]]),
    "a torn last line": lambda folder: os.truncate(
        folder / "evidence.jsonl", (folder / "evidence.jsonl").stat().st_size - 9
    ),
    "an attachment changed": lambda folder: _attachment(folder, 0).write_bytes(b"other"),
    "an attachment emptied": lambda folder: _attachment(folder, 0).write_bytes(b""),
    "an attachment removed": lambda folder: _attachment(folder, 1).unlink(),
    "attachments swapped": lambda folder: _swap(_attachment(folder, 0), _attachment(folder, 1)),
    "an attachment added": lambda folder: (folder / "attachments" / "more").write_text("x", encoding="utf-8"),
    "a snapshot added": lambda folder: _add(folder / "snapshots" / "other.sqlite"),
}


def _swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _add(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"x")


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_finds(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    _recorded(tmp_path)
    assert verify(tmp_path).sound

    damage(tmp_path)

    assert verify(tmp_path).damage


def test_an_attachment_outside_the_run_folder_is_damage(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x", encoding="utf-8")
    Evidence(tmp_path / "run").record("attachment", path="../outside", sha256="0" * 64)

    assert [one.what for one in verify(tmp_path / "run").damage] == ["lies outside the run folder"]


def test_a_run_goes_on_after_a_torn_line_but_stays_damaged(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    evidence.record("a")
    with (tmp_path / "evidence.jsonl").open("ab") as ledger:
        ledger.write(b'{"numb')

    evidence.record("b")

    assert not verify(tmp_path).sound
    assert len((tmp_path / "evidence.jsonl").read_bytes().splitlines()) == 3


def test_verifies_a_large_attachment_in_blocks(tmp_path: Path) -> None:
    large = tmp_path / "snapshots" / "large"
    large.parent.mkdir()
    with large.open("wb") as file:
        file.truncate(64 * 2**20)
    Evidence(tmp_path).attach("large", large, "application/octet-stream")

    assert verify(tmp_path).sound


def test_each_line_is_canonical_json(tmp_path: Path) -> None:
    Evidence(tmp_path).record("ü", b=1, a="é")
    line = (tmp_path / "evidence.jsonl").read_text(encoding="utf-8").rstrip("\n")

    assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
