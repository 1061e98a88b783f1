"""One SELECT: what it shows, groups, orders and limits, and the variables it assigns."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from dataclasses import replace
from typing import cast

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import nodes, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.calls import AGGREGATES
from standins.sqlserver.tsql.translate.compiled import Arm, Compiled
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.sources import SourceTranslator
from standins.sqlserver.tsql.translate.values import (
    Sql,
    collated,
    text_literal,
    with_collation,
)
from standins.sqlserver.tsql.translate.walking import within

_ONE = nodes.Literal(1, types.INT)


class SelectTranslator(SourceTranslator):
    """SELECT without what may surround it."""

    def _ordinal(self, place: int, width: int) -> int:
        if not 1 <= place <= width:
            text = f"The ORDER BY position number {place} is out of range of the number of items in the select list."
            raise SqlServerError(108, text, 15, 1, self.line)
        return place

    def _select_query(self, query: nodes.Query, body: nodes.Select, expose_row: bool, top_level: bool) -> Compiled:
        own = {item.target for item in body.items if item.target}
        if own and any(item.operator != "=" or _uses(item.expression, own) for item in body.items):
            return self._running_assignment(query, body)
        arm = self._select(body, query.order, expose_row=expose_row)
        if query.offset is not None:
            if body.top is not None:
                text = "A TOP can not be used in the same query or sub-query as a OFFSET."
                raise SqlServerError(10741, text, 15, 1, self.line)
            arm.limit = self._page(query)
        if body.top is not None and body.top.ties:
            return self._with_ties(body, arm)
        nested = not top_level
        columns = tuple(
            replace(as_column(with_collation(item) if nested and not item.is_null else item), text=f"c{place}")
            for place, item in enumerate(arm.items)
        )
        return Compiled(
            arm.text(collate=nested or arm.distinct),
            columns,
            single_row=arm.single_row,
            limited=bool(arm.limit),
            row=arm.relation if arm.row else None,
            targets=arm.targets,
        )

    def _page(self, query: nodes.Query) -> str:
        if query.offset is None:
            return ""
        offset = convert(self.value(query.offset), types.BIGINT).text
        fetch = convert(self.value(query.fetch), types.BIGINT).text if query.fetch is not None else "-1"
        return f" LIMIT {fetch} OFFSET t_row_count({offset}, 'OFFSET')"

    def _select(self, node: nodes.Select, order: tuple[nodes.OrderItem, ...] = (), *, expose_row: bool = False) -> Arm:
        source = tail = self.from_clause(node.source)
        if node.where is not None:
            tail += f" WHERE {self.predicate(node.where)}"
        aggregated = bool(node.group) or any(
            _has_aggregate(part) for part in (*(item.expression for item in node.items), node.having, *order)
        )
        groups = [self._group_text(item) for item in node.group]
        if aggregated:
            self.groups = frozenset(group.text for group in groups)
        if groups:
            tail += " GROUP BY " + ", ".join(collated(group) for group in groups)
        items = self._items(node.items)
        if node.having is not None:
            tail += f" HAVING {self.predicate(node.having)}"
        if aggregated and node.where is None and len(node.source) == 1:
            tail = _computed_once(source, [*items, *groups]) + tail[len(source) :]
        arm = Arm(items, tail, node.distinct)
        arm.targets = tuple(item for item in node.items if item.target)
        if arm.targets and len(arm.targets) != len(node.items):
            text = (
                "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval "
                "operations."
            )
            raise SqlServerError(141, text, 15, 1, self.line)
        ties = node.top is not None and node.top.ties
        arm.order = [self._order_item(item, node, items, spelled=ties) for item in order]
        arm.limit = self._top(node.top) if node.top is not None and not node.top.ties else ""
        first = node.top is not None and isinstance(node.top.count, nodes.Literal) and node.top.count.value == 1
        arm.single_row = (aggregated and not node.group) or (first and not node.top.ties if node.top else False)
        arm.single_row = arm.single_row or (not node.source and node.where is None)
        if expose_row and not aggregated and not node.distinct and len(self.scope.sources) == 1:
            source = self.scope.sources[0]
            arm.row, arm.relation = source.row, source.relation
        return arm

    def _group_text(self, node: nodes.Expression) -> Sql:
        if isinstance(node, nodes.Literal):
            text = "Each GROUP BY expression must contain at least one column that is not an outer reference."
            raise SqlServerError(164, text, 15, 1, self.line)
        return self.value(node)

    def _items(self, items: tuple[nodes.SelectItem, ...]) -> list[Sql]:
        found: list[Sql] = []
        for item in items:
            if isinstance(item.expression, nodes.Star):
                found += self._star(item.expression)
                continue
            value = self.value(item.expression)
            if value.name.startswith("@"):
                value = replace(value, name="")
            found.append(replace(value, name=item.alias) if item.alias else value)
        return found

    def _star(self, star: nodes.Star) -> list[Sql]:
        sources = self.scope.sources_of(star.qualifier) if star.qualifier else self.scope.sources
        if not sources:
            if star.qualifier:
                text = (
                    f"The column prefix '{'.'.join(star.qualifier)}' does not match with a table name or alias name "
                    "used in the query."
                )
                raise SqlServerError(107, text, 15, 1, self.line)
            raise SqlServerError(263, "Must specify table to select from.", 16, 1, self.line)
        columns = [column for source in sources for column in source.columns]
        return (
            [self.value(nodes.Name(_path(source, column))) for source in sources for column in source.columns]
            if (self.groups is not None)
            else columns
        )

    def _order_item(self, item: nodes.OrderItem, node: nodes.Select, items: list[Sql], *, spelled: bool = False) -> str:
        """``spelled``: the expression itself instead of the place of its column."""
        direction = " DESC" if item.descending else ""
        expression = item.expression
        if isinstance(expression, nodes.Literal) and isinstance(expression.value, int):
            return self._by_place(self._ordinal(expression.value, len(items)), items, spelled) + direction
        if isinstance(expression, nodes.Name) and len(expression.parts) == 1:
            wanted = expression.parts[0].lower()
            places = [place for place, value in enumerate(items, 1) if value.name.lower() == wanted]
            if len({items[place - 1].text for place in places}) > 1:
                raise SqlServerError(209, f"Ambiguous column name '{expression.parts[0]}'.", 16, 1, self.line)
            if places:
                return self._by_place(places[0], items, spelled) + direction
        if isinstance(expression, nodes.Literal):
            text = "A constant expression was encountered in the ORDER BY list, position 1."
            raise SqlServerError(408, text, 15, 1, self.line)
        value = self.value(expression)
        if node.distinct:
            for place, candidate in enumerate(items, 1):
                if candidate.text == value.text:
                    return self._by_place(place, items) + direction
            text = "ORDER BY items must appear in the select list if SELECT DISTINCT is specified."
            raise SqlServerError(145, text, 15, 1, self.line)
        return collated(value) + direction

    @staticmethod
    def _by_place(place: int, items: list[Sql], spelled: bool = False) -> str:
        item = items[place - 1]
        return collated(item if spelled else replace(item, text=str(place)))

    def _top(self, top: nodes.Top) -> str:
        if top.percent:
            if isinstance(top.count, nodes.Literal) and top.count.value == 100:
                return ""
            raise unsupported("TOP … PERCENT", self.line)
        return f" LIMIT t_row_count({convert(self.value(top.count), types.BIGINT).text}, 'TOP')"

    def _with_ties(self, node: nodes.Select, arm: Arm) -> Compiled:
        assert node.top is not None
        if not arm.order:
            text = "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause."
            raise SqlServerError(1062, text, 16, 1, self.line)
        if arm.distinct:
            raise unsupported("TOP … WITH TIES over DISTINCT", self.line)
        count = convert(self.value(node.top.count), types.BIGINT).text
        columns = tuple(replace(as_column(item), text=f"c{place}") for place, item in enumerate(arm.items))
        ranked = arm.with_rank(f"rank() OVER (ORDER BY {', '.join(arm.order)})")
        names = ", ".join(f"c{place}" for place in range(len(columns)))
        text = f"SELECT {names} FROM ({ranked}) WHERE c{len(columns)} <= {count} ORDER BY c{len(columns)}"
        return Compiled(text, columns)

    # --- SELECT @x = @x + … --------------------------------------------------------------------------------------

    def _running_assignment(self, query: nodes.Query, body: nodes.Select) -> Compiled:
        """``SELECT @x = @x + column``: every row sees what the row before it assigned.

        An inner query delivers the rows in their order; the outer one calls functions that read and set variables.
        """
        if body.group or body.having is not None or body.distinct:
            raise unsupported("SELECT @x = … that uses @x, over groups", self.line)
        outer = self.scope.outer
        inner_items = (nodes.SelectItem(nodes.Star()),) if body.source else (nodes.SelectItem(_ONE, "one"),)
        arm = self._select(dataclasses.replace(body, items=inner_items), query.order)
        if query.offset is not None:
            arm.limit = self._page(query)
        elif not arm.limit:
            arm.limit = " LIMIT -1"  # SQLite keeps the order of a subquery only when it is limited
        alias = self.alias()
        bound: list[Bound] = []
        place = 0
        for source in self.scope.sources:
            columns: list[Sql] = []
            for column in source.columns:
                columns.append(replace(column, text=f"{alias}.c{place}", native=""))
                place += 1
            bound.append(replace(source, columns=tuple(columns)))
        self.scope = Scope(bound, outer)
        own = {item.target for item in body.items}
        self.running_variables = own
        items = [self._assigning_item(item) for item in body.items]
        self.running_variables = set()
        text = f"SELECT {', '.join(items)} FROM ({arm.text(collate=False)}) AS {alias}"
        return Compiled(text, (), targets=body.items, assigning=True)

    def _assigning_item(self, item: nodes.SelectItem) -> str:
        if not item.target:
            text = (
                "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval "
                "operations."
            )
            raise SqlServerError(141, text, 15, 1, self.line)
        node = item.expression
        if item.operator != "=":
            node = nodes.Binary(item.operator[0], nodes.Variable(item.target), node)
        value = self.value(node)
        known = self.names.variable(item.target)
        if known is not None:
            value = convert(value, known)
        return f"t_assign({text_literal(item.target)}, {value.text})"


def _path(source: Bound, column: Sql) -> tuple[str, ...]:
    return (source.name, column.name)


def _has_aggregate(node: object) -> bool:
    """Whether an aggregate belongs to this query (subqueries have their own)."""
    match node:
        case nodes.Call():
            if node.over is None and len(node.parts) == 1 and node.name in AGGREGATES:
                return True
            inner: tuple[object, ...] = node.arguments
            if node.over is not None:
                inner += (*node.over.partition, *(item.expression for item in node.over.order))
            return any(_has_aggregate(item) for item in inner)
        case nodes.Query() | None:
            return False
        case tuple():
            return any(_has_aggregate(item) for item in cast("tuple[object, ...]", node))
        case nodes.Expression() | nodes.OrderItem():
            return any(_has_aggregate(getattr(node, item.name)) for item in dataclasses.fields(node))
        case _:
            return False


def _computed_once(source: str, used: list[Sql]) -> str:
    """The FROM clause of an aggregate over a query, whose columns it computes once for each row.

    SQLite puts the expressions of such a query in the place of its columns, so that a hash of which two parts are
    summed would be computed twice; it does not do so to a query with a limit.
    """
    inner, end, alias = source.rpartition(") AS ")
    if not end or not alias.isidentifier() or not inner.startswith(" FROM (SELECT ") or "t_" not in inner:
        return source
    columns = Counter(column for item in used for column in re.findall(rf"\b{alias}\.c\d+\b", item.text))
    if max(columns.values(), default=0) < 2 or re.search(r"\bLIMIT\b", inner):
        return source
    return f"{inner} LIMIT -1{end}{alias}"


def _uses(node: nodes.Expression, variables: set[str]) -> bool:
    return any(isinstance(part, nodes.Variable) and part.name in variables for part in within(node))


def as_column(item: Sql) -> Sql:
    return replace(item, literal=None)
