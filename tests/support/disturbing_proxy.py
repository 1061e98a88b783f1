"""A proxy between the harness and a server that changes what the server says: regressions that nobody has seeded.

Each disturbance acts on the places of one family (`projects/*`, `tasks`) and is told by `Disturbance.sentence`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

from tests.support.serving import Handler, served
from tidegate.observation.places import family_of, place_of

#: What can be done to an answer: to one value of it, to its list, or to the answer as a whole.
OF_VALUES: Final = ("removed", "retyped", "emptied", "changed")
OF_LISTS: Final = ("dropped", "reordered")
OF_ANSWERS: Final = ("forbidden", "failing", "gone", "slow", "not json")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One thing that goes wrong at one family of places. ``path`` leads to the value within the document."""

    kind: str
    family: str
    path: Path = ()
    place: str = ""  # only this one; all of the family where empty

    @property
    def sentence(self) -> str:
        where = self.place or self.family
        return f"{self.kind} {'.'.join(self.path)} at {where}" if self.path else f"{self.kind} {where}"

    def concerns(self, place: str) -> bool:
        return place == self.place if self.place else family_of(place) == self.family


def disturbed(document: Any, disturbance: Disturbance) -> Any:
    """The document as the disturbed server shows it; unchanged where the value is not there."""
    match disturbance.kind:
        case "dropped":
            return _without_one(document)
        case "reordered":
            return _turned_round(document)
        case kind if kind in OF_VALUES:
            return _with_value(document, disturbance.path, kind)
        case _:
            return document


def _without_one(document: Any) -> Any:
    if isinstance(document, list):
        return cast("list[Any]", document)[:-1]
    shown = dict(cast("dict[str, Any]", document))
    if isinstance(shown.get("Items"), list):
        shown["Items"] = shown["Items"][:-1]
        shown["TotalResults"] = int(shown.get("TotalResults", 1)) - 1
    return shown


def _turned_round(document: Any) -> Any:
    if isinstance(document, list):
        return list(reversed(cast("list[Any]", document)))
    shown = dict(cast("dict[str, Any]", document))
    if isinstance(shown.get("Items"), list):
        shown["Items"] = list(reversed(shown["Items"]))
    return shown


def _with_value(document: Any, path: Path, kind: str) -> Any:
    if not path:
        return _other(document, kind)
    name, *rest = path
    if isinstance(document, list) and name == "[]":
        return [_with_value(entry, tuple(rest), kind) for entry in cast("list[Any]", document)]
    if not isinstance(document, dict) or name not in document:
        return cast("Any", document)
    shown = dict(cast("dict[str, Any]", document))
    if not rest and kind == "removed":
        del shown[name]
    else:
        shown[name] = _with_value(shown[name], tuple(rest), kind)
    return shown


def _other(value: Any, kind: str) -> Any:
    if kind == "emptied":
        return None
    if kind == "retyped":
        return {"Value": value} if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    return f"{value} (another)"


def values_in(document: Any, path: Path = ()) -> Generator[tuple[Path, Any]]:
    """Every value of a document that is neither null, an object nor a list; links are no values."""
    if isinstance(document, dict):
        for name, value in cast("dict[str, Any]", document).items():
            if name != "Links":
                yield from values_in(value, (*path, name))
    elif isinstance(document, list):
        for entry in cast("list[Any]", document)[:1]:
            yield from values_in(entry, (*path, "[]"))
    elif document not in (None, ""):
        yield path, document


def choose(seen: Sequence[tuple[str, Any]], number: int, seed: int, kinds: Sequence[str] = ()) -> list[Disturbance]:
    """So many disturbances of other families each, from what was seen there; the same ones for the same seed."""
    dice = random.Random(seed)
    by_family: dict[str, list[tuple[str, Any]]] = {}
    for place, document in seen:
        by_family.setdefault(family_of(place), []).append((place, document))
    chosen: list[Disturbance] = []
    for family in dice.sample(sorted(by_family), len(by_family)):
        if len(chosen) == number:
            break
        kind = dice.choice(kinds or (*OF_VALUES, *OF_VALUES, *OF_LISTS, *OF_ANSWERS))
        place, document = dice.choice(by_family[family])
        if kind in OF_VALUES:
            values = list(values_in(document))
            if not values:
                continue
            path, _ = dice.choice(values)
            chosen.append(Disturbance(kind, family, path, dice.choice(("", place))))
        elif kind in OF_LISTS:
            if len(_entries(document)) > 1:
                chosen.append(Disturbance(kind, family))
        else:
            chosen.append(Disturbance(kind, family))
    return chosen


def _entries(document: Any) -> list[Any]:
    """The entries of an array or a page; nothing where there are values instead of documents."""
    found = cast("dict[str, Any]", document).get("Items") if isinstance(document, dict) else document
    entries = cast("list[Any]", found) if isinstance(found, list) else []
    return entries if all(isinstance(one, dict) for one in entries) else []


class _Proxy(Handler):
    upstream: str
    default_space: str
    disturbances: Sequence[Disturbance]
    delay: float

    def _handle(self) -> None:
        status, headers, content = self.forwarded(self.upstream, self.body())
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        status, content = self._disturb(status, content, kind)
        self.answer(content, status, headers)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle

    def _disturb(self, status: int, content: bytes, kind: str) -> tuple[int, bytes]:
        if self.command != "GET" or not self.path.lower().startswith("/api"):
            return status, content
        place = place_of(self.path, self.default_space)
        for one in self.disturbances:
            if not one.concerns(place) or status != 200:
                continue
            match one.kind:
                case "forbidden":
                    return 403, b'{"ErrorMessage": "You do not have permission to perform this action."}'
                case "failing":
                    return 500, b'{"ErrorMessage": "An unexpected error occurred."}'
                case "gone":
                    return 404, b'{"ErrorMessage": "The resource you requested was not found."}'
                case "not json":
                    return 200, b"<html>" + content[:50]
                case "slow":
                    time.sleep(self.delay)  # what is slow is slow: nothing here waits for it
                case _ if "json" in kind:
                    content = json.dumps(disturbed(json.loads(content), one)).encode()
                case _:
                    continue
        return status, content


@contextmanager
def disturbing(
    upstream: str, disturbances: Iterable[Disturbance], *, default_space: str = "Spaces-1", delay: float = 1.5
) -> Generator[str]:
    """The address of a proxy in front of ``upstream``; slow answers take ``delay`` seconds more."""
    own = {
        "upstream": upstream, "disturbances": tuple(disturbances), "default_space": default_space, "delay": delay,
    }  # fmt: skip
    with served(_Proxy, **own) as url:
        yield url
