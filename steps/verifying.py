"""Verifying what the upgrade did: comparing before and after, and trying what people and machines do."""

from __future__ import annotations

from pytest_bdd import then, when

from fixtures.comparison import Comparison
from fixtures.live_checks import LiveChecks
from fixtures.snapshots import SnapshotsBefore
from tidegate.gate.judging import Judge
from tidegate.observation.images import images
from tidegate.observation.store import Snapshot


@when("the test instance is compared before and after its upgrade")
def _(comparison: Comparison) -> None:
    assert comparison.places > 0, "the snapshots have nothing in common"


# History


@then("the files that earlier deployments left can be downloaded again, unchanged")
def _(live_checks: LiveChecks, comparison: Comparison, judge: Judge) -> None:
    judge.require_none([*live_checks.findings("downloads"), *comparison.of("ART")])


@then("what the server's scheduled tasks logged before the upgrade can still be read")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("scheduled logs"))


@then("the images of projects and tenants are the ones they were")
def _(snapshots_before: SnapshotsBefore, snapshot_after: Snapshot) -> None:
    before, after = images(snapshots_before.second), images(snapshot_after)
    assert before, "neither a project nor a tenant has an image to look at"
    assert {place: after.get(place) for place in before} == before


# People


@then("a user of each kind can log in by password and by API key")
def _(live_checks: LiveChecks, comparison: Comparison, judge: Judge) -> None:
    judge.require_none([*live_checks.findings("log in"), *comparison.of("LOGIN")])


@then("each user has the permissions that they had")
def _(comparison: Comparison, judge: Judge) -> None:
    judge.require_none(comparison.of("PERM"))


# Deployments


@then("nothing was deployed that nobody asked for")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("triggers"))


@then("a trigger that is enabled again fires only when it is due")
def _(live_checks: LiveChecks, comparison: Comparison, judge: Judge) -> None:
    judge.require_none([*live_checks.findings("triggers"), *comparison.of("TRIG")])


@then("the deployment that waited before the upgrade goes on when it is approved")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("waiting"))


@then("releases of representative projects can be created and deployed, and do what they did before")
def _(live_checks: LiveChecks, comparison: Comparison, judge: Judge) -> None:
    judge.require_none([*live_checks.findings("deployments"), *comparison.of("RELEASE", "DEPLOY")])


@then("a deployment that waits for its time can be cancelled, and its state corrected")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("cancelling"))


@then("a new release of each project freezes the process, variables and packages that one before it froze")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("releases"))


@then("rules of channels and tags of tenants choose what they chose")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("rules"))


@then("published runbooks end and say what they did, and can be published again")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("runbooks"))


@then("a user of each kind may deploy what it could deploy, and nothing else")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("deployments as each user"))


@then("the same steps, machines and values are planned for the same releases")
def _(comparison: Comparison, judge: Judge) -> None:
    judge.require_none(comparison.of("PREVIEW"))


@then("feeds find the packages and versions that they found")
def _(comparison: Comparison, judge: Judge) -> None:
    judge.require_none(comparison.of("FEED"))


# Integrations


@then("each kind of build server can push and release the way it does")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("pushing"))


@then("every configured script ends as it did before the upgrade")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("scripts"))


@then("a subscription to events is served as before the upgrade")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("subscriptions"))


# Interface


@then("every route and field that clients use is still there")
def _(comparison: Comparison, judge: Judge) -> None:
    judge.require_none(comparison.of("API"))


@then("old paths without a space show what the paths of the default space show")
def _(comparison: Comparison, judge: Judge) -> None:
    judge.require_none(comparison.without_space())


@then("every form of a space's paths leads to the same, and no space shows what belongs to another")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("spaces"))


@then("no route has become much slower")
def _(comparison: Comparison, judge: Judge) -> None:
    judge.require_none(comparison.of("PERF"))


# Data


@then("there are as many resources and rows of each kind as before")
def _(comparison: Comparison, judge: Judge) -> None:
    judge.require_none(comparison.of("COUNT"))


@then("every resource shows what it showed, to everybody who could see it")
def _(comparison: Comparison, judge: Judge) -> None:
    judge.require_none(comparison.of("DIFF"))


@then("a user of each kind can make and remove what it could make and remove")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none([*live_checks.findings("creating"), *live_checks.findings("copying")])


@then("one resource of each kind can be saved, and stays what it was")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("saving"))


@then("one resource of each kind can be saved in the shape that it had before")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("saving as before"))


@then("steps follow their templates, and tenants keep their variables")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("consequences"))


@then("each property of one resource of each kind can be changed as before")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("editing"))


@then("what was read before somebody else saved it is saved or refused as before")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("meanwhile"))


@then("nobody may write more or less than before, and refusals give a reason")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("refusals"))


@then("successes of writing have the status and the parts that clients go on with")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("answers"))


@then("everything else is what it was before anybody wrote")
def _(live_checks: LiveChecks, judge: Judge) -> None:
    judge.require_none(live_checks.findings("neighbours"))


@then("the server finds its database complete, and every view can be read")
def _(live_checks: LiveChecks, comparison: Comparison, judge: Judge) -> None:
    judge.require_none([*live_checks.findings("integrity"), *comparison.of("SCHEMA")])


@then("a retention run keeps everything that releases and deployments still need")
def _(live_checks: LiveChecks, comparison: Comparison, judge: Judge) -> None:
    judge.require_none([*live_checks.findings("retention"), *comparison.of("RET")])
