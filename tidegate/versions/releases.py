"""What is known about releases: which there are, which were withdrawn, which hops fail, which SQL Server they need."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from tidegate.versions.ranges import VersionRange
from tidegate.versions.version import Version


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A release that Octopus took back."""

    version: Version
    why: str
    source: str
    instead: Version | None = None


@dataclass(frozen=True, slots=True)
class BadHop:
    """A hop that fails, always (``certain``) or on instances that fulfil ``when``.

    ``pre_check`` is the id of the question of `pre_checks.toml` that tells whether an instance does.
    """

    origin: VersionRange
    target: VersionRange
    certain: bool
    via: tuple[Version, ...]
    why: str
    source: str
    when: str = ""
    pre_check: str = ""

    def concerns(self, current: Version, target: Version) -> bool:
        return current in self.origin and target in self.target


@dataclass(frozen=True, slots=True)
class SqlServerFloor:
    """The oldest SQL Server a range of Octopus versions accepts; ``major_version`` is SERVERPROPERTY's."""

    octopus: VersionRange
    sql_server: int
    major_version: int


@dataclass(frozen=True, slots=True)
class ReleaseKnowledge:
    """Everything the planner consults, from the data files of `tidegate/knowledge`."""

    versions: tuple[Version, ...]
    withdrawn: tuple[Withdrawn, ...]
    bad_hops: tuple[BadHop, ...]
    floors: tuple[SqlServerFloor, ...]

    def with_versions(self, versions: tuple[Version, ...]) -> ReleaseKnowledge:
        """The same knowledge with the versions that a download feed lists."""
        return ReleaseKnowledge(tuple(sorted(versions)), self.withdrawn, self.bad_hops, self.floors)

    def floor(self, version: Version) -> SqlServerFloor:
        return next(floor for floor in self.floors if version in floor.octopus)


@cache
def release_knowledge() -> ReleaseKnowledge:
    """The knowledge that ships with Tidegate."""
    releases = _read("releases.toml")
    hops = _read("bad_hops.toml")
    floors = _read("sql_server_floors.toml")
    return ReleaseKnowledge(
        versions=tuple(sorted(Version.parse(text) for text in releases["versions"])),
        withdrawn=tuple(
            Withdrawn(
                Version.parse(row["version"]),
                row["why"],
                row["source"],
                Version.parse(row["instead"]) if "instead" in row else None,
            )
            for row in releases["withdrawn"]
        ),
        bad_hops=tuple(
            BadHop(
                VersionRange(row["from"]),
                VersionRange(row["to"]),
                row["certain"],
                tuple(Version.parse(text) for text in row["via"]),
                row["why"],
                row["source"],
                row.get("when", ""),
                row.get("pre_check", ""),
            )
            for row in hops["hop"]
        ),
        floors=tuple(
            SqlServerFloor(VersionRange(row["octopus"]), row["sql_server"], row["major_version"])
            for row in floors["floor"]
        ),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("tidegate.knowledge").joinpath(name).read_text(encoding="utf-8"))
