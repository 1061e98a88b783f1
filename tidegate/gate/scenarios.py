"""What became of each scenario, as the evidence tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tidegate.errors import HarnessError, UpgradeFailed, UsageError
from tidegate.gate.evidence import Entry


class ScenarioOutcome(StrEnum):
    """How a scenario ended."""

    PASSED = "passed"
    NOT_RUN = "not-run"  # skipped, expected to fail, or something it builds on failed
    BROKEN = "broken"  # the harness or its surroundings failed: nothing is known
    FAILED = "failed"  # the instance under test is not what it must be, or its upgrade failed

    @property
    def rank(self) -> int:
        """Which of several outcomes of one scenario counts: the highest."""
        return list(ScenarioOutcome).index(self)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario's end. ``why`` is empty for a passed one; ``reports`` counts how often it was reported."""

    id: str
    outcome: ScenarioOutcome
    why: str
    seconds: float
    reports: int = 1


def outcome_of(error: BaseException) -> ScenarioOutcome:
    """What an exception says about a scenario: only an assertion and a failed upgrade speak against the version."""
    if isinstance(error, AssertionError | UpgradeFailed):
        return ScenarioOutcome.FAILED
    return ScenarioOutcome.BROKEN


def explain(error: BaseException) -> str:
    """The first line a reader needs to see."""
    if isinstance(error, HarnessError | UpgradeFailed | UsageError):
        return str(error)
    text = str(error).strip().split("\n\n")[0].strip()
    if isinstance(error, AssertionError):
        return text or "an assertion without a message failed"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def results(entries: Iterable[Entry]) -> dict[str, ScenarioResult]:
    """The reported scenarios by id; of several reports of one scenario the worst counts."""
    found: dict[str, ScenarioResult] = {}
    for entry in entries:
        if entry.kind != "scenario":
            continue
        result = _result(entry.details)
        earlier = found.get(result.id)
        if earlier is not None:
            worst = max(earlier, result, key=lambda one: one.outcome.rank)
            result = ScenarioResult(
                worst.id, worst.outcome, worst.why, earlier.seconds + result.seconds, earlier.reports + 1
            )
        found[result.id] = result
    return found


def _result(details: Mapping[str, Any]) -> ScenarioResult:
    return ScenarioResult(
        id=str(details["id"]),
        outcome=ScenarioOutcome(details["outcome"]),
        why=str(details.get("why", "")),
        seconds=float(details.get("seconds", 0.0)),
    )
