"""Which document types an Octopus version has, read from ``kinds.toml``."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from standins.octopus.contract import Kind, Version

SPACES: Final = Version(2019, 1, 0)
_FILE: Final = Path(__file__).with_name("kinds.toml")


class UnknownKind(LookupError):
    """A document type this version of Octopus does not have."""


@dataclass(frozen=True, slots=True)
class Related:
    """A side table that repeats a list column row by row, so that it can be joined."""

    table: str
    owner: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class DocumentKind(Kind):
    """A kind with what the store and the schema need to know beyond the contract."""

    id_type: str = "nvarchar(50)"
    required: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    indexes: Sequence[Sequence[str]] = ()
    identity: str = ""
    data_version: bool = False
    related: Related | None = None

    def constraint_name(self, columns: Sequence[str]) -> str:
        return f"UQ_{self.table}_{'_'.join(columns)}"


@functools.cache
def _definitions() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@functools.cache
def kinds_of(version: Version) -> Mapping[str, DocumentKind]:
    return {
        name: _kind(name, definition, version)
        for name, definition in _definitions().items()
        if _holds(definition, version)
    }


def _holds(definition: Mapping[str, Any] | str, version: Version) -> bool:
    if isinstance(definition, str):
        return True
    since, until = definition.get("since"), definition.get("until")
    return (since is None or version >= Version.parse(since)) and (until is None or version < Version.parse(until))


def _kind(name: str, definition: Mapping[str, Any], version: Version) -> DocumentKind:
    present = {
        column: entry if isinstance(entry, str) else str(entry["type"])
        for column, entry in definition.get("columns", {}).items()
        if _holds(entry, version)
    }
    space = definition.get("space")
    scoped = space is not None and version >= SPACES
    unique: list[tuple[str, ...]] = [tuple(columns) for columns in definition.get("unique", ())]
    if scoped:
        present["SpaceId"] = "nvarchar(50) NOT NULL" if space == "each" else "nvarchar(50)"
        unique = [(*columns, "SpaceId") for columns in unique]
    former = definition.get("former_table")
    table = former["name"] if former and version < Version.parse(former["until"]) else name
    related = definition.get("related")
    return DocumentKind(
        name=name,
        table=table,
        id_prefix=definition["ids"],
        columns={column: sql_type.removesuffix(" NOT NULL") for column, sql_type in present.items()},
        space_scoped=scoped,
        unique=tuple(unique),
        id_type=definition.get("id_type", "nvarchar(50)"),
        required=frozenset(column for column, sql_type in present.items() if sql_type.endswith(" NOT NULL")),
        lists=frozenset(definition.get("lists", ())) & present.keys(),
        indexes=tuple(
            tuple(columns) for columns in definition.get("indexes", ()) if all(column in present for column in columns)
        ),
        identity=definition.get("identity", ""),
        data_version=definition.get("data_version", False),
        related=Related(related["table"], related["owner"], related["value"], related["from"]) if related else None,
    )
