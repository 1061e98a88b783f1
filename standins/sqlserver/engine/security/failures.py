"""Refusals, with the numbers and texts of ``sys.messages``."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError


def object_denied(permission: str, name: str, database: str, schema: str) -> SqlServerError:
    text = f"The {permission} permission was denied on the object '{name}', database '{database}', schema '{schema}'."
    return SqlServerError(229, text, 14, 5)


def statement_denied(permission: str, database: str) -> SqlServerError:
    return SqlServerError(262, f"{permission} permission denied in database '{database}'.", 14, 1)


def no_access(login: str, database: str) -> SqlServerError:
    text = (
        f'The server principal "{login}" is not able to access the database "{database}" under the current security '
        "context."
    )
    return SqlServerError(916, text, 14, 1)


def action_denied() -> SqlServerError:
    return SqlServerError(15247, "User does not have permission to perform this action.", 16, 1)


def hidden(action: str, kind: str, name: str) -> SqlServerError:
    """Missing or forbidden: SQL Server does not say which."""
    text = f"Cannot {action} the {kind} '{name}', because it does not exist or you do not have permission."
    return SqlServerError(15151, text, 16, 1)


def principal_exists(name: str) -> SqlServerError:
    return SqlServerError(15023, f"User, group, or role '{name}' already exists in the current database.", 16, 1)


def cannot_alter_database(name: str) -> SqlServerError:
    text = (
        f"User does not have permission to alter database '{name}', the database does not exist, or the database is "
        "not in a state that allows access checks."
    )
    error = SqlServerError(5011, text, 14, 9)
    error.following = (SqlServerError(5069, "ALTER DATABASE statement failed.", 16, 1),)
    return error


def restore_denied(database: str) -> SqlServerError:
    return SqlServerError(3110, f"User does not have permission to RESTORE database '{database}'.", 14, 1)


def kill_denied() -> SqlServerError:
    return SqlServerError(6102, "User does not have permission to use the KILL statement.", 14, 1)


def dbcc_denied(user: str, command: str, database: str = "") -> SqlServerError:
    if database:
        text = f"User '{user}' does not have permission to run DBCC {command} for database '{database}'."
        return SqlServerError(7983, text, 14, 36)
    return SqlServerError(2571, f"User '{user}' does not have permission to run DBCC {command}.", 14, 3)
