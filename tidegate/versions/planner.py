"""The path of an upgrade: its hops, what kind of change each is, what is known to go wrong, how to get back."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from tidegate.errors import VersionRefused
from tidegate.versions.releases import BadHop, ReleaseKnowledge
from tidegate.versions.version import ChangeKind, Version

#: From here on a server refuses a database that a newer one has used (OctopusDeploy/Issues#6366).
_REFUSES_NEWER: Final = Version(2020, 3, 0)


class WayBack(StrEnum):
    """What it takes to go back over a hop, from the least to the most (Octopus docs, administration/upgrading)."""

    BINARIES = "binaries"
    DATABASE = "database"
    DATABASE_AND_FOLDERS = "database and folders"

    @property
    def told(self) -> str:
        """In words for the plan."""
        match self:
            case WayBack.DATABASE_AND_FOLDERS:
                return "restore the database and the server folders, then install the previous version"
            case WayBack.DATABASE:
                return "restore the database, then install the previous version"
            case WayBack.BINARIES:
                return "install the previous version; no restore is needed"


@dataclass(frozen=True, slots=True)
class Risk:
    """Something known to go wrong on this hop for instances that fulfil ``when``.

    ``pre_check`` is the id of the question of `pre_checks.toml` that tells whether an instance does; "" when only a
    person can say. ``avoidable`` when a way round is documented.
    """

    when: str
    why: str
    source: str
    pre_check: str = ""
    avoidable: bool = False


@dataclass(frozen=True, slots=True)
class Detour:
    """A version that the path touches because the direct hop is known to fail."""

    version: Version
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One version to the next."""

    origin: Version
    target: Version
    change: ChangeKind
    risks: tuple[Risk, ...]
    sql_server_floor: int

    @property
    def way_back(self) -> WayBack:
        """What going back over this hop takes; a patch needs no restore as long as the older server does not insist."""
        match self.change:
            case ChangeKind.MAJOR:
                return WayBack.DATABASE_AND_FOLDERS
            case ChangeKind.PATCH if self.origin < _REFUSES_NEWER:
                return WayBack.BINARIES
            case _:
                return WayBack.DATABASE

    @property
    def rollback(self) -> str:
        return self.way_back.told


@dataclass(frozen=True, slots=True)
class Plan:
    """The path from the main instance's version to the target."""

    hops: tuple[Hop, ...]
    detours: tuple[Detour, ...] = ()

    @property
    def way_back(self) -> WayBack:
        """What going back to the origin takes: the most that any hop asks for; several hops are never undone singly."""
        ways = list(WayBack)
        return max((hop.way_back for hop in self.hops), key=ways.index)

    @property
    def origin(self) -> Version:
        return self.hops[0].origin

    @property
    def target(self) -> Version:
        return self.hops[-1].target

    @property
    def risks(self) -> tuple[Risk, ...]:
        return tuple(risk for hop in self.hops for risk in hop.risks)

    @property
    def sql_server_floor(self) -> int:
        """The newest SQL Server floor on the path, as a product year."""
        return max(hop.sql_server_floor for hop in self.hops)

    def as_json(self) -> dict[str, Any]:
        """The plan as evidence records it."""
        return {
            "from": str(self.origin),
            "to": str(self.target),
            "wayBack": str(self.way_back),
            "detours": [{"via": str(one.version), "why": one.why, "source": one.source} for one in self.detours],
            "hops": [
                {
                    "from": str(hop.origin),
                    "to": str(hop.target),
                    "change": str(hop.change),
                    "rollback": hop.rollback,
                    "wayBack": str(hop.way_back),
                    "sqlServerFloor": hop.sql_server_floor,
                    "risks": [{"when": risk.when, "why": risk.why, "source": risk.source} for risk in hop.risks],
                }
                for hop in self.hops
            ],
        }


