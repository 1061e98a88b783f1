"""COUNT and DIFF: what the tables hold that no route shows, and rows that came in place of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tidegate.checks.database import RENAMED, TRANSIENT
from tidegate.checks.finding import Finding, Severity
from tidegate.observation.store import Snapshot
from tidegate.sqlserver.fingerprints import Bucket

Buckets = Mapping[int, Bucket]

#: Tables that every upgrade writes: the journal of scripts and the history of installations.
_OF_UPGRADES: Final = frozenset({"SchemaVersions", "OctopusServerInstallationHistory"})
#: The column of the documents. Releases bring documents into new forms, of the server's settings as well; what that
#: does to users is compared where it shows, and their secrets are compared by digest.
_DOCUMENT: Final = "json"
#: Columns in which a running server notes when it saw, used or changed something (`LastSeen` of nodes): two looks may
#: lie between two of its notes, and so not learn it.
_NOTED: Final = "last"
#: Parts of a table that a finding names a row of.
_EXAMPLES: Final = 3


def compare_contents(before: Snapshot, after: Snapshot, *, earlier: Snapshot) -> Iterator[Finding]:
    """Tables that lost rows although they hold as many, and columns that changed in tables that no route shows.

    What differs between ``earlier`` and ``before`` is written by itself and says nothing.
    """
    had, has, first = before.contents(), after.contents(), earlier.contents()
    counted = after.tables()
    shown: set[str] = set()
    for table, buckets in sorted(had.items()):
        name = table if table in has else RENAMED.get(table, table)
        if table.rpartition(".")[2] in TRANSIENT | _OF_UPGRADES or name not in has or table not in first:
            continue
        rows = sum(bucket.rows for bucket in buckets.values())
        lost = [] if _lost(first[table], buckets) else _lost(buckets, has[name])
        if lost and counted.get(name, 0) >= rows:
            yield _finding(
                "COUNT", Severity.BREAKING, f"table {table}", f"{rows} rows",
                f"others in place of some, as of {_examples(buckets, lost)}",
                "rows are gone from the database, though as many are there; what they held is missing somewhere",
            )  # fmt: skip
        living = _changed(first[table], buckets)
        changed = {
            column: at
            for column, at in _changed(buckets, has[name]).items()
            if column not in living and column.lower() != _DOCUMENT and not column.lower().startswith(_NOTED)
        }
        if not changed:
            continue
        shown = shown or before.ends_of_places()
        if any(bucket.example in shown for bucket in buckets.values() if bucket.example):
            continue  # routes show what is in it, and what they show is compared
        for column, at in sorted(changed.items()):
            yield _finding(
                "DIFF", Severity.DEGRADED, f"table {table}, column {column}",
                f"{rows} rows", f"other values, as in {_examples(buckets, at)}",
                "no route shows this table, so nothing else tells what reads these values and what it makes of them",
            )  # fmt: skip


def _lost(before: Buckets, after: Buckets) -> list[int]:
    """Parts that hold fewer rows, or as many others."""
    return [
        number
        for number, bucket in before.items()
        if (now := after.get(number)) is None
        or now.rows < bucket.rows
        or (now.rows == bucket.rows and now.keys != bucket.keys)
    ]


def _changed(before: Buckets, after: Buckets) -> dict[str, list[int]]:
    """Columns of which a part with the same rows holds other values, and which parts."""
    found: dict[str, list[int]] = {}
    for number, bucket in before.items():
        now = after.get(number)
        if now is None or (now.rows, now.keys) != (bucket.rows, bucket.keys):
            continue
        for column, total in bucket.columns.items():
            if now.columns.get(column, total) != total:
                found.setdefault(column, []).append(number)
    return found


def _examples(buckets: Buckets, numbers: list[int]) -> str:
    """Rows that such parts begin with, or how many parts there are where rows have no names."""
    names = [buckets[number].example for number in numbers[:_EXAMPLES] if buckets[number].example]
    parts = f"{len(numbers)} of {len(buckets)} parts"
    return f"{parts} (those of {', '.join(names)})" if names else parts


def _finding(  # noqa: PLR0917 - the fields of one finding
    check: str, severity: Severity, place: str, before: str, after: str, consequence: str
) -> Finding:
    return Finding(check=check, severity=severity, place=place, before=before, after=after, consequence=consequence)
