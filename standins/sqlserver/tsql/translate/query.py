"""Whole queries: common table expressions, set operations, and the SELECTs between them."""

from __future__ import annotations

from dataclasses import replace

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import nodes, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.compiled import Arm, Compiled
from standins.sqlserver.tsql.translate.conversion import convert, unify
from standins.sqlserver.tsql.translate.derived import CommonTableBound
from standins.sqlserver.tsql.translate.forms import formatted
from standins.sqlserver.tsql.translate.select import SelectTranslator, as_column
from standins.sqlserver.tsql.translate.values import (
    Sql,
    collation_of,
    with_collation,
)
from standins.sqlserver.tsql.translate.walking import within


class QueryTranslator(SelectTranslator):
    """Queries."""

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
        return formatted(compiled, query.form, query, self.names.collation, self.line)

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
        columns = self.named_columns(table.name, tuple(as_column(item) for item in anchor.items), table.columns)
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
        arms: list[tuple[str, Arm]] = []
        self._flatten(query.body, "", arms)
        self._check_widths({len(arm.items) for _, arm in arms})
        columns = self._unify_arms([arm for _, arm in arms])
        text = " ".join(f"{operator} {arm.text(collate=True)}".strip() for operator, arm in arms)
        order = [self._set_order(item, columns) for item in query.order]
        if order:
            text += " ORDER BY " + ", ".join(order)
        limit = self._page(query)
        return Compiled(text + limit, columns, limited=bool(limit))

    def _flatten(self, body: nodes.QueryBody, operator: str, arms: list[tuple[str, Arm]]) -> None:
        """SQLite evaluates a chain from the left, which is how T-SQL nests the left operand."""
        if isinstance(body, nodes.SetOperation):
            self._flatten(body.left, operator, arms)
            self._append_arm(body.right, body.operator, arms)
        else:
            self._append_arm(body, operator, arms)

    def _append_arm(self, body: nodes.QueryBody, operator: str, arms: list[tuple[str, Arm]]) -> None:
        with self.inside(self.scope.outer):
            arms.append((operator, self._set_arm(body)))

    def _set_arm(self, body: nodes.QueryBody) -> Arm:
        if isinstance(body, nodes.Select):
            arm = self._select(body)
            if not arm.limit and not arm.distinct:
                return arm
            return self._wrapped(arm.text(collate=True), tuple(as_column(item) for item in arm.items))
        query = body.query if isinstance(body, nodes.Nested) else nodes.Query(body)
        with self.inside(self.scope.outer):
            compiled = self.compile(query)
        return self._wrapped(compiled.text, compiled.columns)

    def _wrapped(self, text: str, columns: tuple[Sql, ...]) -> Arm:
        alias = self.alias()
        items = [replace(column, text=f"{alias}.c{place}") for place, column in enumerate(columns)]
        return Arm(items, f" FROM ({text}) AS {alias}")

    def _unify_arms(self, arms: list[Arm]) -> tuple[Sql, ...]:
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


def _refers_to(query: nodes.Query, name: str) -> bool:
    """Whether a query names the table ``name`` anywhere in its FROM clauses."""
    tables = (part.name for part in within(query) if isinstance(part, nodes.TableSource))
    return any(not table.schema and table.name.lower() == name.lower() for table in tables)