def plan(
    current: Version,
    target: Version,
    knowledge: ReleaseKnowledge,
    via: Sequence[Version] = (),
    *,
    applying: Collection[str] = (),
) -> Plan:
    """The path from ``current`` over ``via`` to ``target``, led round hops that are known to fail.

    A hop fails on every instance, or on those that its pre-check finds: ``applying`` holds the ids of pre-checks that
    found something on this one. Raises :class:`VersionRefused` for a target that does not exist, was withdrawn, is the
    current version or older, and for a hop that fails where no way round is documented or its versions are not there.
    """
    stops = [current, *via, target]
    for version in stops[1:]:
        _must_exist(version, knowledge)
        _must_not_be_withdrawn(version, knowledge)
    hops: list[Hop] = []
    detours: list[Detour] = []
    for origin, stop in pairwise(stops):
        _must_ascend(origin, stop)
        for one, other in pairwise(_way(origin, stop, knowledge, applying, detours)):
            hops.append(_hop(one, other, knowledge))
    return Plan(tuple(hops), tuple(detours))


def _way(
    origin: Version, target: Version, knowledge: ReleaseKnowledge, applying: Collection[str], detours: list[Detour]
) -> list[Version]:
    """The versions from ``origin`` to ``target``, both included; every documented detour is between the two."""
    for bad in knowledge.bad_hops:
        if not bad.concerns(origin, target) or not (bad.certain or (bad.pre_check in applying and bad.pre_check)):
            continue
        stops = [version for version in bad.via if origin < version < target]
        if not stops and not bad.certain:
            continue  # a risk of the plan: its cause can be removed from the data, the path cannot avoid it
        if not stops:
            raise VersionRefused(
                f"{origin} → {target} is known to fail: {bad.why} ({bad.source})",
                next_step="choose another target; no way round is documented",
            )
        for stop in stops:
            _must_exist(stop, knowledge)
            _must_not_be_withdrawn(stop, knowledge)
        detours += [Detour(stop, bad.why, bad.source) for stop in stops]
        way = [origin]
        for one, other in pairwise([origin, *stops, target]):
            way += _way(one, other, knowledge, applying, detours)[1:]
        return way
    return [origin, target]


def _must_ascend(origin: Version, target: Version) -> None:
    change = ChangeKind.between(origin, target)
    if change is ChangeKind.NONE:
        raise VersionRefused(
            f"the target {target} is the version the instance already has", next_step="choose a later target"
        )
    if change is ChangeKind.DOWNGRADE:
        raise VersionRefused(
            f"{origin} → {target} is a downgrade, which Octopus Server does not support",
            next_step="to go back, restore a backup that was taken at the older version",
        )


def _hop(origin: Version, target: Version, knowledge: ReleaseKnowledge) -> Hop:
    known = [hop for hop in knowledge.bad_hops if hop.concerns(origin, target)]
    return Hop(
        origin,
        target,
        ChangeKind.between(origin, target),
        tuple(_risk(hop) for hop in known),
        knowledge.floor(target).sql_server,
    )


def _risk(hop: BadHop) -> Risk:
    return Risk(hop.when, hop.why, hop.source, hop.pre_check, bool(hop.via))


def _must_exist(version: Version, knowledge: ReleaseKnowledge) -> None:
    if version in knowledge.versions:
        return
    near = difflib.get_close_matches(str(version), [str(known) for known in knowledge.versions], n=3, cutoff=0.7)
    raise VersionRefused(
        f"there is no Octopus Server {version} in the list of releases",
        next_step=f"did you mean {', '.join(near)}?" if near else "take a version that the download feed lists",
    )


def _must_not_be_withdrawn(version: Version, knowledge: ReleaseKnowledge) -> None:
    for withdrawn in knowledge.withdrawn:
        if withdrawn.version == version:
            raise VersionRefused(
                f"{version} was withdrawn: {withdrawn.why} ({withdrawn.source})",
                next_step=f"take {withdrawn.instead}" if withdrawn.instead else "choose a later version",
            )
