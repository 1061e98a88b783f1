"""Look at a database before it is upgraded: what has broken upgrades before, and what SQL Server it lives on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

from tidegate.checks.finding import Finding, Severity
from tidegate.errors import SqlServerFailure
from tidegate.sqlserver.connection import SqlServer, literal
from tidegate.versions import Version
from tidegate.versions.ranges import VersionRange
from tidegate.versions.releases import SqlServerFloor

#: Rows shown of one check.
_SHOWN: Final = 20
#: Stands for the names of the instance's own nodes in a question.
_OWN: Final = "{own}"
#: SQL Server numbers for what this login or this SQL Server cannot tell: no permission, no such object or function.
_CANNOT_TELL: Final = frozenset({207, 208, 195, 229, 297, 300, 371})


class Outcome(StrEnum):
    """How a check of `pre_checks.toml` ended."""

    HOLDS = "holds"
    VIOLATED = "violated"
    NOT_APPLICABLE = "not applicable"
    COULD_NOT_RUN = "could not run"


@dataclass(frozen=True, slots=True)
class PreCheck:
    """One question of `tidegate/knowledge/pre_checks.toml`."""

    id: str
    title: str
    means: str
    severity: Severity
    source: str
    sql: str
    needs: tuple[tuple[str, str], ...]
    origin: VersionRange
    target: VersionRange

    @property
    def about_nodes(self) -> bool:
        """Whether the question tells the instance's own nodes from others."""
        return _OWN in self.sql


@dataclass(frozen=True, slots=True)
class PreCheckResult:
    """The answer to one question: the offending rows, or why there is no answer."""

    check: PreCheck
    outcome: Outcome
    rows: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class SqlServerFacts:
    """The SQL Server and the database, as far as Octopus cares."""

    product_version: str
    major_version: int
    edition: str
    server_collation: str
    database_collation: str
    compatibility_level: int


@cache
def pre_checks() -> tuple[PreCheck, ...]:
    """Every question that ships with Tidegate."""
    text = resources.files("tidegate.knowledge").joinpath("pre_checks.toml").read_text(encoding="utf-8")
    return tuple(
        PreCheck(
            row["id"],
            row["title"],
            row["means"],
            Severity(row["severity"]),
            row["source"],
            row["sql"].strip(),
            tuple((table, column) for table, _, column in (name.partition(".") for name in row.get("needs", ()))),
            VersionRange(row.get("from", "")),
            VersionRange(row.get("to", "")),
        )
        for row in tomllib.loads(text)["check"]
    )


def run_pre_checks(
    server: SqlServer, current: Version, target: Version, *, own_nodes: Sequence[str] = ()
) -> list[PreCheckResult]:
    """Ask every question about the connection's database.

    ``own_nodes`` are the names of the instance's nodes; other nodes must not run. Without them, as for an instance
    whose nodes nobody counted, that is not asked.
    """
    columns = {
        (str(table).lower(), str(column).lower())
        for table, column in server.rows(
            "SELECT TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'dbo'"
        )
    }
    json_tables = [
        str(table)
        for (table,) in server.rows(
            "SELECT c.TABLE_NAME FROM INFORMATION_SCHEMA.COLUMNS c JOIN INFORMATION_SCHEMA.TABLES t "
            "ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME AND t.TABLE_TYPE = 'BASE TABLE' "
            "WHERE c.TABLE_SCHEMA = 'dbo' AND c.COLUMN_NAME = 'JSON' ORDER BY c.TABLE_NAME"
        )
    ]
    results: list[PreCheckResult] = []
    for check in pre_checks():
        why = _why_not(check, columns, current, target, own_nodes)
        results.append(
            PreCheckResult(check, Outcome.NOT_APPLICABLE, why=why)
            if why
            else _ask(server, check, json_tables, own_nodes)
        )
    return results


def sql_server_facts(server: SqlServer) -> SqlServerFacts:
    """What SQL Server says about itself and the connection's database."""
    version, edition, server_collation, collation, level = server.rows(
        "SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')), "
        "CONVERT(nvarchar(128), SERVERPROPERTY('Edition')), CONVERT(nvarchar(128), SERVERPROPERTY('Collation')), "
        "CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation')), compatibility_level "
        "FROM sys.databases WHERE name = DB_NAME()"
    )[0]
    return SqlServerFacts(
        str(version),
        int(str(version).partition(".")[0]),
        str(edition),
        str(server_collation),
        # Azure SQL was seen to answer NULL here (OctopusDeploy/Issues#5137).
        str(collation or ""),
        int(level),
    )


def judge_sql_server(facts: SqlServerFacts, floor: SqlServerFloor, target: Version) -> list[Finding]:
    """Whether the SQL Server is new enough for the target version."""
    if facts.major_version >= floor.major_version:
        return []
    return [
        Finding(
            check="PRE",
            severity=Severity.BREAKING,
            place="SQL Server",
            before=facts.product_version,
            after=f"{floor.sql_server} or newer",
            consequence=f"Octopus Server {target} refuses this SQL Server",
        )
    ]


def findings(results: Sequence[PreCheckResult]) -> Iterator[Finding]:
    """What the checks found, for the verdict."""
    for result in results:
        check = result.check
        if result.outcome is Outcome.VIOLATED:
            yield Finding(
                check="PRE",
                severity=check.severity,
                place=check.title,
                before=list(result.rows),
                consequence=f"{check.means} ({check.source})",
            )
        elif result.outcome is Outcome.COULD_NOT_RUN:
            yield Finding(
                check="PRE",
                severity=check.severity,
                place=check.title,
                consequence=f"not known: {result.why}",
                kind="incomplete",
            )


def _why_not(
    check: PreCheck, columns: set[tuple[str, str]], current: Version, target: Version, own_nodes: Sequence[str]
) -> str:
    if current not in check.origin or target not in check.target:
        return f"{current} → {target} is not concerned"
    if check.about_nodes and not own_nodes:
        return "the instance's own nodes are not known"
    missing = [f"{table}.{column}" for table, column in check.needs if (table.lower(), column.lower()) not in columns]
    return f"this version has no {', '.join(missing)}" if missing else ""


def _ask(server: SqlServer, check: PreCheck, json_tables: Sequence[str], own_nodes: Sequence[str]) -> PreCheckResult:
    sql = check.sql.replace(_OWN, ", ".join(literal(node) for node in own_nodes))
    questions = (
        [sql.replace("{table}", table.replace("]", "]]")) for table in json_tables] if "{table}" in sql else [sql]
    )
    rows: list[str] = []
    try:
        for question in questions:
            rows += [": ".join(str(part) for part in row if part is not None) for row in server.rows(question)]
    except SqlServerFailure as error:
        if error.number not in _CANNOT_TELL:
            raise
        return PreCheckResult(check, Outcome.COULD_NOT_RUN, why=error.what)
    shown = tuple(rows[:_SHOWN]) + ((f"and {len(rows) - _SHOWN} more",) if len(rows) > _SHOWN else ())
    return PreCheckResult(check, Outcome.VIOLATED if rows else Outcome.HOLDS, shown)
