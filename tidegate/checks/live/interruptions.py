"""DEPLOY: what waited for a person before the upgrade can be answered after it (OctopusDeploy/Issues#2691)."""

from __future__ import annotations

from tidegate.checks.live.context import ENDED, LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.deployments import Rehearsals

STUCK = "deployments that wait for somebody over the upgrade can never go on"


def check_waiting(context: LiveContext, baseline: Rehearsals) -> LiveResult:
    """Take responsibility for the interruption left waiting by the baseline, submit it, and see the deployment end."""

    def body(notes: Notes) -> None:
        if not baseline.waiting_task:
            notes.uncovered.append("no deployment was left waiting before the upgrade")
            return
        place = f"tasks/{baseline.waiting_task}"
        task = context.client.get(f"/api/tasks/{baseline.waiting_task}")
        if task.get("State") in ENDED:
            notes.find(place, STUCK, before="waits for a person", after=f"{task['State']} {task.get('ErrorMessage')}")
            return
        if not context.pending(baseline.waiting_task):
            notes.find(place, STUCK, before="waits for a person", after="nothing to answer")
            return
        ended = context.task_ended(baseline.waiting_task)
        if ended.get("State") != "Success":
            notes.find(
                place, STUCK, before="Success once answered", after=f"{ended['State']} {ended.get('ErrorMessage')}"
            )
        notes.covered.append(f"{place} was answered and ended {ended.get('State')}")

    return run_check("DEPLOY", context, body)
