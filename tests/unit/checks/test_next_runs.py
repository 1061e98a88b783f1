"""When triggers run next: no release shows it, so a snapshot holds everything that decides it.

Schedules: Octopus docs, projects/project-triggers/scheduled-project-trigger; properties as Octopus.Client names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.snapshots import item, written
from tidegate.checks.comparison import compare
from tidegate.checks.finding import Finding

DAILY = {
    "FilterType": "OnceDailySchedule", "StartTime": "2020-01-01T09:00:00.000Z", "Timezone": "W. Europe Standard Time",
    "DaysOfWeek": ["Monday", "Friday"],
}  # fmt: skip
CONTINUOUS = {
    "FilterType": "ContinuousDailySchedule", "Interval": "OnceHourly", "HourInterval": 2, "MinuteInterval": None,
    "RunAfter": "2020-01-01T06:00:00.000Z", "RunUntil": "2020-01-01T18:00:00.000Z", "Timezone": "UTC",
}  # fmt: skip
MONTHLY = {
    "FilterType": "DaysPerMonthSchedule", "MonthlyScheduleType": "DateOfMonth", "DateOfMonth": "1",
    "StartTime": "2020-01-01T03:00:00.000Z", "Timezone": "UTC",
}  # fmt: skip
CRON = {"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 6 * * Mon-Fri", "Timezone": "UTC"}


def compared(
    folder: Path, before: Mapping[str, Any], after: Mapping[str, Any], disabled: bool = False
) -> list[Finding]:
    def look(name: str, version: str, schedule: Mapping[str, Any], off: bool) -> Any:
        trigger = {"Id": "ProjectTriggers-1", "Name": "Nightly", "IsDisabled": off, "Filter": dict(schedule)}
        return written(folder / name, version, seen=[item("projecttriggers/ProjectTriggers-1", trigger)])

    first, second = (look(name, "2020.6.4671", before, False) for name in "12")
    return compare(first, second, look("3", "2021.1.7500", after, disabled))


@pytest.mark.parametrize("schedule", [DAILY, CONTINUOUS, MONTHLY, CRON], ids=lambda one: one["FilterType"])
def test_a_schedule_that_stays_is_silent(tmp_path: Path, schedule: dict[str, Any]) -> None:
    assert compared(tmp_path, schedule, schedule) == []


@pytest.mark.parametrize(
    ("schedule", "name", "value"),
    [
        (DAILY, "StartTime", "2020-01-01T10:00:00.000Z"),
        (DAILY, "StartTime", "2020-01-01T09:00:00.000"),
        (DAILY, "Timezone", "UTC"),
        (DAILY, "DaysOfWeek", ["Monday"]),
        (CONTINUOUS, "Interval", "OnceEveryMinute"),
        (CONTINUOUS, "HourInterval", 3),
        (CONTINUOUS, "RunAfter", "2020-01-01T20:00:00.000Z"),
        (CONTINUOUS, "RunUntil", None),
        (MONTHLY, "DateOfMonth", "L"),
        (MONTHLY, "MonthlyScheduleType", "DayOfMonth"),
        (CRON, "CronExpression", "0 0 20 * * Mon-Fri"),
        (CRON, "FilterType", "OnceDailySchedule"),
    ],
)
def test_a_next_run_at_another_time_is_found(tmp_path: Path, schedule: dict[str, Any], name: str, value: Any) -> None:
    [finding] = compared(tmp_path, schedule, {**schedule, name: value})

    assert finding.place.startswith(f"projecttriggers/ProjectTriggers-1: Filter.{name}")


def test_a_trigger_that_runs_no_more_is_found(tmp_path: Path) -> None:
    [finding] = compared(tmp_path, DAILY, DAILY, disabled=True)

    assert finding.place == "projecttriggers/ProjectTriggers-1: IsDisabled"
