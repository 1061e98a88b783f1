"""2019.11: daily and weekly schedules were renamed, and a promoting action names several environments.

DailySchedule and DaysPerWeekSchedule became OnceDailySchedule or ContinuousDailySchedule with DaysOfWeek
(OctopusClients pull request 474).
"""

from __future__ import annotations

from typing import Any, Final

from standins.octopus.schema.context import ScriptContext

_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def run(context: ScriptContext) -> None:
    context.database.rewrite("ProjectTrigger", _rename)


def _rename(trigger: dict[str, Any]) -> bool:
    changed = False
    action: dict[str, Any] = trigger.get("Action") or {}
    if "SourceEnvironmentId" in action:
        source = action.pop("SourceEnvironmentId")
        action["SourceEnvironmentIds"] = [source] if source else []
        changed = True
    schedule: dict[str, Any] = trigger.get("Filter") or {}
    if schedule.get("FilterType") in ("DailySchedule", "DaysPerWeekSchedule"):
        trigger["Filter"] = renamed(schedule)
        changed = True
    return changed


def renamed(schedule: dict[str, Any]) -> dict[str, Any]:
    """The new filter runs at the same times: every day becomes all seven days of the week."""
    weekly = schedule["FilterType"] == "DaysPerWeekSchedule"
    days = [day for day in _DAYS if not weekly or schedule.get(day)]
    rest = {key: value for key, value in schedule.items() if key not in (*_DAYS, "FilterType", "Interval")}
    if schedule.get("Interval", "OnceDaily") == "OnceDaily":
        for name in ("RunAfter", "RunUntil", "HourInterval", "MinuteInterval"):
            rest.pop(name, None)
        return {"FilterType": "OnceDailySchedule", **rest, "DaysOfWeek": days}
    rest.pop("StartTime", None)
    return {"FilterType": "ContinuousDailySchedule", "Interval": schedule["Interval"], **rest, "DaysOfWeek": days}
