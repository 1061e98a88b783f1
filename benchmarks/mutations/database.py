"""Damage to an upgraded database, done by T-SQL: rows, indexes, constraints, columns, views and counters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.schema import SchemaImage, Table, read_schema

#: Tables in which rows come and go by themselves.
_MOVING: Final = frozenset({"dbo.OctopusServerNode", "dbo.Lease", "dbo.Mutex", "dbo.Session", "dbo.ServerTaskQueue"})


@dataclass(frozen=True, slots=True)
class Damage:
    """What was done, and the words of the places that tell of it."""

    kind: str
    sentence: str
    statements: Sequence[str]
    places: tuple[tuple[str, ...], ...]


Draw = Callable[[Random, SqlServer, SchemaImage], Damage | None]


def _table(dice: Random, schema: SchemaImage, wanted: Callable[[Table], Any]) -> Table | None:
    found = [table for name, table in sorted(schema.tables.items()) if wanted(table) and name not in _MOVING]
    return dice.choice(found) if found else None


def _row(dice: Random, server: SqlServer, table: Table) -> str | None:
    rows = server.rows(f"SELECT Id FROM {table.name}")
    ids = sorted(str(row[0]) for row in rows)
    return dice.choice(ids) if ids else None


def _column(table: Table, name: str) -> bool:
    return any(column.name == name for column in table.columns)


def row_changed(dice: Random, server: SqlServer, schema: SchemaImage) -> Damage | None:
    table = _table(dice, schema, lambda one: _column(one, "Id") and _column(one, "Name"))
    identity = _row(dice, server, table) if table else None
    if table is None or identity is None:
        return None
    statement = f"UPDATE {table.name} SET Name = LEFT(Name, 3) + N'?' WHERE Id = N'{identity}'"
    return Damage("row changed", f"another name in {table.name} {identity}", [statement], ((identity,), (table.name,)))


def row_lost(dice: Random, server: SqlServer, schema: SchemaImage) -> Damage | None:
    table = _table(dice, schema, lambda one: _column(one, "Id"))
    identity = _row(dice, server, table) if table else None
    if table is None or identity is None:
        return None
    statement = f"DELETE FROM {table.name} WHERE Id = N'{identity}'"
    return Damage("row lost", f"{table.name} {identity} is gone", [statement], ((identity,), (table.name,)))


def index_lost(dice: Random, _server: SqlServer, schema: SchemaImage) -> Damage | None:
    def plain(table: Table) -> list[Any]:
        return [index for index in table.indexes if index.kind in ("INDEX", "UNIQUE")]

    table = _table(dice, schema, plain)
    if table is None:
        return None
    index = dice.choice(plain(table))
    way = dice.choice(["dropped", "disabled"])
    statement = (
        f"DROP INDEX [{index.name}] ON {table.name}" if way == "dropped"
        else f"ALTER INDEX [{index.name}] ON {table.name} DISABLE"
    )  # fmt: skip
    return Damage(f"index {way}", f"index {index.name} of {table.name} {way}", [statement], ((index.name,),))


def key_weakened(dice: Random, _server: SqlServer, schema: SchemaImage) -> Damage | None:
    table = _table(dice, schema, lambda one: one.foreign_keys)
    if table is None:
        return None
    key = dice.choice(table.foreign_keys)
    way = dice.choice(["DROP", "NOCHECK"])
    statement = f"ALTER TABLE {table.name} {way} CONSTRAINT [{key.name}]"
    return Damage(f"foreign key {way.lower()}", f"{key.name} of {table.name}: {way}", [statement], ((key.name,),))


def column_changed(dice: Random, _server: SqlServer, schema: SchemaImage) -> Damage | None:
    def texts(table: Table) -> list[Any]:
        keyed = {name.partition(" ")[0] for index in table.indexes for name in index.columns}
        return [one for one in table.columns if one.type.startswith("nvarchar(") and one.name not in keyed]

    table = _table(dice, schema, texts)
    if table is None:
        return None
    column = dice.choice(texts(table))
    null = "NULL" if column.nullable else "NOT NULL"
    length = re.fullmatch(r"nvarchar\((\d+)\)", column.type)
    way = dice.choice(["narrowed", "of another collation"]) if length else "of another collation"
    collation = (
        f" COLLATE {'Latin1_General_BIN' if way != 'narrowed' else column.collation}" if column.collation else ""
    )
    # What does not fit any more makes the server refuse the damage.
    kind = f"nvarchar({int(length[1]) - 1})" if length and way == "narrowed" else column.type
    statement = f"ALTER TABLE {table.name} ALTER COLUMN [{column.name}] {kind}{collation} {null}"
    return Damage(f"column {way}", f"{table.name}.{column.name} {way}", [statement], ((table.name, column.name),))


def view_broken(dice: Random, _server: SqlServer, schema: SchemaImage) -> Damage | None:
    views = sorted(name for name, module in schema.modules.items() if module.kind == "view")
    if not views:
        return None
    view = dice.choice(views)
    statements = [
        f"DROP VIEW {view}", "CREATE TABLE dbo.GoneWithTheUpgrade (Id int)",
        f"CREATE VIEW {view} AS SELECT Id FROM dbo.GoneWithTheUpgrade", "DROP TABLE dbo.GoneWithTheUpgrade",
    ]  # fmt: skip
    return Damage("view broken", f"view {view} broken", statements, ((view,),))


def ids_again(dice: Random, server: SqlServer, _schema: SchemaImage) -> Damage | None:
    names = sorted(
        str(row[0]) for row in server.rows("SELECT CollectionName FROM dbo.KeyAllocation WHERE Allocated > 5")
    )
    name = dice.choice(names)
    statement = f"UPDATE dbo.KeyAllocation SET Allocated = 1 WHERE CollectionName = N'{name}'"
    return Damage("ids again", f"ids of {name} begin again", [statement], ((f"ids of {name}",),))


def default_lost(dice: Random, server: SqlServer, _schema: SchemaImage) -> Damage | None:
    rows = server.rows(
        "SELECT t.name, d.name, c.name FROM sys.default_constraints d "
        "JOIN sys.tables t ON t.object_id = d.parent_object_id "
        "JOIN sys.columns c ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id"
    )
    if not rows:
        return None
    table, constraint, column = dice.choice(sorted(tuple(map(str, row)) for row in rows))
    statement = f"ALTER TABLE dbo.[{table}] DROP CONSTRAINT [{constraint}]"
    return Damage("default lost", f"default of {table}.{column} dropped", [statement], ((table, column),))


DRAWS: Final[tuple[Draw, ...]] = (
    row_changed, row_changed, row_lost, row_lost, index_lost, key_weakened, column_changed, view_broken, ids_again,
    default_lost,
)  # fmt: skip


def drawn(seed: int, server: SqlServer) -> Damage:
    """The damage of a seed, not yet done."""
    dice = Random(seed)
    schema = read_schema(server)
    while True:
        if damage := dice.choice(DRAWS)(dice, server, schema):
            return damage
