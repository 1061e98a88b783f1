"""Upgrades that fail, and the way back."""

from __future__ import annotations

import pytest
from pytest_bdd import given, parsers, then, when

from fixtures.faults.catalogue import FAULTS
from fixtures.faults.lab import Attempt, FaultLab
from tidegate.errors import HarnessError, Unreachable, UpgradeFailed
from tidegate.rehearsal.aftermath import Aftermath


@given("a test instance at the old version, with everything it holds")
def _(fault_lab: FaultLab) -> None:
    fault_lab.make_ready()
    assert fault_lab.answers()


@when(parsers.parse("it is upgraded, and {mishap}"), target_fixture="attempt")
def _(fault_lab: FaultLab, mishap: str) -> Attempt:
    return fault_lab.attempt_with(FAULTS[mishap])


@then(parsers.parse("that speaks against the new version, in these words: {words}"))
def _(attempt: Attempt, words: str) -> None:
    assert isinstance(attempt.error, UpgradeFailed), attempt.error
    assert words in str(attempt.error)
    assert attempt.finding is not None


@then(parsers.parse("that says nothing about the new version, in these words: {words}"))
def _(attempt: Attempt, words: str) -> None:
    assert isinstance(attempt.error, HarnessError), attempt.error
    assert words in str(attempt.error)


@then(parsers.parse("its database is found {condition}"))
def _(fault_lab: FaultLab, condition: str) -> None:
    assert str(fault_lab.found.condition) == condition, fault_lab.found.sentence()


@then("it is not led anywhere before SQL Server is back")
def _(fault_lab: FaultLab) -> None:
    with pytest.raises(Unreachable, match="bring SQL Server back"):
        fault_lab.come_back()


@when("SQL Server is back", target_fixture="aftermath")
def _(fault_lab: FaultLab) -> Aftermath:
    fault_lab.sql_server.restart()
    return fault_lab.look_again()


@then(parsers.parse("it is led back by {way}"))
def _(fault_lab: FaultLab, way: str) -> None:
    back = fault_lab.come_back()
    assert back is not None
    assert (str(back.way), back.differences) == (way, ())


@then("the old version never stopped")
def _(fault_lab: FaultLab, attempt: Attempt) -> None:
    assert attempt.found is None
    assert attempt.still_running
    assert not fault_lab.in_maintenance_mode()


@then("nothing was changed")
def _(fault_lab: FaultLab, attempt: Attempt) -> None:
    assert attempt.found is None
    fault_lab.come_back()


@then("the old version works again, and nothing is lost")
def _(fault_lab: FaultLab, attempt: Attempt) -> None:
    assert fault_lab.verify(attempt.tasks) == []
    assert not fault_lab.in_maintenance_mode()
    assert fault_lab.differences_to(attempt.before) == []
