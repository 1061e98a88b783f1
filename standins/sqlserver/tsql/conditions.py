"""The grammar of search conditions."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.expressions import ExpressionParser
from standins.sqlserver.tsql.nodes import (
    Between,
    Comparison,
    Exists,
    Expression,
    InList,
    InQuery,
    IsDistinct,
    IsNull,
    Like,
    Logical,
    Not,
    Quantified,
)
from standins.sqlserver.tsql.tokens import Kind

_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!<": ">=", "!>": "<="}


class ConditionParser(ExpressionParser):
    """Precedence from low to high: OR, AND, NOT, predicates."""

    def condition(self) -> Expression:
        operands = [self._conjunction()]
        while self.accept("OR"):
            operands.append(self._conjunction())
        return operands[0] if len(operands) == 1 else Logical("OR", tuple(operands))

    def _conjunction(self) -> Expression:
        operands = [self._negation()]
        while self.accept("AND"):
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else Logical("AND", tuple(operands))

    def _negation(self) -> Expression:
        if self.accept("NOT"):
            return Not(self._negation())
        return self._predicate()

    def _predicate(self) -> Expression:
        if self.at("EXISTS"):
            self.advance()
            self.expect("(")
            query = self.query()
            self.expect(")")
            return Exists(query)
        if self.at("UPDATE", "("):
            raise unsupported("UPDATE() in a trigger", self.line)
        if self.at("(") and not self._parenthesis_is_value():
            self.advance()
            condition = self.condition()
            self.expect(")")
            return condition
        return self._comparison(self.expression())

    def _parenthesis_is_value(self) -> bool:
        """``(a) = 1`` or ``(a = 1)``: decided by trying the value and looking at what follows."""
        place = self.place
        try:
            self.expression()
            word = self.token.word
            value = word in _COMPARISONS or word in ("IS", "LIKE", "IN", "BETWEEN", "NOT")
        except SqlServerError:
            value = False
        self.place, self.token = place, self.tokens[place]
        return value

    def _comparison(self, left: Expression) -> Expression:
        operator = _COMPARISONS.get(self.token.word)
        if operator is not None:
            self.advance()
            if self.at_any("ALL", "ANY", "SOME"):
                every = self.advance().word == "ALL"
                self.expect("(")
                query = self.query()
                self.expect(")")
                return Quantified(operator, left, every, query)
            return Comparison(operator, left, self.expression())
        if self.accept("IS"):
            negated = self.accept("NOT")
            if self.accept("DISTINCT", "FROM"):
                return IsDistinct(left, self.expression(), negated)
            self.expect("NULL")
            return IsNull(left, negated)
        negated = self.accept("NOT")
        if self.accept("LIKE"):
            pattern = self.expression()
            escape = None
            if self.accept("{"):
                self.expect("ESCAPE")
                escape = self.expression()
                self.expect("}")
            elif self.accept("ESCAPE"):
                escape = self.expression()
            return Like(left, pattern, escape, negated)
        if self.accept("BETWEEN"):
            low = self.expression()
            self.expect("AND")
            return Between(left, low, self.expression(), negated)
        if self.accept("IN"):
            return self._in(left, negated)
        raise self._not_a_condition()

    def _not_a_condition(self) -> SqlServerError:
        if self.token.kind is Kind.END or self.token.word in (")", "THEN", "AND", "OR", "BEGIN", ";"):
            near = self.token.text or self.tokens[max(0, self.place - 1)].text
            text = (
                "An expression of non-boolean type specified in a context where a condition is expected, "
                f"near '{near}'."
            )
            return SqlServerError(4145, text, 15, 1, self.line)
        return self.error()

    def _in(self, left: Expression, negated: bool) -> Expression:
        self.expect("(")
        if self.at_query():
            query = self.query()
            self.expect(")")
            return InQuery(left, query, negated)
        items = [self.expression()]
        while self.accept(","):
            items.append(self.expression())
        self.expect(")")
        return InList(left, tuple(items), negated)
