"""DEPLOY: a deployment that was planned can be called off, and its end can be corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.checks.live.runs import Rehearsed
from tidegate.errors import HarnessError

#: How far ahead the deployment is planned: nobody waits that long between planning and cancelling it.
_AHEAD: Final = timedelta(hours=6)

PLANNING: Final = "planning a deployment for later"
CANCELLING: Final = "cancelling a deployment that waits for its time"
CORRECTING: Final = "calling a cancelled deployment failed"


def cancelling_outcomes(context: LiveContext, rehearsed: Sequence[Rehearsed]) -> dict[str, str]:
    """What came of planning a deployment, cancelling it and correcting its state; {} where nothing can be deployed."""
    chosen = next((one for one in rehearsed if one.run.state == "Success"), None)
    if chosen is None:
        return {}
    later = (datetime.now(UTC) + _AHEAD).isoformat(timespec="seconds")
    order = {**chosen.order(chosen.release_id), "QueueTime": later, "Comments": "Tidegate rehearsal: never made"}
    planned = context.client.send("POST", context.path("deployments"), json=order)
    if not planned.ok:
        return {PLANNING: told(planned)}
    task = str(cast("dict[str, Any]", planned.json)["TaskId"])
    outcomes = {PLANNING: f"{planned.status} {_state(context, task)}"}
    cancelled = context.client.send("POST", f"/api/tasks/{task}/cancel", json={})
    outcomes[CANCELLING] = told(cancelled)
    if not cancelled.ok:
        return outcomes
    try:
        outcomes[CANCELLING] = f"{cancelled.status} {context.task_ended(task).get('State')}"
    except HarnessError as error:
        return {**outcomes, CANCELLING: f"{cancelled.status}, and then {error.what}"}
    # Not a success: that would change what counts as deployed.
    corrected = context.client.send(
        "POST", f"/api/tasks/{task}/state", json={"State": "Failed", "Reason": "Tidegate rehearsal"}
    )
    outcomes[CORRECTING] = f"{corrected.status} {_state(context, task)}" if corrected.ok else told(corrected)
    return outcomes


def check_cancelling(context: LiveContext, rehearsed: Sequence[Rehearsed], before: Mapping[str, str]) -> LiveResult:
    """The same after the upgrade; ``before`` is what :func:`cancelling_outcomes` said then."""

    def body(notes: Notes) -> None:
        if not before:
            notes.uncovered.append("cancelling: no project could be deployed before the upgrade")
            return
        now = cancelling_outcomes(context, rehearsed)
        for step, was in before.items():
            if was != now.get(step):
                notes.find(
                    step, "a deployment that was planned cannot be called off, or corrected, as before",
                    before=was, after=now.get(step, "not reached"),
                )  # fmt: skip
            else:
                notes.covered.append(f"{step}: {was}")

    return run_check("DEPLOY", context, body)


def _state(context: LiveContext, task: str) -> str:
    return str(cast("dict[str, Any]", context.client.get(f"/api/tasks/{task}")).get("State"))
