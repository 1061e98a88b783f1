"""The grammar of queries."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import (
    CommonTable,
    Expression,
    ForJson,
    ForXml,
    Nested,
    Query,
    QueryBody,
    Select,
    SelectItem,
    SetOperation,
    Source,
    Star,
    Top,
)
from standins.sqlserver.tsql.sources import SourceParser
from standins.sqlserver.tsql.tokens import Kind

#: What may stand between a column or variable and its new value.
ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="})
#: The highest level OPTION (MAXRECURSION n) may name.
_MAX_RECURSION = 32767


class QueryParser(SourceParser):
    """SELECT and everything inside it."""

    def at_query(self) -> bool:
        """SELECT, or parentheses around one."""
        if self.at("SELECT"):
            return True
        if not self.at("("):
            return False
        distance = 1
        while self.ahead(distance).word == "(":
            distance += 1
        return self.ahead(distance).word == "SELECT"

    # --- the whole -----------------------------------------------------------------------------------------------

    def query(self, tables: tuple[CommonTable, ...] = ()) -> Query:
        line = self.line
        body = self._set_operations()
        order = offset = fetch = None
        if self.accept("ORDER", "BY"):
            order = self.order_items()
        if self.accept("OFFSET"):
            if order is None:
                raise self.error(self.tokens[self.place - 1])
            offset = self.expression()
            if not self.accept_any("ROW", "ROWS"):
                raise self.error()
            if self.accept("FETCH"):
                if not self.accept_any("FIRST", "NEXT"):
                    raise self.error()
                fetch = self.expression()
                if not self.accept_any("ROW", "ROWS"):
                    raise self.error()
                self.expect("ONLY")
        form = self._for() if self.at("FOR") else None
        return Query(body, tables, order or (), offset, fetch, form, line, self.query_options())

    def common_tables(self) -> tuple[CommonTable, ...]:
        """``WITH a (x) AS (…), b AS (…)``."""
        self.expect("WITH")
        if self.at("XMLNAMESPACES"):
            raise unsupported("WITH XMLNAMESPACES", self.line)
        tables: list[CommonTable] = []
        while True:
            name = self.identifier()
            columns = self.identifiers() if self.at("(") else ()
            self.expect("AS", "(")
            tables.append(CommonTable(name, columns, self.query()))
            self.expect(")")
            if not self.accept(","):
                return tuple(tables)

    def query_options(self) -> int | None:
        """Query hints change plans, not answers; only MAXRECURSION may end a query, and is returned."""
        recursion: int | None = None
        if not self.accept("OPTION"):
            return recursion
        self.expect("(")
        depth = 1
        while depth:
            if self.token.kind is Kind.END:
                raise self.error()
            if depth == 1 and self.accept("MAXRECURSION"):
                recursion = self._recursion_limit()
                continue
            word = self.advance().word
            depth += (word == "(") - (word == ")")
        return recursion

    def _recursion_limit(self) -> int:
        line = self.line
        limit = self.integer()
        if not 0 <= limit <= _MAX_RECURSION:
            text = (
                f"The value {limit} specified for the MAXRECURSION option exceeds the allowed maximum of "
                f"{_MAX_RECURSION}."
            )
            raise SqlServerError(310, text, 15, 1, line)
        return limit

    def _for(self) -> ForJson | ForXml:
        line = self.line
        self.expect("FOR")
        if self.accept("JSON"):
            auto = self.accept("AUTO")
            if not auto:
                self.expect("PATH")
            root, nulls, bare = None, False, False
            while self.accept(","):
                if self.accept("ROOT"):
                    root = "root"
                    if self.accept("("):
                        root = self.string()
                        self.expect(")")
                elif self.accept("INCLUDE_NULL_VALUES"):
                    nulls = True
                elif self.accept("WITHOUT_ARRAY_WRAPPER"):
                    bare = True
                else:
                    raise self.error()
            return ForJson(auto, root, nulls, bare)
        if self.accept("XML", "PATH"):
            element = "row"
            if self.accept("("):
                element = self.string()
                self.expect(")")
            while self.accept(","):
                self.expect("TYPE")
            return ForXml(element)
        if self.at("XML"):
            raise unsupported("FOR XML other than PATH", line)
        raise self.error()

    def _set_operations(self) -> QueryBody:
        left = self._intersections()
        while self.at_any("UNION", "EXCEPT"):
            operator = self.advance().word
            if operator == "UNION" and self.accept("ALL"):
                operator = "UNION ALL"
            left = SetOperation(operator, left, self._intersections())
        return left

    def _intersections(self) -> QueryBody:
        left = self._body()
        while self.accept("INTERSECT"):
            left = SetOperation("INTERSECT", left, self._body())
        return left

    def _body(self) -> QueryBody:
        if self.accept("("):
            inner = self.query()
            self.expect(")")
            return Nested(inner)
        return self._select()

    # --- SELECT --------------------------------------------------------------------------------------------------

    def _select(self) -> Select:
        self.expect("SELECT")
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        top = self.top() if self.at("TOP") else None
        items = self.select_items()
        into = self.object_name() if self.accept("INTO") else None
        source: tuple[Source, ...] = self.sources() if self.accept("FROM") else ()
        where = self.condition() if self.accept("WHERE") else None
        group: list[Expression] = []
        if self.accept("GROUP", "BY"):
            if self.at_any("ROLLUP", "CUBE", "GROUPING") and self.ahead().word in ("(", "SETS"):
                raise unsupported("GROUP BY " + self.token.word, self.line)
            group.append(self.expression())
            while self.accept(","):
                group.append(self.expression())
            if self.at("WITH", "ROLLUP") or self.at("WITH", "CUBE"):
                raise unsupported("GROUP BY … WITH " + self.ahead().word, self.line)
        having = self.condition() if self.accept("HAVING") else None
        if self.at("WINDOW"):
            raise unsupported("The WINDOW clause", self.line)
        return Select(items, source, where, tuple(group), having, distinct, top, into)

    def top(self) -> Top:
        self.expect("TOP")
        if self.accept("("):
            count = self.expression()
            self.expect(")")
        elif self.token.kind is Kind.NUMBER:
            count = self._primary()
        else:
            raise self.error()
        percent = self.accept("PERCENT")
        ties = self.accept("WITH", "TIES")
        return Top(count, percent, ties)

    def select_items(self) -> tuple[SelectItem, ...]:
        items = [self._select_item()]
        while self.accept(","):
            items.append(self._select_item())
        return tuple(items)

    def _select_item(self) -> SelectItem:
        if self.token.kind is Kind.VARIABLE and self.ahead().word in ASSIGNMENTS:
            target = self.variable()
            operator = self.advance().word
            return SelectItem(self.expression(), target=target, operator=operator)
        if self._at_alias() and self.ahead().word == "=":
            alias = self.advance().text
            self.advance()
            return SelectItem(self.expression(), alias)
        expression = self.expression()
        if isinstance(expression, Star):
            return SelectItem(expression)
        if self.accept("AS"):
            if not self._at_alias():
                raise self.error()
            return SelectItem(expression, self.advance().text)
        if self._at_alias():
            return SelectItem(expression, self.advance().text)
        return SelectItem(expression)

    def _at_alias(self) -> bool:
        return self.at_name() or self.token.kind is Kind.STRING
