"""The path of an upgrade: its hops, what kind of change each is, what is known to go wrong, how to get back."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tidegate.errors import VersionRefused
from tidegate.versions.releases import BadHop, ReleaseKnowledge
from tidegate.versions.version import ChangeKind, Version


@dataclass(frozen=True, slots=True)
class Risk:
    """Something known to go wrong on this hop for instances that fulfil ``when``."""

    when: str
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One version to the next. ``rollback`` says what going back takes (Octopus docs, administration/upgrading)."""

    origin: Version
    target: Version
    change: ChangeKind
    risks: tuple[Risk, ...]
    sql_server_floor: int

    @property
    def rollback(self) -> str:
        match self.change:
            case ChangeKind.MAJOR:
                return "restore the database and the server folders, then install the previous version"
            case ChangeKind.MINOR:
                return "restore the database, then install the previous version"
            case _:
                return "install the previous version; since 2020.3 the server refuses it without a restore"


@dataclass(frozen=True, slots=True)
class Plan:
    """The path from the main instance's version to the target."""

    hops: tuple[Hop, ...]

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
            "hops": [
                {
                    "from": str(hop.origin),
                    "to": str(hop.target),
                    "change": str(hop.change),
                    "rollback": hop.rollback,
                    "sqlServerFloor": hop.sql_server_floor,
                    "risks": [{"when": risk.when, "why": risk.why, "source": risk.source} for risk in hop.risks],
                }
                for hop in self.hops
            ],
        }


def plan(current: Version, target: Version, knowledge: ReleaseKnowledge, via: Sequence[Version] = ()) -> Plan:
    """The path from ``current`` over ``via`` to ``target``.

    Raises :class:`VersionRefused` for a target that does not exist, was withdrawn, is the current version or older,
    and for a hop that is known to fail on every instance; the message names the way round where one is documented.
    """
    stops = [current, *via, target]
    for version in stops[1:]:
        _must_exist(version, knowledge)
        _must_not_be_withdrawn(version, knowledge)
    return Plan(tuple(_hop(origin, stop, knowledge) for origin, stop in pairwise(stops)))


def _hop(origin: Version, target: Version, knowledge: ReleaseKnowledge) -> Hop:
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
    known = [hop for hop in knowledge.bad_hops if hop.concerns(origin, target)]
    for hop in known:
        if hop.certain:
            raise VersionRefused(
                f"{origin} → {target} is known to fail: {hop.why} ({hop.source})", next_step=_way_round(hop)
            )
    return Hop(
        origin,
        target,
        change,
        tuple(Risk(hop.when, hop.why, hop.source) for hop in known),
        knowledge.floor(target).sql_server,
    )


def _way_round(hop: BadHop) -> str:
    if not hop.via:
        return "choose another target; no way round is documented"
    listed = ", ".join(f'"{version}"' for version in hop.via)
    return f"go over an intermediate version: [upgrade] via = [{listed}]"


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
