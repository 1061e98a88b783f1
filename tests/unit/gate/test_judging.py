"""What findings mean for a scenario: the upgrade's fault, or nothing known, by the rules of the verdict."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.unit.gate.ledgers import finding
from tidegate.gate.judging import FindingsBlock, Judge, NotJudged
from tidegate.gate.policy import Policy
from tidegate.gate.scenarios import ScenarioOutcome, outcome_of
from tidegate.gate.waivers import Waiver

TODAY = date(2026, 6, 1)


def _judge(*waivers: Waiver, **policy: Any) -> Judge:
    return Judge(Policy(**policy), waivers, TODAY)


def _waiver(**changes: Any) -> Waiver:
    fields: dict[str, Any] = {"check": "DIFF", "place": "Projects-1/*", "reason": "r", "owner": "o"}
    fields |= {"link": "https://a.example/1", "expires": TODAY}
    return Waiver(**(fields | changes))


def test_nothing_found_is_fine() -> None:
    _judge().require_none([])


def test_a_blocking_finding_fails_the_scenario_with_place_before_and_after() -> None:
    with pytest.raises(FindingsBlock) as blocked:
        _judge().require_none([finding(), finding(severity="info", place="Elsewhere")])

    assert "[DIFF] breaking at Projects-1/Name: 'Shop' → None" in str(blocked.value)
    assert "Elsewhere" not in str(blocked.value)
    assert outcome_of(blocked.value) is ScenarioOutcome.FAILED


def test_what_does_not_block_passes() -> None:
    _judge().require_none([finding(severity="info")])
    _judge(blocking=("breaking",)).require_none([finding(severity="degraded")])


@pytest.mark.parametrize("changes", [{"kind": "incomplete", "severity": "info"}, {"kind": "clone"}])
def test_what_is_not_known_breaks_the_scenario(changes: dict[str, Any]) -> None:
    with pytest.raises(NotJudged) as unknown:
        _judge().require_none([finding(**changes)])

    assert outcome_of(unknown.value) is ScenarioOutcome.BROKEN


def test_a_waiver_counts_until_its_last_day() -> None:
    _judge(_waiver()).require_none([finding()])
    with pytest.raises(FindingsBlock):
        _judge(_waiver(expires=date(2026, 5, 31))).require_none([finding()])


def test_a_waiver_does_not_stand_for_a_check_that_did_not_run() -> None:
    with pytest.raises(NotJudged):
        _judge(_waiver()).require_none([finding(kind="incomplete")])
