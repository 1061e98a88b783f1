"""Rehearsing the rollback."""

from __future__ import annotations

from pytest_bdd import then, when

from fixtures.rolled_back import RehearsedRollback
from tidegate.gate.judging import Judge
from tidegate.rehearsal.instances import MainInstance


@when("the upgraded test instance is rolled back")
def _(rolled_back: RehearsedRollback) -> None:
    assert rolled_back.result.url


@then("it is the main instance's version again")
def _(rolled_back: RehearsedRollback, main: MainInstance) -> None:
    assert rolled_back.result.version == main.version


@then("its database and its server folders are what they were before the upgrade")
def _(rolled_back: RehearsedRollback, judge: Judge) -> None:
    judge.require_none(rolled_back.state)


@then("it shows what it showed before the upgrade")
def _(rolled_back: RehearsedRollback, judge: Judge) -> None:
    judge.require_none(rolled_back.shown)


@then("that took no longer than the organisation allows")
def _(rolled_back: RehearsedRollback, judge: Judge) -> None:
    judge.require_none(rolled_back.time)
