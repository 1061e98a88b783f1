"""What was verified, and what was not: the two columns that say how far the verdict reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tidegate.checks.catalogue import checks
from tidegate.gate.scenarios import ScenarioOutcome, ScenarioResult
from tidegate.reporting.board.html import Markup, joined, link, listed, paragraph, section
from tidegate.reporting.board.material import Material, stage_and_title

#: How outcomes are called where people read.
_WORDS: Final = {
    ScenarioOutcome.FAILED: "failed",
    ScenarioOutcome.BROKEN: "could not be judged",
    ScenarioOutcome.NOT_RUN: "not run",
}

#: Things of one kind that are named before the rest is counted.
_NAMED: Final = 6


def verified(material: Material) -> Markup:
    """Each stage of the process, with how its scenarios ended."""
    stages: dict[str, list[ScenarioResult]] = {}
    for result in material.scenarios.values():
        stages.setdefault(stage_and_title(result.id)[0], []).append(result)
    told = listed((_told(*one) for one in stages.items()), "Nothing.")
    if not material.allure:
        return section("Verified", told)
    steps = link("Every scenario with its steps, timings and logs", material.allure)
    return section("Verified", told, paragraph(joined(steps, " is in the Allure report.")))


def not_verified(material: Material) -> Markup:
    """What was left out, with the reason; things left out for one reason are named together."""
    return section("Not verified", listed(_left_out(material), "Nothing that the checks know of."))


def _told(stage: str, reported: list[ScenarioResult]) -> str:
    outcomes = Counter(result.outcome for result in reported)
    others = [f"{outcomes[outcome]} {word}" for outcome, word in _WORDS.items() if outcomes[outcome]]
    return ", ".join([f"{stage}: {outcomes[ScenarioOutcome.PASSED]} of {len(reported)} passed", *others])


def _left_out(material: Material) -> Iterator[str]:
    missing = material.verdict.scenarios.missing
    if missing:
        yield f"{missing} required {'scenario was' if missing == 1 else 'scenarios were'} not part of this run"
    causes: dict[tuple[str, str], list[str]] = {}
    for check in material.all("check"):
        for told in check.get("uncovered") or ():
            subject, _, why = str(told).partition(": ")
            causes.setdefault((str(check["check"]), why), []).append(subject)
    for (check, why), subjects in causes.items():
        yield f"{_title(check)}: {_named(list(dict.fromkeys(subjects)))}{': ' if why else ''}{why}"
    # Later snapshots see what the rehearsal itself added: the last count of each kind is the one to tell.
    parts = {
        str(sample).partition(": ")[0]: str(sample).partition(": ")[2]
        for snapshot in material.all("snapshot")
        for sample in snapshot.get("samples") or ()
    }
    seen: dict[str, list[str]] = {}
    for kind, told in parts.items():
        count, _, why = told.partition(" (")
        seen.setdefault(why.removesuffix(")"), []).append(f"{count} {kind}" if count else kind)
    for why, counts in seen.items():
        yield f"Seen in part only: {', '.join(counts)}{f' ({why})' if why else ''}"


def _named(subjects: list[str]) -> str:
    """A few by name; what all of them begin with is said once."""
    shared = _beginning(subjects)
    named = ", ".join(subject.removeprefix(shared) for subject in subjects[:_NAMED])
    more = len(subjects) - _NAMED
    return f"{shared}{named}{f' and {more} more' if more > 0 else ''}"


def _beginning(subjects: list[str]) -> str:
    """The whole words that two or more subjects begin with."""
    first, *others = [subject.split(" ")[:-1] for subject in subjects]
    words = 0
    while others and words < len(first) and all(first[: words + 1] == other[: words + 1] for other in others):
        words += 1
    return "".join(f"{word} " for word in first[:words])


def _title(check: str) -> str:
    described = checks().get(check)
    return f"{described.title} ({check})" if described else check
