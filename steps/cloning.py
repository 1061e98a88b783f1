"""Cloning the test instance."""

from __future__ import annotations

from pytest_bdd import then, when

from fixtures.comparison import Comparison
from tidegate.checks.finding import Finding
from tidegate.gate.judging import Judge
from tidegate.octopus.client import OctopusClient
from tidegate.rehearsal.clone import BY_ITSELF
from tidegate.rehearsal.guard import assert_not_main
from tidegate.rehearsal.instances import MainInstance, TestInstance
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.sanitise import prove_sanitised


@when("the test instance is made from the main instance")
def _(test_instance: TestInstance) -> None:
    assert test_instance.url


@then("it has another installation id, database and address than the main instance")
def _(test_instance: TestInstance, main: MainInstance) -> None:
    assert_not_main(main.identity, test_instance.identity)


@then("its triggers, subscriptions, targets and workers are disabled, also now that its server runs")
def _(test_instance: TestInstance) -> None:
    with SqlServer(test_instance.database.server, test_instance.database.name) as server:
        assert prove_sanitised(server, besides=BY_ITSELF)


@then("it runs the main instance's version")
def _(test_instance: TestInstance, main: MainInstance) -> None:
    with OctopusClient(test_instance.url, test_instance.api_key) as client:
        assert client.server().version == main.version


@then("everything that was taken over shows as on the main instance, except what was disabled on purpose")
def _(clone_comparison: Comparison, judge: Judge) -> None:
    judge.require_none(clone_comparison.findings)


@then("its database holds nothing that is known to break an upgrade to the target version")
def _(pre_checks: list[Finding], judge: Judge) -> None:
    judge.require_none(pre_checks)
