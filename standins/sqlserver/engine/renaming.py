"""sp_rename."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import moments, physical
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.model import ColumnModel, ForeignKeyModel, TableModel
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.reader import Reader
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


def _parts(text: str) -> list[str]:
    reader = Reader(text)
    parts = [reader.identifier()]
    while reader.accept("."):
        parts.append(reader.identifier())
    return parts


def _not_found(name: str, kind: str) -> SqlServerError:
    text = f"Either the parameter @objname is ambiguous or the claimed @objtype ({kind}) is wrong."
    del name
    return SqlServerError(15248, text, 11, 1)


def rename(session: EngineSession, name: str, new_name: str, kind: str) -> None:
    """``kind`` is OBJECT, COLUMN or INDEX."""
    definitions = session.definitions
    parts = _parts(name)
    if kind == "COLUMN":
        database, table = _table(session, parts[:-1], name)
        column = table.column(parts[-1])
        if column is None:
            raise _not_found(name, kind)
        _rename_column(session, database, table, column, new_name)
        return
    if kind == "INDEX":
        database, table = _table(session, parts[:-1], name)
        _rename_index(session, database, table, parts[-1], new_name)
        return
    target = ObjectName.of(parts[-3:])
    database = definitions.database_of(target)
    model = definitions.model(database)
    table = model.table(target.schema, target.name)
    if table is not None:
        _rename_table(session, database, table, new_name)
        return
    owner = model.constraint_owner(target.schema, target.name)
    if owner is not None:
        _rename_constraint(session, database, owner, target.name, new_name)
        return
    if model.module(target.schema, target.name) is not None:
        raise unsupported("sp_rename of a view, procedure or function")
    text = (
        f"No item by the name of '{name}' could be found in the current database '{database.name}', given that "
        "@itemtype was input as '(null)'."
    )
    raise SqlServerError(15225, text, 11, 1)


def _table(session: EngineSession, parts: list[str], name: str) -> tuple[Database, TableModel]:
    if not parts:
        raise _not_found(name, "COLUMN")
    target = ObjectName.of(parts[-3:])
    database = session.definitions.database_of(target)
    table = session.definitions.model(database).table(target.schema, target.name)
    if table is None:
        raise _not_found(name, "COLUMN")
    return database, table


def _rename_table(session: EngineSession, database: Database, table: TableModel, name: str) -> None:
    definitions = session.definitions
    model = definitions.model(database)
    if model.taken(table.schema, name):
        text = (
            f"Error: The new name '{name}' is already in use as a object name and would cause a duplicate that "
            "is not permitted."
        )
        raise SqlServerError(15335, text, 11, 1)
    with definitions.change(database) as raw:
        changed = replace(table, name=name, modified=moments.now_text())
        own = tuple(_renamed_reference(key, table, changed) for key in table.foreign_keys)
        changed = replace(changed, foreign_keys=own)
        source = f"{database.alias}.{quote(physical.table_name(table))}"
        raw.execute(f"ALTER TABLE {source} RENAME TO {quote(physical.table_name(changed))}")
        for child, _ in model.referencing(table):
            if child.object_id != table.object_id:
                keys = tuple(_renamed_reference(key, table, changed) for key in child.foreign_keys)
                definitions.store_table(database, replace(child, foreign_keys=keys))
        definitions.store_table(database, changed)


def _rename_column(
    session: EngineSession, database: Database, table: TableModel, column: ColumnModel, name: str
) -> None:
    definitions = session.definitions
    if table.column(name) is not None and name.lower() != column.name.lower():
        text = (
            f"Error: The new name '{name}' is already in use as a COLUMN name and would cause a duplicate that "
            "is not permitted."
        )
        raise SqlServerError(15335, text, 11, 1)
    in_text = [check.name for check in table.checks if column.name.lower() in check.text.lower()]
    in_text += [index.name for index in table.indexes if index.filter and column.name.lower() in index.filter.lower()]
    if in_text:
        text = (
            f"Object '{table.label}.{column.name}' cannot be renamed because the object participates in "
            "enforced dependencies."
        )
        raise SqlServerError(15336, text, 16, 1)
    with definitions.change(database) as raw:
        target = f"{database.alias}.{quote(physical.table_name(table))}"
        raw.execute(f"ALTER TABLE {target} RENAME COLUMN {quote(column.name)} TO {quote(name)}")
        for child, _ in definitions.model(database).referencing(table):
            keys = tuple(
                replace(key, references=_swap(key.references, column.name, name))
                if (key.schema, key.table) == (table.schema, table.name)
                else key
                for key in child.foreign_keys
            )
            definitions.store_table(database, replace(child, foreign_keys=keys))
        current = definitions.model(database).table_by_id(table.object_id) or table
        changed = current.with_column(replace(column, name=name))
        changed = replace(
            changed,
            indexes=tuple(
                replace(
                    index,
                    columns=tuple(
                        replace(part, name=name) if part.name == column.name else part for part in index.columns
                    ),
                    include=_swap(index.include, column.name, name),
                )
                for index in changed.indexes
            ),
            foreign_keys=tuple(
                replace(key, columns=_swap(key.columns, column.name, name)) for key in changed.foreign_keys
            ),
            modified=moments.now_text(),
        )
        definitions.store_table(database, changed)


def _rename_index(session: EngineSession, database: Database, table: TableModel, old: str, new: str) -> None:
    index = table.index(old)
    if index is None:
        raise _not_found(old, "INDEX")
    changed = tuple(replace(known, name=new) if known is index else known for known in table.indexes)
    with session.definitions.change(database):
        session.definitions.store_table(database, replace(table, indexes=changed))


def _rename_constraint(session: EngineSession, database: Database, table: TableModel, old: str, new: str) -> None:
    wanted = old.lower()
    changed = replace(
        table,
        indexes=tuple(replace(i, name=new) if i.key_kind and i.name.lower() == wanted else i for i in table.indexes),
        foreign_keys=tuple(replace(k, name=new) if k.name.lower() == wanted else k for k in table.foreign_keys),
        checks=tuple(replace(c, name=new) if c.name.lower() == wanted else c for c in table.checks),
        columns=tuple(
            replace(c, default=replace(c.default, name=new))
            if c.default is not None and c.default.name.lower() == wanted
            else c
            for c in table.columns
        ),
    )
    with session.definitions.change(database) as raw:
        physical.rewrite(raw, database.alias, changed, session.definitions.condition)
        session.definitions.store_table(database, changed)


def _swap(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if name == old else name for name in names)


def _renamed_reference(key: ForeignKeyModel, old: TableModel, new: TableModel) -> ForeignKeyModel:
    if (key.schema.lower(), key.table.lower()) == (old.schema.lower(), old.name.lower()):
        return replace(key, table=new.name)
    return key
