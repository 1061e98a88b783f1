"""What a server answered to those who wrote, kept by sort of request while somebody works with it."""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from tidegate.checks.live.sorts import sort_of
from tidegate.observation.places import family_of, place_of
from tidegate.octopus.client import Answer

READING: Final = frozenset({"GET", "HEAD"})

#: Things that the harness makes and then reads, before the upgrade and after it.
MADE: Final = frozenset({"tasks/*", "deployments/*", "releases/*", "runbookruns/*"})


#: Forms of one value that are remembered; what comes in more of them says nothing.
MOST_FORMS: Final = 2

#: What is another one each time and of the same form: moments, durations, and the numbers in ids and versions.
_FORMS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), stands_for)
    for pattern, stands_for in (
        (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?", "<moment>"),
        (r"(less than )?\b(an?|\d+) (milli)?(second|minute|hour|day)s?( ago)?", "<time>"),
        (r"(\d+\.)?\d\d:\d\d:\d\d(\.\d+)?", "<time>"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}", "<token>"),
        (r"\d+", "#"),
    )
)


@dataclass(frozen=True, slots=True)
class Heard:
    """The statuses of success of one sort of request, and the properties of every such answer, with their types.

    Of things that the harness made itself, ``forms`` says in which forms each of their values came, at any depth, and
    ``documents`` how many of them were read. What only some of them had is left out.
    """

    statuses: frozenset[int]
    properties: dict[str, str]
    forms: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    documents: int = 0


@dataclass(slots=True)
class Hearing:
    """Listens to answers; may be told from several threads."""

    _heard: dict[str, Heard] = field(default_factory=dict[str, Heard])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _deaf: bool = False
    _made: set[str] = field(default_factory=set[str])  # ids of what was made, and of the tasks that came of it
    _read: set[str] = field(default_factory=set[str])  # those of them whose values are known

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
            if method == "POST":
                self._made |= {str(body[name]) for name in ("Id", "TaskId") if body.get(name)}
            heard = _joined(self._heard.get(request), answer.status, _types(body))
            self._heard[request] = self._with_values(heard, family, body) if method == "GET" else heard

    def _with_values(self, heard: Heard, family: str, body: dict[str, Any]) -> Heard:
        """Each thing that was made counts once, and a task only when it is over: until then it changes."""
        identity = str(body.get("Id"))
        unfinished = family == "tasks/*" and not body.get("IsCompleted")
        if identity not in self._made or identity in self._read or unfinished:
            return heard
        self._read.add(identity)
        forms: defaultdict[str, set[str]] = defaultdict(set)
        for path, form in _forms(body):
            forms[path].add(form)
        if heard.documents:
            both = {path: known | forms[path] for path, known in heard.forms.items() if path in forms}
        else:
            both = {path: frozenset(found) for path, found in forms.items()}
        kept = {path: found for path, found in both.items() if len(found) <= MOST_FORMS}
        return replace(heard, forms=kept, documents=heard.documents + 1)

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
    return replace(known, statuses=known.statuses | {status}, properties=both)


def _forms(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a document by its place, with entries of lists as `[]`, as text without what is different each
    time; links are left out."""
    if isinstance(value, dict) and value:
        for name, inner in cast("dict[str, Any]", value).items():
            if name != "Links":
                yield from _forms(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for inner in cast("list[Any]", value):
            yield from _forms(inner, f"{path}[]")
    elif isinstance(value, str):
        for pattern, stands_for in _FORMS:
            value = pattern.sub(stands_for, value)
        yield path, json.dumps(value)
    elif isinstance(value, bool) or value is None:
        yield path, json.dumps(value)
    else:
        yield path, "number" if isinstance(value, int | float) else json.dumps(value)


def _types(body: dict[str, Any]) -> dict[str, str]:
    """The properties of an object with the JSON type of each; null may stand for any type."""
    names = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return {
        name: names.get(type(value), "null")  # pyright: ignore[reportUnknownArgumentType]
        for name, value in body.items()
    }
