"""Ways to change what an approved run left behind, or to put such a folder together."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.unit.gate.ledgers import (
    MAIN_ID,
    SCENARIOS,
    Event,
    cloned,
    collected,
    entries,
    finished,
    found,
    good_run,
    installed,
    main,
    marked,
    planned,
    recorded,
    scenario,
    started,
    upgraded,
)
from tidegate.gate.evidence import GENESIS, Entry, Evidence, canonical, parse_line, read_entries
from tidegate.gate.judged_again import examine
from tidegate.gate.seal import seal
from tidegate.gate.verdict import recompute
from tidegate.reporting.board.material import Material
from tidegate.reporting.documents import write_change_board
from tidegate.reporting.page_check import page_damage


@dataclass(frozen=True, slots=True)
class Folder:
    """One way: what the run recorded, and what somebody does to its folder afterwards."""

    told: str  # a code of the verdict, or words of the damage
    run: Callable[[], list[Event]] = good_run
    change: Callable[[Path], object] | None = None

    def outcome(self, folder: Path) -> tuple[str, str]:
        """The outcome of judging the folder again, and everything that is said about it."""
        evidence = Evidence(folder)
        for event in [*self.run()[:-1], _attached, self.run()[-1]]:
            event(evidence)
        _judge(folder)
        seal(folder)
        if self.change:
            self.change(folder)
        found = examine(folder)
        damage = [str(one) for one in (*found.ledger.damage, *page_damage(folder, found))]
        try:
            verdict = recompute(_readable(folder), damage)
        except ValueError:
            return "nothing", "\n".join(damage)
        return verdict.outcome, "\n".join([*damage, *(reason.code for reason in verdict.reasons)])


def _judge(folder: Path) -> None:
    """Verdict and page, as a run writes them; nothing for events that nobody can judge."""
    entries = Evidence(folder).entries()
    try:
        verdict = recompute(entries)
    except ValueError:
        verdict = None
    if verdict is not None:
        (folder / "verdict.json").write_bytes(verdict.to_bytes())
        write_change_board(folder, Material(verdict, entries), pdf=False)


def _attached(evidence: Evidence) -> None:
    evidence.attach("one", b"first", "text/plain")
    evidence.attach("two", b"second", "text/plain")


def _readable(folder: Path) -> tuple[Entry, ...]:
    """The ledger as far as it can be read: what cannot be is damage already."""
    try:
        return tuple(read_entries(folder / "evidence.jsonl"))
    except ValueError:
        return ()


def edited(old: str, new: str) -> Callable[[Path], object]:
    """Other words in the ledger."""

    def edit(lines: list[str]) -> list[str]:
        assert old in "".join(lines)
        return [line.replace(old, new) for line in lines]

    return _ledger(edit)


def _ledger(change: Callable[[list[str]], list[str]]) -> Callable[[Path], object]:
    """Other lines in the ledger."""

    def edit(folder: Path) -> None:
        ledger = folder / "evidence.jsonl"
        lines = ledger.read_text(encoding="utf-8").splitlines(keepends=True)
        ledger.write_text("".join(change(lines)), encoding="utf-8")

    return edit


def _attachments(folder: Path) -> list[Path]:
    return sorted((folder / "attachments").iterdir())


def _swapped(folder: Path) -> None:
    one, other = _attachments(folder)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _emptied(folder: Path) -> None:
    for path in list(folder.iterdir()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _of_another_run(folder: Path) -> None:
    other = folder.parent / "other"
    entries(other, [started(run="r2"), *good_run()[1:]])
    theirs = (other / "evidence.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    _ledger(lambda lines: [*lines[:4], *theirs[4:]])(folder)


def _again_in_the_same_folder(folder: Path) -> None:
    for event in good_run():
        event(Evidence(folder))


def _clock_back(lines: list[str]) -> list[str]:
    """A sound chain whose second half happened an hour earlier."""
    written: list[str] = []
    previous = GENESIS
    for line in lines:
        entry = parse_line(line.rstrip("\n").encode())
        shift = timedelta(hours=1) if entry.number > len(lines) // 2 else timedelta()
        time = (entry.time - shift).isoformat(timespec="milliseconds")
        raw = canonical({**json.loads(line), "time": time, "previous": previous})
        previous = parse_line(raw).digest
        written.append(raw.decode() + "\n")
    return written


def _and_sealed_again(change: Callable[[Path], object]) -> Callable[[Path], object]:
    """Whoever has no key of the runner's can make everything else fit again."""

    def both(folder: Path) -> None:
        change(folder)
        seal(folder)

    return both


