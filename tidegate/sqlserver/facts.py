"""What a database is made of, and the state it is in, as plain text by place: the part of it that a snapshot keeps."""

from __future__ import annotations

from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.schema import Table, read_schema

#: States that SQL Server leaves constraints and indexes in after loads and repairs (Microsoft: sys.foreign_keys,
#: sys.check_constraints, sys.indexes). An index that is disabled is as good as gone.
_STATES = (
    "SELECT 'foreign key', s.name, t.name, k.name, k.is_disabled, k.is_not_trusted FROM sys.foreign_keys k "
    "JOIN sys.tables t ON t.object_id = k.parent_object_id JOIN sys.schemas s ON s.schema_id = t.schema_id",
    "SELECT 'check', s.name, t.name, k.name, k.is_disabled, k.is_not_trusted FROM sys.check_constraints k "
    "JOIN sys.tables t ON t.object_id = k.parent_object_id JOIN sys.schemas s ON s.schema_id = t.schema_id",
    "SELECT 'index', s.name, t.name, i.name, i.is_disabled, 0 FROM sys.indexes i "
    "JOIN sys.tables t ON t.object_id = i.object_id JOIN sys.schemas s ON s.schema_id = t.schema_id "
    "WHERE t.is_ms_shipped = 0 AND i.name IS NOT NULL",
)


def database_facts(server: SqlServer) -> dict[str, str]:
    """Columns, keys, indexes, checks and triggers with what they say, those that are off, and the numbers given to ids.

    Places read `column dbo.Project.Name`; raises :class:`tidegate.errors.SqlServerFailure` where the catalog cannot
    be read.
    """
    schema = read_schema(server)
    facts = {"database collation": schema.collation, "compatibility level": str(schema.compatibility_level)}
    for name, table in schema.tables.items():
        facts |= _table(name, table)
    facts |= {f"trigger {name}": module.digest for name, module in schema.modules.items() if module.kind == "trigger"}
    for query in _STATES:
        for kind, owner, table, name, disabled, untrusted in server.rows(query):
            if disabled or untrusted:
                facts[f"state of {kind} {owner}.{table}.{name}"] = "disabled" if disabled else "not trusted"
    if "dbo.KeyAllocation" in schema.tables:
        numbers = server.rows("SELECT CollectionName, Allocated FROM dbo.KeyAllocation")
        facts |= {f"ids of {collection}": str(number) for collection, number in numbers}
    return facts


def _table(name: str, table: Table) -> dict[str, str]:
    facts: dict[str, str] = {}
    for column in table.columns:
        nullable = "null" if column.nullable else "not null"
        facts[f"column {name}.{column.name}"] = f"{column.type} {nullable} {column.collation}".strip()
        if column.default:
            facts[f"default {name}.{column.name}"] = column.default
    for index in table.indexes:
        facts[f"index {name}.{index.name}"] = f"{index.kind}: {', '.join(index.columns)}"
    for key in table.foreign_keys:
        facts[f"foreign key {name}.{key.name}"] = f"{', '.join(key.columns)} → {key.refers_to}"
    for check in table.checks:
        facts[f"check {name}.{check.name}"] = check.definition
    return facts
