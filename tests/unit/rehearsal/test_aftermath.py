"""What state an upgrade that broke off leaves, and the way back that fits it."""

from __future__ import annotations

import pytest

from tidegate.rehearsal.aftermath import Condition, judge_aftermath
from tidegate.rehearsal.rollback import Way
from tidegate.versions import Version

TARGET = Version(2021, 1, 7500)
BEFORE = ["Script0001", "Script0002"]
OLD: list[str | None] = ["2020.6.4671"]
NEW: list[str | None] = ["2020.6.4671", "2021.1.7500"]


@pytest.mark.parametrize(
    ("after", "versions", "differences", "condition", "way"),
    [
        (BEFORE, OLD, (), Condition.AS_BEFORE, Way.SHORT),
        # An always-run script works outside the transaction: the journal is the same, the database is not.
        (BEFORE, OLD, ("schema of database compatibility level: changed",), Condition.CHANGED, Way.RESTORE),
        ([*BEFORE, "Script0003"], OLD, ("rows of dbo.SchemaVersions",), Condition.HALF_UPGRADED, Way.RESTORE),
        ([*BEFORE, "Script0003"], [], ("rows of dbo.SchemaVersions",), Condition.HALF_UPGRADED, Way.RESTORE),
        ([*BEFORE, "Script0003"], NEW, ("rows of dbo.SchemaVersions",), Condition.UPGRADED, Way.RESTORE),
        # Entries vanished: nobody knows what that is, so it is restored.
        (["Script0002"], OLD, ("rows of dbo.SchemaVersions",), Condition.HALF_UPGRADED, Way.RESTORE),
        ([], OLD, ("rows of dbo.SchemaVersions",), Condition.CHANGED, Way.RESTORE),
    ],
)
def test_the_way_back_fits_the_state(
    after: list[str], versions: list[str | None], differences: tuple[str, ...], condition: Condition, way: Way
) -> None:
    found = judge_aftermath(BEFORE, after, versions, differences, TARGET)

    assert (found.condition, found.way) == (condition, way)
    assert found.sentence()


def test_what_ran_is_named() -> None:
    found = judge_aftermath(BEFORE, [*BEFORE, "Script0003"], OLD, ("x",), TARGET)

    assert found.scripts == ("Script0003",)
    assert "start neither version" in found.sentence()
