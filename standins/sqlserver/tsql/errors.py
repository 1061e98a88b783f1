"""SQL Server's errors that the language itself raises; the texts follow ``sys.messages``."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError

#: Azure SQL uses 40510 for "Statement '%.*ls' is not supported in this version of SQL Server."
UNSUPPORTED = 40510


def unsupported(what: str, line: int = 1) -> SqlServerError:
    """The refusal of everything the stand-in cannot do as SQL Server does it."""
    return SqlServerError(UNSUPPORTED, f"{what} is not supported by the SQL Server stand-in.", 16, 1, line)


def syntax_near(text: str, line: int = 1) -> SqlServerError:
    return SqlServerError(102, f"Incorrect syntax near '{text}'.", 15, 1, line)


def syntax_near_keyword(text: str, line: int = 1) -> SqlServerError:
    return SqlServerError(156, f"Incorrect syntax near the keyword '{text}'.", 15, 1, line)


def undeclared_variable(name: str, line: int = 1) -> SqlServerError:
    return SqlServerError(137, f'Must declare the scalar variable "{name}".', 15, 2, line)


def undeclared_table_variable(name: str, line: int = 1) -> SqlServerError:
    return SqlServerError(1087, f'Must declare the table variable "{name}".', 15, 2, line)


def invalid_object(name: str, line: int = 1) -> SqlServerError:
    return SqlServerError(208, f"Invalid object name '{name}'.", 16, 1, line)


def invalid_column(name: str, line: int = 1) -> SqlServerError:
    return SqlServerError(207, f"Invalid column name '{name}'.", 16, 1, line)


def unbound_identifier(name: str, line: int = 1) -> SqlServerError:
    return SqlServerError(4104, f'The multi-part identifier "{name}" could not be bound.', 16, 1, line)


def ambiguous_column(name: str, line: int = 1) -> SqlServerError:
    return SqlServerError(209, f"Ambiguous column name '{name}'.", 16, 1, line)


def unknown_function(name: str, line: int = 1) -> SqlServerError:
    return SqlServerError(195, f"'{name}' is not a recognized built-in function name.", 15, 10, line)


def argument_count(name: str, count: int, line: int = 1) -> SqlServerError:
    return SqlServerError(174, f"The {name.lower()} function requires {count} argument(s).", 15, 1, line)


def unknown_type(name: str, line: int = 1) -> SqlServerError:
    return SqlServerError(243, f"Type {name} is not a defined system type.", 16, 1, line)


def operand_clash(left: str, right: str, line: int = 1) -> SqlServerError:
    return SqlServerError(206, f"Operand type clash: {left} is incompatible with {right}", 16, 2, line)


def invalid_operand(operator: str, type_name: str, line: int = 1) -> SqlServerError:
    return SqlServerError(8117, f"Operand data type {type_name} is invalid for {operator} operator.", 16, 1, line)


def incompatible_operands(left: str, right: str, operator: str, line: int = 1) -> SqlServerError:
    text = f"The data types {left} and {right} are incompatible in the {operator} operator."
    return SqlServerError(402, text, 16, 1, line)


def conversion_not_allowed(source: str, target: str, line: int = 1) -> SqlServerError:
    text = f"Explicit conversion from data type {source} to {target} is not allowed."
    return SqlServerError(529, text, 16, 2, line)


def implicit_conversion_not_allowed(source: str, target: str, line: int = 1) -> SqlServerError:
    text = (
        f"Implicit conversion from data type {source} to {target} is not allowed. "
        "Use the CONVERT function to run this query."
    )
    return SqlServerError(257, text, 16, 3, line)
