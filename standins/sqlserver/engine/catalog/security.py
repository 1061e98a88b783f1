"""Logins, users, roles and permissions as catalog views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from standins.sqlserver.engine.catalog.base import view
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.security.hierarchy import DATABASE_ROLES, SERVER_ROLES
from standins.sqlserver.engine.securitymodel import DBO, PermissionModel

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

Row = tuple[Any, ...]
_STATES = {"GRANT": "G", "DENY": "D"}
#: ``type`` of sys.database_permissions and sys.server_permissions ("sys.database_permissions", Microsoft Learn).
_TYPES = {
    "CONTROL": "CL", "CONNECT": "CO", "ALTER": "AL", "ALTER ANY SCHEMA": "ALSM", "ALTER ANY USER": "ALUS",
    "ALTER ANY ROLE": "ALRL", "CREATE DATABASE": "CRDB", "CREATE TABLE": "CRTB", "CREATE VIEW": "CRVW",
    "CREATE PROCEDURE": "CRPR", "CREATE FUNCTION": "CRFN", "CREATE TYPE": "CRTY", "CREATE SCHEMA": "CRSM",
    "CREATE ROLE": "CRRL", "BACKUP DATABASE": "BADB", "BACKUP LOG": "BALO", "CHECKPOINT": "CP",
    "VIEW DEFINITION": "VW", "VIEW DATABASE STATE": "VWDS", "TAKE OWNERSHIP": "TO", "SELECT": "SL", "INSERT": "IN",
    "UPDATE": "UP", "DELETE": "DL", "EXECUTE": "EX", "REFERENCES": "RF", "CONNECT SQL": "COSQ",
    "ALTER ANY DATABASE": "ALDB", "CREATE ANY DATABASE": "CRDB", "VIEW ANY DATABASE": "VWDB",
    "CONNECT ANY DATABASE": "CADB", "ALTER ANY LOGIN": "ALLG", "ALTER ANY SERVER ROLE": "ALSR",
    "ALTER ANY CONNECTION": "ALCO", "ALTER SERVER STATE": "ALSS", "VIEW SERVER STATE": "VWSS",
    "VIEW ANY DEFINITION": "VWAD", "SELECT ALL USER SECURABLES": "SUS", "ADMINISTER BULK OPERATIONS": "ADBO",
    "ALTER SETTINGS": "ALST", "SHUTDOWN": "SHDN", "CONTROL SERVER": "CL",
}  # fmt: skip
_CLASSES = {"DATABASE": (0, "DATABASE"), "OBJECT": (1, "OBJECT_OR_COLUMN"), "SCHEMA": (3, "SCHEMA")}


def _server_principals(session: EngineSession, _: Database) -> Iterator[Row]:
    created, logins = session.server.started, session.server.security
    yield "sa", 1, b"\x01", "S", "SQL_LOGIN", 0, created, created, "master", "us_english", None, None, 0
    for name in logins.names():
        yield (
            name, logins.number(name), bytes.fromhex(logins.sid(name)), "S", "SQL_LOGIN", int(logins.is_disabled(name)),
            created, created, "master", "us_english", None, None, 0,
        )  # fmt: skip
    for role, (number, _permissions) in SERVER_ROLES.items():
        sid, fixed = bytes([number]), int(role != "public")
        yield role, number, sid, "R", "SERVER_ROLE", 0, created, created, None, None, None, 1, fixed


def _server_role_members(session: EngineSession, _: Database) -> Iterator[Row]:
    yield SERVER_ROLES["sysadmin"][0], 1
    logins = session.server.security
    for name in logins.names():
        for role in logins.roles(name):
            yield SERVER_ROLES[role][0], logins.number(name)


def _server_permissions(session: EngineSession, _: Database) -> Iterator[Row]:
    logins = session.server.security
    for name in logins.names():
        for permission, state in logins.permissions(name).items():
            yield (
                100, "SERVER", 0, 0, logins.number(name), 1, _TYPES[permission], permission, _STATES[state], state,
            )  # fmt: skip


def _database_principals(session: EngineSession, database: Database) -> Iterator[Row]:
    created = database.settings.created
    owner = bytes.fromhex(session.server.security.sid(database.settings.owner))
    yield "public", 0, "R", "DATABASE_ROLE", None, created, created, 1, None, 0, 0, "NONE", None
    yield "dbo", 1, "S", "SQL_USER", "dbo", created, created, None, owner, 0, 1, "INSTANCE", None
    yield "guest", 2, "S", "SQL_USER", "guest", created, created, None, b"\x00", 0, 0, "NONE", None
    yield "INFORMATION_SCHEMA", 3, "S", "SQL_USER", None, created, created, None, None, 0, 0, "NONE", None
    yield "sys", 4, "S", "SQL_USER", None, created, created, None, None, 0, 0, "NONE", None
    for found in session.link.model(database).security.principals:
        if found.kind == "R":
            yield (
                found.name, found.principal_id, "R", "DATABASE_ROLE", None, found.created, found.created, 1, None, 0, 0,
                "NONE", None,
            )  # fmt: skip
        else:
            sid = bytes.fromhex(found.sid) if found.sid else None
            kind = (1, "INSTANCE") if found.sid else (0, "NONE")
            yield (
                found.name, found.principal_id, "S", "SQL_USER", found.default_schema, found.created, found.created,
                None, sid, 0, *kind, None,
            )  # fmt: skip
    for role, (number, _permissions) in DATABASE_ROLES.items():
        yield role, number, "R", "DATABASE_ROLE", None, created, created, 1, None, 1, 0, "NONE", None


def _role_members(session: EngineSession, database: Database) -> Iterator[Row]:
    yield DATABASE_ROLES["db_owner"][0], DBO
    yield from session.link.model(database).security.members


def _database_permissions(session: EngineSession, database: Database) -> Iterator[Row]:
    model = session.link.model(database)
    there = {item.object_id for item in (*model.tables, *model.modules)} | {item.schema_id for item in model.schemas}
    for found in model.security.principals:
        if found.kind == "S":  # CREATE USER grants it
            yield _permission(PermissionModel("GRANT", "CONNECT", found.principal_id, "DATABASE", 0))
    for entry in model.security.permissions:
        if entry.securable == "DATABASE" or entry.major in there:
            yield _permission(entry)


def _permission(entry: PermissionModel) -> Row:
    number, name = _CLASSES[entry.securable]
    return (
        number, name, entry.major, 0, entry.grantee, DBO, _TYPES[entry.permission], entry.permission,
        _STATES[entry.state], entry.state,
    )  # fmt: skip


_PERMISSION_COLUMNS = (
    "class tinyint, class_desc nvarchar(60), major_id int, minor_id int, grantee_principal_id int, "
    "grantor_principal_id int, type char(4), permission_name nvarchar(128), state char(1), state_desc nvarchar(60)"
)

VIEWS = (
    view(
        "sys.server_principals",
        "name sysname, principal_id int, sid varbinary(85), type char(1), type_desc nvarchar(60), is_disabled bit, "
        "create_date datetime, modify_date datetime, default_database_name sysname, default_language_name sysname, "
        "credential_id int, owning_principal_id int, is_fixed_role bit",
        _server_principals,
        volatile=True,
    ),
    view(
        "sys.server_role_members", "role_principal_id int, member_principal_id int", _server_role_members, volatile=True
    ),
    view("sys.server_permissions", _PERMISSION_COLUMNS, _server_permissions, volatile=True),
    view(
        "sys.database_principals",
        "name sysname, principal_id int, type char(1), type_desc nvarchar(60), default_schema_name sysname, "
        "create_date datetime, modify_date datetime, owning_principal_id int, sid varbinary(85), is_fixed_role bit, "
        "authentication_type int, authentication_type_desc nvarchar(60), default_language_name sysname",
        _database_principals,
        volatile=True,
    ),
    view("sys.database_role_members", "role_principal_id int, member_principal_id int", _role_members, volatile=True),
    view("sys.database_permissions", _PERMISSION_COLUMNS, _database_permissions, volatile=True),
)
