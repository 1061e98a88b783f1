"""DBCC CHECKDB: SQLite's integrity check, the constraints, and the model against what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine.physical import table_name
from standins.sqlserver.engine.violations import orphans

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.session import EngineSession


def problems(session: EngineSession, database: Database) -> list[str]:
    """What is wrong with a database; empty when nothing is."""
    session.link.attach(database)
    raw, alias = session.link.raw, database.alias
    found: list[str] = []
    try:
        found += [str(row[0]) for row in raw.execute(f"PRAGMA {alias}.integrity_check") if row[0] != "ok"]
        model = session.link.model(database)
        stored = {str(row[0]) for row in raw.execute(f"SELECT name FROM {alias}.sqlite_schema WHERE type = 'table'")}
        found += [f"Table '{table.label}' is missing." for table in model.tables if table_name(table) not in stored]
        for table in model.tables:
            for key in table.foreign_keys:
                if key.enabled and key.trusted and raw.execute(orphans(alias, table, key) + " LIMIT 1").fetchone():
                    found.append(f"Rows of '{table.label}' break the constraint '{key.name}'.")
    except (apsw.CorruptError, apsw.NotADBError, apsw.IOError) as error:
        found.append(str(error))
    return found


def check_database(session: EngineSession, database: Database, sink: Sink, *, quiet: bool) -> None:
    found = problems(session, database)
    for problem in found:
        sink.error(SqlServerError(8928, f"Object ID 0, index ID -1: a page could not be processed. {problem}", 16, 1))
    if found or not quiet:
        text = f"CHECKDB found 0 allocation errors and {len(found)} consistency errors in database '{database.name}'."
        sink.info(SqlServerError(8989, text, 10, 1))
