"""Which releases, packages and runbook runs the retention policies let go. Pure, but for the task that applies it.

Octopus docs, "Retention policies": a release is kept while any phase's policy keeps it; the most recent deployment of
each project, environment and tenant is never deleted; policies count releases deployed to an environment, newest
first, or days.
"""

from __future__ import annotations

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


def releases_to_delete(
    releases: Mapping[str, datetime],
    deployed: Iterable[Deployed],
    policy_of: Mapping[str, Policy],
    default: Policy,
    now: datetime,
) -> list[str]:
    """``releases``: id → assembled, of one channel.

    ``policy_of``: by environment; ``default``: for undeployed releases.
    """
    everything = list(deployed)
    kept: set[str] = {entry.release for entry in everything if entry.running}
    places: dict[tuple[str, str | None], list[Deployed]] = {}
    for entry in everything:
        places.setdefault((entry.environment, entry.tenant), []).append(entry)
    for (environment, _), entries in places.items():
        kept.update(_kept(entries, policy_of.get(environment, default), now))
    reached = {entry.release for entry in everything}
    undeployed = [
        Deployed(release, "", None, assembled) for release, assembled in releases.items() if release not in reached
    ]
    kept.update(_kept(undeployed, default, now, newest_is_safe=False))
    return sorted((release for release in releases if release not in kept), key=lambda release: releases[release])


def _kept(entries: Sequence[Deployed], policy: Policy, now: datetime, *, newest_is_safe: bool = True) -> set[str]:
    newest_first = sorted(entries, key=lambda entry: entry.at, reverse=True)
    if policy.forever:
        return {entry.release for entry in newest_first}
    if policy.unit == "Days":
        limit = now - timedelta(days=policy.quantity)
        kept = {entry.release for entry in newest_first if entry.at >= limit}
    else:
        distinct = list(dict.fromkeys(entry.release for entry in newest_first))
        kept = set(distinct[: policy.quantity])
    if newest_is_safe and newest_first:
        kept.add(newest_first[0].release)
    return kept


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
