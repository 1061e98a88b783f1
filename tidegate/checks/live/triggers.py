"""TRIG: nothing fires by itself, and a trigger that is enabled again fires only when it is due."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any, Final, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.errors import TimedOut
from tidegate.waiting import wait_until

#: A schedule that is never due while a rehearsal runs.
FAR_AWAY: Final = {"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 3 1 1 *", "Timezone": "UTC"}
LATER: Final = {**FAR_AWAY, "CronExpression": "0 30 3 1 1 *"}


def check_triggers(context: LiveContext, deployments_before: Collection[str], *, watch: float = 3.0) -> LiveResult:
    """Enable triggers that are not due for months, edit the schedule of one, watch, and disable them.

    ``deployments_before`` are the ids of every deployment there was before the upgrade or that the harness made since.

    Versions have fired triggers when they were enabled again (OctopusDeploy/Issues#9813), created or edited (#7981).
    """

    def body(notes: Notes) -> None:
        surprise = _new_deployments(context, set(deployments_before))
        if surprise:
            notes.find(
                "deployments", "triggers fired by themselves after the upgrade", before="none",
                after=_told(surprise),
            )  # fmt: skip
        chosen = list(islice(_harmless(context), 2))
        if not chosen:
            notes.uncovered.append("enabling a trigger: there is no scheduled trigger that deploys")
            return
        _enable_and_watch(context, notes, chosen, watch)

    return run_check("TRIG", context, body)


def _harmless(context: LiveContext) -> Iterator[dict[str, Any]]:
    for trigger in context.client.items(context.path("projecttriggers")):
        filter_ = cast("dict[str, Any]", trigger.get("Filter") or {})
        if trigger.get("IsDisabled") and "Schedule" in str(filter_.get("FilterType")):
            yield trigger


def _enable_and_watch(context: LiveContext, notes: Notes, triggers: list[dict[str, Any]], watch: float) -> None:
    """Enable one and edit another while both are watched; where there is only one, watch it in between, too."""
    there = {str(one["Id"]) for one in _recent(context)}
    changed = [{**trigger, "IsDisabled": False, "Filter": {**FAR_AWAY}} for trigger in triggers]
    with ExitStack() as afterwards:
        for trigger, enabled in zip(triggers, changed, strict=True):
            afterwards.callback(context.client.send, "PUT", _path(context, trigger), json=trigger)
            saved = context.client.send("PUT", _path(context, trigger), json=enabled)
            if not saved.ok:
                notes.find(
                    _place(trigger), "the trigger cannot be enabled", before="enabled", after=told(saved), check="SAVE"
                )
                return
        fired = _watched(context, there, watch) if len(triggers) == 1 else []
        context.client.put(_path(context, triggers[-1]), {**changed[-1], "Filter": {**LATER}})
        fired = fired or _watched(context, there, watch)
        if fired:
            projects = {one.get("ProjectId") for one in fired}
            guilty = next((one for one in triggers if one.get("ProjectId") in projects), triggers[0])
            notes.find(
                _place(guilty), "enabling or saving a trigger deploys at once, whatever its schedule says",
                before="fires on 1 January", after=_told(fired),
            )  # fmt: skip
        notes.covered.append(f"{_place(triggers[0])} was enabled, {_place(triggers[-1])} was enabled and saved")


def _path(context: LiveContext, trigger: dict[str, Any]) -> str:
    return context.path(f"projecttriggers/{trigger['Id']}")


def _place(trigger: dict[str, Any]) -> str:
    return f"projecttriggers/{trigger['Id']} ({trigger.get('Name')})"


def _watched(context: LiveContext, there: set[str], seconds: float) -> list[dict[str, Any]]:
    """Deployments that appear within ``seconds``; the time has to pass for the answer "none"."""
    try:
        return wait_until(lambda: _new_deployments(context, there), timeout=seconds, what="a deployment", poll=0.25)
    except TimedOut:
        return []


def _new_deployments(context: LiveContext, there: set[str]) -> list[dict[str, Any]]:
    return [one for one in _recent(context) if one["Id"] not in there]


def _told(deployments: list[dict[str, Any]]) -> list[str]:
    return [f"{one['Id']}: {one.get('Name')} of {one.get('ProjectId')}" for one in deployments]


def _recent(context: LiveContext) -> list[dict[str, Any]]:
    page = cast("dict[str, Any]", context.client.get(context.path("deployments"), take=30))
    return cast("list[dict[str, Any]]", page["Items"])
