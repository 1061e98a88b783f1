"""The main instance's database: can it be reached, backed up, restored and checked with the configured login."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tidegate.doctor.examined import Examined, bad, good, of_error, unknown
from tidegate.errors import SqlServerFailure, TidegateError
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.settings import Settings
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.inspect import sql_server_facts
from tidegate.versions import Version, plan, release_knowledge

_BACK_UP: Final = "SELECT HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'BACKUP DATABASE')"

#: RESTORE of a database that does not exist yet takes this permission; dbcreator and sysadmin have it (Microsoft:
#: RESTORE statements, "Permissions"). The backup is proven by restoring it under a scratch name.
_RESTORE: Final = "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE ANY DATABASE')"

_READ: Final = "SELECT HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'SELECT')"

#: Pages of 8 KiB (Microsoft: sys.database_files).
_SIZE: Final = "SELECT SUM(CONVERT(bigint, size)) * 8192 FROM sys.database_files"

#: What each missing right keeps from working, and the statement that gives it.
_RIGHTS: Final = (
    ("right to read", _READ, "GRANT SELECT TO [{user}] in database {name}"),
    ("right to back up", _BACK_UP, "ALTER ROLE db_backupoperator ADD MEMBER [{user}] in database {name}"),
    ("right to restore", _RESTORE, "ALTER SERVER ROLE dbcreator ADD MEMBER [{user}]"),
)


def examine_database(address: DatabaseAddress, settings: Settings, version: Version | None) -> Iterator[Examined]:
    """Log in and ask for rights and version; nothing is written."""
    try:
        with SqlServer(address.server, address.name) as server:
            facts = sql_server_facts(server)
            yield good("SQL Server", f"{facts.product_version} {facts.edition} at {address.server.server}")
            yield _new_enough(facts.major_version, settings, version)
            yield from examine_rights(server, address)
    except TidegateError as error:
        yield of_error("SQL Server", error)


def examine_rights(server: SqlServer, address: DatabaseAddress) -> Iterator[Examined]:
    """What the login may do. SQL Server answers 1, 0, or NULL where it does not know."""
    for name, question, grant in _RIGHTS:
        answer = server.value(question)
        cure = grant.format(user=address.server.user, name=address.name)
        if answer == 1:
            yield good(name, f"{address.server.user} has it")
        elif answer == 0:
            yield bad(name, f"{address.server.user} does not have it on {address.server.server}", cure)
        else:
            yield unknown(name, "SQL Server does not say", cure)


def database_size(address: DatabaseAddress) -> int:
    """Bytes of the database's files; 0 where they cannot be seen."""
    try:
        with SqlServer(address.server, address.name) as server:
            return int(server.value(_SIZE) or 0)
    except (SqlServerFailure, TidegateError):
        return 0


def _new_enough(major: int, settings: Settings, version: Version | None) -> Examined:
    name, target = "SQL Server version", settings.upgrade.target
    if version is None:
        return unknown(name, "the path is not known, because the main instance did not tell its version")
    try:
        path = plan(version, target, release_knowledge(), settings.upgrade.via)
    except TidegateError as error:
        return of_error("path", error)
    floors = [release_knowledge().floor(hop.target) for hop in path.hops]
    for floor, hop in zip(floors, path.hops, strict=True):
        if major < floor.major_version:
            needed = f"{hop.target} needs SQL Server {floor.sql_server} or newer"
            return bad(name, needed, f"upgrade SQL Server before Octopus Server, or stop before {hop.target}")
    return good(name, f"new enough for {' → '.join(str(hop.target) for hop in path.hops)}")