def _chained_again(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """Every line changed, and the chain and the seal made anew."""

    def rewrite(lines: list[str]) -> list[str]:
        written: list[str] = []
        previous = GENESIS
        for line in lines:
            event = json.loads(line)
            change(event)
            raw = canonical({**event, "previous": previous})
            previous = hashlib.sha256(raw).hexdigest()
            written.append(raw.decode() + "\n")
        return written

    return _and_sealed_again(_ledger(rewrite))


def _without_zones(event: dict[str, Any]) -> None:
    event["time"] = event["time"].removesuffix("+00:00")


def _without_details(event: dict[str, Any]) -> None:
    event["details"] = event["details"] if event["kind"] != "attachment" else []


def _written_again(evidence: Evidence) -> None:
    """A file of the run folder that is recorded, changed, and recorded once more."""
    file = evidence.folder / "snapshots" / "after.sqlite"
    file.parent.mkdir(exist_ok=True)
    for content in (b"what was there", b"what should have been"):
        file.write_bytes(content)
        evidence.attach("after", file, "application/vnd.sqlite3")


def _linked(folder: Path) -> None:
    """A folder full of files, behind a link."""
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "more").write_bytes(b"x")
    (folder / "attachments" / "more").symlink_to(elsewhere, target_is_directory=True)


def _led_elsewhere(folder: Path) -> None:
    """An attachment that is a link to another file of the folder, which has its content for now."""
    one = _attachments(folder)[0]
    (folder / "allure-report").mkdir()
    one.rename(folder / "allure-report" / "x")
    one.symlink_to(folder / "allure-report" / "x")


def _pipe(folder: Path) -> None:
    """What waits for ever when it is read."""
    (folder / "evidence.jsonl").unlink()
    os.mkfifo(folder / "evidence.jsonl")


def _page_says_yes(folder: Path) -> None:
    page = folder / "change-board.html"
    page.write_text(page.read_text("utf-8").replace("REJECTED", "APPROVED"), encoding="utf-8")


def _with(*more: Event, start: Event | None = None) -> Callable[[], list[Event]]:
    return lambda: [start or started(), *good_run()[1:-1], *more, finished()]


def _instead(number: int, event: Event) -> Callable[[], list[Event]]:
    return lambda: [*good_run()[:number], event, *good_run()[number + 1 :]]


def _but(number: int) -> Callable[[], list[Event]]:
    return lambda: [event for index, event in enumerate(good_run()) if index != number]


WAIVER: dict[str, Any] = {
    "check": "DIFF",
    "place": "Projects-1/*",
    "reason": "renamed on purpose",
    "owner": "Ada",
    "link": "https://tracker.example.com/1",
    "expires": "2999-12-31",
}
_WAIVERS = f'"waivers":[{json.dumps(WAIVER, sort_keys=True, separators=(",", ":"))}]'
_FAILED = _instead(len(good_run()) - 2, scenario(SCENARIOS[2], "failed", "lost"))
_CHANGED = "a line before it was changed"

