"""SQLite's DDL for the model.

Constraints and columns change by writing the regenerated CREATE TABLE text into SQLite's schema table, the procedure
SQLite documents for changes that leave the stored rows as they are ("Making Other Kinds Of Table Schema Changes",
sqlite.org/lang_altertable.html). So a change of schema is part of the transaction around it.
"""

from __future__ import annotations

from collections.abc import Callable

from standins.sqlserver.engine.model import ColumnModel, IndexModel, TableModel
from standins.sqlserver.engine.sqlite import Connection
from standins.sqlserver.tsql import collations, types
from standins.sqlserver.tsql.translate.values import quote

#: Translates a CHECK condition or index filter, kept as T-SQL, to SQLite's SQL over plain column names.
Condition = Callable[[TableModel, str], str]


def table_name(table: TableModel) -> str:
    """The SQLite name; temporary tables have no schema part."""
    return table.name if table.schema == "" else table.label


def index_name(table: TableModel, index: IndexModel) -> str:
    """By number, so that renaming a table or an index leaves SQLite's index alone."""
    return f"{table.object_id}|{index.index_id}"


def create_table(table: TableModel, condition: Condition, name: str | None = None) -> str:
    parts = [_column(column) for column in table.columns]
    parts += [
        f"CONSTRAINT {quote(check.name)} CHECK ({condition(table, check.text)})"
        for check in table.checks
        if check.enabled
    ]
    parts += [
        f"CONSTRAINT {quote(key.name)} FOREIGN KEY ({_names(key.columns)}) "
        f"REFERENCES {quote(f'{key.schema}.{key.table}')} ({_names(key.references)}) "
        f"ON DELETE {key.on_delete} ON UPDATE {key.on_update}"
        for key in table.foreign_keys
        if key.enabled
    ]
    return f"CREATE TABLE {quote(name or table_name(table))} ({', '.join(parts)}) STRICT"


def rewrite(connection: Connection, schema: str, table: TableModel, condition: Condition) -> None:
    """Give SQLite the regenerated definition of a table whose stored rows fit it already."""
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(
        f"UPDATE {schema}.sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?",
        (create_table(table, condition), table_name(table)),
    )
    row = connection.execute(f"PRAGMA {schema}.schema_version").fetchone()
    assert row is not None
    connection.execute(f"PRAGMA {schema}.schema_version = {int(row[0]) + 1}")
    connection.execute("PRAGMA writable_schema = RESET")


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(quote(column) for column in columns)


def _column(column: ColumnModel) -> str:
    collation = collations.for_type(column.type, column.collation)
    text = f"{quote(column.name)} {types.storage_class(column.type)}"
    if collation:
        text += f" COLLATE {collation}"
    return text if column.nullable else f"{text} NOT NULL"


def create_index(table: TableModel, index: IndexModel, schema: str, condition: Condition) -> str:
    """Included columns are left out: they change no answer."""
    columns = ", ".join(quote(column.name) + (" DESC" if column.descending else "") for column in index.columns)
    where = f" WHERE {condition(table, index.filter)}" if index.filter else ""
    unique = "UNIQUE " if index.unique else ""
    name = f"{schema}.{quote(index_name(table, index))}"
    return f"CREATE {unique}INDEX {name} ON {quote(table_name(table))} ({columns}){where}"


def null_guard(table: TableModel, index: IndexModel, schema: str) -> str | None:
    """For a unique index over nullable columns: a second index under which NULLs are equal, as in SQL Server."""
    nullable = {column.name for column in table.columns if column.nullable}
    if not index.unique or index.filter or not any(column.name in nullable for column in index.columns):
        return None
    by_name = {column.name: column for column in table.columns}
    terms = ", ".join(_with_null(by_name[column.name]) for column in index.columns)
    condition = " OR ".join(f"{quote(column.name)} IS NULL" for column in index.columns if column.name in nullable)
    name = f"{schema}.{quote(index_name(table, index) + '|null')}"
    return f"CREATE UNIQUE INDEX {name} ON {quote(table_name(table))} ({terms}) WHERE {condition}"


def _with_null(column: ColumnModel) -> str:
    """NULL as a value of its own (an empty blob equals nothing else), compared by the column's collation."""
    collation = collations.for_type(column.type, column.collation)
    text = f"ifnull({quote(column.name)}, x'')"
    return f"{text} COLLATE {collation}" if collation else text
