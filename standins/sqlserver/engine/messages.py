"""Errors that arise while statements run; numbers, severities and texts follow ``sys.messages``."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError


def conversion_failed(source: str, value: object, target: str) -> SqlServerError:
    text = f"Conversion failed when converting the {source} value '{value}' to data type {target}."
    return SqlServerError(245, text, 16, 1)


def conversion_error(source: str, target: str) -> SqlServerError:
    target = "numeric" if target == "decimal" else target
    return SqlServerError(8114, f"Error converting data type {source} to {target}.", 16, 5)


def date_conversion_failed() -> SqlServerError:
    text = "Conversion failed when converting date and/or time from character string."
    return SqlServerError(241, text, 16, 1)


def date_out_of_range(source: str, target: str) -> SqlServerError:
    text = f"The conversion of a {source} data type to a {target} data type resulted in an out-of-range value."
    return SqlServerError(242, text, 16, 3)


def guid_conversion_failed() -> SqlServerError:
    text = "Conversion failed when converting from a character string to uniqueidentifier."
    return SqlServerError(8169, text, 16, 2)


def overflow(source: str, target: str) -> SqlServerError:
    names = {"decimal": "numeric"}
    text = f"Arithmetic overflow error converting {names.get(source, source)} to data type {names.get(target, target)}."
    return SqlServerError(8115, text, 16, 2)


def small_overflow(target: str, value: object) -> SqlServerError:
    return SqlServerError(220, f"Arithmetic overflow error for data type {target}, value = {value}.", 16, 2)


def divide_by_zero() -> SqlServerError:
    return SqlServerError(8134, "Divide by zero error encountered.", 16, 1)


def truncated(table: str, column: str, value: str) -> SqlServerError:
    text = (
        f"String or binary data would be truncated in table '{table}', column '{column}'. Truncated value: '{value}'."
    )
    return SqlServerError(2628, text, 16, 1)


def invalid_json(position: int, character: str) -> SqlServerError:
    text = f"JSON text is not properly formatted. Unexpected character '{character}' is found at position {position}."
    return SqlServerError(13609, text, 16, 4)


def invalid_json_path(position: int, character: str) -> SqlServerError:
    text = f"JSON path is not properly formatted. Unexpected character '{character}' is found at position {position}."
    return SqlServerError(13607, text, 16, 3)


def null_not_allowed(column: str, table: str, action: str) -> SqlServerError:
    text = (
        f"Cannot insert the value NULL into column '{column}', table '{table}'; column does not allow nulls. "
        f"{action} fails."
    )
    return SqlServerError(515, text, 16, 2)


def duplicate_key(kind: str, constraint: str, table: str, key: str) -> SqlServerError:
    """``kind`` is PRIMARY KEY, UNIQUE KEY, or empty for a unique index (2601)."""
    value = f" The duplicate key value is ({key})." if key else ""
    if kind:
        text = f"Violation of {kind} constraint '{constraint}'. Cannot insert duplicate key in object '{table}'.{value}"
        return SqlServerError(2627, text, 14, 1)
    text = f"Cannot insert duplicate key row in object '{table}' with unique index '{constraint}'.{value}"
    return SqlServerError(2601, text, 14, 1)


def constraint_conflict(
    action: str, kind: str, constraint: str, where: tuple[str, str], columns: list[str]
) -> SqlServerError:
    """``kind`` is FOREIGN KEY, REFERENCE, CHECK or FOREIGN KEY SAME TABLE …; ``where`` is database and table."""
    column = f", column '{columns[0]}'" if len(columns) == 1 else ""
    text = (
        f'The {action} statement conflicted with the {kind} constraint "{constraint}". The conflict occurred in '
        f'database "{where[0]}", table "{where[1]}"{column}.'
    )
    return SqlServerError(547, text, 16, 0)


def database_missing(name: str) -> SqlServerError:
    text = f"Database '{name}' does not exist. Make sure that the name is entered correctly."
    return SqlServerError(911, text, 16, 1)


def database_unavailable(name: str) -> SqlServerError:
    text = f'Cannot open database "{name}" requested by the login. The login failed.'
    return SqlServerError(4060, text, 11, 1)


def login_failed(user: str) -> SqlServerError:
    return SqlServerError(18456, f"Login failed for user '{user}'.", 14, 1)


def single_user(name: str) -> SqlServerError:
    text = f"Database '{name}' is already open and can only have one user at a time."
    return SqlServerError(924, text, 14, 1)


def deadlock(spid: int) -> SqlServerError:
    text = (
        f"Transaction (Process ID {spid}) was deadlocked on lock resources with another process and has been chosen "
        "as the deadlock victim. Rerun the transaction."
    )
    return SqlServerError(1205, text, 13, 51)


def lock_timeout() -> SqlServerError:
    return SqlServerError(1222, "Lock request time out period exceeded.", 16, 56)


def procedure_missing(name: str) -> SqlServerError:
    return SqlServerError(2812, f"Could not find stored procedure '{name}'.", 16, 62)


def already_exists(name: str) -> SqlServerError:
    text = f"There is already an object named '{name}' in the database."
    return SqlServerError(2714, text, 16, 6)


def cannot_drop(kind: str, name: str) -> SqlServerError:
    text = f"Cannot drop the {kind} '{name}', because it does not exist or you do not have permission."
    return SqlServerError(3701, text, 11, 5)


def object_missing(name: str, number: int = 4902, state: int = 1) -> SqlServerError:
    """Missing or forbidden: SQL Server does not say which. The number tells the statement, 4902 is ALTER TABLE."""
    text = f'Cannot find the object "{name}" because it does not exist or you do not have permissions.'
    return SqlServerError(number, text, 16, state)


def not_in_transaction(statement: str) -> SqlServerError:
    return SqlServerError(226, f"{statement} statement not allowed within multi-statement transaction.", 16, 6)


def doomed_transaction() -> SqlServerError:
    text = (
        "The current transaction cannot be committed and cannot support operations that write to the log file. Roll "
        "back the transaction."
    )
    return SqlServerError(3930, text, 16, 1)


FIXED = {
    512: (
        "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or "
        "when the subquery is used as an expression.",
        16,
        1,
    ),
    8672: (
        "The MERGE statement attempted to UPDATE or DELETE the same row more than once. This happens when a target row "
        "matches more than one source row. A MERGE statement cannot UPDATE/DELETE the same row of the target table "
        "multiple times. Refine the ON clause to ensure a target row matches at most one source row, or use the GROUP "
        "BY clause to group the source rows.",
        16,
        1,
    ),
    530: (
        "The statement terminated. The maximum recursion {0} has been exhausted before statement completion.",
        16,
        1,
    ),
}


def numbered(number: int, *arguments: object) -> SqlServerError:
    """An error whose text needs no names."""
    text, severity, state = FIXED[number]
    return SqlServerError(number, text.format(*arguments), severity, state)
