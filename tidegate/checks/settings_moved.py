"""Settings that moved to another resource with 2019.1: the value has to arrive there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from tidegate.checks.finding import Finding, Severity
from tidegate.observation.store import LISTED, Snapshot


@dataclass(frozen=True, slots=True)
class Moved:
    """One setting, and how to read it in either shape. None: this version does not show it there."""

    name: str
    read: Callable[[Snapshot], Any]
    consequence: str


def compare_settings(before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    """Only where the version changes the home of these settings; otherwise they are compared like everything else."""
    if before.about["spaces"] or not after.about["spaces"]:
        return
    for setting in MOVED:
        had, has = setting.read(before), setting.read(after)
        if had is not None and had != has:
            yield Finding(
                check="DIFF", severity=Severity.BREAKING, place=setting.name, before=had, after=has,
                consequence=setting.consequence,
            )  # fmt: skip


def _property(snapshot: Snapshot, place: str, name: str) -> Any:
    seen = snapshot.one(place)
    body = seen.json if seen is not None and 200 <= seen.status < 300 else None
    return cast("dict[str, Any]", body).get(name) if isinstance(body, dict) else None


def _built_in_feed(snapshot: Snapshot, name: str) -> Any:
    for row in snapshot.rows("user = ? AND form = ?", (snapshot.administrator, f"{LISTED}feeds")):
        feed = cast("dict[str, Any]", row.json)
        if feed.get("FeedType") == "BuiltIn" and feed.get("SpaceId") == snapshot.default_space:
            return feed.get(name)
    return None


def _multi_tenancy(snapshot: Snapshot) -> Any:
    if snapshot.about["spaces"]:
        return _property(snapshot, "tenants/status", "Enabled")
    return _property(snapshot, "featuresconfiguration", "IsMultiTenancyEnabled")


def _repository_sync(snapshot: Snapshot) -> Any:
    if snapshot.about["spaces"]:
        return _built_in_feed(snapshot, "IsBuiltInRepoSyncEnabled")
    return _property(snapshot, "featuresconfiguration", "IsBuiltInRepoSyncEnabled")


def _unreleased_packages(snapshot: Snapshot) -> Any:
    if snapshot.about["spaces"]:
        return _built_in_feed(snapshot, "DeleteUnreleasedPackagesAfterDays")
    return _property(snapshot, "repository/configuration", "DeleteUnreleasedPackagesAfterDays")


#: Octopus.Client models of 4.45.0 against 6.0.2, and the routes of Aug 2017 (`repository/configuration`).
MOVED: Final = (
    Moved("tenants/status: Enabled", _multi_tenancy, "tenanted deployments appear or disappear for everybody"),
    Moved(
        "feeds (built-in): IsBuiltInRepoSyncEnabled",
        _repository_sync,
        "packages put into the repository's folder are no longer indexed, or are now",
    ),
    Moved(
        "feeds (built-in): DeleteUnreleasedPackagesAfterDays",
        _unreleased_packages,
        "retention of the built-in repository deletes packages earlier or later than before",
    ),
)
