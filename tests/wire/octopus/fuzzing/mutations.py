"""Request bodies with one value put in the place of another, and odd paths, queries and headers around them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast
from urllib.parse import quote

Place = tuple[str | int, ...]

LONG = "9" * 400
LONGER = "x" * 70_000

#: What is put in the place of a value, by a short name.
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "minus one": -1,
    "fraction": 1.5,
    "32 bits": 2**31,
    "64 bits": 2**63,
    "more than 64 bits": 10**30,
    "huge fraction": 1e308,
    "infinite": float("inf"),
    "no number": float("nan"),
    "empty text": "",
    "blank": "   ",
    "text": "something",
    "number as text": "12",
    "infinite as text": "Infinity",
    "superscript as text": "²",
    "long text": LONG,
    "longer text": LONGER,
    "unicode": "Ünïcödé \U0001f419 \u202e \u2028",
    "controls": "a\x00b\r\n\x1b",
    "half a surrogate": "\ud800",
    "quotes": "'; DROP TABLE [Project]; -- \"",
    "wildcards": "%_[^]",
    "template": "#{Octopus.Nothing | ToLower}#{if",
    "empty list": [],
    "empty object": {},
    "list of null": [None],
    "list of text": ["x"],
    "list of lists": [[[]]],
    "list of objects": [{}],
    "same twice": ["Environments-1", "Environments-1"],
    "object": {"a": 1},
    "object of null": {"": None},
    "object of lists": {"Projects-1": [1, {}]},
    "secret": {"HasValue": "x", "NewValue": {"a": []}},
    "id of no thing": "Projects-999999",
    "id of another kind": "Environments-1",
    "id of a user": "Users-1",
    "early": "0001-01-01T00:00:00.000+14:00",
    "late": "9999-12-31T23:59:59.999-14:00",
    "too late": "10000-01-01T00:00:00Z",
    "no date": "2020-13-45T99:99:99Z",
    "date alone": "2020-02-30",
    "span": "-99999999.25:61:61",
    "no span": "1:2",
    "cron": "* * * 99 *",
    "range": "[1.0,",
    "expression": "(((((",
    "address": "http://[::1",
    "guid": "00000000-0000-0000-0000-000000000000",
    "base64": "AAAA====",
}

#: Put in the place of one part of a path.
SEGMENTS = (
    "Projects-999999",
    "Environments-1",
    "%00",
    "a%2Fb",
    "%ff%fe",
    "%2e%2e",
    "%F0%9F%90%99",
    LONG,
    "%25",
    "'",
    "null",
)

QUERIES = (
    "skip=-1&take=-1",
    "skip=99999999999999999999&take=2147483648",
    "skip=x&take=²",
    "take=0",
    "ids=Projects-1,,%00,%F0%9F%90%99",
    f"partialName={LONG}&name={LONG}",
    "partialName=%25_[^]'&name=%ff",
    "overwriteMode=Nothing&replace=maybe",
    "from=0001-01-01&to=9999-12-31T23:59:59.999-14:00",
    "fromQueueDate=2020-13-45&toQueueDate=x",
    "projects=&environments=%00&tenants=%ff&ids=%00",
    "clone=Environments-1",
    "a=1&a=2&&=&;;%",
    "spaces=all&includeSystem=maybe&active=2&running=x&states=Nothing",
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One request that nobody in his senses would send."""

    what: str
    path: str
    content: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    statuses: frozenset[int] = frozenset()  # besides those of the operation


def places(body: Any, at: Place = ()) -> Iterator[Place]:
    """Where a value stands: every property and the first two entries of each list, to any depth."""
    yield at
    if isinstance(body, dict):
        for name, value in cast("dict[str, Any]", body).items():
            if name != "Links":
                yield from places(value, (*at, name))
    elif isinstance(body, list):
        for index, value in enumerate(cast("list[Any]", body)[:2]):
            yield from places(value, (*at, index))


