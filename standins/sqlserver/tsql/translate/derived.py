"""Queries and value lists in the place of tables."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import nodes, types
from standins.sqlserver.tsql.translate.calls import CallTranslator
from standins.sqlserver.tsql.translate.compiled import Compiled
from standins.sqlserver.tsql.translate.names import Names, Relation
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.values import Sql, collated, with_collation


@dataclass(frozen=True, slots=True)
class CommonTableBound:
    """A common table expression in sight: its name in SQLite's SQL and its columns."""

    alias: str
    columns: tuple[Sql, ...]
    row: Relation | None = None


class DerivedTranslator(CallTranslator):
    """What is translated in a scope of its own, and the names its columns get."""

    def __init__(self, names: Names) -> None:
        super().__init__(names)
        self.tables: dict[str, CommonTableBound] = {}
        self.common_uses: dict[str, str] = {}
        self.locking = False

    if TYPE_CHECKING:

        def compile(self, query: nodes.Query, *, expose_row: bool = False) -> Compiled:
            """Defined by the translator of queries."""
            ...

    @contextmanager
    def inside(self, outer: Scope | None, names: Names | None = None) -> Generator[None]:
        """Translate something nested: a fresh scope, and for views and functions other names."""
        saved = (self.scope, self.groups, self.in_aggregate, self.tables, self.names)
        self.scope, self.groups, self.in_aggregate = Scope(outer=outer), None, False
        if names is not None:
            self.names, self.tables = names, {}
        try:
            yield
        finally:
            self.scope, self.groups, self.in_aggregate, self.tables, self.names = saved

    def derived(self, node: nodes.QuerySource, outer: Scope | None, *, expose_row: bool = False) -> str:
        with self.inside(outer if outer is not None else self.scope.outer):
            compiled = self.compile(node.query, expose_row=expose_row)
        short = self.alias()
        self.scope.sources.append(self.derived_bound(node.alias, short, compiled, node.columns))
        return f"({compiled.text}) AS {short}"

    def derived_bound(self, name: str, alias: str, compiled: Compiled, names: tuple[str, ...]) -> Bound:
        given = self.named_columns(name, compiled.columns, names)
        columns = tuple(replace(column, text=f"{alias}.c{i}") for i, column in enumerate(given))
        row = f"{alias}.r0" if compiled.row is not None else ""
        return Bound(name, alias, columns, relation=compiled.row, row=row)

    def named_columns(self, table: str, columns: tuple[Sql, ...], names: tuple[str, ...]) -> tuple[Sql, ...]:
        """Column names of a derived table: every column needs one, and each must be unique."""
        if names:
            if len(names) != len(columns):
                few = len(names) < len(columns)
                number, text = (
                    (8158, f"'{table}' has more columns than were specified in the column list.")
                    if few
                    else (8159, f"'{table}' has fewer columns than were specified in the column list.")
                )
                raise SqlServerError(number, text, 16, 1, self.line)
            columns = tuple(replace(column, name=name) for column, name in zip(columns, names, strict=True))
        seen: set[str] = set()
        for place, column in enumerate(columns, 1):
            if not column.name:
                text = f"No column name was specified for column {place} of '{table}'."
                raise SqlServerError(8155, text, 16, 2, self.line)
            if column.name.lower() in seen:
                text = f"The column '{column.name}' was specified multiple times for '{table}'."
                raise SqlServerError(8156, text, 16, 1, self.line)
            seen.add(column.name.lower())
        return tuple(replace(column, literal=None) for column in columns)

    def _values(self, node: nodes.ValuesSource, outer: Scope | None) -> str:
        with self.inside(outer if outer is not None else self.scope.outer):
            text, columns = self.value_rows(node.rows)
        short = self.alias()
        named = self.named_columns(node.alias, columns, node.columns)
        bound = tuple(replace(column, text=f"{short}.c{i}") for i, column in enumerate(named))
        self.scope.sources.append(Bound(node.alias, short, bound))
        return f"({text}) AS {short}"

    def value_rows(self, rows: tuple[tuple[nodes.Expression, ...], ...]) -> tuple[str, tuple[Sql, ...]]:
        """A table value constructor: columns take the common type of their values."""
        width = len(rows[0])
        if any(len(row) != width for row in rows):
            text = "All the rows in a table value constructor must have the same number of columns."  # error 10709
            raise SqlServerError(10709, text, 16, 1, self.line)
        by_row = [[self.value(value) for value in row] for row in rows]
        columns: list[Sql] = []
        unified: list[list[Sql]] = []
        for place in range(width):
            values, common = self.unified([row[place] for row in by_row], "VALUES")
            common = replace(common, nullable=any(value.nullable for value in values))
            columns.append(with_collation(replace(common, text=f"c{place}")))
            unified.append(values)
        selects = [
            "SELECT " + ", ".join(self._named(unified[place][row], place) for place in range(width))
            for row in range(len(rows))
        ]
        return " UNION ALL ".join(selects), tuple(replace(column, text=f"c{i}") for i, column in enumerate(columns))

    @staticmethod
    def _named(value: Sql, place: int) -> str:
        return f"{collated(value) if not value.is_null else value.text} AS c{place}"

    # --- through JSON --------------------------------------------------------------------------------------------

    def _through_json(self, text: str, columns: tuple[Sql, ...], name: str) -> str:
        encoded = ", ".join(_encoded(column, place) for place, column in enumerate(columns))
        rows = f"(SELECT json_group_array(json_array({encoded})) FROM ({text}))"
        return self._json_rows(rows, columns, name)

    def _json_rows(self, rows: str, columns: tuple[Sql, ...], name: str) -> str:
        short = self.alias()
        bound = tuple(_decoded(column, short, place) for place, column in enumerate(columns))
        self.scope.sources.append(Bound(name, short, bound))
        return f"json_each({rows}) AS {short}"


def _encoded(column: Sql, place: int) -> str:
    """Column ``c<place>`` as a member of a JSON array; bytes go as hexadecimal digits."""
    kind = types.storage_class(column.type)
    if kind == "BLOB":
        return f"iif(c{place} IS NULL, NULL, hex(c{place}))"
    # concatenation drops SQLite's JSON subtype, which would embed a document instead of its text
    return f"(c{place} || '')" if kind == "TEXT" else f"c{place}"


def _decoded(column: Sql, alias: str, place: int) -> Sql:
    text = f"json_extract({alias}.value, '$[{place}]')"
    if types.storage_class(column.type) == "BLOB":
        text = f"unhex({text})"
    return replace(column, text=text, native="", column="", literal=None, identity=False)
