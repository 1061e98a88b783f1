"""Findings as a table: one row a property that differs, so that a reader sees the difference and not two documents."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from tidegate.checks.finding import Finding
from tidegate.reporting.board.html import cut

HEAD: Final = ("finding", "place", "before", "after", "consequence")

#: Rows, and characters of a value, that a reader is spared beyond.
_ROWS: Final = 2000
_VALUE: Final = 500

#: Stands where one side has nothing.
_ABSENT: Final = object()


def findings_table(findings: Iterable[Finding]) -> str:
    """The findings as CSV, which Allure shows as a table."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(HEAD)
    number = 0
    for finding in findings:
        kind = finding.severity if finding.kind == "upgrade" else f"{finding.severity} ({finding.kind})"
        for name, before, after in differences(finding.before, finding.after):
            number += 1
            if number <= _ROWS:
                place = f"{finding.place}, {name}" if name else finding.place
                told = (f"{finding.check} {kind}", place, before, after, finding.consequence)
                rows.writerow([_harmless(cell) for cell in told])
    if number > _ROWS:
        rows.writerow(["", f"and {number - _ROWS} more rows, all in verdict.json", "", "", ""])
    return written.getvalue()


def differences(before: Any, after: Any) -> list[tuple[str, str, str]]:
    """Each property that differs, by its path, with both values as text; one row without a path for plain values."""
    inside = list(_leaves(before, after, "")) if _alike(before, after) else []
    return [(name, _text(old), _text(new)) for name, old, new in inside or [("", before, after)]]


def _leaves(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        old, new = cast("Mapping[str, Any]", before), cast("Mapping[str, Any]", after)
        for name in dict.fromkeys([*old, *new]):
            yield from _leaves(old.get(name, _ABSENT), new.get(name, _ABSENT), f"{path}.{name}" if path else str(name))
    elif _lists(before, after):
        first, second = cast("Sequence[Any]", before), cast("Sequence[Any]", after)
        for index in range(max(len(first), len(second))):
            old = first[index] if index < len(first) else _ABSENT
            new = second[index] if index < len(second) else _ABSENT
            yield from _leaves(old, new, f"{path}[{index}]")
    elif before is _ABSENT or after is _ABSENT or before != after:
        yield path, before, after


def _alike(before: Any, after: Any) -> bool:
    """Whether both are of a kind that has properties, so that the difference lies inside."""
    return (isinstance(before, Mapping) and isinstance(after, Mapping)) or _lists(before, after)


def _lists(before: Any, after: Any) -> bool:
    return isinstance(before, list | tuple) and isinstance(after, list | tuple)


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "(absent)"
    return cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), _VALUE)


def _harmless(cell: str) -> str:
    """A spreadsheet must not take a value of the instance for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "@"} else cell
