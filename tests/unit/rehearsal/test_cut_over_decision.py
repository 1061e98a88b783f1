"""What running a cut-over again does, by what its journal says."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.cutover.decision import Action, decide
from tidegate.cutover.journal import Direction, Progress, progress_of

UPGRADE = "upgrading the database to 2021.1.7500"
IRREVERSIBLE = frozenset({UPGRADE})


def begun(step: str) -> dict[str, Any]:
    return {"kind": "begun", "step": step}


def done(step: str, **facts: Any) -> dict[str, Any]:
    return {"kind": "done", "step": step, "facts": facts}


def turned(direction: Direction, why: str = "it failed") -> dict[str, Any]:
    return {"kind": "direction", "direction": direction.value, "why": why}


def test_progress_is_what_the_lines_say() -> None:
    progress = progress_of([{"kind": "attempt"}, begun("a"), done("a", rows=3), begun("b")])

    assert progress == Progress(Direction.FORWARD, frozenset("ab"), frozenset("a"), "b", "", {"rows": 3})


def test_a_step_that_failed_stays_in_doubt() -> None:
    assert progress_of([begun("a"), {"kind": "failed", "step": "a", "why": "x"}]).doubtful == "a"


def test_a_turn_begins_a_new_count_and_keeps_what_was_found_out() -> None:
    progress = progress_of([begun("a"), done("a", backup="x.bak"), begun("b"), turned(Direction.BACK)])

    assert (progress.direction, progress.done, progress.doubtful, progress.why) == (
        Direction.BACK, frozenset(), "", "it failed",
    )  # fmt: skip
    assert progress.facts == {"backup": "x.bak"}


@pytest.mark.parametrize(
    ("lines", "roll_back", "action"),
    [
        ([], False, Action.BEGIN),
        ([], True, Action.NOTHING),
        ([begun("stop")], False, Action.GO_ON),
        ([begun("stop"), done("stop")], False, Action.GO_ON),
        ([begun("stop"), done("stop")], True, Action.ROLL_BACK),
        ([begun(UPGRADE)], False, Action.ROLL_BACK),
        ([begun(UPGRADE), done(UPGRADE)], False, Action.GO_ON),
        ([begun("stop"), turned(Direction.BACK)], False, Action.ROLL_BACK),
        ([turned(Direction.BACK), begun("lead back")], True, Action.ROLL_BACK),
        ([turned(Direction.UPGRADED)], False, Action.NOTHING),
        ([turned(Direction.UPGRADED)], True, Action.ROLL_BACK),
        ([turned(Direction.ROLLED_BACK)], False, Action.NOTHING),
        ([turned(Direction.ROLLED_BACK)], True, Action.NOTHING),
    ],
)
def test_the_next_action(lines: list[dict[str, Any]], roll_back: bool, action: Action) -> None:
    decision = decide(progress_of(lines), irreversible=IRREVERSIBLE, roll_back=roll_back)

    assert decision.action is action
    assert decision.found
    assert decision.will


def test_the_decision_tells_what_was_found_and_why() -> None:
    doubtful = decide(progress_of([begun(UPGRADE)]), irreversible=IRREVERSIBLE)
    going_back = decide(progress_of([turned(Direction.BACK, "a script failed")]), irreversible=IRREVERSIBLE)

    assert f'in the middle of "{UPGRADE}"' in doubtful.found
    assert "because a script failed" in going_back.found
