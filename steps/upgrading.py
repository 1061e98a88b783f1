"""Upgrading the test instance."""

from __future__ import annotations

from pytest_bdd import then, when

from fixtures.comparison import Comparison
from fixtures.live_checks import LiveChecks
from tidegate.gate.judging import Judge
from tidegate.octopus.client import OctopusClient
from tidegate.rehearsal.instances import MainInstance, UpgradedInstance
from tidegate.settings import Settings


@when("the test instance is upgraded to the target version")
def _(upgraded: UpgradedInstance, settings: Settings) -> None:
    assert upgraded.instance.version == settings.upgrade.target


@then("its server is healthy and calls itself the target version")
def _(live_checks: LiveChecks, comparison: Comparison, judge: Judge) -> None:
    judge.require_none([*live_checks.findings("health"), *comparison.of("START")])


@then("the upgrade recorded every step it took, and none of the earlier ones is lost")
def _(upgraded: UpgradedInstance, comparison: Comparison, judge: Judge) -> None:
    assert len(set(upgraded.scripts)) == len(upgraded.scripts), "a schema script was recorded twice"
    judge.require_none(comparison.of("JOURNAL"))


@then("no background work fails or hangs")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("background"))


@then("the main instance is still the one it was, at its old version")
def _(main: MainInstance, main_client: OctopusClient) -> None:
    server = main_client.server()
    assert (server.installation_id, server.version) == (main.identity.installation_id, main.version)
