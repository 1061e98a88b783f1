"""The WHERE, ORDER BY and paging of a document query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from standins.octopus.store.documents import TEXT, InputSize, input_size
from standins.octopus.store.kinds import DocumentKind

_MAXIMUM_IN: Final = 1000  # SQL Server takes 2,100 parameters a statement


class NotAColumn(ValueError):
    """A query asked for something that is only in the JSON."""


class Conditions:
    """Collects conditions with their parameters; ``nothing`` is true once no row can match."""

    def __init__(self, kind: DocumentKind) -> None:
        self._kind = kind
        self._parts: list[str] = []
        self.values: list[Any] = []
        self.sizes: list[InputSize] = []
        self.nothing = False

    def add(
        self,
        where: Mapping[str, Any] | None,
        contains: Mapping[str, str] | None,
        space: str | Sequence[str | None] | None,
    ) -> Conditions:
        for column, value in (where or {}).items():
            self._equals(column, value)
        for column, value in (contains or {}).items():
            self._contains(column, value)
        if space is not None and "SpaceId" in self._kind.columns:
            self._in_space(space)
        return self

    def sql(self) -> str:
        return f" WHERE {' AND '.join(self._parts)}" if self._parts else ""

    def _type(self, column: str) -> str:
        if column == "Id":
            return self._kind.id_type
        try:
            return self._kind.columns[column]
        except KeyError:
            raise NotAColumn(f"{self._kind.name}.{column} is not a column of dbo.{self._kind.table}") from None

    def _equals(self, column: str, value: Any) -> None:
        sql_type = self._type(column)
        if value is None:
            self._parts.append(f"[{column}] IS NULL")
        elif isinstance(value, (list, tuple, set, frozenset)):
            self._one_of(column, list(value), sql_type)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        else:
            self._parts.append(f"[{column}] = ?")
            self._bind(value, sql_type)

    def _in_space(self, space: str | Sequence[str | None]) -> None:
        if isinstance(space, str):
            # Most rows are in the one space there is. "=" promises a database without statistics that few are: it would
            # then sort a whole table for the first page instead of reading along the index of the order.
            self._parts.append("NOT ([SpaceId] <> ?)")
            self._bind(space, self._kind.columns["SpaceId"])
        else:
            self._equals("SpaceId", space)

    def _one_of(self, column: str, values: list[Any], sql_type: str) -> None:
        wanted = list(dict.fromkeys(value for value in values if value is not None))
        choices: list[str] = ["1 = 0"] if not values else []
        self.nothing = self.nothing or not values
        if len(wanted) > _MAXIMUM_IN:
            raise ValueError(f"{len(wanted)} values for {column}: ask in portions of {_MAXIMUM_IN}")
        if wanted:
            # Powers of two, the last value repeated: a handful of statements to prepare instead of one per length.
            wanted += [wanted[-1]] * ((1 << (len(wanted) - 1).bit_length()) - len(wanted))
            choices.append(f"[{column}] IN ({', '.join('?' * len(wanted))})")
            for value in wanted:
                self._bind(value, sql_type)
        if len(wanted) == 0 or None in values:
            choices.append(f"[{column}] IS NULL") if None in values else None
        self._parts.append(f"({' OR '.join(choices)})" if len(choices) > 1 else choices[0])

    def _contains(self, column: str, value: str) -> None:
        """CHARINDEX needs no escaping and follows the column's (case-insensitive) collation, as LIKE would."""
        self._type(column)
        self._parts.append(f"CHARINDEX(?, [{column}]) > 0")
        self.values.append(f"|{value}|" if column in self._kind.lists else value)
        self.sizes.append(TEXT)

    def _bind(self, value: Any, sql_type: str) -> None:
        self.values.append(value)
        self.sizes.append(input_size(sql_type))


def order_clause(kind: DocumentKind, order_by: str) -> str:
    """``Created DESC, Name`` with every name checked; the id comes last, so that paging never repeats a row."""
    terms: list[str] = []
    named: set[str] = set()
    for part in filter(None, (part.strip() for part in order_by.split(","))):
        column, _, direction = part.partition(" ")
        if column != "Id" and column not in kind.columns:
            raise NotAColumn(f"{kind.name}.{column} is not a column of dbo.{kind.table}")
        if direction.upper() not in {"", "ASC", "DESC"}:
            raise ValueError(f"{part!r} is no order")
        terms.append(f"[{column}] {direction.upper()}".rstrip())
        named.add(column)
    if "Id" not in named:
        terms.append("[Id]")
    return f" ORDER BY {', '.join(terms)}"
