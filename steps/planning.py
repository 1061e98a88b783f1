"""Planning the path."""

from __future__ import annotations

from itertools import pairwise

from pytest_bdd import given, then, when

from tidegate.octopus.downloads import DownloadFeed
from tidegate.rehearsal.instances import MainInstance
from tidegate.settings import Settings
from tidegate.sqlserver.inspect import SqlServerFacts, judge_sql_server
from tidegate.versions import Plan, release_knowledge


@given("the main instance")
def _(main: MainInstance) -> None:
    assert main.identity.installation_id, f"{main.url} does not tell its installation id"


@when("the path to the target version is planned")
def _(upgrade_plan: Plan) -> None:
    assert upgrade_plan.hops


@then("every hop leads to a later version than the one before")
def _(upgrade_plan: Plan) -> None:
    assert all(hop.origin < hop.target for hop in upgrade_plan.hops)
    assert all(one.target == next_one.origin for one, next_one in pairwise(upgrade_plan.hops))


@then("the path begins at the main instance's version and ends at the target")
def _(upgrade_plan: Plan, main: MainInstance, settings: Settings) -> None:
    assert (upgrade_plan.origin, upgrade_plan.target) == (main.version, settings.upgrade.target)


@then("the download feed offers every version of the path")
def _(upgrade_plan: Plan, feed: DownloadFeed) -> None:
    missing = {hop.target for hop in upgrade_plan.hops} - set(feed.versions())
    assert not missing, f"{feed.url} does not offer {', '.join(map(str, missing))}"


@then("every known risk of the path says when it applies, why, and who says so")
def _(upgrade_plan: Plan) -> None:
    assert all(risk.when and risk.why and risk.source for risk in upgrade_plan.risks)


@then("its SQL Server is new enough for every version of the path")
def _(upgrade_plan: Plan, main_sql_server: SqlServerFacts) -> None:
    floors = [(release_knowledge().floor(hop.target), hop.target) for hop in upgrade_plan.hops]
    too_old = [one for floor, target in floors for one in judge_sql_server(main_sql_server, floor, target)]
    assert not too_old, too_old[0].sentence()
