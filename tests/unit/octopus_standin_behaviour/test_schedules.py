"""When triggers run next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standins.octopus.behaviour.cron import CronExpression, InvalidCron
from standins.octopus.behaviour.schedules import UnknownSchedule, next_run

START = "2024-01-01T03:30:00.000+00:00"
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
SCHEDULES: list[dict[str, Any]] = [
    {"FilterType": "DailySchedule", "Interval": "OnceDaily", "StartTime": START, "Timezone": "UTC"},
    {
        "FilterType": "DailySchedule",
        "Interval": "OnceHourly",
        "RunAfter": START,
        "RunUntil": "2024-01-01T21:00:00+00:00",
    },
    {"FilterType": "DaysPerWeekSchedule", "Interval": "OnceDaily", "StartTime": START, "Monday": True, "Friday": True},
    {
        "FilterType": "OnceDailySchedule",
        "StartTime": START,
        "DaysOfWeek": ["Sunday"],
        "Timezone": "Pacific Standard Time",
    },
    {
        "FilterType": "ContinuousDailySchedule",
        "Interval": "OnceHourly",
        "MinuteInterval": 45,
        "DaysOfWeek": ["Tuesday"],
    },
    {
        "FilterType": "DaysPerMonthSchedule",
        "MonthlyScheduleType": "DateOfMonth",
        "DateOfMonth": "31",
        "StartTime": START,
    },
    {
        "FilterType": "DaysPerMonthSchedule",
        "MonthlyScheduleType": "DateOfMonth",
        "DateOfMonth": "L",
        "StartTime": START,
    },
    {
        "FilterType": "DaysPerMonthSchedule",
        "MonthlyScheduleType": "DayOfMonth",
        "DayNumberOfMonth": "2",
        "DayOfWeek": "Tuesday",
        "StartTime": START,
    },
    {"FilterType": "CronExpressionSchedule", "CronExpression": "0 15 */6 * * MON-FRI", "Timezone": "UTC"},
]


@pytest.mark.parametrize("schedule", SCHEDULES)
@settings(deadline=None)
@given(moments)
def test_the_next_run_is_later_and_stable(schedule: dict[str, Any], after: datetime) -> None:
    found = next_run(schedule, after)

    assert found is not None
    assert found > after
    assert next_run(schedule, found - timedelta(seconds=1)) == found


@settings(deadline=None)
@given(moments)
def test_once_daily_is_at_its_time_within_a_day(after: datetime) -> None:
    found = next_run(SCHEDULES[0], after)

    assert found is not None
    assert (found.hour, found.minute) == (3, 30)
    assert found - after <= timedelta(days=1)


@settings(deadline=None)
@given(moments)
def test_a_weekday_schedule_runs_on_its_days_in_its_zone(after: datetime) -> None:
    found = next_run(SCHEDULES[3], after)

    assert found is not None
    local = found.astimezone(ZoneInfo("America/Los_Angeles"))
    assert local.strftime("%A") == "Sunday"


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        (SCHEDULES[1], "2024-05-01T21:00:00+00:00", "2024-05-02T03:30:00+00:00"),
        (SCHEDULES[2], "2024-05-01T00:00:00+00:00", "2024-05-03T03:30:00+00:00"),
        (SCHEDULES[5], "2024-02-01T00:00:00+00:00", "2024-03-31T03:30:00+00:00"),
        (SCHEDULES[6], "2024-02-01T00:00:00+00:00", "2024-02-29T03:30:00+00:00"),
        (SCHEDULES[7], "2024-05-01T00:00:00+00:00", "2024-05-14T03:30:00+00:00"),
        (SCHEDULES[8], "2024-05-03T18:15:00+00:00", "2024-05-06T00:15:00+00:00"),
    ],
)
def test_known_answers(schedule: dict[str, Any], after: str, expected: str) -> None:
    assert next_run(schedule, datetime.fromisoformat(after)) == datetime.fromisoformat(expected)


def test_what_is_not_known_is_said() -> None:
    with pytest.raises(UnknownSchedule, match="FullMoon"):
        next_run({"FilterType": "FullMoon"}, datetime.now(UTC))
    with pytest.raises(UnknownSchedule, match="Atlantis"):
        next_run({**SCHEDULES[0], "Timezone": "Atlantis"}, datetime.now(UTC))
    assert next_run({"FilterType": "OnceDailySchedule", "DaysOfWeek": []}, datetime.now(UTC)) is None


@pytest.mark.parametrize("text", ["", "* * *", "61 * * * * *", "* * * * * FUNDAY", "*/0 * * * * *", "5-1 * * * * *"])
def test_broken_cron_expressions_are_refused(text: str) -> None:
    with pytest.raises(InvalidCron):
        CronExpression.parse(text)


def test_either_day_field_may_match_when_both_are_given() -> None:
    either = CronExpression.parse("0 0 0 13 * FRI")

    assert either.after(datetime(2024, 6, 1)) == datetime(2024, 6, 7)
    assert either.after(datetime(2024, 6, 7)) == datetime(2024, 6, 13)
