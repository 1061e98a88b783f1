"""API: what clients see of the interface, before and after: links and filters, the described routes and models."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, cast

from tidegate.checks.described import Field, Interface, Operation, interface
from tidegate.checks.finding import Finding, Severity
from tidegate.checks.grading import EXAMPLES, TOGETHER
from tidegate.observation.documents import links_of
from tidegate.observation.places import variables
from tidegate.observation.snapshot import version_of
from tidegate.observation.store import ITEM, Snapshot
from tidegate.versions import Version

GONE: Final = "clients that use it stop with an error"


@dataclass(frozen=True, slots=True)
class KnownChange:
    """Something a release is known to take away from the interface."""

    what: str
    names: tuple[re.Pattern[str], ...]
    since: str
    by: str

    def explains(self, what: str, name: str) -> bool:
        return self.what == what and any(pattern.fullmatch(name) for pattern in self.names)


class Known:
    """What is known about one pair of versions."""

    def __init__(self, origin: Version, target: Version) -> None:
        self._changes = [
            change
            for change in known_changes()
            if origin < Version.parse(change.by) and Version.parse(change.since) <= target
        ]

    def explains(self, what: str, name: str) -> bool:
        return any(change.explains(what, name) for change in self._changes)


@cache
def known_changes() -> tuple[KnownChange, ...]:
    """The knowledge that ships with Tidegate."""
    text = resources.files("tidegate.knowledge").joinpath("api_changes.toml").read_text(encoding="utf-8")
    return tuple(
        KnownChange(
            row["what"],
            tuple(re.compile(".*".join(map(re.escape, name.split("**")))) for name in row["names"]),
            row["since"],
            row.get("by", row["since"]),
        )
        for row in tomllib.loads(text)["change"]
    )


def compare_surface(before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    """Filters that links no longer offer, and what the server's own description no longer has."""
    known = Known(version_of(before), version_of(after))
    yield from _headers(before.headers(), after.headers())
    yield from _sent(before.sent(), after.sent())
    yield from _rate(before, after)
    yield from _filters(_root_links(before), _root_links(after), known)
    described = [_described(snapshot) for snapshot in (before, after)]
    if described[0] is not None and described[1] is not None:
        yield from compare_interfaces(described[0], described[1], known)
    elif described[0] is not None:
        yield _finding(
            "swagger.json", Severity.DEGRADED, "served", "not served", "tools that read the description fail"
        )


def compare_interfaces(before: Interface, after: Interface, known: Known) -> Iterator[Finding]:
    """What a client of the interface ``before`` would stumble over in ``after``."""
    for name, operation in before.operations.items():
        now = after.operations.get(name)
        if now is None and _spaced(before, name) is None:
            # Where only the form without a space was described, the form with one is as good.
            now = _spaced(after, name)
        if now is not None:
            yield from _operation(name, operation, now, known)
        elif not known.explains("route", name):
            yield _finding(f"route {name}", Severity.BREAKING, "there", "gone", GONE)
    for name, fields in before.models.items():
        now = after.models.get(name)
        if now is not None:
            yield from _model(name, fields, now, known)
        elif not known.explains("model", name):
            yield _finding(f"model {name}", Severity.DEGRADED, "there", "gone", "generated clients miss this type")


def _spaced(after: Interface, name: str) -> Operation | None:
    """The route in its form for a space, where the unscoped form is not described."""
    method, _, path = name.partition(" ")
    return after.operations.get(f"{method} {{space}}/{path}")


def _operation(name: str, before: Operation, after: Operation, known: Known) -> Iterator[Finding]:
    for parameter, was in before.parameters.items():
        now = after.parameters.get(parameter)
        if was.place == "body":
            continue  # the name of a body is no part of the wire; its model is compared
        if now is None and not known.explains("parameter", f"{name} {parameter}"):
            yield _finding(f"route {name}: {was.place} parameter {parameter}", Severity.DEGRADED, was.type, None, GONE)
        elif now is not None and now.type != was.type and was.type:
            yield _finding(f"route {name}: parameter {parameter}", Severity.DEGRADED, was.type, now.type, GONE)
    for parameter, now in after.parameters.items():
        if now.required and now.place != "body" and not before.parameters.get(parameter, now).required:
            yield _finding(f"route {name}: parameter {parameter}", Severity.BREAKING, "optional", "required", GONE)
        elif now.required and now.place not in ("body", "formData") and parameter not in before.parameters:
            yield _finding(f"route {name}: parameter {parameter}", Severity.BREAKING, "unknown", "required", GONE)
    good = {code for code in before.answers if code.startswith("2")}
    if good and not good & after.answers and any(code.startswith("2") for code in after.answers):
        answers = sorted(code for code in after.answers if code.startswith("2"))
        yield _finding(
            f"route {name}: success", Severity.DEGRADED, sorted(good), answers, "clients that test the status fail"
        )
    if before.model and after.model and before.model != after.model and not known.explains("field", f"{name} answer"):
        yield _finding(
            f"route {name}: answer", Severity.DEGRADED, before.model, after.model, "clients read another shape"
        )


