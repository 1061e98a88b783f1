"""SELECT: common tables, set operations, grouping, ordering, paging, FOR JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field, replace
from typing import cast

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import nodes, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.calls import AGGREGATES
from standins.sqlserver.tsql.translate.conversion import convert, unify
from standins.sqlserver.tsql.translate.names import Relation
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.sources import CommonTableBound, SourceTranslator
from standins.sqlserver.tsql.translate.values import (
    Sql,
    collated,
    collation_of,
    text_literal,
    with_collation,
)


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
class _Arm:
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


class QueryTranslator(SourceTranslator):
    """Queries."""

    Compiled = Compiled

    # --- entry points --------------------------------------------------------------------------------------------

    def subquery(self, query: nodes.Query) -> Compiled:
        """A query inside an expression: it sees the scope around it."""
        with self.inside(self.scope):
            return self.compile(query)

    def compile(self, query: nodes.Query, *, expose_row: bool = False, top_level: bool = False) -> Compiled:
        """A query in the scope made for it by the caller (whose ``outer`` is what it may refer to)."""
        saved = dict(self.tables)
        try:
            tables = self.common_tables(query.tables)
            compiled = self._compile(query, expose_row=expose_row, top_level=top_level)
        finally:
            self.tables = saved
        return replace(compiled, text=tables + compiled.text) if tables else compiled

    def _compile(self, query: nodes.Query, *, expose_row: bool, top_level: bool) -> Compiled:
        paged = query.offset is not None or (isinstance(query.body, nodes.Select) and query.body.top is not None)
        if query.order and not top_level and not paged and query.form is None:
            text = (
                "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common "
                "table expressions, unless TOP, OFFSET or FOR XML is also specified."
            )
            raise SqlServerError(1033, text, 15, 1, self.line)
        match query.body:
            case nodes.Select():
                compiled = self._select_query(query, query.body, expose_row, top_level)
            case nodes.Nested() if not (query.order or query.offset):
                compiled = self._compile(query.body.query, expose_row=expose_row, top_level=top_level)
            case _:
                compiled = self._set_query(query)
        if query.form is None:
            return compiled
        return self._formatted(compiled, query.form, query)

    # --- common table expressions --------------------------------------------------------------------------------

    def common_tables(self, tables: tuple[nodes.CommonTable, ...]) -> str:
        written: list[str] = []
        recursive = False
        for table in tables:
            text, is_recursive = self._common_table(table)
            recursive = recursive or is_recursive
            written.append(text)
        if not written:
            return ""
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(written)} "

    def _common_table(self, table: nodes.CommonTable) -> tuple[str, bool]:
        if _refers_to(table.query, table.name):
            return self._recursive_table(table), True
        with self.inside(None):
            compiled = self.compile(table.query, expose_row=True)
        columns = self.named_columns(table.name, compiled.columns, table.columns)
        alias = self.alias("w")
        self.tables = {**self.tables, table.name.lower(): CommonTableBound(alias, columns, compiled.row)}
        return f"{alias}({self._names(compiled)}) AS ({compiled.text})", False

    @staticmethod
    def _names(compiled: Compiled) -> str:
        names = [f"c{place}" for place in range(len(compiled.columns))]
        return ", ".join([*names, "r0"] if compiled.row is not None else names)

    def _recursive_table(self, table: nodes.CommonTable) -> str:
        """``anchor UNION ALL recursion``; an extra column counts the depth so that level 101 fails (error 530)."""
        body = table.query.body
        if not isinstance(body, nodes.SetOperation) or body.operator != "UNION ALL":
            text = f"Recursive common table expression '{table.name}' does not contain a top-level UNION ALL operator."
            raise SqlServerError(252, text, 16, 1, self.line)
        if _refers_to(nodes.Query(body.left), table.name):
            raise unsupported("A recursive common table expression with several recursive members", self.line)
        with self.inside(None):
            anchor = self._set_arm(body.left)
        columns = self.named_columns(table.name, tuple(_as_column(item) for item in anchor.items), table.columns)
        alias = self.alias("w")
        self.tables = {**self.tables, table.name.lower(): CommonTableBound(alias, columns)}
        anchor.items.append(Sql("0", types.INT))
        with self.inside(None):
            member = self._set_arm(body.right)
            source = next(bound for bound in self.scope.sources if self.common_uses.get(bound.alias) == alias)
        self._check_widths({len(columns), len(member.items)})
        member.items = [convert(item, column.type) for item, column in zip(member.items, columns, strict=True)]
        member.items.append(Sql(f"t_recursion({source.alias}.depth, {self.recursion})", types.INT))
        names = ", ".join([f"c{place}" for place in range(len(columns))] + ["depth"])
        return f"{alias}({names}) AS ({anchor.text(collate=True)} UNION ALL {member.text(collate=True)})"

    # --- set operations ------------------------------------------------------------------------------------------

    def _check_widths(self, widths: set[int]) -> None:
        if len(widths) > 1:
            text = (
                "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of "
                "expressions in their target lists."
            )
            raise SqlServerError(205, text, 16, 1, self.line)

    def _set_query(self, query: nodes.Query) -> Compiled:
        arms: list[tuple[str, _Arm]] = []
        self._flatten(query.body, "", arms)
        self._check_widths({len(arm.items) for _, arm in arms})
        columns = self._unify_arms([arm for _, arm in arms])
        text = " ".join(f"{operator} {arm.text(collate=True)}".strip() for operator, arm in arms)
        order = [self._set_order(item, columns) for item in query.order]
        if order:
            text += " ORDER BY " + ", ".join(order)
        limit = self._page(query)
        return Compiled(text + limit, columns, limited=bool(limit))

    def _flatten(self, body: nodes.QueryBody, operator: str, arms: list[tuple[str, _Arm]]) -> None:
        """SQLite evaluates a chain from the left, which is how T-SQL nests the left operand."""
        if isinstance(body, nodes.SetOperation):
            self._flatten(body.left, operator, arms)
            self._append_arm(body.right, body.operator, arms)
        else:
            self._append_arm(body, operator, arms)

    def _append_arm(self, body: nodes.QueryBody, operator: str, arms: list[tuple[str, _Arm]]) -> None:
        with self.inside(self.scope.outer):
            arms.append((operator, self._set_arm(body)))

    def _set_arm(self, body: nodes.QueryBody) -> _Arm:
        if isinstance(body, nodes.Select):
            arm = self._select(body)
            if not arm.limit and not arm.distinct:
                return arm
            return self._wrapped(arm.text(collate=True), tuple(_as_column(item) for item in arm.items))
        query = body.query if isinstance(body, nodes.Nested) else nodes.Query(body)
        with self.inside(self.scope.outer):
            compiled = self.compile(query)
        return self._wrapped(compiled.text, compiled.columns)

    def _wrapped(self, text: str, columns: tuple[Sql, ...]) -> _Arm:
        alias = self.alias()
        items = [replace(column, text=f"{alias}.c{place}") for place, column in enumerate(columns)]
        return _Arm(items, f" FROM ({text}) AS {alias}")

    def _unify_arms(self, arms: list[_Arm]) -> tuple[Sql, ...]:
        columns: list[Sql] = []
        for place, first in enumerate(arms[0].items):
            values = [arm.items[place] for arm in arms]
            common = values[0].type
            for value in values[1:]:
                common = unify(common, value.type)
            collation, strength = collation_of(values, "UNION") if common.name in types.STRINGS else ("", 0)
            for arm in arms:
                item = arm.items[place]
                converted = convert(item, common) if not item.is_null else item.typed(common)
                arm.items[place] = with_collation(replace(converted, collation=collation))
            nullable = any(value.nullable for value in values)
            template = Sql(f"c{place}", common, collation, strength, nullable=nullable, name=first.name)
            columns.append(replace(with_collation(template), text=f"c{place}"))
        return tuple(columns)

    def _set_order(self, item: nodes.OrderItem, columns: tuple[Sql, ...]) -> str:
        direction = " DESC" if item.descending else ""
        expression = item.expression
        if isinstance(expression, nodes.Literal) and isinstance(expression.value, int):
            return f"{self._ordinal(expression.value, len(columns))}{direction}"
        if isinstance(expression, nodes.Name):  # a qualifier means a table of the first SELECT
            for place, column in enumerate(columns, 1):
                if column.name.lower() == expression.parts[-1].lower():
                    return f"{place}{direction}"
        text = (
            "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT "
            "operator."
        )
        raise SqlServerError(104, text, 16, 1, self.line)

    def _ordinal(self, place: int, width: int) -> int:
        if not 1 <= place <= width:
            text = f"The ORDER BY position number {place} is out of range of the number of items in the select list."
            raise SqlServerError(108, text, 15, 1, self.line)
        return place

    # --- SELECT --------------------------------------------------------------------------------------------------

    def _select_query(self, query: nodes.Query, body: nodes.Select, expose_row: bool, top_level: bool) -> Compiled:
        own = {item.target for item in body.items if item.target}
        if own and any(item.operator != "=" or _uses_variable(item.expression, own) for item in body.items):
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
            replace(_as_column(with_collation(item) if nested and not item.is_null else item), text=f"c{place}")
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

    def _page(self, query: nodes.Query) -> str:
        if query.offset is None:
            return ""
        offset = convert(self.value(query.offset), types.BIGINT).text
        fetch = convert(self.value(query.fetch), types.BIGINT).text if query.fetch is not None else "-1"
        return f" LIMIT {fetch} OFFSET t_row_count({offset}, 'OFFSET')"

    def _select(self, node: nodes.Select, order: tuple[nodes.OrderItem, ...] = (), *, expose_row: bool = False) -> _Arm:
        tail = self.from_clause(node.source)
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
        arm = _Arm(items, tail, node.distinct)
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

    def _with_ties(self, node: nodes.Select, arm: _Arm) -> Compiled:
        assert node.top is not None
        if not arm.order:
            text = "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause."
            raise SqlServerError(1062, text, 16, 1, self.line)
        if arm.distinct:
            raise unsupported("TOP … WITH TIES over DISTINCT", self.line)
        count = convert(self.value(node.top.count), types.BIGINT).text
        columns = tuple(replace(_as_column(item), text=f"c{place}") for place, item in enumerate(arm.items))
        ranked = replace_items(arm, f"rank() OVER (ORDER BY {', '.join(arm.order)})")
        names = ", ".join(f"c{place}" for place in range(len(columns)))
        text = f"SELECT {names} FROM ({ranked}) WHERE c{len(columns)} <= {count} ORDER BY c{len(columns)}"
        return Compiled(text, columns)

    # --- FOR JSON, FOR XML ---------------------------------------------------------------------------------------

    def _formatted(self, compiled: Compiled, form: nodes.ForJson | nodes.ForXml, query: nodes.Query) -> Compiled:
        column = Sql("c0", types.NVARCHAR_MAX, self.names.collation)
        if isinstance(form, nodes.ForXml):
            if form.element or len(compiled.columns) != 1 or compiled.columns[0].name:
                raise unsupported("FOR XML PATH other than FOR XML PATH('') of one unnamed column", self.line)
            return Compiled(f"SELECT group_concat(t_xml_text(c0), '') AS c0 FROM ({compiled.text})", (column,), True)
        if form.auto and (not isinstance(query.body, nodes.Select) or len(query.body.source) != 1 or not isinstance(
            query.body.source[0], nodes.TableSource
        )):  # fmt: skip
            raise unsupported("FOR JSON AUTO over anything but one table", self.line)
        for place, item in enumerate(compiled.columns, 1):
            if not item.name:
                text = (
                    "Column expressions and data sources without names or aliases cannot be formatted as JSON text "
                    "using FOR JSON clause. Add alias to the unnamed column or table."
                )
                raise SqlServerError(13605, text, 16, 1, self.line)
            del place
        nested = _json_columns(query)
        specification = {
            "names": [item.name for item in compiled.columns],
            "kinds": ["json" if place in nested else item.type.name for place, item in enumerate(compiled.columns)],
            "path": not form.auto,
            "root": form.root,
            "nulls": form.include_nulls,
            "bare": form.without_wrapper,
        }
        arguments = ", ".join(f"c{place}" for place in range(len(compiled.columns)))
        text = (
            f"SELECT t_for_json({text_literal(json.dumps(specification))}, {arguments}) AS c0 FROM ({compiled.text}) "
            "HAVING count(*) > 0"
        )
        return Compiled(text, (replace(column, name="JSON_F52E2B61-18A1-11d1-B105-00805F49916B"),), single_row=True)


def replace_items(arm: _Arm, extra: str) -> str:
    """The arm without order and limit, with one more column."""
    widened = _Arm([*arm.items, Sql(extra, types.BIGINT)], arm.tail)
    return widened.text(collate=True)


_ONE = nodes.Literal(1, types.INT)


def _uses_variable(node: object, names: set[str]) -> bool:
    if isinstance(node, nodes.Variable):
        return node.name in names
    if isinstance(node, tuple):
        return any(_uses_variable(item, names) for item in cast("tuple[object, ...]", node))
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return any(_uses_variable(getattr(node, item.name), names) for item in dataclasses.fields(node))
    return False


def _as_column(item: Sql) -> Sql:
    return replace(item, literal=None)


def _path(source: Bound, column: Sql) -> tuple[str, ...]:
    return (source.name, column.name)


def _json_columns(query: nodes.Query) -> set[int]:
    """Columns that hold JSON already: nested FOR JSON and JSON_QUERY."""
    if not isinstance(query.body, nodes.Select):
        return set()
    found: set[int] = set()
    for place, item in enumerate(query.body.items):
        expression = item.expression
        if isinstance(expression, nodes.ScalarQuery) and isinstance(expression.query.form, nodes.ForJson):
            found.add(place)
        if isinstance(expression, nodes.Call) and expression.name in ("JSON_QUERY", "JSON_MODIFY"):
            found.add(place)
    return found


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


def _refers_to(node: object, name: str) -> bool:
    """Whether a query names the table ``name`` anywhere in its FROM clauses."""
    if isinstance(node, nodes.TableSource):
        return not node.name.schema and node.name.name.lower() == name.lower()
    if isinstance(node, tuple):
        return any(_refers_to(item, name) for item in cast("tuple[object, ...]", node))
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return any(_refers_to(getattr(node, item.name), name) for item in dataclasses.fields(node))
    return False


__all__ = ["Compiled", "QueryTranslator", "Scope"]
