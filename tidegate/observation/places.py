"""Names for the places of an instance that stay the same from version to version.

Before 2019.1 a project is read at ``/api/projects/Projects-1``, later at ``/api/Spaces-1/projects/Projects-1`` (and
still at the old path while the default space is enabled; Octopus docs, administration/spaces). Both are the *place*
``projects/Projects-1``. Other spaces keep their segment: ``Spaces-2/projects/Projects-9``. A *family* is a place with
its ids left open: ``projects/*``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode

SPACE: Final = re.compile(r"spaces-\d+", re.IGNORECASE)

#: Query names that choose a page, a cache generation or a credential, not another thing.
PAGING: Final = frozenset({"skip", "take", "cb", "apikey", "spaces", "includesystem"})

#: Answers kept by each function here: several users ask for the same places, several times a rehearsal.
_KEPT: Final = 20_000

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z-]*")
_TEMPLATE: Final = re.compile(r"\{[/?&][^{}]*\}")
_REQUIRED: Final = re.compile(r"\{[^/?&][^{}]*\}")
#: Documents of their own that belong to an owner named in their id (OctopusClients, recorded payloads).
_OWNED: Final = re.compile(r"(deploymentprocess|variableset|runbookprocess|userpermissions)-.+", re.IGNORECASE)


@lru_cache(_KEPT)
def expand(template: str) -> str | None:
    """The path that a link template names when no variable is given; None when one is required (RFC 6570)."""
    path = _TEMPLATE.sub("", template)
    return None if _REQUIRED.search(path) else path


@lru_cache(_KEPT)
def variables(template: str) -> frozenset[str]:
    """The query variables that a link template offers."""
    names: set[str] = set()
    for group in re.findall(r"\{[?&]([^{}]*)\}", template):
        names.update(name.strip("*") for name in group.split(","))
    return frozenset(names)


@lru_cache(_KEPT)
def place_of(path: str, default_space: str = "Spaces-1") -> str:
    """The place that a path of the API leads to; "" is the root document.

    Words are lower-cased because routes are matched without regard to case and were re-spelt over time
    (`taskTypes` in 2019 and 2020, `tasktypes` in 2023).
    """
    bare, _, query = path.partition("?")
    segments = [segment for segment in bare.split("/") if segment]
    if segments and segments[0].lower() == "api":
        segments = segments[1:]
    if segments and segments[0].lower() == default_space.lower():
        # The root of the default space is a document of its own; everything in it is named without the space.
        if len(segments) == 1:
            return segments[0]
        segments = segments[1:]
    place = "/".join(segment.lower() if _WORD.fullmatch(segment) else unquote(segment) for segment in segments)
    kept = sorted((name, value) for name, value in parse_qsl(query) if name.lower() not in PAGING)
    return f"{place}?{urlencode(kept, safe=',/: ')}" if kept else place


def space_of(place: str) -> str:
    """The space segment of a place; "" for the default space and for what belongs to no space."""
    head = place.partition("/")[0]
    return head if SPACE.fullmatch(head) else ""


def is_id(segment: str, parent: str = "") -> bool:
    """Whether a path segment names one document rather than a route."""
    if any(character.isdigit() for character in segment):
        return True
    lower = segment.lower()
    return bool(_OWNED.fullmatch(lower)) or (bool(parent) and lower.startswith(parent.lower() + "-"))


@lru_cache(_KEPT)
def family_of(place: str) -> str:
    """The place with its space dropped, its ids left open and its query values removed: ``projects/*/channels``."""
    bare, _, query = place.partition("?")
    segments = [segment for segment in bare.split("/") if segment]
    if len(segments) > 1 and SPACE.fullmatch(segments[0]):
        segments = segments[1:]
    generalised: list[str] = []
    for position, segment in enumerate(segments):
        parent = segments[position - 1] if position else ""
        generalised.append("*" if is_id(segment, parent) else segment)
    family = "/".join(generalised)
    if not query:
        return family
    return family + "?" + ",".join(name for name, _ in parse_qsl(query))
