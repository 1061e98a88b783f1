"""The system integrity check: is the database's schema the one this version expects?

It runs at start-up, daily and on request, and lists "Missing item: …" and "Unexpected item: …" (Octopus docs). A view
that was not refreshed lacks columns, which it lists as well (OctopusDeploy/Issues 2596: "Missing item: VIEW
dbo.DeploymentSummary.Version …"): what the first start after a half-done upgrade says of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from standins.octopus.contract import Server, Version
from standins.octopus.schema.database import Database
from standins.octopus.schema.manifest import views_of
from standins.octopus.store import OctopusStore
from standins.octopus.store.kinds import DocumentKind, kinds_of

_OBJECTS: Final = Path(__file__).with_name("objects.toml")
_COLUMNS: Final = """
SELECT c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.CHARACTER_MAXIMUM_LENGTH
FROM INFORMATION_SCHEMA.COLUMNS c
JOIN INFORMATION_SCHEMA.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
WHERE t.TABLE_TYPE = 'BASE TABLE' AND c.TABLE_SCHEMA = 'dbo'
"""
_VIEW_COLUMNS: Final = """
SELECT v.name, c.name FROM sys.columns c JOIN sys.views v ON v.object_id = c.object_id
WHERE SCHEMA_NAME(v.schema_id) = 'dbo'
"""
_INDEXES: Final = """
SELECT t.name, i.name FROM sys.indexes i JOIN sys.tables t ON t.object_id = i.object_id
WHERE i.name IS NOT NULL AND SCHEMA_NAME(t.schema_id) = 'dbo' AND i.is_primary_key = 0
"""


def differences(server: Server) -> list[str]:
    """What the task SystemIntegrityCheck reports; empty when the schema is sound."""
    if not isinstance(server.store, OctopusStore):
        raise TypeError("the schema of a store without a database cannot be checked")
    database = Database(server.store.connection_string)
    try:
        return schema_differences(database, server.version)
    finally:
        database.close()


def schema_differences(database: Database, version: Version) -> list[str]:
    expected, actual = set(expected_items(version)), set(actual_items(database, version))
    missing = [f"Missing item: {item}" for item in sorted(expected - actual)]
    return missing + [f"Unexpected item: {item}" for item in sorted(actual - expected)]


def expected_items(version: Version) -> Iterable[str]:
    for kind in kinds_of(version).values():
        yield from _items_of_kind(kind)
    for table, definition in tomllib.loads(_OBJECTS.read_text(encoding="utf-8"))["tables"].items():
        if _in_force(definition, version):
            for column, sql_type in definition["columns"].items():
                if _in_force(sql_type, version):
                    yield _column(table, column, sql_type if isinstance(sql_type, str) else sql_type["type"])
            yield from (_index(table, name) for name in definition.get("indexes", ()))
    for view in views_of(version):
        yield f"VIEW dbo.{view.name}"
        if view.all_of:
            yield from (_in_view(view.name, column) for column in _columns_of(kinds_of(version)[view.all_of]))


def _columns_of(kind: DocumentKind) -> dict[str, str]:
    """The columns of a kind's table, each with its type."""
    version = {"DataVersion": "timestamp"} if kind.data_version else {}
    return {"Id": kind.id_type, **kind.columns, "JSON": "nvarchar(max)", **version}


def _items_of_kind(kind: DocumentKind) -> Iterable[str]:
    for column, sql_type in _columns_of(kind).items():
        yield _column(kind.table, column, sql_type)
    for columns in kind.unique:
        yield _index(kind.table, kind.constraint_name(columns))
    for columns in kind.indexes:
        yield _index(kind.table, f"IX_{kind.table}_{'_'.join(columns)}")


def actual_items(database: Database, version: Version) -> Iterable[str]:
    for table, column, sql_type, length in database.run(_COLUMNS):
        yield _column(table, column, _full_type(sql_type, length))
    for table, name in database.run(_INDEXES):
        yield _index(table, name)
    for (name,) in database.run("SELECT name FROM sys.views WHERE SCHEMA_NAME(schema_id) = 'dbo'"):
        yield f"VIEW dbo.{name}"
    wide = {view.name: _columns_of(kinds_of(version)[view.all_of]) for view in views_of(version) if view.all_of}
    for view, column in database.run(_VIEW_COLUMNS):
        # What else such a view selects is its own affair.
        if column in wide.get(view, ()):
            yield _in_view(view, column)


def _full_type(name: str, length: int | None) -> str:
    if name in ("nvarchar", "varchar"):
        return f"{name}({'max' if length == -1 else length})"
    return {"rowversion": "timestamp"}.get(name, name)


def _column(table: str, column: str, sql_type: str) -> str:
    return f"USER_TABLE {table}.{column} {sql_type}"


def _in_view(view: str, column: str) -> str:
    return f"VIEW dbo.{view}.{column}"


def _index(table: str, name: str) -> str:
    return f"IDX dbo.{table}.{name}"


def _in_force(definition: Any, version: Version) -> bool:
    since = definition.get("since") if isinstance(definition, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return since is None or version >= Version.parse(str(since))  # pyright: ignore[reportUnknownArgumentType]