def _model(name: str, before: Mapping[str, Field], after: Mapping[str, Field], known: Known) -> Iterator[Finding]:
    for field, was in before.items():
        place = f"model {name}.{field}"
        now = after.get(field)
        if known.explains("field", f"{name}.{field}"):
            continue
        if now is None:
            yield _finding(
                place, Severity.BREAKING, was.type or "there", None, "clients that read this field get nothing"
            )
            continue
        if was.type and now.type and was.type != now.type:
            yield _finding(place, Severity.BREAKING, was.type, now.type, "typed clients cannot read the resource")
        lost = was.values - now.values
        if lost and now.values:
            yield _finding(
                place, Severity.DEGRADED, sorted(was.values), sorted(now.values), "a value is not accepted any more"
            )
        if now.required and not was.required:
            yield _finding(place, Severity.BREAKING, "optional", "required", "requests without this field are refused")


def _headers(before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]) -> Iterator[Finding]:
    """Headers that browsers and clients act on; what the server says of its own policy has blocked its own pages."""
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        place, header = key
        if header in (":status", "content-type"):
            yield _finding(
                f"{place} {header}", Severity.BREAKING, was, now, "browsers and clients no longer get this page"
            )
        else:
            consequence = "browsers may block parts of the portal, of artifacts or of embedded pages"
            yield _finding(f"{place} header {header}", Severity.DEGRADED, was, now, consequence)


def _sent(
    before: Mapping[tuple[str, str], frozenset[str]], after: Mapping[tuple[str, str], frozenset[str]]
) -> Iterator[Finding]:
    """Headers of answers of any route: those that every answer of a family had, and the one thing that they said."""
    changed: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for (family, name), was in before.items():
        now = after.get((family, name), was)
        if "" not in was and "" in now:
            changed[(name, ", ".join(sorted(was)), "")].append(family)
        elif len(was) == 1 and was.isdisjoint(now):
            changed[(name, next(iter(was)), ", ".join(sorted(now)))].append(family)
    for (name, was, now), families in sorted(changed.items()):
        if not was:
            continue  # a header that is new asks nothing of clients
        severity = Severity.BREAKING if name == "content-type" else Severity.DEGRADED
        consequence = "clients and browsers read, keep or show these answers in another way"
        groups = [[family] for family in families] if len(families) < TOGETHER else [families]
        for group in groups:
            shown = ", ".join(family or "/api" for family in sorted(group)[:EXAMPLES])
            place = f"{shown}: header {name}" if len(group) == 1 else f"header {name} ({len(group)} routes: {shown}, …)"
            yield _finding(place, severity, was, now or None, consequence)


def _rate(before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    """A server that limits the rate of requests: clients from before that do not know the answer 429."""
    was, now = (int(snapshot.about.get("put_off", {}).get("429", 0)) for snapshot in (before, after))
    if now and not was:
        yield _finding(
            "rate of requests", Severity.DEGRADED, "no answer 429", f"{now} answers 429",
            "scripts and clients that do not know 429 fail when they are busy (OctopusDeploy/Issues#10155)",
        )  # fmt: skip


def _filters(before: Mapping[str, str], after: Mapping[str, str], known: Known) -> Iterator[Finding]:
    for link, template in before.items():
        if link not in after:
            continue  # told by the comparison of the root documents
        there = {name.lower() for name in variables(after[link])}
        for name in sorted(variables(template)):
            if name.lower() not in there and not known.explains("filter", f"{link}.{name}"):
                yield _finding(
                    f"/api: link {link}",
                    Severity.DEGRADED,
                    template,
                    after[link],
                    f"lists can no longer be filtered by {name}",
                )


def _root_links(snapshot: Snapshot) -> dict[str, str]:
    """Links of the server's root and, where there are spaces, of the default space's."""
    links: dict[str, str] = {}
    for place in (snapshot.default_space, ""):
        seen = snapshot.one(place)
        if seen is not None and 200 <= seen.status < 300:
            links.update(links_of(seen.json))
    return links


def _described(snapshot: Snapshot) -> Interface | None:
    seen = snapshot.one("swagger.json", form=ITEM)
    body = seen.json if seen is not None and 200 <= seen.status < 300 else None
    return interface(cast("dict[str, Any]", body)) if isinstance(body, dict) else None


def _finding(place: str, severity: Severity, before: Any, after: Any, consequence: str) -> Finding:
    return Finding(check="API", severity=severity, place=place, before=before, after=after, consequence=consequence)
