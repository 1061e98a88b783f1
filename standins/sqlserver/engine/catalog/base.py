"""What a catalog view is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import types

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.session import EngineSession

Row = tuple[Any, ...]
Rows = Callable[["EngineSession", "Database"], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class CatalogView:
    """``volatile`` views show the server's state and are made anew for every statement."""

    key: str
    columns: tuple[tuple[str, SqlType], ...]
    rows: Rows
    volatile: bool = False
    since: int = 2008


def view(name: str, columns: str, rows: Rows, *, volatile: bool = False, since: int = 2008) -> CatalogView:
    """``columns`` is written as in a CREATE TABLE: ``name sysname, object_id int``."""
    parsed: list[tuple[str, SqlType]] = []
    for part in _split(columns):
        column, _, kind = part.strip().partition(" ")
        parsed.append((column, types.parse(kind.strip())))
    return CatalogView(name, tuple(parsed), rows, volatile, since)


def _split(text: str) -> list[str]:
    """At commas outside parentheses."""
    parts: list[str] = []
    depth, current = 0, ""
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


#: (name, system_type_id, user_type_id, max_length, precision, scale) of sys.types.
TYPES: tuple[tuple[str, int, int, int, int, int], ...] = (
    ("image", 34, 34, 16, 0, 0), ("text", 35, 35, 16, 0, 0), ("uniqueidentifier", 36, 36, 16, 0, 0),
    ("date", 40, 40, 3, 10, 0), ("time", 41, 41, 5, 16, 7), ("datetime2", 42, 42, 8, 27, 7),
    ("datetimeoffset", 43, 43, 10, 34, 7), ("tinyint", 48, 48, 1, 3, 0), ("smallint", 52, 52, 2, 5, 0),
    ("int", 56, 56, 4, 10, 0), ("smalldatetime", 58, 58, 4, 16, 0), ("real", 59, 59, 4, 24, 0),
    ("money", 60, 60, 8, 19, 4), ("datetime", 61, 61, 8, 23, 3), ("float", 62, 62, 8, 53, 0),
    ("sql_variant", 98, 98, 8016, 0, 0), ("ntext", 99, 99, 16, 0, 0), ("bit", 104, 104, 1, 1, 0),
    ("decimal", 106, 106, 17, 38, 38), ("numeric", 108, 108, 17, 38, 38), ("smallmoney", 122, 122, 4, 10, 4),
    ("bigint", 127, 127, 8, 19, 0), ("hierarchyid", 240, 128, 892, 0, 0), ("geometry", 240, 129, -1, 0, 0),
    ("geography", 240, 130, -1, 0, 0), ("varbinary", 165, 165, 8000, 0, 0), ("varchar", 167, 167, 8000, 0, 0),
    ("binary", 173, 173, 8000, 0, 0), ("char", 175, 175, 8000, 0, 0), ("timestamp", 189, 189, 8, 0, 0),
    ("nvarchar", 231, 231, 8000, 0, 0), ("nchar", 239, 239, 8000, 0, 0), ("xml", 241, 241, -1, 0, 0),
    ("sysname", 231, 256, 256, 0, 0),
)  # fmt: skip
TYPE_IDS = {name: system_id for name, system_id, *_ in TYPES if name != "sysname"}


def visible_scale(type: SqlType) -> int:
    """``sys.columns.scale``."""
    return (
        type.scale
        if type.name in types.DECIMALS or type.name in ("time", "datetime2", "datetimeoffset", "datetime")
        else 0
    )
