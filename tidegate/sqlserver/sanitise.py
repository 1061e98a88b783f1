"""Make a restored copy of the main instance's database harmless, and prove it. Runs before its server ever starts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

from tidegate.errors import ProvisioningFailed
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.product import product_version

#: The first SQL Server with JSON functions: 2016.
_JSON_SINCE: Final = 13
#: The Configuration document that holds the installation id (Octopus docs, "new installation id" script).
_INSTALLATION: Final = "upgradeavailability"


class Feeds(StrEnum):
    """What becomes of external feeds."""

    KEEP = "feeds:keep"
    WITHOUT_CREDENTIALS = "feeds:without-credentials"
    CUT = "feeds:cut"


class Git(StrEnum):
    """What becomes of the credentials of git-backed projects."""

    KEEP = "git:keep"
    WITHOUT_CREDENTIALS = "git:without-credentials"


@dataclass(frozen=True, slots=True)
class SanitisePolicy:
    """Choices that weigh likeness with production against reaching out of the clone; the defaults do not reach out
    with production's credentials."""

    feeds: Feeds = Feeds.WITHOUT_CREDENTIALS
    git: Git = Git.WITHOUT_CREDENTIALS

    def allows(self, statement: Statement) -> bool:
        return not statement.policy or bool({self.feeds, self.git} & set(statement.policy))


@dataclass(frozen=True, slots=True)
class Statement:
    """One hazard of `tidegate/knowledge/sanitise.toml`."""

    id: str
    title: str
    why: str
    source: str
    needs: tuple[tuple[str, str], ...]  # table, column
    sql: str
    proof: str
    policy: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Sanitised:
    """What one statement did. ``changed`` is None where this version has no such thing or the policy keeps it."""

    id: str
    title: str
    changed: int | None
    why_not: str = ""


@cache
def statements() -> tuple[Statement, ...]:
    """Every statement that ships with Tidegate, in order."""
    text = resources.files("tidegate.knowledge").joinpath("sanitise.toml").read_text(encoding="utf-8")
    return tuple(
        Statement(
            row["id"],
            row["title"],
            row["why"],
            row["source"],
            tuple(_column(name) for name in row["needs"]),
            row["sql"].strip(),
            row["proof"].strip(),
            tuple(row.get("policy", ())),
            row.get("required", False),
        )
        for row in tomllib.loads(text)["statement"]
    )


def sanitise_database(server: SqlServer, policy: SanitisePolicy | None = None) -> list[Sanitised]:
    """Apply every statement to the connection's database in one transaction, then prove each.

    The caller has made sure that this is no main instance's database. Raises :class:`ProvisioningFailed` when a proof
    fails; then no server may be started on this database.
    """
    policy = policy or SanitisePolicy()
    _require_json(server)
    columns = _columns(server)
    _require_known_layout(server, columns)
    done: list[Sanitised] = []
    with server.transaction():
        for statement in statements():
            why_not = _why_not(statement, columns, policy)
            changed = None if why_not else server.execute(statement.sql)
            done.append(Sanitised(statement.id, statement.title, changed, why_not))
    prove_sanitised(server, policy)
    return done


def prove_sanitised(server: SqlServer, policy: SanitisePolicy | None = None, besides: Iterable[str] = ()) -> list[str]:
    """The ids of what was proven; raises :class:`ProvisioningFailed` naming every hazard that is still there.

    ``besides`` names statements that no longer hold on purpose, such as ``nodes`` once the clone's own server ran.
    """
    policy = policy or SanitisePolicy()
    columns = _columns(server)
    left_out = set(besides)
    applicable = [one for one in statements() if one.id not in left_out and not _why_not(one, columns, policy)]
    remaining = [
        f"{one.title}: not so in {count} rows" for one in applicable if (count := int(server.value(one.proof) or 0))
    ]
    if remaining:
        raise ProvisioningFailed(
            f"the copy of the database is not harmless: {'; '.join(remaining)}",
            where=f"{server.address.server}, database {server.database}",
            next_step="start nothing on this database, and report this: a statement of sanitise.toml misses a case",
        )
    return [one.id for one in applicable]


def installation_id(server: SqlServer) -> str:
    """The installation id in the connection's database; "" where it has none yet."""
    value = server.value(
        "SELECT CASE WHEN ISJSON(JSON) = 1 THEN JSON_VALUE(JSON, '$.InstallationId') END "
        "FROM dbo.Configuration WHERE Id = ?",
        _INSTALLATION,
    )
    return str(value or "")


def give_installation_id(server: SqlServer, new: str) -> None:
    """Replace the installation id, as Octopus documents it for clones; proven by reading it back."""
    server.execute(
        "UPDATE dbo.Configuration SET JSON = JSON_MODIFY(JSON, '$.InstallationId', CAST(? AS nvarchar(50))) "
        "WHERE Id = ?",
        new,
        _INSTALLATION,
    )
    found = installation_id(server)
    if found != new:
        raise ProvisioningFailed(
            f"the copy has no installation id of its own: it says {found or 'nothing'}, expected {new}",
            where=f"{server.database}, table Configuration, row {_INSTALLATION}",
        )


def summary(done: Sequence[Sanitised]) -> str:
    """One line for progress notes."""
    changed = [f"{one.id} {one.changed}" for one in done if one.changed]
    skipped = sum(one.changed is None for one in done)
    return f"sanitised: {', '.join(changed) or 'nothing to change'}; {skipped} of {len(done)} statements did not apply"


def _why_not(statement: Statement, columns: frozenset[tuple[str, str]], policy: SanitisePolicy) -> str:
    if not policy.allows(statement):
        return "kept by policy"
    missing = [
        f"{table}.{column}" for table, column in statement.needs if (table.lower(), column.lower()) not in columns
    ]
    return f"this version has no {', '.join(missing)}" if missing else ""


def _require_known_layout(server: SqlServer, columns: frozenset[tuple[str, str]]) -> None:
    """Refuse a database in which the gravest hazards cannot be found: what is not found is not harmless."""
    unknown = [
        f"{table}.{column}"
        for one in statements()
        if one.required
        for table, column in one.needs
        if (table.lower(), column.lower()) not in columns
    ]
    if unknown:
        raise ProvisioningFailed(
            f"this database is not laid out as Octopus databases are known to be: it has no {', '.join(unknown)}",
            where=f"{server.address.server}, database {server.database}",
            next_step="start nothing on this database: its triggers, targets or tasks could not be disabled",
        )


def _columns(server: SqlServer) -> frozenset[tuple[str, str]]:
    rows = server.rows("SELECT TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'dbo'")
    return frozenset((str(table).lower(), str(column).lower()) for table, column in rows)


def _column(name: str) -> tuple[str, str]:
    table, _, column = name.partition(".")
    return table, column


def _require_json(server: SqlServer) -> None:
    version, release = product_version(server)
    if release < _JSON_SINCE:
        raise ProvisioningFailed(
            f"SQL Server {version} has no JSON functions, which sanitising a clone needs",
            where=server.address.server,
            next_step="give the test instance a SQL Server 2016 or newer; a backup of an older one restores there",
        )
