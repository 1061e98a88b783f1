"""SQLite's errors as SQL Server's, and what an error does to the batch and the transaction."""

from __future__ import annotations

import re

import apsw

from standins.sqlserver.contract import Cancelled, SqlServerError
from standins.sqlserver.engine import messages
from standins.sqlserver.engine.model import IndexModel, TableModel
from standins.sqlserver.engine.physical import index_name, table_name
from standins.sqlserver.tsql.errors import unsupported

#: Errors that end the batch and roll the transaction back even without XACT_ABORT ("Error handling in SQL Server",
#: Erland Sommarskog, section on batch-aborting errors): conversions, deadlock, nesting.
BATCH_ABORTING = frozenset({241, 242, 244, 245, 248, 235, 8114, 8169, 1205, 217, 3960, 3998, 4060, 924})
#: Errors that end the current batch or procedure only: unknown objects and columns found when a statement is compiled.
SCOPE_ABORTING = frozenset(
    {102, 105, 107, 109, 110, 120, 121, 130, 134, 137, 156, 159, 164, 174, 195, 206, 207, 208, 209, 213, 243, 257, 263,
     264, 402, 408, 447, 448, 468, 529, 1013, 1033, 1087, 4104, 4121, 4145, 8117, 8120, 8133, 8155, 8156, 40510}
)  # fmt: skip
#: Constraint errors after which SQL Server says "The statement has been terminated." (3621).
STATEMENT_TERMINATED = frozenset({2627, 2601, 547, 515, 2628, 8152, 8134, 8115, 220, 512, 3930, 8672})

_UNIQUE = re.compile(r"UNIQUE constraint failed: (.*)", re.DOTALL)
_NOT_NULL = re.compile(r"NOT NULL constraint failed: (.*)", re.DOTALL)
_CHECK = re.compile(r"CHECK constraint failed: (.*)", re.DOTALL)
_MISSING = re.compile(r"no such (?:table|column|index): (.*)", re.DOTALL)


class StaleSchema(Exception):
    """The plan was made for a schema that another session has changed meanwhile."""


def detail(error: apsw.Error) -> str:
    text = str(error)
    return re.sub(r"^\w+Error: ", "", text)


def translate(error: apsw.Error, spid: int) -> Exception:  # noqa: PLR0911 - one case per kind of error
    """Errors that need no knowledge of the statement."""
    text = detail(error)
    if isinstance(error, apsw.InterruptError):
        return Cancelled()
    if isinstance(error, apsw.FullError):
        return SqlServerError(1105, "Could not allocate space in the database because the filegroup is full.", 17, 2)
    if isinstance(error, apsw.BusyError) and getattr(error, "extendedresult", 0) == apsw.SQLITE_BUSY_SNAPSHOT:
        message = (
            "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation to "
            "access a "
            "table directly or indirectly to update, delete, or insert the row that has been modified or deleted by "
            "another transaction. Retry the transaction or change the isolation level for the update/delete statement."
        )
        return SqlServerError(3960, message, 16, 2)
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return messages.deadlock(spid)
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        message = f"SQL Server detected a logical consistency-based I/O error: incorrect page. ({text})"
        return SqlServerError(824, message, 24, 2)
    if isinstance(error, apsw.IOError):
        return SqlServerError(823, f"The operating system returned an error to SQL Server during an I/O: {text}", 24, 2)
    if "malformed JSON" in text:
        return messages.invalid_json(0, "")
    if "integer overflow" in text:
        return messages.overflow("expression", "bigint")
    if "string or blob too big" in text:
        return SqlServerError(7119, "Attempting to grow LOB beyond maximum allowed size of 2147483647 bytes.", 16, 1)
    if _MISSING.search(text):
        return StaleSchema(text)
    return unsupported(f"This statement (SQLite: {text})")


def unique_violation(error: apsw.Error, table: TableModel) -> tuple[IndexModel | None, bool]:
    """The index that an insert or update broke, and whether SQLite says it is a unique violation at all."""
    match = _UNIQUE.search(detail(error))
    if match is None:
        return None, False
    text = match[1]
    physical = table_name(table)
    for index in table.indexes:
        if not index.unique:
            continue
        columns = ", ".join(f"{physical}.{column.name}" for column in index.columns)
        guard = f"index '{index_name(table, index)}|null'"
        if text in (columns, guard):
            return index, True
    return None, True


def null_violation(error: apsw.Error, table: TableModel) -> str | None:
    match = _NOT_NULL.search(detail(error))
    return match[1].removeprefix(f"{table_name(table)}.") if match else None


def check_violation(error: apsw.Error) -> str | None:
    match = _CHECK.search(detail(error))
    return match[1] if match else None
