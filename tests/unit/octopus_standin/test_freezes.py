"""When a deployment freeze is in force, and for what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from standins.octopus.behaviour import freezes


def freeze(recurrence: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A Monday in June 2024, from nine to five."""
    return {
        "Id": "DeploymentFreezes-1",
        "Name": "Summer",
        "Start": "2024-06-03T09:00:00.000+00:00",
        "End": "2024-06-03T17:00:00.000+00:00",
        "RecurringSchedule": recurrence,
        **more,
    }


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2024-06-03T08:59", freezes.SCHEDULED),
        ("2024-06-03T09:00", freezes.ACTIVE),
        ("2024-06-03T16:59", freezes.ACTIVE),
        ("2024-06-03T17:00", freezes.EXPIRED),
    ],
)
def test_one_time_has_a_beginning_and_an_end(now: str, expected: str) -> None:
    assert freezes.status(freeze(), at(now)) == expected


@pytest.mark.parametrize(
    ("recurrence", "now", "expected"),
    [
        ({"Type": "Daily", "Unit": 2}, "2024-06-04T12:00", freezes.SCHEDULED),
        ({"Type": "Daily", "Unit": 2}, "2024-06-05T12:00", freezes.ACTIVE),
        ({"Type": "Weekly", "Unit": 1, "DaysOfWeek": ["Monday", "Friday"]}, "2024-06-07T12:00", freezes.ACTIVE),
        ({"Type": "Weekly", "Unit": 1, "DaysOfWeek": ["Monday", "Friday"]}, "2024-06-06T12:00", freezes.SCHEDULED),
        ({"Type": "Weekly", "Unit": 2, "DaysOfWeek": ["Monday"]}, "2024-06-10T12:00", freezes.SCHEDULED),
        ({"Type": "Weekly", "Unit": 2, "DaysOfWeek": ["Monday"]}, "2024-06-17T12:00", freezes.ACTIVE),
        (
            {"Type": "Monthly", "Unit": 1, "MonthlyScheduleType": "DateOfMonth", "DateOfMonth": "L"},
            *("2024-07-31T10:00", freezes.ACTIVE),
        ),
        (
            {"Type": "Monthly", "MonthlyScheduleType": "DayOfMonth", "DayNumberOfMonth": "1", "DayOfWeek": "Thursday"},
            *("2024-07-04T10:00", freezes.ACTIVE),
        ),
        ({"Type": "Annually", "Unit": 1}, "2025-06-03T09:30", freezes.ACTIVE),
        ({"Type": "Annually", "Unit": 2}, "2025-06-03T09:30", freezes.SCHEDULED),
        ({"Type": "Daily", "EndType": "AfterOccurrences", "EndAfterOccurrences": 2}, "2024-06-04T12:00", "Active"),
        ({"Type": "Daily", "EndType": "AfterOccurrences", "EndAfterOccurrences": 2}, "2024-06-05T12:00", "Expired"),
        ({"Type": "Daily", "EndType": "OnDate", "EndOnDate": "2024-06-05T00:00:00Z"}, "2024-06-04T12:00", "Active"),
        ({"Type": "Daily", "EndType": "OnDate", "EndOnDate": "2024-06-05T00:00:00Z"}, "2024-06-05T12:00", "Expired"),
    ],
)
def test_a_schedule_brings_it_back(recurrence: dict[str, Any], now: str, expected: str) -> None:
    assert freezes.status(freeze(recurrence), at(now)) == expected


def test_the_days_of_a_schedule_are_those_of_the_clock_of_who_made_it() -> None:
    """Two in the morning in Sydney is the day before in UTC."""
    recurrence = {"Type": "Weekly", "DaysOfWeek": ["Wednesday"], "UserUtcOffsetInMinutes": 600}
    early = freeze(recurrence, Start="2024-06-04T16:00:00Z", End="2024-06-04T17:00:00Z")

    assert freezes.status(early, at("2024-06-11T16:30")) == freezes.ACTIVE


def test_what_it_covers() -> None:
    scoped = freeze(
        ProjectEnvironmentScope={"Projects-1": ["Environments-2"]},
        TenantProjectEnvironmentScope=[
            {"TenantId": "Tenants-1", "ProjectId": "Projects-2", "EnvironmentId": "Environments-2"}
        ],
    )

    def covered(project: str, environment: str, tenant: str | None = None) -> bool:
        target = {"ProjectId": project, "EnvironmentId": environment, "TenantId": tenant}
        return freezes.covers(scoped, target)

    assert covered("Projects-1", "Environments-2")
    assert covered("Projects-1", "Environments-2", "Tenants-9")
    assert not covered("Projects-1", "Environments-1")
    assert not covered("Projects-2", "Environments-2")
    assert covered("Projects-2", "Environments-2", "Tenants-1")
    assert not covered("Projects-2", "Environments-2", "Tenants-2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Name": " "}, "display name"),
        ({"Name": "x" * 201}, "200 characters"),
        ({"Start": None}, "start time"),
        ({"End": "soon"}, "end time"),
        ({"End": "2024-06-03T09:00:00Z"}, "after its start"),
        ({"RecurringSchedule": {"Type": "Hourly"}}, "Hourly"),
        ({"RecurringSchedule": {"Type": "Weekly"}}, "day of the week"),
        ({"RecurringSchedule": {"Type": "Monthly"}}, "date of the month"),
        ({"RecurringSchedule": {"Type": "Daily", "EndType": "OnDate"}}, "date on which"),
        ({"RecurringSchedule": {"Type": "Daily", "EndType": "AfterOccurrences"}}, "occurrences"),
        ({"RecurringSchedule": {"Type": "Daily", "EndType": "Someday"}}, "Someday"),
    ],
)
def test_what_keeps_one_from_being_saved(change: dict[str, Any], said: str) -> None:
    assert freezes.problems(freeze()) == []

    assert any(said in problem for problem in freezes.problems(freeze() | change))
