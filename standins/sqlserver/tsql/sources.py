"""The grammar of FROM: tables, joins, derived tables, table-valued functions."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.conditions import ConditionParser
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import (
    Apply,
    Expression,
    FunctionSource,
    Join,
    JsonColumn,
    ObjectName,
    QuerySource,
    Source,
    TableSource,
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


class SourceParser(ConditionParser):
    """What rows may come from."""

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
