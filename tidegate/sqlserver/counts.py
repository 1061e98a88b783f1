"""How many rows each table of a database has: counted, not estimated."""

from __future__ import annotations

from typing import Final

from tidegate.sqlserver.connection import SqlServer, literal, quoted

#: Tables counted in one statement: few round trips, and a plan that SQL Server still likes.
_TOGETHER: Final = 40


def table_names(server: SqlServer) -> list[tuple[str, str]]:
    """Schema and name of every user table of the connection's database, in order."""
    rows = server.rows(
        "SELECT s.name, t.name FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "WHERE t.is_ms_shipped = 0 ORDER BY s.name, t.name"
    )
    return [(str(schema), str(table)) for schema, table in rows]


def count_rows(server: SqlServer) -> dict[str, int]:
    """Rows of every user table of the connection's database, under ``schema.table``."""
    tables = table_names(server)
    counts: dict[str, int] = {}
    for start in range(0, len(tables), _TOGETHER):
        statement = " UNION ALL ".join(
            f"SELECT {literal(f'{schema}.{table}')}, COUNT_BIG(*) FROM {quoted(schema)}.{quoted(table)}"
            for schema, table in tables[start : start + _TOGETHER]
        )
        counts.update((str(name), int(rows)) for name, rows in server.rows(statement))
    return counts
