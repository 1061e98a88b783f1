"""When a scheduled trigger runs next. Pure.

Filters by version: ``DailySchedule`` and ``DaysPerWeekSchedule`` until 2019.11, ``OnceDailySchedule`` and
``ContinuousDailySchedule`` since; ``DaysPerMonthSchedule`` and ``CronExpressionSchedule`` always (OctopusClients,
pull request 474). Times of day are those of the filter's time zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from standins.octopus.behaviour.cron import CronExpression
from standins.octopus.behaviour.documents import text_of, texts
from standins.octopus.behaviour.moments import moment

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: Windows names of time zones that clients send most; others must be IANA names.
_WINDOWS_ZONES = {
    "UTC": "UTC",
    "Coordinated Universal Time": "UTC",
    "GMT Standard Time": "Europe/London",
    "W. Europe Standard Time": "Europe/Berlin",
    "Romance Standard Time": "Europe/Paris",
    "Central Europe Standard Time": "Europe/Budapest",
    "Eastern Standard Time": "America/New_York",
    "Central Standard Time": "America/Chicago",
    "Mountain Standard Time": "America/Denver",
    "Pacific Standard Time": "America/Los_Angeles",
    "E. Australia Standard Time": "Australia/Brisbane",
    "AUS Eastern Standard Time": "Australia/Sydney",
    "New Zealand Standard Time": "Pacific/Auckland",
}

#: The longest that two days of one schedule are apart: a 29th of February, with a leap year left out by the century.
HORIZON_DAYS: Final = 366 * 8


class UnknownSchedule(ValueError):
    """The filter is of no kind a server of this family knows."""


def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(_WINDOWS_ZONES.get(name, name or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        raise UnknownSchedule(f"The time zone '{name}' is not known.") from None


def next_run(schedule: Mapping[str, Any], after: datetime) -> datetime | None:
    """The first time strictly after ``after``, or None for a schedule that never comes."""
    zone = zone_of(text_of(schedule.get("Timezone")))
    local = after.astimezone(zone)
    if schedule.get("FilterType") == "CronExpressionSchedule":
        found = CronExpression.parse(text_of(schedule.get("CronExpression"))).after(local.replace(tzinfo=None))
        return _in_zone(found, zone) if found else None
    for offset in range(HORIZON_DAYS):
        day = (local + timedelta(days=offset)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        if not _on_day(schedule, day):
            continue
        for at in _times(schedule):
            candidate = _in_zone(datetime.combine(day.date(), at), zone)
            if candidate > after:
                return candidate
        if offset > 400 and schedule.get("FilterType") != "DaysPerMonthSchedule":
            return None
    return None


def _in_zone(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def _on_day(schedule: Mapping[str, Any], day: datetime) -> bool:
    kind = schedule.get("FilterType")
    name = DAYS[day.weekday()]
    if kind == "DailySchedule":
        return True
    if kind == "DaysPerWeekSchedule":
        return bool(schedule.get(name))
    if kind in {"OnceDailySchedule", "ContinuousDailySchedule"}:
        return name in texts(schedule, "DaysOfWeek")
    if kind == "DaysPerMonthSchedule":
        return on_day_of_month(schedule, day)
    raise UnknownSchedule(f"There is no schedule of type '{kind}'.")


def on_day_of_month(schedule: Mapping[str, Any], day: datetime) -> bool:
    last = (day + timedelta(days=1)).month != day.month
    if schedule.get("MonthlyScheduleType") == "DayOfMonth":
        if DAYS[day.weekday()] != schedule.get("DayOfWeek"):
            return False
        number = text_of(schedule.get("DayNumberOfMonth"))
        return (day + timedelta(days=7)).month != day.month if number == "L" else number == str((day.day - 1) // 7 + 1)
    date = text_of(schedule.get("DateOfMonth"))
    return last if date == "L" else date == str(day.day)


def _times(schedule: Mapping[str, Any]) -> Iterator[time]:
    """The times of one day, in order. Interval kinds run from RunAfter up to RunUntil."""
    interval = text_of(schedule.get("Interval"))
    continuous = schedule.get("FilterType") == "ContinuousDailySchedule" or interval in {
        "OnceHourly",
        "OnceEveryMinute",
    }
    if not continuous:
        start = moment(schedule.get("StartTime"))
        yield start.time().replace(microsecond=0) if start else time(0)
        return
    step = int(schedule.get("HourInterval") or 0) * 60 + int(schedule.get("MinuteInterval") or 0)
    step = step or (60 if interval == "OnceHourly" else 1)
    first, until = moment(schedule.get("RunAfter")), moment(schedule.get("RunUntil"))
    minute = first.hour * 60 + first.minute if first else 0
    last = until.hour * 60 + until.minute if until and (until.hour or until.minute) else 24 * 60 - 1
    while minute <= last:
        yield time(minute // 60, minute % 60)
        minute += step
