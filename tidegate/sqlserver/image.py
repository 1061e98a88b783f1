"""A database as a whole, small enough to keep: one fingerprint for each table and each part of the schema.

Two images are equal only when every row of every table and the whole schema are. Nothing of the data is in an image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.fingerprints import fingerprints
from tidegate.sqlserver.schema import SchemaImage, read_schema


@dataclass(frozen=True, slots=True)
class DatabaseImage:
    """``tables`` under ``schema.table``: "rows:digest"; ``schema`` by place: a digest. Both are plain text for JSON."""

    tables: Mapping[str, str]
    schema: Mapping[str, str]

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(int(one.partition(":")[0]) for one in self.tables.values())


def database_image(server: SqlServer) -> DatabaseImage:
    """The image of the connection's database. Worth something only while nobody writes: stop the server first."""
    tables = {name: one.digest for name, one in fingerprints(server).items()}
    return DatabaseImage(tables, schema_digests(read_schema(server)))


def schema_digests(schema: SchemaImage) -> dict[str, str]:
    """The schema by place, each with a digest over everything a script may change there."""
    places = {f"table {name}": repr(table) for name, table in schema.tables.items()}
    places |= {f"{module.kind} {name}": module.digest for name, module in schema.modules.items()}
    places["database collation"] = schema.collation
    places["database compatibility level"] = str(schema.compatibility_level)
    return {place: hashlib.sha256(text.encode()).hexdigest() for place, text in places.items()}


def image_differences(before: DatabaseImage, after: DatabaseImage) -> list[str]:
    """Where two images differ, one sentence a place; empty when the databases are byte for byte the same."""
    found = [
        f"rows of {table}: {_rows(before.tables.get(table))} → {_rows(after.tables.get(table))}"
        for table in sorted({*before.tables, *after.tables})
        if before.tables.get(table) != after.tables.get(table)
    ]
    return found + schema_differences(before.schema, after.schema)


def schema_differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Where two schemas differ, one sentence a place."""
    return [
        f"schema of {place}: {_change(before.get(place), after.get(place))}"
        for place in sorted({*before, *after})
        if before.get(place) != after.get(place)
    ]


def _rows(fingerprint: str | None) -> str:
    return "no such table" if fingerprint is None else f"{fingerprint.partition(':')[0]} rows"


def _change(before: str | None, after: str | None) -> str:
    return "new" if before is None else "gone" if after is None else "changed"
