"""DEPLOY and PERM: each kind of user may deploy what it could deploy, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.runs import Rehearsed
from tidegate.observation.observers import Observer
from tidegate.side_by_side import side_by_side


def check_deploying_as_users(
    context: LiveContext, rehearsed: Sequence[Rehearsed], before: Mapping[str, str]
) -> LiveResult:
    """Deploy as each kind of user: who could must still be able to, and who could not must not be.

    What works for administrators has failed for others (OctopusDeploy/Issues#5275, #8726).
    """

    def body(notes: Notes) -> None:
        for step, now in outcomes_as_users(context, rehearsed).items():
            was = before.get(step, now)
            if was != now:
                check = "PERM" if "403" in (was[:3], now[:3]) else "DEPLOY"
                notes.find(step, "what people of this kind may deploy has changed", before=was, after=now, check=check)
            notes.covered.append(f"{step}: {now}")

    return run_check("DEPLOY", context, body)


def outcomes_as_users(context: LiveContext, rehearsed: Sequence[Rehearsed]) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    for told in side_by_side(partial(_as_user, context, rehearsed), context.observers):
        outcomes |= told
    return outcomes


def _as_user(context: LiveContext, rehearsed: Sequence[Rehearsed], observer: Observer) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    with context.as_user(observer) as client:
        for one in rehearsed:
            # What the portal asks for before it lets anybody deploy (OctopusDeploy/Issues#8726).
            tenant = f"/{one.tenant_id}" if one.tenant_id else ""
            for page in ("progression", "deployments/template", f"deployments/preview/{one.environment_id}{tenant}"):
                asked = client.send("GET", context.path(f"releases/{one.release_id}/{page}"))
                outcomes[f"asking for {page} of {one.name} as {observer.name}"] = str(asked.status)
            answer = client.send("POST", context.path("deployments"), json=one.order(one.release_id))
            outcome = str(answer.status)
            if answer.ok:
                task = context.task_ended(str(cast("dict[str, Any]", answer.json)["TaskId"]))
                outcome = f"{answer.status} {task.get('State')}"
            outcomes[f"deploying {one.name} as {observer.name}"] = outcome
    return outcomes
