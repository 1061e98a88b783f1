"""INFORMATION_SCHEMA."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlType
from standins.sqlserver.engine.catalog.base import Row, view
from standins.sqlserver.engine.model import ColumnModel, TableModel, ViewColumn
from standins.sqlserver.tsql import types

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.session import EngineSession

_DATE_PRECISION = {"date": 0, "datetime": 3, "smalldatetime": 0}


def _schemata(session: EngineSession, database: Database) -> Iterator[Row]:
    for schema in session.link.model(database).schemas:
        yield database.name, schema.name, "dbo", None, None, "iso_1"


def _tables(session: EngineSession, database: Database) -> Iterator[Row]:
    model = session.link.model(database)
    for table in model.tables:
        yield database.name, table.schema, table.name, "BASE TABLE"
    for module in model.modules:
        if module.kind == "VIEW":
            yield database.name, module.schema, module.name, "VIEW"


def _views(session: EngineSession, database: Database) -> Iterator[Row]:
    for module in session.link.model(database).modules:
        if module.kind == "VIEW":
            yield database.name, module.schema, module.name, module.text[:4000], "NONE", "NO"


def type_details(kind: SqlType) -> tuple[object, ...]:
    """DATA_TYPE to DATETIME_PRECISION of INFORMATION_SCHEMA.COLUMNS."""
    length: int | None = None
    octets: int | None = None
    if kind.name in types.STRINGS or kind.name in types.BINARIES - {"timestamp"}:
        unlimited = {"ntext": 1_073_741_823, "text": 2_147_483_647, "image": 2_147_483_647}.get(kind.name, -1)
        length = unlimited if kind.length is None else kind.length
        octets = types.max_bytes(kind) if kind.length is not None else (-1 if unlimited < 0 else 2_147_483_646)
    numeric = (None, None, None)
    if kind.name in types.INTEGERS - {"bit"}:
        numeric = (types.precision(kind), 10, 0)
    elif kind.name in types.DECIMALS:
        numeric = (kind.precision, 10, kind.scale)
    elif kind.name in types.FLOATS:
        numeric = (kind.precision, 2, None)
    dates = None
    if kind.name in types.DATES:
        dates = _DATE_PRECISION.get(kind.name, kind.scale)
    return kind.name, length, octets, *numeric, dates


def _columns(session: EngineSession, database: Database) -> Iterator[Row]:
    model = session.link.model(database)
    for table in model.tables:
        for number, column in enumerate(table.columns, 1):
            default = f"({column.default.text})" if column.default is not None else None
            yield _column_row((database.name, table.schema, table.name), number, column, default)
    for module in model.modules:
        if module.kind == "VIEW":
            for number, column in enumerate(module.columns, 1):
                yield _column_row((database.name, module.schema, module.name), number, column, None)


def _column_row(owner: tuple[str, str, str], number: int, column: ColumnModel | ViewColumn, default: str | None) -> Row:
    kind = column.type
    strings = kind.name in types.STRINGS
    charset = ("UNICODE" if kind.name in types.UNICODE else "iso_1") if strings else None
    nullable = "YES" if column.nullable else "NO"
    return (
        *owner, column.name, number, default, nullable, *type_details(kind), None, None, charset, None, None,
        column.collation if strings else None, None, None, None,
    )  # fmt: skip


def _constraints(table: TableModel) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for index in table.indexes:
        if index.key_kind:
            yield index.name, index.key_kind, tuple(column.name for column in index.columns)
    for key in table.foreign_keys:
        yield key.name, "FOREIGN KEY", key.columns
    for check in table.checks:
        yield check.name, "CHECK", (check.column,) if check.column else ()


def _table_constraints(session: EngineSession, database: Database) -> Iterator[Row]:
    for table in session.link.model(database).tables:
        for name, kind, _ in _constraints(table):
            yield database.name, table.schema, name, database.name, table.schema, table.name, kind, "NO", "NO"


def _key_column_usage(session: EngineSession, database: Database) -> Iterator[Row]:
    for table in session.link.model(database).tables:
        for name, kind, columns in _constraints(table):
            if kind == "CHECK":
                continue
            for number, column in enumerate(columns, 1):
                yield (
                    database.name, table.schema, name, database.name, table.schema, table.name, column, number,
                )  # fmt: skip


def _constraint_column_usage(session: EngineSession, database: Database) -> Iterator[Row]:
    for table in session.link.model(database).tables:
        for name, _, columns in _constraints(table):
            for column in columns:
                yield database.name, table.schema, table.name, column, database.name, table.schema, name


def _referential_constraints(session: EngineSession, database: Database) -> Iterator[Row]:
    model = session.link.model(database)
    for table in model.tables:
        for key in table.foreign_keys:
            parent = model.table(key.schema, key.table)
            wanted = [column.lower() for column in key.references]
            unique = next(
                (
                    index.name
                    for index in (parent.indexes if parent else ())
                    if index.unique and [column.name.lower() for column in index.columns] == wanted
                ),
                None,
            )
            yield (
                database.name, table.schema, key.name, database.name, key.schema, unique, "SIMPLE", key.on_update,
                key.on_delete,
            )  # fmt: skip


def _check_constraints(session: EngineSession, database: Database) -> Iterator[Row]:
    for table in session.link.model(database).tables:
        for check in table.checks:
            yield database.name, table.schema, check.name, check.text


def _routines(session: EngineSession, database: Database) -> Iterator[Row]:
    for module in session.link.model(database).modules:
        if module.kind == "VIEW":
            continue
        kind = "PROCEDURE" if module.kind == "PROCEDURE" else "FUNCTION"
        yield (
            database.name, module.schema, module.name, database.name, module.schema, module.name, kind, None, "SQL",
            module.text[:4000], module.created, module.modified,
        )  # fmt: skip


_CONSTRAINT = "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME sysname"
_TABLE = "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname"

VIEWS = (
    view(
        "information_schema.schemata",
        "CATALOG_NAME nvarchar(128), SCHEMA_NAME nvarchar(128), SCHEMA_OWNER nvarchar(128), "
        "DEFAULT_CHARACTER_SET_CATALOG varchar(6), DEFAULT_CHARACTER_SET_SCHEMA varchar(3), "
        "DEFAULT_CHARACTER_SET_NAME sysname",
        _schemata,
    ),
    view("information_schema.tables", _TABLE + ", TABLE_TYPE varchar(10)", _tables),
    view(
        "information_schema.views",
        _TABLE + ", VIEW_DEFINITION nvarchar(4000), CHECK_OPTION varchar(7), IS_UPDATABLE varchar(2)",
        _views,
    ),
    view(
        "information_schema.columns",
        _TABLE + ", COLUMN_NAME sysname, ORDINAL_POSITION int, COLUMN_DEFAULT nvarchar(4000), IS_NULLABLE varchar(3), "
        "DATA_TYPE nvarchar(128), CHARACTER_MAXIMUM_LENGTH int, CHARACTER_OCTET_LENGTH int, NUMERIC_PRECISION tinyint, "
        "NUMERIC_PRECISION_RADIX smallint, NUMERIC_SCALE int, DATETIME_PRECISION smallint, "
        "CHARACTER_SET_CATALOG sysname, CHARACTER_SET_SCHEMA sysname, CHARACTER_SET_NAME sysname, "
        "COLLATION_CATALOG sysname, COLLATION_SCHEMA sysname, COLLATION_NAME sysname, DOMAIN_CATALOG sysname, "
        "DOMAIN_SCHEMA sysname, DOMAIN_NAME sysname",
        _columns,
    ),
    view(
        "information_schema.table_constraints",
        _CONSTRAINT + ", " + _TABLE + ", CONSTRAINT_TYPE varchar(11), IS_DEFERRABLE varchar(2), "
        "INITIALLY_DEFERRED varchar(2)",
        _table_constraints,
    ),
    view(
        "information_schema.key_column_usage",
        _CONSTRAINT + ", " + _TABLE + ", COLUMN_NAME sysname, ORDINAL_POSITION int",
        _key_column_usage,
    ),
    view(
        "information_schema.constraint_column_usage",
        _TABLE + ", COLUMN_NAME sysname, " + _CONSTRAINT,
        _constraint_column_usage,
    ),
    view(
        "information_schema.referential_constraints",
        _CONSTRAINT + ", UNIQUE_CONSTRAINT_CATALOG nvarchar(128), UNIQUE_CONSTRAINT_SCHEMA nvarchar(128), "
        "UNIQUE_CONSTRAINT_NAME sysname, MATCH_OPTION varchar(7), UPDATE_RULE varchar(11), DELETE_RULE varchar(11)",
        _referential_constraints,
    ),
    view("information_schema.check_constraints", _CONSTRAINT + ", CHECK_CLAUSE nvarchar(4000)", _check_constraints),
    view(
        "information_schema.routines",
        "SPECIFIC_CATALOG nvarchar(128), SPECIFIC_SCHEMA nvarchar(128), SPECIFIC_NAME nvarchar(128), "
        "ROUTINE_CATALOG nvarchar(128), ROUTINE_SCHEMA nvarchar(128), ROUTINE_NAME nvarchar(128), "
        "ROUTINE_TYPE nvarchar(20), DATA_TYPE nvarchar(128), ROUTINE_BODY nvarchar(30), "
        "ROUTINE_DEFINITION nvarchar(4000), CREATED datetime, LAST_ALTERED datetime",
        _routines,
    ),
)
