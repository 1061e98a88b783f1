"""What a server answered to those who wrote, kept by sort of request while somebody works with it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

from tidegate.checks.live.sorts import sort_of
from tidegate.observation.places import family_of, place_of
from tidegate.octopus.client import Answer

READING: Final = frozenset({"GET", "HEAD"})

#: Things that the harness makes and then reads, before the upgrade and after it.
MADE: Final = frozenset({"tasks/*", "deployments/*", "releases/*", "runbookruns/*"})


@dataclass(frozen=True, slots=True)
class Heard:
    """The statuses of success of one sort of request, and the properties of every such answer, with their types."""

    statuses: frozenset[int]
    properties: dict[str, str]


@dataclass(slots=True)
class Hearing:
    """Listens to answers; may be told from several threads."""

    _heard: dict[str, Heard] = field(default_factory=dict[str, Heard])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _deaf: bool = False

    @contextmanager
    def deaf(self) -> Generator[None]:
        """Hear nothing of what is written meanwhile."""
        self._deaf = True
        try:
            yield
        finally:
            self._deaf = False

    def note(self, method: str, path: str, answer: Answer) -> None:
        """Remember one answer. Refusals are left to the checks that provoke them."""
        family = family_of(place_of(path.partition("?")[0]))
        if not answer.ok or self._deaf or (method in READING and family not in MADE):
            return
        document: Any = answer.json
        body = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
        # Tasks of another name belong to other things, and have other parts.
        sort = str(body.get("Name")) if family == "tasks/*" else sort_of(body)
        request = f"{method} {family}{f' ({sort})' if sort else ''}"
        with self._lock:
            self._heard[request] = _joined(self._heard.get(request), answer.status, _types(body))

    def heard(self) -> dict[str, Heard]:
        """What was heard so far, by request: `POST environments`."""
        with self._lock:
            return dict(self._heard)


def _joined(known: Heard | None, status: int, properties: dict[str, str]) -> Heard:
    if known is None:
        return Heard(frozenset({status}), properties)
    both = {name: kind for name, kind in known.properties.items() if name in properties}
    for name, kind in both.items():
        if properties[name] != kind:
            both[name] = "null"  # now this, now that: it says nothing
    return Heard(known.statuses | {status}, both)


def _types(body: dict[str, Any]) -> dict[str, str]:
    """The properties of an object with the JSON type of each; null may stand for any type."""
    names = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return {
        name: names.get(type(value), "null")  # pyright: ignore[reportUnknownArgumentType]
        for name, value in body.items()
    }
