"""Which route answers a request path, for one version.

The route table is compiled once per server into a tree of path segments. Octopus matches paths without regard to case
and ignores a trailing slash; a percent-encoded ``%2F`` stays inside its segment (git references are sent that way).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

from standins.octopus.api.versions import SPACES, in_force, version_of
from standins.octopus.contract import Route, Version

#: How the space of a request was written: ``/api/Spaces-1/…`` from 2019.1, ``/api/spaces/{id or slug}/…`` in later
#: versions.
SpaceForm = Literal["", "prefix", "identifier"]

SPACE_ID = re.compile(r"spaces-\d+", re.IGNORECASE)

#: The identifier form is documented for 2026 and cannot be older than the space's slug, which came with 2022.4
#: (OctopusDeploy/docs generated API pages: "also reachable at"; OctopusClients 14.x SpaceResource.Slug).
IDENTIFIER_FORM = version_of("2022.4")


@dataclass(slots=True)
class Node:
    """One position in the tree: literal children win over a parameter."""

    literals: dict[str, Node] = field(default_factory=dict[str, "Node"])
    parameter: Node | None = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict[str, tuple[Route, tuple[str, ...]]])

    def add(self, segments: list[str], route: Route, names: tuple[str, ...]) -> None:
        node = self
        for segment in segments:
            if segment.startswith("{"):
                node.parameter = node.parameter or Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment.lower(), Node())
        # Later rows win: a specific module may replace a generic row by listing the same method and path.
        node.routes[route.method] = (route, names)

    def find(self, segments: list[str], at: int, values: list[str]) -> Node | None:
        if at == len(segments):
            return self if self.routes else None
        segment = segments[at]
        child = self.literals.get(segment.lower())
        if child is not None:
            found = child.find(segments, at + 1, values)
            if found is not None:
                return found
        if self.parameter is not None and segment:
            values.append(segment)
            found = self.parameter.find(segments, at + 1, values)
            if found is not None:
                return found
            values.pop()
        return None


@dataclass(frozen=True, slots=True)
class Match:
    """What a path leads to: the routes by method, the path values in order, and the space as it was written."""

    routes: Mapping[str, tuple[Route, tuple[str, ...]]]
    values: tuple[str, ...]
    space: str
    form: SpaceForm


def split_path(raw_path: str) -> list[str]:
    """The decoded segments of a raw path; the empty ones at either end are dropped."""
    return [unquote(segment) for segment in raw_path.strip("/").split("/")] if raw_path.strip("/") else []


class RouteTable:
    """The routes of one server version."""

    def __init__(self, routes: Iterable[Route], version: Version) -> None:
        self.version = version
        self.routes = tuple(route for route in routes if in_force(version, route.since, route.until))
        self._spaces = version >= SPACES
        self._identifier = version >= IDENTIFIER_FORM
        self._unscoped = Node()
        self._scoped = Node()
        self._outside = Node()
        self._space_roots = Node()
        for route in self.routes:
            names = tuple(re.findall(r"\{(\w+)\}", route.path))
            if route.path.startswith("//"):
                # Two slashes: not below /api at all, such as /app and /nuget/packages.
                self._outside.add(split_path(route.path), route, names)
                continue
            if route.path == "{space}":
                # Only an id of a space leads here: as a parameter it would swallow every unknown path.
                self._space_roots.add([], route, names)
                continue
            segments = split_path(route.path)
            self._unscoped.add(segments, route, names)
            if route.scope != "system" and self._spaces:
                self._scoped.add(segments, route, names)

    def match(self, raw_path: str) -> Match | None:
        """The routes at a path, or None when the path is unknown in this version."""
        segments = split_path(raw_path)
        if not segments or segments[0].lower() != "api":
            if self._spaces and len(segments) > 1 and SPACE_ID.fullmatch(segments[0]):
                # /Spaces-1/nuget/packages: the NuGet feed of a space is outside the API too.
                return self._find(self._outside, segments[1:], segments[0], "prefix")
            return self._find(self._outside, segments, "", "")
        rest = segments[1:]
        if self._spaces and rest and SPACE_ID.fullmatch(rest[0]):
            if not rest[1:]:
                return (
                    Match(self._space_roots.routes, (rest[0],), rest[0], "prefix") if self._space_roots.routes else None
                )
            return self._find(self._scoped, rest[1:], rest[0], "prefix")
        found = self._find(self._unscoped, rest, "", "")
        if found is None and self._identifier and len(rest) > 2 and rest[0].lower() == "spaces":
            found = self._find(self._scoped, rest[2:], rest[1], "identifier")
        return found

    @staticmethod
    def _find(tree: Node, segments: list[str], space: str, form: SpaceForm) -> Match | None:
        values: list[str] = []
        node = tree.find(segments, 0, values)
        return Match(node.routes, tuple(values), space, form) if node else None