def replaced(body: Any, place: Place, value: Any) -> Any:
    """A copy of the body with another value at one place."""
    if not place:
        return value
    first, *rest = place
    copy = cast("Any", dict(body) if isinstance(body, dict) else list(body))  # pyright: ignore[reportUnknownArgumentType]
    copy[first] = replaced(copy[first], tuple(rest), value)
    return copy


def encoded(body: Any) -> bytes:
    """JSON as careless writers make it: with NaN, with halves of surrogates as escapes."""
    return json.dumps(body).encode()


def bodies(path: str, body: Any, random: Random, count: int) -> Iterator[Mutant]:
    """So many of the body's mutants; all of them if there are no more."""
    every = [(place, name) for place in places(body) for name in VALUES]
    for place, name in random.sample(every, min(count, len(every))):
        where = ".".join(map(str, place)) or "the body"
        yield Mutant(f"{where}: {name}", path, encoded(replaced(body, place, VALUES[name])))


def paths(template: str, path: str, body: Any) -> Iterator[Mutant]:
    """Every parameter of the path put wrong, and every odd query after it."""
    parts, names = path.split("/"), template.split("/")
    for index, name in enumerate(names):
        if name.startswith("{"):
            for segment in SEGMENTS:
                odd = "/".join((*parts[:index], segment, *parts[index + 1 :]))
                yield Mutant(f"{name}: {segment[:20]}", odd, encoded(body))
    for query in QUERIES:
        yield Mutant(f"?{query[:40]}", f"{path}?{quote(query, safe='=&%;,')}", encoded(body))


def envelopes(path: str, body: Any) -> Iterator[Mutant]:
    """The right body in the wrong envelope, and no JSON in the right one."""
    good = encoded(body)
    as_json = {"Content-Type": "application/json"}
    yield Mutant("no media type", path, good, {})
    for media in (
        "text/plain",
        "text/xml",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/json; charset=nothing",
        "application/vnd.x+json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=x",
        "multipart/mixed; boundary=x",
        ";;;",
        "\xe4/\xf6",
    ):
        yield Mutant(f"as {media}", path, good, {"Content-Type": media})
    for what, content in _BROKEN.items():
        yield Mutant(what, path, content, as_json)
    yield Mutant("a byte order mark", path, b"\xef\xbb\xbf" + good, as_json)
    yield Mutant("UTF-16", path, good.decode().encode("utf-16"), as_json)
    yield Mutant("gzip", path, gzip.compress(good, mtime=0), {**as_json, "Content-Encoding": "gzip"})
    for name, value in (
        ("Accept", "text/nothing"),
        ("Cookie", "OctopusIdentificationToken_x=%; ;;=="),
        ("If-None-Match", "*"),
        ("Range", "bytes=9-1"),
        ("Content-Range", "x"),
        ("Expect", "something"),
    ):
        yield Mutant(f"{name}: {value}", path, good, {**as_json, name: value})
    for value in ("NOTHING", "\xe4"):
        override = {**as_json, "X-HTTP-Method-Override": value}
        yield Mutant(f"as {value}", path, good, override, frozenset({405}))


_BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"Name": "x"',
    "a name twice": b'{"Name": "x", "name": 5, "NAME": null}',
    "two objects": b"{}{}",
    "no UTF-8": b'{"Name": "\xff\xfe"}',
    "half a surrogate as it stands": b'{"Name": "\xed\xa0\x80"}',
    "nested too deep": b"[" * 100_000,
    "nested deep": b'{"a":' * 500 + b"1" + b"}" * 500,
    "a comment": b"{/* */}",
    "nulls": b"\x00" * 10,
    "XML": b"<?xml version='1.0'?><a/>",
}


def header_values(headers: dict[str, str]) -> Sequence[tuple[bytes, bytes]]:
    """As bytes on the wire: an HTTP library refuses some of them as text."""
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
