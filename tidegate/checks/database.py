"""COUNT, SCHEMA and JOURNAL: the database behind an instance, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tidegate.checks.database_facts import compare_facts
from tidegate.checks.finding import Finding, Severity
from tidegate.observation.store import Snapshot

#: Tables whose rows releases are known to move: PackageMetadata was renamed by 2019.10 (OctopusDeploy/Issues#5913).
RENAMED: Final = {"dbo.PackageMetadata": "dbo.BuildInformation"}

#: Tables that the server empties by itself: who is looking, what runs, what is cached.
TRANSIENT: Final = frozenset({"Lease", "Mutex", "OctopusServerNode", "KeyAllocation", "ServerTaskQueue"})


def compare_database(before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    """Rows, views and the journal of schema scripts."""
    for snapshot in (before, after):
        trouble = snapshot.about.get("database_trouble")
        if trouble:
            yield Finding(
                check="SCHEMA", severity=Severity.BREAKING, place="the database", before=None, after=trouble,
                consequence="the database could not be read, so nothing is known about its rows and views",
                kind="incomplete",
            )  # fmt: skip
            return
    if not (before.about["database"] and after.about["database"]):
        return
    yield from _tables(before.tables(), after.tables())
    yield from _views(before.views(), after.views())
    yield from _journal(before.journal(), after.journal())
    yield from compare_facts(before, after)


def _tables(had: dict[str, int], has: dict[str, int]) -> Iterator[Finding]:
    for table, rows in had.items():
        now = has.get(table, has.get(RENAMED.get(table, "")))
        bare = table.rpartition(".")[2]
        if rows == 0 or bare in TRANSIENT:
            continue
        if now is None:
            yield Finding(
                check="SCHEMA", severity=Severity.DEGRADED, place=f"table {table}", before=rows, after=None,
                consequence="the table is gone with its rows, and no release is known to move them",
            )  # fmt: skip
        elif now < rows:
            yield Finding(
                check="COUNT", severity=Severity.BREAKING, place=f"table {table}", before=rows, after=now,
                consequence="rows are gone from the database; what they held is missing somewhere",
            )  # fmt: skip


def _views(had: dict[str, str], has: dict[str, str]) -> Iterator[Finding]:
    for view, error in has.items():
        if error and not had.get(view):
            yield Finding(
                check="SCHEMA", severity=Severity.BREAKING, place=f"view {view}", before="can be read", after=error,
                consequence="pages and routes that read this view fail (OctopusDeploy/Issues#5252 and #6242)",
            )  # fmt: skip


def _journal(had: list[str], has: list[str]) -> Iterator[Finding]:
    lost = [script for script in had if script not in set(has)]
    if lost:
        yield Finding(
            check="JOURNAL", severity=Severity.BREAKING, place="the journal of schema scripts", before=lost, after=None,
            consequence="scripts that ran are not in the journal; the next upgrade would run them again or refuse",
        )  # fmt: skip
    doubled = sorted({script for script in has if has.count(script) > 1} - {s for s in had if had.count(s) > 1})
    if doubled:
        yield Finding(
            check="JOURNAL", severity=Severity.DEGRADED, place="the journal of schema scripts", before=None,
            after=doubled, consequence="scripts ran twice in one upgrade",
        )  # fmt: skip
