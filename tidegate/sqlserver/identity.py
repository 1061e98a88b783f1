"""Which database this is: a name can lie, what the server says about itself does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tidegate.errors import SqlServerFailure
from tidegate.sqlserver.connection import SqlServer

#: Permission denied; an object that this SQL Server does not have.
_NOT_TOLD: Final = frozenset({229, 300, 297, 208})


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """``guid`` is "" where the login may not see it; RESTORE gives a new database a new one (Microsoft:
    sys.database_recovery_status)."""

    server_name: str
    database: str
    guid: str


def database_identity(server: SqlServer) -> DatabaseIdentity:
    """Who the connection's database and its server are."""
    name, database = server.rows("SELECT CONVERT(nvarchar(256), @@SERVERNAME), DB_NAME()")[0]
    return DatabaseIdentity(str(name or ""), str(database), _guid(server))


def _guid(server: SqlServer) -> str:
    try:
        guid = server.value(
            "SELECT CONVERT(nvarchar(50), database_guid) FROM sys.database_recovery_status WHERE database_id = DB_ID()"
        )
    except SqlServerFailure as error:
        if error.number in _NOT_TOLD:
            return ""
        raise
    return str(guid or "").lower()
