"""The grammar of expressions."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.literals import negative, number_literal, string_literal
from standins.sqlserver.tsql.nodes import (
    AtTimeZone,
    Binary,
    Call,
    Case,
    Cast,
    Collate,
    Default,
    Expression,
    Frame,
    Literal,
    Name,
    OrderItem,
    Query,
    ScalarQuery,
    Star,
    Unary,
    Variable,
    Window,
)
from standins.sqlserver.tsql.reader import Reader
from standins.sqlserver.tsql.tokens import Kind

#: Functions written without parentheses.
_BARE_FUNCTIONS = frozenset({"CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "USER"})
#: Reserved words that are functions when a parenthesis follows.
_RESERVED_FUNCTIONS = frozenset({"COALESCE", "NULLIF", "LEFT", "RIGHT", "CONVERT", "TRY_CONVERT", "USER"})
#: Functions whose first argument is a bare date part.
DATE_PART_FUNCTIONS = frozenset(
    {"DATEADD", "DATEDIFF", "DATEDIFF_BIG", "DATEPART", "DATENAME", "DATETRUNC", "DATE_BUCKET"}
)
#: Functions an argument of which is a search condition.
_CONDITION_FIRST = frozenset({"IIF"})
_MONEY = types.MONEY


class ExpressionParser(Reader):
    """Precedence from low to high: + - & | ^, * / %, unary, COLLATE."""

    if TYPE_CHECKING:

        def query(self) -> Query:
            """Defined by the grammar of queries."""
            ...

        def at_query(self) -> bool:
            """Whether a query starts here."""
            ...

        def condition(self) -> Expression:
            """Defined by the grammar of search conditions."""
            ...

    # --- values --------------------------------------------------------------------------------------------------

    def expression(self) -> Expression:
        left = self._product()
        while self.token.word in ("+", "-", "&", "|", "^"):
            operator = self.advance().word
            left = Binary(operator, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._unary()
        while self.token.word in ("*", "/", "%"):
            operator = self.advance().word
            left = Binary(operator, left, self._unary())
        return left

    def _unary(self) -> Expression:
        if self.token.word in ("-", "+", "~"):
            operator = self.advance().word
            operand = self._unary()
            if operator == "-" and isinstance(operand, Literal) and isinstance(operand.value, int | Decimal | float):
                return negative(operand)
            return operand if operator == "+" else Unary(operator, operand)
        return self._collated()

    def _collated(self) -> Expression:
        operand = self._primary()
        while True:
            if self.accept("COLLATE"):
                operand = Collate(operand, self.identifier() if self.at_name() else self._database_default())
            elif self.at("AT") and self.ahead().word == "TIME" and self.ahead(2).word == "ZONE":
                self.expect("AT", "TIME", "ZONE")
                operand = AtTimeZone(operand, self._primary())
            else:
                return operand

    def _database_default(self) -> str:
        raise self.error()

    def _primary(self) -> Expression:
        token = self.token
        match token.kind:
            case Kind.NUMBER:
                self.advance()
                return number_literal(token.text)
            case Kind.STRING:
                self.advance()
                return string_literal(token.text, token.national)
            case Kind.BINARY:
                self.advance()
                digits = token.text[2:]
                value = bytes.fromhex("0" + digits if len(digits) % 2 else digits)
                return Literal(value, SqlType("varbinary", max(1, len(value))))
            case Kind.VARIABLE:
                self.advance()
                return Variable(token.text.lower())
            case Kind.QUOTED:
                return self._name_or_call()
            case Kind.NAME:
                return self._word()
            case _:
                return self._symbol()

    def _symbol(self) -> Expression:
        if self.accept("("):
            if self.at_query():
                query = self.query()
                self.expect(")")
                return ScalarQuery(query)
            inner = self.expression()
            self.expect(")")
            return inner
        if self.at("$") and self.ahead().kind is Kind.NUMBER:
            self.advance()
            return Literal(Decimal(self.advance().text), _MONEY)
        if self.at("$") and self.ahead().word == "ACTION":
            self.advance()
            self.advance()
            return Name(("$action",))
        if self.accept("*"):
            return Star()
        if self.accept("{"):  # ODBC escapes: {fn …}, {ts '…'}, {d '…'}, {guid '…'}
            return self._odbc_escape()
        raise self.error()

    def _odbc_escape(self) -> Expression:
        kind = self.advance().word
        inner = self.expression()
        self.expect("}")
        target = {"TS": types.DATETIME, "D": types.DATETIME, "T": types.DATETIME, "GUID": types.GUID}.get(kind)
        if target is not None:
            return Cast(inner, target, None, attempt=False)
        if kind == "FN":
            return inner
        raise self.error()

    def _word(self) -> Expression:
        token = self.token
        word = token.word
        match word:
            case "NULL":
                self.advance()
                return Literal(None, types.NULL)
            case "CASE":
                return self._case()
            case "CAST" | "TRY_CAST" if self.ahead().word == "(":
                return self._cast()
            case "CONVERT" | "TRY_CONVERT" if self.ahead().word == "(":
                return self._convert()
            case "DEFAULT":
                self.advance()
                return Default()
            case "NEXT" if self.ahead().word == "VALUE":
                raise unsupported("NEXT VALUE FOR a sequence", token.line)
            case "PARSE" | "TRY_PARSE" if self.ahead().word == "(":
                raise unsupported(word, token.line)
            case _:
                pass
        if word in _BARE_FUNCTIONS and self.ahead().word != "(":
            self.advance()
            return Call((word,), (), line=token.line)
        if token.reserved and not (word in _RESERVED_FUNCTIONS and self.ahead().word == "("):
            raise self.error()
        return self._name_or_call()

    def _name_or_call(self) -> Expression:
        line = self.line
        parts = [self.advance().text]
        while self.accept("."):
            if self.accept("*"):
                return Star(tuple(parts))
            if self.at("."):
                parts.append("")
                continue
            if self.token.kind not in (Kind.NAME, Kind.QUOTED):
                raise self.error()
            parts.append(self.advance().text)
        if self.at("("):
            return self._call(tuple(parts), line)
        if len(parts) > 4:
            raise unsupported(f"The name '{'.'.join(parts)}'", line)
        return Name(tuple(parts))

    def _call(self, parts: tuple[str, ...], line: int) -> Expression:
        self.expect("(")
        name = parts[-1].upper()
        distinct = False
        arguments: list[Expression] = []
        if self.at("*") and self.ahead().word == ")":
            self.advance()
            self.advance()
            arguments.append(Star())
        else:
            distinct = self.accept("DISTINCT")
            if not distinct:
                self.accept("ALL")
            while not self.at(")"):
                arguments.append(self._argument(name, len(arguments)))
                if not self.accept(","):
                    break
            self.expect(")")
        star = len(arguments) == 1 and isinstance(arguments[0], Star)
        within: tuple[OrderItem, ...] = ()
        if self.accept("WITHIN", "GROUP"):
            self.expect("(", "ORDER", "BY")
            within = self.order_items()
            self.expect(")")
        if self.at("IGNORE") or self.at("RESPECT", "NULLS"):
            raise unsupported("IGNORE NULLS", line)
        over = self._over() if self.accept("OVER") else None
        return Call(parts, tuple(arguments), star, distinct, within, over, line)

    def _argument(self, function: str, place: int) -> Expression:
        if place == 0 and function in DATE_PART_FUNCTIONS and self.token.kind is Kind.NAME:
            return string_literal(self.advance().text.lower(), national=False)
        if place == 0 and function in _CONDITION_FIRST:
            return self.condition()
        if function.startswith("JSON_") and self.token.kind is Kind.STRING and self.ahead().word == ":":
            raise unsupported(function + " with key:value pairs", self.line)
        if function == "TRIM" and self.at_any("LEADING", "TRAILING", "BOTH"):
            raise unsupported("TRIM with " + self.token.word, self.line)
        value = self.expression()
        if function == "TRIM" and self.accept("FROM"):
            return Call(("TRIM_FROM",), (value, self.expression()), line=self.line)
        return value

    def _over(self) -> Window:
        self.expect("(")
        partition: list[Expression] = []
        order: tuple[OrderItem, ...] = ()
        if self.accept("PARTITION", "BY"):
            partition.append(self.expression())
            while self.accept(","):
                partition.append(self.expression())
        if self.accept("ORDER", "BY"):
            order = self.order_items()
        frame = None
        if self.at_any("ROWS", "RANGE"):
            start = self.place
            while not self.at(")") and self.token.kind is not Kind.END:
                if not self.at_any(*_FRAME_WORDS) and self.token.kind is not Kind.NUMBER:
                    raise self.error()
                self.advance()
            frame = Frame(self.slice(start))
        self.expect(")")
        return Window(tuple(partition), order, frame)

    def order_items(self) -> tuple[OrderItem, ...]:
        items: list[OrderItem] = []
        while True:
            expression = self.expression()
            descending = self.accept_any("ASC", "DESC") == "DESC"
            items.append(OrderItem(expression, descending))
            if not self.accept(","):
                return tuple(items)

    def _case(self) -> Expression:
        self.expect("CASE")
        operand = None if self.at("WHEN") else self.expression()
        branches: list[tuple[Expression, Expression]] = []
        while self.accept("WHEN"):
            test = self.condition() if operand is None else self.expression()
            self.expect("THEN")
            branches.append((test, self.expression()))
        if not branches:
            raise self.error()
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return Case(operand, tuple(branches), otherwise)

    def _cast(self) -> Expression:
        attempt = self.advance().word.startswith("TRY")
        self.expect("(")
        operand = self.expression()
        self.expect("AS")
        target = self.data_type(cast=True)
        self.expect(")")
        return Cast(operand, target, None, attempt)

    def _convert(self) -> Expression:
        attempt = self.advance().word.startswith("TRY")
        self.expect("(")
        target = self.data_type(cast=True)
        self.expect(",")
        operand = self.expression()
        style = self.expression() if self.accept(",") else None
        self.expect(")")
        return Cast(operand, target, style, attempt)

    def data_type(self, *, cast: bool = False) -> SqlType:
        """A system data type; ``sys.`` may stand before it."""
        line = self.line
        if self.at("SYS") and self.ahead().word == ".":
            self.advance()
            self.advance()
        if self.at("NATIONAL"):
            name = self.advance().text
        elif self.at("DOUBLE"):
            name = self.advance().text
            self.expect("PRECISION")
            name += "precision"
        else:
            name = self.identifier()
        if name.lower() in ("national", "char", "character", "binary", "nchar", "nationalchar"):
            if name.lower() == "national":
                name += self.identifier()
            if self.accept("VARYING"):
                name += "varying"
        arguments: list[str] = []
        if self.accept("("):
            while True:
                if not (self.token.kind is Kind.NUMBER and self.token.text.isdigit()) and self.token.word != "MAX":
                    raise self.error()
                arguments.append(self.advance().text)
                if not self.accept(","):
                    break
            self.expect(")")
        name = {"charvarying": "varchar", "binaryvarying": "varbinary", "ncharvarying": "nvarchar"}.get(
            name.lower(), name
        )
        return types.make(name, tuple(arguments), cast=cast, line=line)


_FRAME_WORDS = ("ROWS", "RANGE", "BETWEEN", "AND", "UNBOUNDED", "PRECEDING", "FOLLOWING", "CURRENT", "ROW")
