"""The live baseline before an upgrade, and everything that is tried after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from tidegate.checks.expected import Hop, expected_changes
from tidegate.checks.live.answers import check_answers
from tidegate.checks.live.background import (
    check_background,
    check_health,
    check_integrity,
    check_scheduled_logs,
    scheduled_logs,
)
from tidegate.checks.live.cancelling import cancelling_outcomes, check_cancelling
from tidegate.checks.live.consequences import check_consequences, consequence_outcomes
from tidegate.checks.live.context import LiveContext, LiveResult
from tidegate.checks.live.copying import check_copying, copying_outcomes
from tidegate.checks.live.creating import check_creating, creation_outcomes
from tidegate.checks.live.deploying_as_users import check_deploying_as_users, outcomes_as_users
from tidegate.checks.live.deployments import (
    Rehearsals,
    check_deployments,
    rehearse,
    rehearse_scheduled,
)
from tidegate.checks.live.downloads import check_downloads
from tidegate.checks.live.editing import check_editing, editing_outcomes
from tidegate.checks.live.hearing import Heard
from tidegate.checks.live.interruptions import check_waiting
from tidegate.checks.live.login import check_login, login_outcomes
from tidegate.checks.live.meanwhile import check_meanwhile, meanwhile_outcomes
from tidegate.checks.live.neighbours import check_neighbours, habits, things_of, things_seen, touched
from tidegate.checks.live.pushing import check_pushing, push_outcomes
from tidegate.checks.live.refusals import check_refusals, refusal_outcomes
from tidegate.checks.live.releases import check_releases, make_releases
from tidegate.checks.live.retention import check_retention
from tidegate.checks.live.rules import check_rules, rule_outcomes
from tidegate.checks.live.runbooks import RunbookRuns, check_runbooks, rehearse_runbooks
from tidegate.checks.live.saving import check_saving, check_saving_as_before
from tidegate.checks.live.scripts import Script, ScriptOutcome, check_scripts, run_scripts
from tidegate.checks.live.spaces import check_spaces
from tidegate.checks.live.subscriptions import check_subscriptions, delivery_outcome
from tidegate.checks.live.triggers import check_triggers
from tidegate.observation.snapshot import version_of
from tidegate.observation.store import Snapshot
from tidegate.secrets import Secret
from tidegate.side_by_side import Beside


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the test instance did before it was upgraded."""

    logins: Mapping[str, str]
    rehearsals: Rehearsals
    as_users: Mapping[str, str]  # what each kind of user may deploy
    pushes: Mapping[str, str]
    creations: Mapping[str, str]
    releases: Mapping[str, str]
    runbooks: RunbookRuns
    consequences: Mapping[str, str]
    scheduled_logs: frozenset[str]
    notified: str  # whether a subscription reached a webhook
    scripts: Mapping[str, ScriptOutcome]
    copies: Mapping[str, str] = field(default_factory=dict[str, str])  # what each has in common with its original
    edits: Mapping[str, str] = field(default_factory=dict[str, str])  # what was kept of each
    refusals: Mapping[str, str] = field(default_factory=dict[str, str])  # of writes that cannot be
    cancelled: Mapping[str, str] = field(default_factory=dict[str, str])  # what came of a planned deployment
    answers: Mapping[str, Heard] = field(default_factory=dict[str, Heard])  # to everything that was written
    deployments: frozenset[str] = field(default_factory=frozenset[str])  # every one there was at the end
    meanwhile: Mapping[str, str] = field(default_factory=dict[str, str])  # what came of saves of something stale
    rules: Mapping[str, str] = field(default_factory=dict[str, str])  # what rules say of versions and of tenants
    habits: frozenset[str] = frozenset()  # where all of this leaves something changed