FOLDERS: dict[str, Folder] = {
    "an empty report folder": Folder("evidence.jsonl: is missing", change=_emptied),
    "no ledger": Folder("is missing", change=lambda folder: (folder / "evidence.jsonl").unlink()),
    "an empty ledger": Folder("is empty", change=lambda folder: (folder / "evidence.jsonl").write_bytes(b"")),
    "a torn last line": Folder("the line is torn", change=_ledger(lambda lines: [*lines[:-1], lines[-1][:-9]])),
    "a ledger cut off before its end": Folder("run-not-finished", change=_ledger(lambda lines: lines[:-1])),
    "an edited line: failed becomes passed": Folder(
        _CHANGED, _FAILED, edited('"outcome":"failed"', '"outcome":"passed"')
    ),
    "the line of a finding taken out": Folder(
        _CHANGED, _with(found()), _ledger(lambda lines: [line for line in lines if '"kind":"finding"' not in line])
    ),
    "the line of a check put in": Folder(_CHANGED, _but(9), _ledger(lambda lines: [*lines[:9], *lines[8:]])),
    "two lines swapped": Folder(_CHANGED, change=_ledger(lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]])),
    "the rest of another run's ledger": Folder(_CHANGED, change=_of_another_run),
    "a second run in the same folder": Folder("run-not-finished", change=_again_in_the_same_folder),
    "a waiver added to the first line afterwards": Folder(_CHANGED, _with(found()), edited('"waivers":[]', _WAIVERS)),
    "a milder policy in the first line afterwards": Folder(
        _CHANGED, _with(found()), edited('"policy":{}', '"policy":{"blocking":[]}')
    ),
    "a waiver that has expired": Folder(
        "finding-blocks", _with(found(), start=started(waivers=[WAIVER | {"expires": "2020-01-01"}]))
    ),
    "a waiver for more findings than it may cover": Folder(
        "finding-blocks",
        _with(found(), found(place="Projects-1/Logo"), start=started(waivers=[WAIVER | {"at_most": 1}])),
    ),
    "a waiver for a check that could not run": Folder(
        "check-not-run", _with(found(kind="incomplete"), start=started(waivers=[WAIVER]))
    ),
    "another verdict.json": Folder(
        "verdict.json: was changed",
        _FAILED,
        lambda folder: (folder / "verdict.json").write_bytes(b'{"outcome": "approved"}'),
    ),
    "another verdict.json, and the folder sealed again": Folder(
        "verdict.json: is not the verdict",
        _FAILED,
        _and_sealed_again(lambda folder: (folder / "verdict.json").write_bytes(b'{"outcome": "approved"}')),
    ),
    "no verdict.json, and the folder sealed again": Folder(
        "verdict.json: is missing", change=_and_sealed_again(lambda folder: (folder / "verdict.json").unlink())
    ),
    "another word on the change board's page": Folder("is not the page of this evidence", _FAILED, _page_says_yes),
    "the runner's signature taken away": Folder(
        "SHA256SUMS.sig: is missing", lambda: [started(signs_with="ed25519:AAAA"), *good_run()[1:]]
    ),
    "a file recorded twice, with two contents": Folder("with another content", _with(_written_again)),
    "a folder behind a link among the attachments": Folder("was added", change=_linked),
    "an attachment replaced by a link to the same content": Folder("is a link", change=_led_elsewhere),
    "a pipe in place of the ledger": Folder("evidence.jsonl: is missing", change=_pipe),
    "an attachment whose name no file can have": Folder(
        "cannot be read", _with(recorded("attachment", name="x", path="a\0b", sha256="0" * 64))
    ),
    "an attachment with a name longer than any": Folder(
        "cannot be read", _with(recorded("attachment", name="x", path="x" * 5000, sha256="0" * 64))
    ),
    "a sound chain of events that nobody can judge": Folder(
        "cannot be judged", _with(recorded("finding", check="DIFF"))
    ),
    "a sound chain of events without time zones": Folder("is not an event", change=_chained_again(_without_zones)),
    "a sound chain with details that are no object": Folder("is not an event", change=_chained_again(_without_details)),
    "an attachment changed": Folder("was changed", change=lambda folder: _attachments(folder)[0].write_bytes(b"x")),
    "an attachment taken away": Folder("is missing", change=lambda folder: _attachments(folder)[0].unlink()),
    "two attachments swapped": Folder("was changed", change=_swapped),
    "an attachment added": Folder("was added", change=lambda folder: (folder / "attachments/x").write_bytes(b"x")),
    "a file added beside the evidence": Folder("was added", change=lambda folder: (folder / "x").write_bytes(b"x")),
    "an attachment that lies outside the run folder": Folder(
        "lies outside", _with(recorded("attachment", name="x", path="../../x", sha256="0" * 64))
    ),
    "the seal taken away": Folder("did not come to its end", change=lambda folder: (folder / "SHA256SUMS").unlink()),
    "a clock moved back during the run": Folder("evidence-damaged", change=_ledger(_clock_back)),
    "the start of the run is missing": Folder("evidence-missing", _but(0)),
    "nothing was required": Folder("evidence-missing", lambda: [started(required=[]), *good_run()[1:]]),
    "a collected scenario was never reported": Folder(
        "scenario-missing", _instead(7, collected(*SCENARIOS, "features/03.feature: Three"))
    ),
    "a reported scenario was never collected": Folder("scenario-missing", _instead(7, collected(*SCENARIOS[:2]))),
    "what was collected is not told": Folder("evidence-missing", _but(7)),
    "a scenario was run twice": Folder("scenario-repeated", _with(scenario(SCENARIOS[0]))),
    "no instance is named": Folder("evidence-missing", _but(1)),
    "two instances are named": Folder("evidence-contradicts", _with(main(installation_id="3333"))),
    "the backup is that of another version": Folder("evidence-contradicts", _instead(3, marked(version="2019.1.0"))),
    "the clone is that of another version": Folder("evidence-contradicts", _instead(4, cloned(version="2019.1.0"))),
    "the clone is the main instance": Folder("evidence-contradicts", _instead(4, cloned(installation_id=MAIN_ID))),
    "the plan is that of another instance": Folder(
        "evidence-contradicts", _instead(2, planned(**{"from": "2020.6.4671"}))
    ),
    "another version was rehearsed than planned": Folder(
        "evidence-contradicts", _instead(5, upgraded(to="2020.6.4671"))
    ),
    "nothing was upgraded": Folder("evidence-missing", _but(5)),
    "the installer of the target is not known": Folder(
        "evidence-contradicts", _instead(6, installed(digests={"2018.12.1": "sha256:01"}))
    ),
    "an upgrade longer than the outage window": Folder(
        "outage-too-long",
        lambda: [started(policy={"outage_window": 1}), *good_run()[1:5], upgraded(), *good_run()[6:]],
    ),
    "nothing tells how long the upgrade took": Folder(
        "evidence-missing", lambda: [started(policy={"outage_window": 1}), *good_run()[1:]]
    ),
}
