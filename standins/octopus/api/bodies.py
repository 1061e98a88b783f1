"""The door for requests whose body is no resource: a value of the wrong kind is refused before any handler reads it.

Json.NET does the same in the real server: the command behind a route is a class, and a body that does not fit it is a
400. Names that no line of ``data/bodies.toml`` has are let through, as there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from standins.octopus.api.catalogue import catalogue_for
from standins.octopus.api.errors import invalid
from standins.octopus.api.shapes import Property, Shape, Shapes, accept_value
from standins.octopus.contract import Document, Route, Version

#: What a list of the wrong kind is called in the refusal.
_BODY = "the request body"


@dataclass(frozen=True, slots=True)
class Body:
    """What one operation reads: the properties of an object, or the entries of a list."""

    shape: Shape | None
    entries: Property | None = None

    def check(self, sent: object) -> None:
        """Raises the 400 for what does not fit. A body that is missing or no object is the handler's to judge."""
        if self.entries is not None:
            if isinstance(sent, list):
                accept_value(self.entries, cast("list[object]", sent), None, str)
        elif self.shape is not None and isinstance(sent, dict):
            if not all(isinstance(name, str) for name in cast("dict[object, object]", sent)):
                raise invalid("The request body must be a JSON object.")
            self.shape.accept(cast("Document", sent), None, str)


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "data" / "bodies.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=64)
def bodies_for(version: Version) -> Mapping[str, Body]:
    """The bodies of a version by operation (``POST tasks``); compiled once a process."""
    tables = _tables()
    shapes = Shapes(version, {name: table for name, table in tables.items() if "@list" not in table})
    found = {name: Body(shapes[name]) for name in shapes.names if " " in name}
    for name, table in tables.items():
        if "@list" in table:
            found[name] = Body(None, Property(_BODY, str(table["@list"]), True, False, False, None))
    # What is written as a resource but not by the generic handlers: releases, deployments, artifacts.
    for resource in catalogue_for(version).resources.values():
        if resource.shape is not None:
            for name in (f"POST {resource.path}", f"PUT {resource.path}/{{id}}"):
                found.setdefault(name, Body(resource.shape))
    return found


def check_body(route: Route, version: Version, sent: object) -> None:
    body = bodies_for(version).get(f"{route.method} {route.path}") if sent is not None else None
    if body is not None:
        body.check(sent)
