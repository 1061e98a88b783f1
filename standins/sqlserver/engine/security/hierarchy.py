"""Which permission implies which ("Permissions (Database Engine)", "Server-level roles", "Database-level roles")."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

SERVER, DATABASE, SCHEMA, OBJECT = "SERVER", "DATABASE", "SCHEMA", "OBJECT"
_PARENT = {OBJECT: SCHEMA, SCHEMA: DATABASE, DATABASE: SERVER}


def _rows(text: str) -> dict[str, tuple[str, str]]:
    """``permission < what covers it on the same securable < what covers it on the securable above``."""
    found: dict[str, tuple[str, str]] = {}
    for line in text.strip().splitlines():
        permission, same, above = (part.strip() for part in line.split("<"))
        found[permission] = (same, above)
    return found


#: A selection of ``sys.fn_builtin_permissions``; what is not here is refused by name.
PERMISSIONS: dict[str, dict[str, tuple[str, str]]] = {
    SERVER: _rows(
        """
        CONTROL SERVER < <
        ALTER ANY DATABASE < CONTROL SERVER <
        CREATE ANY DATABASE < ALTER ANY DATABASE <
        VIEW ANY DATABASE < CONTROL SERVER <
        CONNECT ANY DATABASE < CONTROL SERVER <
        CONNECT SQL < CONTROL SERVER <
        ALTER ANY LOGIN < CONTROL SERVER <
        ALTER ANY SERVER ROLE < CONTROL SERVER <
        ALTER ANY CONNECTION < CONTROL SERVER <
        ALTER SERVER STATE < CONTROL SERVER <
        VIEW SERVER STATE < ALTER SERVER STATE <
        VIEW ANY DEFINITION < CONTROL SERVER <
        SELECT ALL USER SECURABLES < CONTROL SERVER <
        ADMINISTER BULK OPERATIONS < CONTROL SERVER <
        ALTER SETTINGS < CONTROL SERVER <
        SHUTDOWN < CONTROL SERVER <
        """
    ),
    DATABASE: _rows(
        """
        CONTROL < < CONTROL SERVER
        CONNECT < CONTROL < CONNECT ANY DATABASE
        ALTER < CONTROL < ALTER ANY DATABASE
        ALTER ANY SCHEMA < ALTER < CONTROL SERVER
        ALTER ANY USER < ALTER < CONTROL SERVER
        ALTER ANY ROLE < ALTER < CONTROL SERVER
        CREATE DATABASE < CONTROL < CREATE ANY DATABASE
        CREATE TABLE < ALTER < CONTROL SERVER
        CREATE VIEW < ALTER < CONTROL SERVER
        CREATE PROCEDURE < ALTER < CONTROL SERVER
        CREATE FUNCTION < ALTER < CONTROL SERVER
        CREATE TYPE < ALTER < CONTROL SERVER
        CREATE SCHEMA < ALTER ANY SCHEMA < CONTROL SERVER
        CREATE ROLE < ALTER ANY ROLE < CONTROL SERVER
        BACKUP DATABASE < CONTROL < CONTROL SERVER
        BACKUP LOG < CONTROL < CONTROL SERVER
        CHECKPOINT < CONTROL < CONTROL SERVER
        VIEW DEFINITION < CONTROL < VIEW ANY DEFINITION
        VIEW DATABASE STATE < CONTROL < VIEW SERVER STATE
        TAKE OWNERSHIP < CONTROL < CONTROL SERVER
        SELECT < CONTROL < SELECT ALL USER SECURABLES
        INSERT < CONTROL < CONTROL SERVER
        UPDATE < CONTROL < CONTROL SERVER
        DELETE < CONTROL < CONTROL SERVER
        EXECUTE < CONTROL < CONTROL SERVER
        REFERENCES < CONTROL < CONTROL SERVER
        """
    ),
    SCHEMA: _rows(
        """
        CONTROL < < CONTROL
        ALTER < CONTROL < ALTER ANY SCHEMA
        VIEW DEFINITION < CONTROL < VIEW DEFINITION
        TAKE OWNERSHIP < CONTROL < CONTROL
        SELECT < CONTROL < SELECT
        INSERT < CONTROL < INSERT
        UPDATE < CONTROL < UPDATE
        DELETE < CONTROL < DELETE
        EXECUTE < CONTROL < EXECUTE
        REFERENCES < CONTROL < REFERENCES
        """
    ),
    OBJECT: _rows(
        """
        CONTROL < < CONTROL
        ALTER < CONTROL < ALTER
        VIEW DEFINITION < CONTROL < VIEW DEFINITION
        TAKE OWNERSHIP < CONTROL < CONTROL
        SELECT < CONTROL < SELECT
        INSERT < CONTROL < INSERT
        UPDATE < CONTROL < UPDATE
        DELETE < CONTROL < DELETE
        EXECUTE < CONTROL < EXECUTE
        REFERENCES < CONTROL < REFERENCES
        """
    ),
}

#: Fixed server roles with their principal_id and what they may do.
SERVER_ROLES: dict[str, tuple[int, frozenset[str]]] = {
    "public": (2, frozenset({"VIEW ANY DATABASE", "CONNECT SQL"})),
    "sysadmin": (3, frozenset({"CONTROL SERVER"})),
    "securityadmin": (4, frozenset({"ALTER ANY LOGIN"})),
    "serveradmin": (5, frozenset({"ALTER SERVER STATE", "ALTER SETTINGS", "SHUTDOWN"})),
    "setupadmin": (6, frozenset[str]()),
    "processadmin": (7, frozenset({"ALTER ANY CONNECTION", "ALTER SERVER STATE"})),
    "diskadmin": (8, frozenset[str]()),
    "dbcreator": (9, frozenset({"ALTER ANY DATABASE", "CREATE ANY DATABASE"})),
    "bulkadmin": (10, frozenset({"ADMINISTER BULK OPERATIONS"})),
}

#: Fixed database roles with their principal_id and what they may do; what two of them must not is in DENIED.
DATABASE_ROLES: dict[str, tuple[int, frozenset[str]]] = {
    "db_owner": (16384, frozenset({"CONTROL"})),
    "db_accessadmin": (16385, frozenset({"ALTER ANY USER", "CREATE SCHEMA", "CONNECT"})),
    "db_securityadmin": (16386, frozenset({"ALTER ANY ROLE", "CREATE SCHEMA", "VIEW DEFINITION"})),
    "db_ddladmin": (
        16387,
        frozenset(
            {"ALTER ANY SCHEMA", "CREATE TABLE", "CREATE VIEW", "CREATE PROCEDURE", "CREATE FUNCTION", "CREATE TYPE"}
        )
        | {"CHECKPOINT", "REFERENCES"},
    ),
    "db_backupoperator": (16389, frozenset({"BACKUP DATABASE", "BACKUP LOG", "CHECKPOINT"})),
    "db_datareader": (16390, frozenset({"SELECT"})),
    "db_datawriter": (16391, frozenset({"INSERT", "UPDATE", "DELETE"})),
    "db_denydatareader": (16392, frozenset[str]()),
    "db_denydatawriter": (16393, frozenset[str]()),
}
DENIED: dict[int, frozenset[str]] = {
    16392: frozenset({"SELECT"}),
    16393: frozenset({"INSERT", "UPDATE", "DELETE"}),
}
GRANTED: dict[int, frozenset[str]] = dict(DATABASE_ROLES.values())


@lru_cache(maxsize=500)
def covering(securable: str, permission: str) -> tuple[tuple[str, str], ...]:
    """The permission itself and all that imply it, each with the kind of securable it is held on."""

    def walk(kind: str, name: str) -> Iterator[tuple[str, str]]:
        yield kind, name
        same, above = PERMISSIONS[kind][name]
        if same:
            yield from walk(kind, same)
        if above:
            yield from walk(_PARENT[kind], above)

    return tuple(dict.fromkeys(walk(securable, permission)))
