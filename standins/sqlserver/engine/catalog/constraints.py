"""Views of constraints: keys, defaults, checks, foreign keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from standins.sqlserver.engine.catalog.base import Row, view
from standins.sqlserver.engine.catalog.objects import OBJECT_COLUMNS, model_of, object_rows
from standins.sqlserver.engine.model import TableModel

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.session import EngineSession


def _key_constraints(session: EngineSession, database: Database) -> Iterator[Row]:
    model = model_of(session, database)
    named = {
        index.object_id: (index.index_id, int(index.system_named))
        for table in model.tables
        for index in table.indexes
        if index.key_kind
    }
    for row in object_rows(model):
        if row[5] in ("PK", "UQ"):
            yield (*row, *named[row[1]], 1)


def _default_constraints(session: EngineSession, database: Database) -> Iterator[Row]:
    model = model_of(session, database)
    found = {
        column.default.object_id: (column.column_id, f"({column.default.text})", int(column.default.system_named))
        for table in model.tables
        for column in table.columns
        if column.default is not None
    }
    for row in object_rows(model):
        if row[5] == "D ":
            yield (*row, *found[row[1]])


def _check_constraints(session: EngineSession, database: Database) -> Iterator[Row]:
    model = model_of(session, database)
    found = {
        check.object_id: (
            int(not check.enabled), 0, int(not check.trusted),
            next((c.column_id for c in table.columns if c.name == check.column), 0), check.text, 0,
            int(check.system_named),
        )
        for table in model.tables
        for check in table.checks
    }  # fmt: skip
    for row in object_rows(model):
        if row[5] == "C ":
            yield (*row, *found[row[1]])


_ACTIONS = {
    "NO ACTION": (0, "NO_ACTION"),
    "CASCADE": (1, "CASCADE"),
    "SET NULL": (2, "SET_NULL"),
    "SET DEFAULT": (3, "SET_DEFAULT"),
}


def _foreign_keys(session: EngineSession, database: Database) -> Iterator[Row]:
    model = model_of(session, database)
    found: dict[int, Row] = {}
    for table in model.tables:
        for key in table.foreign_keys:
            parent = model.table(key.schema, key.table)
            number, index = (parent.object_id, _referenced_index(parent, key.references)) if parent else (0, 0)
            delete, update = _ACTIONS[key.on_delete], _ACTIONS[key.on_update]
            found[key.object_id] = (
                number, index, int(not key.enabled), 0, int(not key.trusted), *delete, *update, int(key.system_named),
            )  # fmt: skip
    for row in object_rows(model):
        if row[5] == "F ":
            yield (*row, *found[row[1]])


def _referenced_index(table: TableModel, columns: tuple[str, ...]) -> int:
    wanted = [column.lower() for column in columns]
    for index in table.indexes:
        if index.unique and [column.name.lower() for column in index.columns] == wanted:
            return index.index_id
    return 0


def _foreign_key_columns(session: EngineSession, database: Database) -> Iterator[Row]:
    model = model_of(session, database)
    for table in model.tables:
        for key in table.foreign_keys:
            parent = model.table(key.schema, key.table)
            for number, (own, other) in enumerate(zip(key.columns, key.references, strict=True), 1):
                column = table.column(own)
                referenced = parent.column(other) if parent is not None else None
                yield (
                    key.object_id, number, table.object_id, column.column_id if column else 0,
                    parent.object_id if parent else 0, referenced.column_id if referenced else 0,
                )  # fmt: skip


VIEWS = (
    view(
        "sys.key_constraints",
        OBJECT_COLUMNS + ", unique_index_id int, is_system_named bit, is_enforced bit",
        _key_constraints,
    ),
    view(
        "sys.default_constraints",
        OBJECT_COLUMNS + ", parent_column_id int, definition nvarchar(max), is_system_named bit",
        _default_constraints,
    ),
    view(
        "sys.check_constraints",
        OBJECT_COLUMNS + ", is_disabled bit, is_not_for_replication bit, is_not_trusted bit, parent_column_id int, "
        "definition nvarchar(max), uses_database_collation bit, is_system_named bit",
        _check_constraints,
    ),
    view(
        "sys.foreign_keys",
        OBJECT_COLUMNS + ", referenced_object_id int, key_index_id int, is_disabled bit, is_not_for_replication bit, "
        "is_not_trusted bit, delete_referential_action tinyint, delete_referential_action_desc nvarchar(60), "
        "update_referential_action tinyint, update_referential_action_desc nvarchar(60), is_system_named bit",
        _foreign_keys,
    ),
    view(
        "sys.foreign_key_columns",
        "constraint_object_id int, constraint_column_id int, parent_object_id int, parent_column_id int, "
        "referenced_object_id int, referenced_column_id int",
        _foreign_key_columns,
    ),
)
