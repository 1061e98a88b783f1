"""sp_rename."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine.altering import Altering
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.model import TableModel
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.reader import Reader

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
    altering = Altering(session, definitions)
    parts = _parts(name)
    if kind == "COLUMN":
        database, table = _table(session, parts[:-1], name)
        column = table.column(parts[-1])
        if column is None:
            raise _not_found(name, kind)
        altering.rename_column(database, table, column, new_name)
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
        altering.rename_table(database, table, new_name)
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
        Altering(session, session.definitions).rewrite(raw, database, changed)
        session.definitions.store_table(database, changed)
