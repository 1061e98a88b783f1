"""The grammar of queries."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.expressions import ExpressionParser
from standins.sqlserver.tsql.nodes import (
    Apply,
    CommonTable,
    Expression,
    ForJson,
    ForXml,
    FunctionSource,
    Join,
    JsonColumn,
    Nested,
    ObjectName,
    Query,
    QueryBody,
    QuerySource,
    Select,
    SelectItem,
    SetOperation,
    Source,
    Star,
    TableSource,
    Top,
    ValuesSource,
    VariableSource,
)
from standins.sqlserver.tsql.tokens import Kind
from standins.sqlserver.tsql.words import words

_HINTS = words(
    """NOLOCK READUNCOMMITTED READCOMMITTED READCOMMITTEDLOCK REPEATABLEREAD SERIALIZABLE HOLDLOCK SNAPSHOT READPAST
    ROWLOCK PAGLOCK TABLOCK TABLOCKX UPDLOCK XLOCK NOEXPAND FORCESEEK FORCESCAN NOWAIT KEEPIDENTITY KEEPDEFAULTS
    IGNORE_CONSTRAINTS IGNORE_TRIGGERS"""
)
_ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="})
#: The highest level OPTION (MAXRECURSION n) may name.
_MAX_RECURSION = 32767


class QueryParser(ExpressionParser):
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
        if self.token.kind is Kind.VARIABLE and self.ahead().word in _ASSIGNMENTS:
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

    # --- FROM ----------------------------------------------------------------------------------------------------

    def sources(self) -> tuple[Source, ...]:
        sources = [self.joined()]
        while self.accept(","):
            sources.append(self.joined())
        return tuple(sources)

    def joined(self) -> Source:
        left = self.source()
        while True:
            if self.accept("CROSS", "APPLY"):
                left = Apply(False, left, self.source())
            elif self.accept("OUTER", "APPLY"):
                left = Apply(True, left, self.source())
            elif self.accept("CROSS", "JOIN"):
                left = Join("CROSS", left, self.source(), None)
            elif self.at_any("INNER", "LEFT", "RIGHT", "FULL", "JOIN"):
                kind = self._join_kind()
                right = self.joined_right()
                self.expect("ON")
                left = Join(kind, left, right, self.condition())
            else:
                return left

    def joined_right(self) -> Source:
        """``a JOIN b JOIN c ON … ON …`` nests to the right until its own ON comes."""
        right = self.source()
        while not self.at("ON"):
            if self.at_any("INNER", "LEFT", "RIGHT", "FULL", "JOIN"):
                kind = self._join_kind()
                inner = self.joined_right()
                self.expect("ON")
                right = Join(kind, right, inner, self.condition())
            elif self.accept("CROSS", "JOIN"):
                right = Join("CROSS", right, self.source(), None)
            elif self.accept("CROSS", "APPLY"):
                right = Apply(False, right, self.source())
            elif self.accept("OUTER", "APPLY"):
                right = Apply(True, right, self.source())
            else:
                raise self.error()
        return right

    def _join_kind(self) -> str:
        kind = self.accept_any("INNER", "LEFT", "RIGHT", "FULL") or "INNER"
        if kind != "INNER":
            self.accept("OUTER")
        self.accept_any("LOOP", "HASH", "MERGE", "REMOTE")
        self.expect("JOIN")
        return kind

    def source(self) -> Source:
        if self.at("("):
            return self._parenthesised()
        if self.token.kind is Kind.VARIABLE:
            line = self.line
            name = self.variable()
            return VariableSource(name, self._alias() or name, line)
        if self.at_any("OPENROWSET", "OPENQUERY", "OPENXML", "CONTAINSTABLE", "FREETEXTTABLE", "OPENDATASOURCE"):
            raise unsupported(self.token.word, self.line)
        name = self.object_name()
        if self.at("(") and not self._at_old_hint():
            return self._function(name)
        if self.at("FOR", "SYSTEM_TIME"):
            raise unsupported("FOR SYSTEM_TIME", self.line)
        alias = self._alias()
        if self.at("TABLESAMPLE"):
            raise unsupported("TABLESAMPLE", self.line)
        if self.at_any("PIVOT", "UNPIVOT"):
            raise unsupported(self.token.word, self.line)
        hints = self.hints()
        if not alias:
            alias = self._alias()
        return TableSource(name, alias, hints)

    def _parenthesised(self) -> Source:
        if self.ahead().word == "VALUES":
            self.advance()
            rows = self.value_rows()
            self.expect(")")
            alias, columns = self._derived_alias()
            return ValuesSource(rows, alias, columns)
        if self.at_query() or self.ahead().word == "WITH":
            if self._join_in_parentheses():
                self.advance()
                inner = self.joined()
                self.expect(")")
                return inner
            self.advance()
            query = self.query()
            self.expect(")")
            alias, columns = self._derived_alias()
            if self.at_any("PIVOT", "UNPIVOT"):
                raise unsupported(self.token.word, self.line)
            return QuerySource(query, alias, columns)
        self.advance()
        inner = self.joined()
        self.expect(")")
        return inner

    def _join_in_parentheses(self) -> bool:
        """``((SELECT …) AS a JOIN b ON …)``: the inner parenthesis is followed by an alias."""
        if self.ahead().word != "(":
            return False
        depth, distance = 0, 1
        while True:
            token = self.ahead(distance)
            depth += (token.word == "(") - (token.word == ")")
            if depth == 0 or token.kind is Kind.END:
                break
            distance += 1
        after = self.ahead(distance + 1)
        return after.word == "AS" or (after.kind in (Kind.NAME, Kind.QUOTED) and not after.reserved)

    def _derived_alias(self) -> tuple[str, tuple[str, ...]]:
        alias = self._alias()
        if not alias:
            raise self.error()
        return alias, self.identifiers() if self.at("(") else ()

    def _alias(self) -> str:
        if self.accept("AS"):
            return self.identifier()
        return self.advance().text if self.at_name() else ""

    def _at_old_hint(self) -> bool:
        """``FROM t (NOLOCK)``."""
        return self.ahead().word in _HINTS and self.ahead(2).word in (")", ",")

    def hints(self) -> frozenset[str]:
        if self.at("WITH", "(") or (self.at("(") and self._at_old_hint()):
            self.accept("WITH")
        else:
            return frozenset()
        self.expect("(")
        found: set[str] = set()
        while not self.accept(")"):
            word = self.token.word
            if word == "INDEX" or word in ("FORCESEEK", "SPATIAL_WINDOW_MAX_CELLS"):
                self.advance()
                self._skip_index_hint()
            elif word in _HINTS:
                found.add(self.advance().word)
            else:
                text = (
                    f'"{self.token.text}" is not a recognized table hints option. If it is intended as a parameter to '
                    "a table-valued function or to the CHANGETABLE function, ensure that your database compatibility "
                    "mode is set to 90."
                )
                raise SqlServerError(321, text, 15, 1, self.line)
            self.accept(",")
        return frozenset(found)

    def _skip_index_hint(self) -> None:
        if self.accept("="):
            self.advance()
        elif self.accept("("):
            depth = 1
            while depth and self.token.kind is not Kind.END:
                word = self.advance().word
                depth += (word == "(") - (word == ")")

    def _function(self, name: ObjectName) -> Source:
        self.expect("(")
        arguments: list[Expression] = []
        while not self.at(")"):
            arguments.append(self.expression())
            if not self.accept(","):
                break
        self.expect(")")
        schema = None
        if self.at("WITH", "(") and name.name.upper() == "OPENJSON":
            self.advance()
            schema = self._json_columns()
        alias = self._alias()
        columns = self.identifiers() if alias and self.at("(") else ()
        return FunctionSource(name, tuple(arguments), alias, columns, schema)

    def _json_columns(self) -> tuple[JsonColumn, ...]:
        self.expect("(")
        columns: list[JsonColumn] = []
        while True:
            name = self.identifier()
            data_type = self.data_type()
            path = self.string() if self.token.kind is Kind.STRING else None
            as_json = self.accept("AS", "JSON")
            columns.append(JsonColumn(name, data_type, path, as_json))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(columns)

    def value_rows(self) -> tuple[tuple[Expression, ...], ...]:
        """``VALUES (…), (…)``."""
        self.expect("VALUES")
        rows: list[tuple[Expression, ...]] = []
        while True:
            self.expect("(")
            row = [self.expression()]
            while self.accept(","):
                row.append(self.expression())
            self.expect(")")
            rows.append(tuple(row))
            if not self.accept(","):
                return tuple(rows)