def record_baseline(
    context: LiveContext, *, most: int = 6, scripts: Sequence[Script] = (), api_key: Secret | None = None
) -> Baseline:
    """Do on the test instance, at its old version, what the live checks will do after the upgrade.

    It comes before the first snapshot, because it writes. ``api_key`` is what the users' own scripts log in with.
    """
    context.guard()
    around = things_of(context)
    logins = login_outcomes(context)
    context.report("live baseline: saving what others depend on")
    # Before any release: what is saved here is what later ones are made of.
    consequences = consequence_outcomes(context)
    copies = copying_outcomes(context)
    edits = editing_outcomes(context)
    meanwhile = meanwhile_outcomes(context)
    refusals = refusal_outcomes(context)
    rehearsals = rehearse(context, most=most)
    # What comes when the server's clock says so: whatever else is done meanwhile costs no time.
    scheduled = Beside(partial(rehearse_scheduled, context, rehearsals))
    scheduled.begin()
    notified = Beside(partial(delivery_outcome, context))
    notified.begin()
    as_users = outcomes_as_users(context, rehearsals.rehearsed)
    cancelled = cancelling_outcomes(context, rehearsals.rehearsed)
    context.report("live baseline: pushing as build servers do")
    pushes = push_outcomes(context)
    context.report("live baseline: making and removing one thing of each kind")
    creations = creation_outcomes(context)
    context.report("live baseline: making a release of every project")
    releases = make_releases(context)
    runbooks = rehearse_runbooks(context)
    rehearsals = scheduled.result()
    delivered = notified.result()  # before the scheduler's logs are read: it leaves lines in them
    outcomes = run_scripts(context, scripts, api_key) if api_key is not None else {}
    return Baseline(
        logins, rehearsals, as_users, pushes, creations, releases, runbooks, consequences, scheduled_logs(context),
        delivered, outcomes, copies, edits, refusals, cancelled, context.hearing.heard(), deployment_ids(context),
        meanwhile, rule_outcomes(context), habits(touched(around, things_of(context))),
    )  # fmt: skip


def live_checks(
    context: LiveContext,
    baseline: Baseline,
    before: Snapshot,
    after: Snapshot,
    *,
    scripts: Sequence[Script] = (),
    api_key: Secret | None = None,
) -> Mapping[str, Callable[[], LiveResult]]:
    """Every live check by name, in the order they are to be run: what deletes comes last.

    ``before`` is the snapshot before the upgrade, ``after`` the one after it.
    """
    notified = Beside(partial(check_subscriptions, context, baseline.notified))

    def triggers() -> LiveResult:
        notified.begin()  # both wait for the server's clock
        return check_triggers(context, baseline.deployments)

    checks: dict[str, Callable[[], LiveResult]] = {
        "health": partial(check_health, context, after.version, before),
        "background": partial(check_background, context, before),
        "log in": partial(check_login, context, baseline.logins),
        "scheduled logs": partial(check_scheduled_logs, context, baseline.scheduled_logs),
        "downloads": partial(check_downloads, context, before),
        "triggers": triggers,
        "waiting": partial(check_waiting, context, baseline.rehearsals),
        "deployments": partial(check_deployments, context, baseline.rehearsals),
        "cancelling": partial(check_cancelling, context, baseline.rehearsals.rehearsed, baseline.cancelled),
        "releases": partial(check_releases, context, baseline.releases),
        "rules": partial(check_rules, context, baseline.rules),
        "runbooks": partial(check_runbooks, context, baseline.runbooks),
        "deployments as each user": partial(
            check_deploying_as_users, context, baseline.rehearsals.rehearsed, baseline.as_users
        ),
        "subscriptions": notified.result,
        "pushing": partial(check_pushing, context, baseline.pushes),
        "spaces": partial(check_spaces, context),
    }
    if api_key is not None:
        checks["scripts"] = partial(check_scripts, context, scripts, baseline.scripts, api_key)
    checks["creating"] = partial(check_creating, context, baseline.creations)
    checks["copying"] = partial(check_copying, context, baseline.copies)
    checks["saving"] = partial(check_saving, context, after)
    checks["saving as before"] = partial(check_saving_as_before, context, before, after)
    checks["consequences"] = partial(check_consequences, context, baseline.consequences)
    checks["editing"] = partial(check_editing, context, baseline.edits)
    checks["meanwhile"] = partial(check_meanwhile, context, baseline.meanwhile)
    checks["refusals"] = partial(check_refusals, context, baseline.refusals)
    hop = Hop(expected_changes(), version_of(before), version_of(after))
    checks["answers"] = partial(check_answers, context, baseline.answers, hop)
    untouched = things_seen(after, context.space)
    checks["neighbours"] = partial(check_neighbours, context, untouched, baseline.habits)
    checks["integrity"] = partial(check_integrity, context)
    checks["retention"] = partial(check_retention, context)
    return checks


def deployment_ids(context: LiveContext) -> frozenset[str]:
    """The ids of all deployments there are."""
    return frozenset(str(one["Id"]) for one in context.client.items(context.path("deployments")))
