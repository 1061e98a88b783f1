"""TRIG: nothing fires by itself, and a trigger that is enabled again fires only when it is due."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.errors import HarnessError
from tidegate.waiting import wait_until

#: A schedule that is never due while a rehearsal runs.
FAR_AWAY: Final = {"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 3 1 1 *", "Timezone": "UTC"}
LATER: Final = {**FAR_AWAY, "CronExpression": "0 30 3 1 1 *"}


def check_triggers(context: LiveContext, deployments_before: Collection[str], *, watch: float = 1.5) -> LiveResult:
    """Enable one trigger that is not due for months, watch, edit its schedule, watch, and disable it.

    ``deployments_before`` are the ids of every deployment there was before the upgrade or that the harness made since.

    Versions have fired triggers when they were enabled again (OctopusDeploy/Issues#9813), created or edited (#7981).
    """

    def body(notes: Notes) -> None:
        surprise = _new_deployments(context, set(deployments_before))
        if surprise:
            notes.find(
                "deployments", "triggers fired by themselves after the upgrade", before="none", after=surprise,
            )  # fmt: skip
        chosen = next(_harmless(context), None)
        if chosen is None:
            notes.uncovered.append("enabling a trigger: there is no scheduled trigger that deploys")
            return
        _enable_and_watch(context, notes, chosen, watch)

    return run_check("TRIG", context, body)


def _harmless(context: LiveContext) -> Iterator[dict[str, Any]]:
    for trigger in context.client.items(context.path("projecttriggers")):
        filter_ = cast("dict[str, Any]", trigger.get("Filter") or {})
        if trigger.get("IsDisabled") and "Schedule" in str(filter_.get("FilterType")):
            yield trigger


def _enable_and_watch(context: LiveContext, notes: Notes, trigger: dict[str, Any], watch: float) -> None:
    path = context.path(f"projecttriggers/{trigger['Id']}")
    place = f"projecttriggers/{trigger['Id']} ({trigger.get('Name')})"
    there = {str(one["Id"]) for one in _recent(context)}
    changed = {**trigger, "IsDisabled": False, "Filter": {**FAR_AWAY}}
    try:
        saved = context.client.send("PUT", path, json=changed)
        if not saved.ok:
            notes.find(place, "the trigger cannot be enabled", before="enabled", after=told(saved), check="SAVE")
            return
        fired = _watched(context, there, watch)
        context.client.put(path, {**changed, "Filter": {**LATER}})
        fired = fired or _watched(context, there, watch)
        if fired:
            notes.find(
                place, "enabling or saving a trigger deploys at once, whatever its schedule says",
                before="fires on 1 January", after=fired,
            )  # fmt: skip
        notes.covered.append(f"{place} was enabled and saved")
    finally:
        context.client.send("PUT", path, json=trigger)


def _watched(context: LiveContext, there: set[str], seconds: float) -> list[str]:
    """Deployments that appear within ``seconds``; the time has to pass for the answer "none"."""
    try:
        return wait_until(lambda: _new_deployments(context, there), timeout=seconds, what="a deployment", poll=0.25)
    except HarnessError:
        return []


def _new_deployments(context: LiveContext, there: set[str]) -> list[str]:
    return [
        f"{one['Id']}: {one.get('Name')} of {one.get('ProjectId')}"
        for one in _recent(context)
        if one["Id"] not in there
    ]


def _recent(context: LiveContext) -> list[dict[str, Any]]:
    page = cast("dict[str, Any]", context.client.get(context.path("deployments"), take=30))
    return cast("list[dict[str, Any]]", page["Items"])
