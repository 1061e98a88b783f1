"""What a run says on the terminal at its end: the verdict, why, and where to read more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Final

from tidegate.gate.verdict import Code, Outcome, Reason, Verdict

#: Reasons of one kind that are listed one by one.
_LISTED: Final = 12

#: Further lines of a message that are shown.
_LINES: Final = 8

#: Characters of a line.
_WIDTH: Final = 320

#: Subjects up to this length (checks) are all named.
_SHORT: Final = 12


class Tone(StrEnum):
    """How a line is coloured where colours are shown; the words say it all without."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the summary; a heading is set off by its reader's means."""

    text: str
    tone: Tone = Tone.PLAIN
    heading: bool = False


_TONES: Final = {Outcome.APPROVED: Tone.GOOD, Outcome.REJECTED: Tone.BAD, Outcome.INCOMPLETE: Tone.UNKNOWN}

_MEANINGS: Final = {
    Outcome.APPROVED: "the main instance may follow",
    Outcome.REJECTED: "the main instance must not follow",
    Outcome.INCOMPLETE: "nothing can be said; the main instance must not follow",
}

#: An approval by whose policy a subset does not suffice.
_SUBSET_ALONE: Final = "the upgrade of a subset came through, which opens no cut-over of the main instance"

_HEADINGS: Final = {
    Code.SCENARIO_FAILED: "failed",
    Code.FINDING_BLOCKS: "findings that block",
    Code.SCENARIO_BROKEN: "could not be judged, because the harness or its surroundings failed",
    Code.SCENARIO_NOT_RUN: "not run",
    Code.SCENARIO_MISSING: "not part of this run or never reported",
    Code.SCENARIO_REPEATED: "run more than once",
    Code.CHECK_NOT_RUN: "checks that did not run",
    Code.CLONE_DIFFERS: "the test instance differs from the main instance already before the upgrade",
    Code.CLEAN_UP_FAILED: "cleaning up failed",
    Code.RUN_NOT_FINISHED: "the run",
    Code.EVIDENCE_DAMAGED: "the evidence is damaged",
    Code.EVIDENCE_MISSING: "evidence is missing",
    Code.EVIDENCE_CONTRADICTS: "the evidence contradicts itself",
    Code.OUTAGE_TOO_LONG: "longer than the main instance may be away",
}


def summary(verdict: Verdict, folder: Path, usage: str = "") -> Iterator[Line]:
    """The summary of a run; ``usage`` is the message of what the user must change, when that ended the run."""
    if usage:
        yield Line("VERDICT none: the run could not begin", Tone.UNKNOWN, heading=True)
        yield Line(usage)
        return
    tone = _TONES[verdict.outcome]
    meaning = _MEANINGS[verdict.outcome]
    why_not = verdict.policy.objection_to(verdict.reach)
    if verdict.reach and verdict.outcome is Outcome.APPROVED:
        meaning = _SUBSET_ALONE if why_not else f"{meaning}, as far as a subset of it can tell"
    yield Line(f"VERDICT {verdict.outcome.upper()}: {meaning}", tone, heading=True)
    if verdict.from_version:
        yield Line(f"{verdict.main or 'main instance'}: {verdict.from_version} → {verdict.to_version}")
    if verdict.reach:
        yield Line(" ".join(filter(None, (verdict.reach, why_not))), Tone.UNKNOWN)
    yield Line(_scenarios(verdict))
    for code, reasons in groupby(verdict.reasons, key=lambda reason: reason.code):
        yield from _reasons(code, list(reasons))
    open_notes = [finding for finding in verdict.findings if finding.severity not in verdict.policy.blocking]
    if open_notes:
        yield Line("to know:")
        yield from (Line(f"  - {finding.sentence()}") for finding in open_notes[:_LISTED])
    if verdict.waived:
        yield Line("waived:")
        yield from (
            Line(f"  - {one.finding.sentence()} Accepted by {one.owner} until {one.expires}: {one.reason} ({one.link})")
            for one in verdict.waived
        )
    yield from (Line(f"note: {note}") for note in verdict.notes)
    yield Line(f"evidence: {folder}  (sha256 {verdict.evidence_sha256[:16]}…, {verdict.evidence_entries} entries)")


def _scenarios(verdict: Verdict) -> str:
    count = verdict.scenarios
    parts = [f"{count.passed} of {count.required} required scenarios passed"]
    parts += [
        f"{number} {word}"
        for number, word in (
            (count.failed, "failed"),
            (count.broken, "could not be judged"),
            (count.not_run, "not run"),
            (count.missing, "missing"),
        )
        if number
    ]
    return ", ".join(parts)


def _reasons(code: Code, reasons: list[Reason]) -> Iterator[Line]:
    tone = Tone.BAD if reasons[0].leads_to is Outcome.REJECTED else Tone.UNKNOWN
    yield Line(f"{_HEADINGS[code]}:", tone)
    # One cause is told once, however many scenarios it kept from running.
    causes: dict[str, list[str]] = {}
    for reason in reasons:
        causes.setdefault(reason.message, []).append(reason.subject)
    for message, subjects in list(causes.items())[:_LISTED]:
        first, *more = message.strip().splitlines() or [""]
        if code in {Code.FINDING_BLOCKS, Code.CLONE_DIFFERS}:
            yield Line(f"  - {_cut(message)}")
            continue
        yield Line(f"  - {_cut(f'{_named(subjects)}: {first}')}")
        yield from (Line(f"    {_cut(line)}") for line in more[:_LINES])
    if len(causes) > _LISTED:
        yield Line(f"  - and {len(causes) - _LISTED} more, all in verdict.json")


def _cut(text: str) -> str:
    """Values of whole documents belong into verdict.json, not onto a terminal."""
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _named(subjects: list[str]) -> str:
    """A few subjects by name, many by their number and the first."""
    if len(subjects) == 1:
        return subjects[0]
    if all(len(subject) <= _SHORT for subject in subjects):
        return ", ".join(subjects)
    return f"{len(subjects)} scenarios, the first is {subjects[0]}"
