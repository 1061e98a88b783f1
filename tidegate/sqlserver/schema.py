"""The schema of a database as values, and what differs between two of them.

Octopus's own integrity check compares with what a version expects ("Missing item: IDX dbo.…"); this image compares an
instance with itself before, and an upgraded instance with a fresh one, which needs no expectation.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tidegate.errors import SqlServerFailure
from tidegate.sqlserver.connection import SqlServer, quoted


@dataclass(frozen=True, slots=True)
class Column:
    """``type`` as it would be declared: ``nvarchar(50)``, ``decimal(18,4)``."""

    name: str
    type: str
    nullable: bool
    collation: str
    identity: bool
    default: str


@dataclass(frozen=True, slots=True)
class Index:
    """``kind`` is PRIMARY KEY, UNIQUE CONSTRAINT, UNIQUE or INDEX; a descending column ends with " DESC"."""

    name: str
    kind: str
    clustered: bool
    columns: tuple[str, ...]
    included: tuple[str, ...]
    filter: str


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key of a table."""

    name: str
    columns: tuple[str, ...]
    refers_to: str
    their_columns: tuple[str, ...]
    on_delete: str


@dataclass(frozen=True, slots=True)
class Check:
    """One CHECK constraint of a table."""

    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class Table:
    """One user table."""

    name: str  # schema.table
    columns: tuple[Column, ...]  # by name: their order means nothing to Octopus
    indexes: tuple[Index, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A view, procedure, function or trigger; ``digest`` of its text without regard to white space."""

    name: str
    kind: str
    digest: str


@dataclass(frozen=True, slots=True)
class SchemaImage:
    """Everything a schema script may change."""

    collation: str
    compatibility_level: int
    tables: Mapping[str, Table]
    modules: Mapping[str, Module]


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """``before`` or ``after`` is None where there was or is no such thing."""

    place: str
    before: str | None
    after: str | None


def read_schema(server: SqlServer) -> SchemaImage:
    """The schema of the connection's database: eight queries, whatever its size."""
    collation, level = server.rows(
        "SELECT CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation')), compatibility_level "
        "FROM sys.databases WHERE name = DB_NAME()"
    )[0]
    columns = _columns(server)
    indexes, foreign_keys, checks = _indexes(server), _foreign_keys(server), _checks(server)
    tables = {
        name: Table(
            name,
            tuple(of_table),
            tuple(indexes.get(name, ())),
            tuple(foreign_keys.get(name, ())),
            tuple(checks.get(name, ())),
        )
        for name, of_table in columns.items()
    }
    return SchemaImage(str(collation), int(level), tables, _modules(server))


def compare_schemas(before: SchemaImage, after: SchemaImage) -> list[SchemaDifference]:
    """Every difference, one line for a whole table or module that came or went."""
    found: list[SchemaDifference] = []
    _note(found, "database collation", before.collation, after.collation)
    _note(found, "compatibility level", str(before.compatibility_level), str(after.compatibility_level))
    for name in sorted({*before.tables, *after.tables}):
        had, has = before.tables.get(name), after.tables.get(name)
        if had is None or has is None:
            _note(found, f"table {name}", had and "present", has and "present")
            continue
        for label, ones, others in (
            ("column", had.columns, has.columns),
            ("index", had.indexes, has.indexes),
            ("foreign key", had.foreign_keys, has.foreign_keys),
            ("check", had.checks, has.checks),
        ):
            _compare(found, f"{label} {name}", {one.name: one for one in ones}, {one.name: one for one in others})
    for name in sorted({*before.modules, *after.modules}):
        one, other = before.modules.get(name), after.modules.get(name)
        kinds = {module.kind for module in (one, other) if module is not None}
        _note(found, f"{' and '.join(sorted(kinds))} {name}", one and one.digest, other and other.digest)
    return found


def view_names(server: SqlServer) -> list[str]:
    """Every user view as ``schema.view``."""
    return [
        f"{schema}.{view}"
        for schema, view in server.rows(
            "SELECT s.name, v.name FROM sys.views v JOIN sys.schemas s ON s.schema_id = v.schema_id "
            "WHERE v.is_ms_shipped = 0 ORDER BY s.name, v.name"
        )
    ]


def query_view(server: SqlServer, view: str) -> str:
    """Read one row of ``schema.view``: "" when that works, else what SQL Server says.

    An upgrade that is interrupted before its post-upgrade scripts leaves views that name columns which are gone
    (OctopusDeploy/Issues#5252, #6242); nothing but reading them shows it.
    """
    schema, _, name = view.partition(".")
    try:
        server.rows(f"SELECT TOP 1 * FROM {quoted(schema)}.{quoted(name)}")
    except SqlServerFailure as error:
        return error.what
    return ""


def _columns(server: SqlServer) -> dict[str, list[Column]]:
    rows = server.rows(
        "SELECT s.name, t.name, c.name, y.name, c.max_length, c.precision, c.scale, c.is_nullable, "
        "c.collation_name, c.is_identity, d.definition "
        "FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "JOIN sys.columns c ON c.object_id = t.object_id JOIN sys.types y ON y.user_type_id = c.user_type_id "
        "LEFT JOIN sys.default_constraints d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id "
        "WHERE t.is_ms_shipped = 0 ORDER BY s.name, t.name, c.name"
    )
    tables: dict[str, list[Column]] = defaultdict(list)
    for schema, table, column, kind, length, precision, scale, nullable, collation, identity, default in rows:
        tables[f"{schema}.{table}"].append(
            Column(
                str(column),
                declared_type(str(kind), int(length), int(precision), int(scale)),
                bool(nullable),
                str(collation or ""),
                bool(identity),
                str(default or ""),
            )
        )
    return dict(tables)


def _indexes(server: SqlServer) -> dict[str, list[Index]]:
    rows = server.rows(
        "SELECT s.name, t.name, i.name, i.is_primary_key, i.is_unique_constraint, i.is_unique, i.type_desc, "
        "i.filter_definition, c.name, x.is_included_column, x.is_descending_key "
        "FROM sys.indexes i JOIN sys.tables t ON t.object_id = i.object_id "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id "
        "JOIN sys.columns c ON c.object_id = x.object_id AND c.column_id = x.column_id "
        "WHERE t.is_ms_shipped = 0 AND i.name IS NOT NULL "
        "ORDER BY s.name, t.name, i.name, x.is_included_column, x.key_ordinal, c.name"
    )
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    included: dict[tuple[str, str], list[str]] = defaultdict(list)
    about: dict[tuple[str, str], tuple[str, bool, str]] = {}
    for schema, table, index, primary, constraint, unique, kind, filtered, column, is_included, descending in rows:
        path = (f"{schema}.{table}", str(index))
        name = "PRIMARY KEY" if primary else "UNIQUE CONSTRAINT" if constraint else "UNIQUE" if unique else "INDEX"
        about[path] = (name, str(kind) == "CLUSTERED", str(filtered or ""))
        (included if is_included else keys)[path].append(f"{column} DESC" if descending else str(column))
    tables: dict[str, list[Index]] = defaultdict(list)
    for (table, index), (kind, clustered, filtered) in about.items():
        path = (table, index)
        tables[table].append(Index(index, kind, clustered, tuple(keys[path]), tuple(included[path]), filtered))
    return dict(tables)


def _foreign_keys(server: SqlServer) -> dict[str, list[ForeignKey]]:
    rows = server.rows(
        "SELECT s.name, t.name, f.name, c.name, s2.name, t2.name, c2.name, f.delete_referential_action_desc "
        "FROM sys.foreign_keys f JOIN sys.tables t ON t.object_id = f.parent_object_id "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id JOIN sys.tables t2 ON t2.object_id = f.referenced_object_id "
        "JOIN sys.schemas s2 ON s2.schema_id = t2.schema_id "
        "JOIN sys.foreign_key_columns k ON k.constraint_object_id = f.object_id "
        "JOIN sys.columns c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id "
        "JOIN sys.columns c2 ON c2.object_id = k.referenced_object_id AND c2.column_id = k.referenced_column_id "
        "ORDER BY s.name, t.name, f.name, k.constraint_column_id"
    )
    columns: dict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
    for schema, table, key, column, their_schema, their_table, their_column, on_delete in rows:
        path = (f"{schema}.{table}", str(key), f"{their_schema}.{their_table}", str(on_delete))
        columns[path].append((str(column), str(their_column)))
    tables: dict[str, list[ForeignKey]] = defaultdict(list)
    for (table, key, theirs, on_delete), pairs in columns.items():
        tables[table].append(
            ForeignKey(key, tuple(one for one, _ in pairs), theirs, tuple(other for _, other in pairs), on_delete)
        )
    return dict(tables)


def _checks(server: SqlServer) -> dict[str, list[Check]]:
    tables: dict[str, list[Check]] = defaultdict(list)
    for schema, table, name, definition in server.rows(
        "SELECT s.name, t.name, k.name, k.definition FROM sys.check_constraints k "
        "JOIN sys.tables t ON t.object_id = k.parent_object_id JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "ORDER BY s.name, t.name, k.name"
    ):
        tables[f"{schema}.{table}"].append(Check(str(name), str(definition)))
    return dict(tables)


#: sys.objects' types of what has a text.
_KINDS: Final = {
    "V": "view",
    "P": "procedure",
    "FN": "function",
    "IF": "function",
    "TF": "function",
    "TR": "trigger",
}


def _modules(server: SqlServer) -> dict[str, Module]:
    rows = server.rows(
        "SELECT s.name, o.name, o.type, m.definition FROM sys.sql_modules m "
        "JOIN sys.objects o ON o.object_id = m.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id "
        "WHERE o.is_ms_shipped = 0 ORDER BY s.name, o.name"
    )
    return {
        f"{schema}.{name}": Module(f"{schema}.{name}", _KINDS.get(str(kind).strip(), str(kind).strip()), _text(text))
        for schema, name, kind, text in rows
    }


def declared_type(kind: str, length: int, precision: int, scale: int) -> str:
    """A type as a CREATE TABLE statement writes it, from the numbers of sys.columns."""
    if kind in {"nvarchar", "nchar"}:
        return f"{kind}({'max' if length == -1 else length // 2})"
    if kind in {"varchar", "char", "varbinary", "binary"}:
        return f"{kind}({'max' if length == -1 else length})"
    if kind in {"decimal", "numeric"}:
        return f"{kind}({precision},{scale})"
    if kind in {"datetime2", "datetimeoffset", "time"}:
        return f"{kind}({scale})"
    return kind


def _compare(found: list[SchemaDifference], label: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for name in sorted({*before, *after}):
        _note(found, f"{label}.{name}", _said(before.get(name)), _said(after.get(name)))


def _said(value: object) -> str | None:
    return None if value is None else str(value)


def _note(found: list[SchemaDifference], place: str, before: str | None, after: str | None) -> None:
    if before != after:
        found.append(SchemaDifference(place, before, after))


def _text(definition: object) -> str:
    return hashlib.sha256(" ".join(str(definition or "").split()).encode()).hexdigest()[:16]
