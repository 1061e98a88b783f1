"""Expressions and search conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.tsql import collations, nodes, types
from standins.sqlserver.tsql.errors import syntax_near, syntax_near_keyword, unsupported
from standins.sqlserver.tsql.translate import operators
from standins.sqlserver.tsql.translate.conversion import convert, unify
from standins.sqlserver.tsql.translate.names import Names
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.values import (
    COERCIBLE,
    EXPLICIT,
    Sql,
    collation_of,
    literal,
    parameter,
    text_literal,
)

if TYPE_CHECKING:
    from standins.sqlserver.tsql.translate.compiled import Compiled

#: Levels of a recursive common table expression without OPTION (MAXRECURSION n).
DEFAULT_RECURSION = 100
#: The type of a variable that is still to be found out.
UNKNOWN = SqlType("null", None)


class ExpressionTranslator:
    """State shared by all translators: names, the scope in force, aliases given out."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.scope = Scope()
        self.line = 1
        self.groups: frozenset[str] | None = None
        self.in_aggregate: bool = False
        self.running_variables: set[str] = set()
        self.recursion = DEFAULT_RECURSION
        self._aliases = 0

    if TYPE_CHECKING:

        def call(self, node: nodes.Call) -> Sql:
            """Defined by the translator of functions."""
            ...

        def subquery(self, query: nodes.Query) -> Compiled:
            """Defined by the translator of queries."""
            ...

    def alias(self, prefix: str = "s") -> str:
        self._aliases += 1
        return f"{prefix}{self._aliases}"

    # --- values --------------------------------------------------------------------------------------------------

    def value(self, node: nodes.Expression) -> Sql:
        if self.groups is not None and not self.in_aggregate and not isinstance(node, nodes.Literal | nodes.Variable):
            grouped = self._grouped(node)
            if grouped is not None:
                return grouped
        return self._value(node)

    def _value(self, node: nodes.Expression) -> Sql:  # noqa: PLR0911 - one case per kind of expression
        match node:
            case nodes.Literal():
                return self._literal(node)
            case nodes.Name():
                return self._column(node)
            case nodes.Variable():
                return self.variable(node.name)
            case nodes.Binary():
                return self._binary(node)
            case nodes.Unary():
                operand = self.value(node.operand)
                return operators.negate(operand) if node.operator == "-" else operators.complement(operand)
            case nodes.Call():
                return self.call(node)
            case nodes.Cast():
                return self._cast(node)
            case nodes.Case():
                return self._case(node)
            case nodes.ScalarQuery():
                return self._scalar_query(node.query)
            case nodes.Collate():
                return self._collate(node)
            case nodes.AtTimeZone():
                return self._at_time_zone(node)
            case _:
                raise self._not_a_value(node)

    def _not_a_value(self, node: nodes.Expression) -> SqlServerError:
        if isinstance(node, nodes.Star):
            return syntax_near("*", self.line)
        if isinstance(node, nodes.Default):
            return syntax_near_keyword("DEFAULT", self.line)
        return unsupported("A search condition used as a value", self.line)

    def _literal(self, node: nodes.Literal) -> Sql:
        value = literal(node)
        return replace(value, collation=self.names.collation) if value.is_string else value

    def _grouped(self, node: nodes.Expression) -> Sql | None:
        """The node as a whole when GROUP BY names it."""
        if isinstance(node, nodes.Name):
            column, bound = self.scope.resolve(node.parts, self.line)
            if bound not in self.scope.sources or column.text in (self.groups or ()):
                return column
            label = f"{bound.label or bound.name}.{column.name}"
            text = (
                f"Column '{label}' is invalid in the select list because it is not contained in either an aggregate "
                "function or the GROUP BY clause."
            )
            raise SqlServerError(8120, text, 16, 1, self.line)
        if not self.groups or all(_plain(text) for text in self.groups):
            return None
        groups, self.groups = self.groups, None
        try:
            whole = self._value(node)
        finally:
            self.groups = groups
        return whole if whole.text in groups else None

    def _column(self, node: nodes.Name) -> Sql:
        column, _ = self.scope.resolve(node.parts, self.line)
        return column

    def variable(self, name: str) -> Sql:
        if name.startswith("@@"):
            return self.call(nodes.Call((name,), (), line=self.line))
        known = self.names.variable(name)
        if known is None:
            return Sql(parameter(name), UNKNOWN, name=name)
        text = f"t_variable({text_literal(name)})" if name in self.running_variables else parameter(name)
        return Sql(text, known, self._default_collation(known), COERCIBLE)

    def _binary(self, node: nodes.Binary) -> Sql:
        left, right = self.value(node.left), self.value(node.right)
        self.infer(left, right)
        return operators.arithmetic(node.operator, left, right)

    def infer(self, *operands: Sql) -> None:
        """Tell the engine what a variable of unknown type was compared or combined with."""
        unknown = [operand for operand in operands if operand.type is UNKNOWN and operand.name]
        known = [operand for operand in operands if operand.type is not UNKNOWN and not operand.is_null]
        if unknown and known:
            for operand in unknown:
                self.names.inferred(operand.name, known[0].type)

    def infer_as(self, operand: Sql, type: SqlType) -> None:
        if operand.type is UNKNOWN and operand.name:
            self.names.inferred(operand.name, type)

    def _cast(self, node: nodes.Cast) -> Sql:
        operand = self.value(node.operand)
        self.infer_as(operand, node.type)
        style = self.value(node.style).text if node.style is not None else ""
        result = convert(operand, node.type, style=style, attempt=node.attempt, explicit=True)
        if result.is_string and not result.collation:
            result = replace(result, collation=self.names.collation)
        return replace(result, column="", name="")

    def _case(self, node: nodes.Case) -> Sql:
        operand = self.value(node.operand) if node.operand is not None else None
        tests: list[str] = []
        results: list[Sql] = []
        for test, result in node.branches:
            if operand is None:
                tests.append(self.predicate(test))
            else:
                other = self.value(test)
                self.infer(operand, other)
                tests.append(operators.compare("=", operand, other))
            results.append(self.value(result))
        if node.otherwise is not None:
            results.append(self.value(node.otherwise))
        if all(result.is_null for result in results) and not any(result.type is UNKNOWN for result in results):
            text = (
                "At least one of the result expressions in a CASE specification must be an expression other than "
                "the NULL constant."
            )
            raise SqlServerError(8133, text, 16, 1, self.line)
        results, common = self.unified(results)
        branches = "".join(f" WHEN {test} THEN {result.text}" for test, result in zip(tests, results, strict=False))
        tail = f" ELSE {results[-1].text}" if node.otherwise is not None else ""
        nullable = node.otherwise is None or any(result.nullable for result in results)
        return replace(common, text=f"CASE{branches}{tail} END", nullable=nullable)

    def unified(self, values: list[Sql], operation: str = "CASE") -> tuple[list[Sql], Sql]:
        """The values in their common type, and a template of the result."""
        self.infer(*values)
        common = values[0].type
        for value in values[1:]:
            common = unify(common, value.type)
        converted = [convert(value, common) if not value.is_null else value for value in values]
        collation, strength = collation_of(values, operation) if common.name in types.STRINGS else ("", COERCIBLE)
        return converted, Sql("", common, collation or self._default_collation(common), strength)

    def _default_collation(self, type: SqlType) -> str:
        return self.names.collation if type.name in types.STRINGS else ""

    def _collate(self, node: nodes.Collate) -> Sql:
        operand = self.value(node.operand)
        if not operand.is_string:
            text = f"Expression type {operand.type.name} is invalid for COLLATE clause."
            raise SqlServerError(447, text, 16, 0, self.line)
        name = self.names.collation if node.collation.upper() == "DATABASE_DEFAULT" else node.collation
        wanted = collations.sqlite_name(name)
        return replace(
            operand,
            text=f"({operand.text} COLLATE {wanted})",
            collation=name,
            strength=EXPLICIT,
            native=wanted,
            column="",
        )

    def _at_time_zone(self, node: nodes.AtTimeZone) -> Sql:
        operand, zone = self.value(node.operand), self.value(node.zone)
        scale = operand.type.scale if operand.type.name in ("datetime2", "datetimeoffset") else 3
        target = SqlType("datetimeoffset", 0, 0, scale)
        with_offset = int(operand.type.name == "datetimeoffset")
        source = operand if with_offset else convert(operand, types.DATETIME2)
        return Sql(f"t_at_time_zone({source.text}, {zone.text}, {with_offset})", target)

    def _scalar_query(self, query: nodes.Query) -> Sql:
        compiled, column = self._one_column(query)
        if compiled.single_row:
            text = f"({compiled.text})"
        else:
            rows = compiled.text if compiled.limited else f"{compiled.text} LIMIT 2"
            text = f"(SELECT CASE WHEN count(*) > 1 THEN t_fail(512) ELSE max(c0) END FROM ({rows}))"
        return Sql(text, column.type, column.collation, column.strength)

    def _one_column(self, query: nodes.Query) -> tuple[Compiled, Sql]:
        """A subquery that stands for values, and its only column."""
        compiled = self.subquery(query)
        if len(compiled.columns) != 1:
            text = (
                "Only one expression can be specified in the select list when the subquery is not introduced with "
                "EXISTS."
            )
            raise SqlServerError(116, text, 16, 1, self.line)
        return compiled, compiled.columns[0]

    # --- search conditions ---------------------------------------------------------------------------------------

    def predicate(self, node: nodes.Expression) -> str:  # noqa: PLR0911 - one case per kind of predicate
        match node:
            case nodes.Logical():
                return "(" + f" {node.operator} ".join(self.predicate(item) for item in node.operands) + ")"
            case nodes.Not():
                return f"(NOT {self.predicate(node.operand)})"
            case nodes.Comparison():
                left, right = self.value(node.left), self.value(node.right)
                self.infer(left, right)
                return operators.compare(node.operator, left, right)
            case nodes.IsNull():
                return f"({self.value(node.operand).text} IS {'NOT ' if node.negated else ''}NULL)"
            case nodes.IsDistinct():
                left, right, collation = operators.comparable(self.value(node.left), self.value(node.right))
                word = "IS" if node.negated else "IS NOT"
                return f"({left.text} {word} {operators.with_native(left, right, collation)})"
            case nodes.Like():
                return self._like(node)
            case nodes.Between():
                return self._between(node)
            case nodes.InList():
                return self._in_list(node)
            case nodes.InQuery():
                return self._in_query(node)
            case nodes.Exists():
                return f"EXISTS ({self.subquery(node.query).text})"
            case nodes.Quantified():
                return self._quantified(node)
            case _:
                raise unsupported("A value used as a search condition", self.line)

    def _like(self, node: nodes.Like) -> str:
        operand, pattern = self.value(node.operand), self.value(node.pattern)
        self.infer(operand, pattern)
        collation, _ = collation_of([operand, pattern], "like")
        strings = [self.as_string(operand).text, self.as_string(pattern).text]
        if node.escape is not None:
            strings.append(self.value(node.escape).text)
        flag = int(collations.ignores_case(collation or self.names.collation))
        text = f"t_like({flag}, {', '.join(strings)})"
        return f"(NOT {text})" if node.negated else text

    def as_string(self, value: Sql) -> Sql:
        """The value as text, as functions on strings take it."""
        if value.is_string or value.is_null:
            return value
        size = 40 if value.type.name not in types.BINARIES else None
        result = convert(value, SqlType("varchar", size))
        return replace(result, collation=self.names.collation)

    def _between(self, node: nodes.Between) -> str:
        operand, low, high = self.value(node.operand), self.value(node.low), self.value(node.high)
        self.infer(operand, low, high)
        text = f"({operators.compare('>=', operand, low)} AND {operators.compare('<=', operand, high)})"
        return f"(NOT {text})" if node.negated else text

    def _in_list(self, node: nodes.InList) -> str:
        operand = self.value(node.operand)
        items = [self.value(item) for item in node.items]
        self.infer(operand, *items)
        target = operand.type
        for item in items:
            target = unify(target, item.type)
        word = "NOT IN" if node.negated else "IN"
        forms = [operators.comparison_form(item, target) for item in (operand, *items)]
        collation = collations.for_type(target, collation_of([operand, *items], "in")[0])
        left = forms[0].text if forms[0].native == collation else f"{forms[0].text} COLLATE {collation or 'BINARY'}"
        return f"({left} {word} ({', '.join(form.text for form in forms[1:])}))"

    def _in_query(self, node: nodes.InQuery) -> str:
        operand = self.value(node.operand)
        compiled, column = self._one_column(node.query)
        self.infer(operand, column)
        left, right, collation = operators.comparable(operand, replace(column, text="c0", native=""))
        inner = compiled.text if right.text == "c0" else f"SELECT {right.text} FROM ({compiled.text})"
        text = left.text if left.native == collation else f"{left.text} COLLATE {collation or 'BINARY'}"
        return f"({text} {'NOT IN' if node.negated else 'IN'} ({inner}))"

    def _quantified(self, node: nodes.Quantified) -> str:
        """``x > ALL (q)`` is ``NOT EXISTS (a row for which it is not true)``; NULLs are refused rather than guessed."""
        if node.operator == "=" and not node.every:
            return self._in_query(nodes.InQuery(node.left, node.query, negated=False))
        if node.operator == "<>" and node.every:
            return self._in_query(nodes.InQuery(node.left, node.query, negated=True))
        raise unsupported(f"{node.operator} {'ALL' if node.every else 'ANY'} (subquery)", self.line)

    def sources(self) -> list[Bound]:
        return self.scope.sources


def _plain(text: str) -> bool:
    """Whether the text is a column and nothing else."""
    return "(" not in text and " " not in text.rpartition(".")[0]
