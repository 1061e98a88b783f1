"""A SELECT on its way to SQLite's SQL, and a query that has arrived."""

from __future__ import annotations

from dataclasses import dataclass, field

from standins.sqlserver.tsql import nodes, types
from standins.sqlserver.tsql.translate.names import Relation
from standins.sqlserver.tsql.translate.values import Sql, collated


@dataclass(frozen=True, slots=True)
class Compiled:
    """A translated query; its columns are called c0, c1 … ``row`` is set when it exposes row ids as ``r0``."""

    text: str
    columns: tuple[Sql, ...]
    single_row: bool = False
    limited: bool = False
    row: Relation | None = None
    targets: tuple[nodes.SelectItem, ...] = ()
    assigning: bool = False


@dataclass(slots=True)
class Arm:
    """One SELECT before its columns are written out."""

    items: list[Sql]
    tail: str
    distinct: bool = False
    limit: str = ""
    order: list[str] = field(default_factory=list[str])
    single_row: bool = False
    row: str = ""
    relation: Relation | None = None
    targets: tuple[nodes.SelectItem, ...] = ()

    def text(self, *, collate: bool) -> str:
        shown = [
            f"{collated(item) if collate and not item.is_null else item.text} AS c{place}"
            for place, item in enumerate(self.items)
        ]
        if self.row:
            shown.append(f"{self.row} AS r0")
        order = f" ORDER BY {', '.join(self.order)}" if self.order else ""
        return f"SELECT {'DISTINCT ' if self.distinct else ''}{', '.join(shown)}{self.tail}{order}{self.limit}"

    def with_rank(self, rank: str) -> str:
        """The rows without order and limit, with one more column."""
        return Arm([*self.items, Sql(rank, types.BIGINT)], self.tail).text(collate=True)
