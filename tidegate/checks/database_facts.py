"""SCHEMA: what no upgrade does on purpose to the tables that stay: weaken, narrow, switch off, or count again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tidegate.checks.finding import Finding, Severity
from tidegate.observation.store import Snapshot

_COLUMN: Final = re.compile(r"(?P<type>\w+)(\((?P<size>max|\d+)[^)]*\))? (?P<null>not null|null) ?(?P<collation>.*)")


def compare_facts(before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    """Differences that harm whatever the new version is: of columns, indexes, constraints, triggers and ids."""
    had, has = before.facts(), after.facts()
    if not had or not has:
        return
    for place, was in had.items():
        kind, _, name = place.partition(" ")
        now = has.get(place)
        if kind == "column" and now is not None:
            yield from _column(place, was, now)
        elif kind == "ids" and now is not None and int(now) < int(was):
            yield _finding(
                place, Severity.BREAKING, was, now, "ids are given a second time: new things replace old ones"
            )
        elif place == "database collation" and now != was:
            yield _finding(place, Severity.DEGRADED, was, now, "comparisons and sorting of texts follow other rules")
        elif kind in ("index", "foreign", "check") and now is None:
            yield from _lost(place, name, was, has)
    for place in has.keys() - had.keys():
        if place.startswith(("state of ", "trigger ")):
            consequence = (
                "what it kept right or fast is not kept any more"
                if place.startswith("state")
                else ("something that the product does not know of acts on every change of this table")
            )
            yield _finding(place, Severity.DEGRADED, None, has[place], consequence)


def _column(place: str, was: str, now: str) -> Iterator[Finding]:
    old, new = _COLUMN.fullmatch(was), _COLUMN.fullmatch(now)
    if old is None or new is None:
        return
    if old["type"] == new["type"] and _size(new["size"]) < _size(old["size"]):
        yield _finding(place, Severity.BREAKING, was, now, "longer values that were stored are cut off or refused")
    if old["collation"] and new["collation"] and old["collation"] != new["collation"]:
        consequence = "joins with other columns fail, or find other rows (OctopusDeploy/Issues#2976)"
        yield _finding(f"{place} (collation)", Severity.DEGRADED, was, now, consequence)


def _size(text: str | None) -> float:
    return float("inf") if text in (None, "max") else float(text)


def _lost(place: str, name: str, was: str, has: Mapping[str, str]) -> Iterator[Finding]:
    """An index or constraint that is gone although its columns are there, and nothing else says the same."""
    table = ".".join(name.removeprefix("key ").split(".")[:2])
    kind = place.partition(" ")[0]
    there = [text for other, text in has.items() if other.startswith(f"{kind} ") and f"{table}." in other]
    columns = _columns(was) if kind != "check" else []
    if any(f"column {table}.{column}" not in has for column in columns) or not _has_table(table, has):
        return
    said = was.partition(": ")[2] or was
    if any(text == was or (text.partition(": ")[2] or text).startswith(said) for text in there):
        return
    yield _finding(
        place, Severity.DEGRADED, was, None,
        "what it kept right or fast is not kept any more: wrong rows are let in, or queries read whole tables",
    )  # fmt: skip


def _columns(text: str) -> list[str]:
    """The columns of an index ("INDEX: A, B DESC") or of a foreign key ("A → dbo.B")."""
    columns = (text.partition(": ")[2] or text).partition(" → ")[0]
    return [column.removesuffix(" DESC") for column in columns.split(", ")]


def _has_table(table: str, has: Mapping[str, str]) -> bool:
    return any(place.startswith(f"column {table}.") for place in has)


def _finding(place: str, severity: Severity, before: str | None, after: str | None, consequence: str) -> Finding:
    return Finding(check="SCHEMA", severity=severity, place=place, before=before, after=after, consequence=consequence)
