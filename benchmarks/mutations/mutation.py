"""One thing that goes wrong, as it acts on the wire between the harness and the upgraded server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from tidegate.observation.places import family_of, place_of
from tidegate.observation.store import Seen

Document = dict[str, Any]

ADMINISTRATOR: Final = "administrator"
#: What nobody gives who gives no credentials.
NOBODY: Final = "nobody"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way to the server. ``user`` is the name of whose key it carries."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    user: str
    place: str

    @property
    def family(self) -> str:
        return family_of(self.place)

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body[:1] in (b"{", b"[") else None

    def with_json(self, body: Any) -> Asked:
        return replace(self, body=json.dumps(body).encode())

    def to(self, method: str, path: str, body: Any = None) -> Asked:
        """Another request of the same user."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {**self.headers, "content-type": "application/json"}
        return Asked(method, path, headers, content, self.user, place_of(path, ""))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way to the harness."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        kind = next((value for name, value in self.headers if name.lower() == "content-type"), "")
        return json.loads(self.body) if "json" in kind and self.body else None

    def with_json(self, body: Any) -> Reply:
        return replace(self, body=json.dumps(body).encode())


#: Asks the server behind the proxy.
Forward = Callable[[Asked], Reply]


@dataclass(frozen=True, slots=True)
class Mutation:
    """``places`` are alternatives of words: a finding names the right place when it holds all words of one of them."""

    kind: str
    sentence: str
    places: tuple[tuple[str, ...], ...]
    handle: Callable[[Asked, Forward], Reply]
    live: tuple[str, ...] = ()  # the live checks that look where it acts
    looks: bool = True  # whether a snapshot can show it

    @property
    def passing(self) -> bool:
        """Whether it may be drawn where there is nothing to change; a write that nobody tries is missed instead."""
        return self.looks or self.kind.startswith(("variable", "log: ", "new: "))


def named_by(places: Iterable[Sequence[str]], place: str) -> bool:
    """Whether a finding's place holds all words of one of the alternatives."""
    lowered = place.lower()
    return any(all(word.lower() in lowered for word in words) for words in places)


@dataclass(frozen=True, slots=True)
class World:
    """What there is to mutate: what the administrator saw of the upgraded instance, and who the users are."""

    seen: Mapping[str, Sequence[Seen]]  # documents by family
    lists: Mapping[str, Sequence[Seen]]  # pages and arrays by family, with the ids they hold
    files: Mapping[str, Sequence[Seen]]
    users: Sequence[str]  # the less privileged ones
    seen_by: Mapping[str, frozenset[str]]  # places that each of them can read
    families_of: Mapping[str, frozenset[str]]  # families of which each of them can read something
    ids: Mapping[str, Sequence[str]]  # ids by collection (`Projects`)
    headers: Mapping[str, Sequence[str]]  # names of headers that say something, by family
    newest: Mapping[str, int]  # the highest number of each collection's ids
    swagger: Document
    may: frozenset[tuple[str, str]]  # kinds of things, and which of the users may make them
    key: str  # the administrator's


Draw = Callable[[Random, World], Mutation | None]


def words_of(family: str) -> tuple[str, ...]:
    """The words of a family that every name of one of its places holds."""
    return tuple(word for word in family.partition("?")[0].split("/") if word != "*")


def pick(dice: Random, table: Mapping[str, Sequence[Seen]]) -> Seen:
    """One of what was seen: first a family, then a place of it, so that rare kinds are drawn as often."""
    return dice.choice(list(table[dice.choice(sorted(table))]))
