"""Which releases, packages and runbook runs the retention policies let go. Pure, but for the task that applies it.

Octopus docs, "Retention policies" and "Configuring lifecycle retention policy": what is on a dashboard (the latest
release of each environment and tenant) and the release before it, for rolling back, are never deleted and not counted
(OctopusDeploy/Issues 4018: "keep last 1 release" keeps three). Of the rest, newest first, every phase keeps as many as
its policy says of those that were deployed to it, and one phase that keeps a release is enough. Releases that were
never deployed are counted apart, by the lifecycle's policy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from standins.octopus.behaviour.documents import mapped


@dataclass(frozen=True, slots=True)
class Policy:
    """``quantity`` 0 or ``forever`` keeps everything."""

    quantity: int
    unit: str = "Days"
    forever: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Policy:
        if not document:
            return cls(0, forever=True)
        quantity = int(document.get("QuantityToKeep") or 0)
        forever = bool(document.get("ShouldKeepForever")) or quantity == 0
        return cls(quantity, document.get("Unit") or "Items", forever)


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployment, as retention looks at it."""

    release: str
    environment: str
    tenant: str | None
    at: datetime
    running: bool = False


def policy_for(
    lifecycle: Mapping[str, Any], phase: Mapping[str, Any] | None, default: Policy = Policy(0, forever=True)
) -> Policy:
    """A phase without a policy of its own has the lifecycle's; what says neither how many nor "forever" has its
    space's ``default``.
    """
    own = mapped(phase or {}, "ReleaseRetentionPolicy") or mapped(lifecycle, "ReleaseRetentionPolicy")
    left_to_space = own.get("Strategy") == "Default" and not own.get("QuantityToKeep")
    return default if left_to_space and not own.get("ShouldKeepForever") else Policy.of(own)


def policies_of_phases(
    lifecycle: Mapping[str, Any], phases: Iterable[Mapping[str, Any] | None], default: Policy
) -> list[Policy]:
    """In the order of the phases: one without a policy has that of the latest phase before it that has one, else the
    lifecycle's (Octopus docs, "Inherited retention policies").
    """
    found: list[Policy] = []
    latest: Mapping[str, Any] | None = None
    for phase in phases:
        latest = phase if mapped(phase or {}, "ReleaseRetentionPolicy") else latest
        found.append(policy_for(lifecycle, latest, default))
    return found


@dataclass(frozen=True, slots=True)
class Phase:
    """Environments of a lifecycle that share a policy and a count."""

    environments: frozenset[str]
    policy: Policy


def releases_to_delete(
    releases: Mapping[str, datetime],
    deployed: Iterable[Deployed],
    phases: Sequence[Phase],
    default: Policy,
    now: datetime,
) -> list[str]:
    """Oldest first.

    ``releases``: id → assembled, of one channel. ``default``: for undeployed releases, and for environments that are
    in no phase any more.
    """
    everything = list(deployed)
    safe = _never_deleted(everything)
    places = {environment: phase for phase in phases for environment in phase.environments}
    times: dict[str, dict[Phase, list[datetime]]] = {}
    for entry in everything:
        phase = places.get(entry.environment) or Phase(frozenset({entry.environment}), default)
        times.setdefault(entry.release, {}).setdefault(phase, []).append(entry.at)
    undeployed = Phase(frozenset(), default)
    counts: Counter[Phase] = Counter()
    doomed: list[str] = []
    for release in sorted(releases, key=lambda release: releases[release], reverse=True):
        if release in safe:
            continue
        reached = times.get(release) or {undeployed: [releases[release]]}
        keeping = [phase for phase, at in reached.items() if _keeps(phase.policy, counts[phase], max(at), now)]
        counts.update(keeping)
        if not keeping:
            doomed.append(release)
    return doomed[::-1]


def _keeps(policy: Policy, kept_so_far: int, latest: datetime, now: datetime) -> bool:
    if policy.forever:
        return True
    if policy.unit == "Days":
        return latest >= now - timedelta(days=policy.quantity)
    return kept_so_far < policy.quantity


def _never_deleted(deployed: Sequence[Deployed]) -> set[str]:
    """What is being deployed, and of each environment and tenant the latest release and the one before it."""
    found = {entry.release for entry in deployed if entry.running}
    places: dict[tuple[str, str | None], list[str]] = {}
    for entry in sorted(deployed, key=lambda entry: entry.at, reverse=True):
        newest_first = places.setdefault((entry.environment, entry.tenant), [])
        if entry.release not in newest_first:
            newest_first.append(entry.release)
    return found.union(*(newest_first[:2] for newest_first in places.values()))


@dataclass(frozen=True, slots=True)
class Stored:
    """One package version in the built-in feed."""

    id: str
    package: str
    version: str
    published: datetime


def packages_to_delete(
    stored: Iterable[Stored], used: Iterable[tuple[str, str]], keep_days: int, now: datetime
) -> list[str]:
    """Packages no release or runbook snapshot uses, older than the feed's period; 0 days keeps all (Octopus docs)."""
    if keep_days <= 0:
        return []
    in_use = {(package.lower(), version) for package, version in used}
    limit = now - timedelta(days=keep_days)
    return [
        entry.id for entry in stored if entry.published < limit and (entry.package.lower(), entry.version) not in in_use
    ]


#: Octopus docs, "Retention policies", Build information and Tasks: fixed values, which no setting changes.
_EXTERNAL_BUILD_INFORMATION = timedelta(days=100)
_TASKS_OF_A_TYPE = 20
_RECENT_TASKS_OF_A_TYPE = 20_000
_RECENT = timedelta(days=30)


def build_information_to_delete(
    records: Iterable[Stored],
    present: Iterable[tuple[str, str]],
    used: Iterable[tuple[str, str]],
    keep_days: int,
    now: datetime,
) -> list[str]:
    """A record goes as its package would: kept while a release uses it, by the repository's policy while that has the
    package, and for 100 days where the package lies in a repository elsewhere.
    """
    in_use = {(package.lower(), version) for package, version in used}
    at_home = {(package.lower(), version) for package, version in present}
    doomed: list[str] = []
    for record in records:
        package = (record.package.lower(), record.version)
        if package in in_use or (package in at_home and keep_days <= 0):
            continue
        period = timedelta(days=keep_days) if package in at_home else _EXTERNAL_BUILD_INFORMATION
        if record.published < now - period:
            doomed.append(record.id)
    return doomed


@dataclass(frozen=True, slots=True)
class Done:
    """One task that has ended."""

    id: str
    type: str
    at: datetime


def tasks_to_delete(done: Iterable[Done], now: datetime) -> list[str]:
    """Of each type the 20 that ended last stay, and of those of the last 30 days the last 20,000."""
    passed: Counter[str] = Counter()
    doomed: list[str] = []
    for task in sorted(done, key=lambda entry: entry.at, reverse=True):
        newer = passed[task.type]
        passed[task.type] += 1
        recent = task.at >= now - _RECENT and newer < _RECENT_TASKS_OF_A_TYPE
        if newer >= _TASKS_OF_A_TYPE and not recent:
            doomed.append(task.id)
    return doomed
