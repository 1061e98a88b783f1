"""The grammar of CREATE VIEW, PROCEDURE, FUNCTION, TYPE and SCHEMA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.ddl import CreateModule, CreateSchema, CreateType, ParameterDefinition
from standins.sqlserver.tsql.definitions import DefinitionParser
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName, Query
from standins.sqlserver.tsql.statements import Declaration, Statement
from standins.sqlserver.tsql.tokens import Kind


class ModuleParser(DefinitionParser):
    """Definitions that keep their own text."""

    if TYPE_CHECKING:

        def statement(self) -> Statement:
            """Defined by the grammar of scripts."""
            ...

        def statements_to_end(self) -> Statement:
            """Everything to the end of the batch."""
            ...

    def module(self, kind: str, mode: str, start: int, line: int) -> Statement:
        """After CREATE [OR ALTER] VIEW|PROCEDURE|FUNCTION; the text begins at the token ``start``."""
        name = self.object_name()
        match kind:
            case "VIEW":
                return self._view(name, mode, start, line)
            case "PROCEDURE":
                return self._procedure(name, mode, start, line)
            case _:
                return self._function_definition(name, mode, start, line)

    def _text(self, start: int) -> str:
        return self.text[self.tokens[start].start :].rstrip()

    def _options(self, line: int) -> frozenset[str]:
        found: set[str] = set()
        if not self.accept("WITH"):
            return frozenset()
        while True:
            word = self.advance().word
            if word == "EXECUTE":
                self.expect("AS")
                if self.advance().word not in ("CALLER", "OWNER", "SELF"):
                    raise unsupported("WITH EXECUTE AS a user", line)
            elif word == "RETURNS":
                self.expect("NULL", "ON", "NULL", "INPUT")
                found.add("RETURNS NULL")
            elif word == "CALLED":
                self.expect("ON", "NULL", "INPUT")
            elif word not in ("SCHEMABINDING", "RECOMPILE", "ENCRYPTION", "VIEW_METADATA", "NATIVE_COMPILATION"):
                raise self.error(self.tokens[self.place - 1])
            found.add(word)
            if not self.accept(","):
                return frozenset(found)

    def _view(self, name: ObjectName, mode: str, start: int, line: int) -> Statement:
        columns = self.identifiers() if self.at("(") else ()
        options = self._options(line)
        self.expect("AS")
        query = self._module_query()
        self.accept("WITH", "CHECK", "OPTION")
        self.accept(";")
        if self.token.kind is not Kind.END:
            raise self.error()
        text = self._text(start)
        return CreateModule("VIEW", mode, name, text, query=query, columns=columns, options=options, line=line)

    def _module_query(self) -> Query:
        return self.query(self.common_tables()) if self.at("WITH") else self.query()

    def _procedure(self, name: ObjectName, mode: str, start: int, line: int) -> Statement:
        parenthesised = self.accept("(")
        parameters = self._parameters()
        if parenthesised:
            self.expect(")")
        options = self._options(line)
        if self.at("FOR"):
            raise unsupported("FOR REPLICATION", line)
        self.expect("AS")
        body = self.statements_to_end()
        return CreateModule("PROCEDURE", mode, name, self._text(start), parameters, body, options=options, line=line)

    def _parameters(self) -> tuple[ParameterDefinition, ...]:
        found: list[ParameterDefinition] = []
        while self.token.kind is Kind.VARIABLE:
            found.append(self.parameter())
            if not self.accept(","):
                break
        return tuple(found)

    def parameter(self) -> ParameterDefinition:
        name = self.variable()
        self.accept("AS")
        data_type, type_name = self.type_or_name()
        if self.accept("VARYING"):
            raise unsupported("A cursor parameter", self.line)
        self.accept("NULL")
        default = self._unary() if self.accept("=") else None
        output = bool(self.accept_any("OUTPUT", "OUT"))
        self.accept("READONLY")
        return ParameterDefinition(name, data_type, default, output, type_name)

    def type_or_name(self) -> tuple[types.SqlType | None, ObjectName | None]:
        """A system type, or the name of a user-defined one."""
        place = self.place
        if self.at("CURSOR"):
            raise unsupported("A cursor", self.line)
        try:
            return self.data_type(), None
        except SqlServerError as error:
            if error.number != 243:
                raise
        self.place, self.token = place, self.tokens[place]
        return None, self.object_name()

    def _function_definition(self, name: ObjectName, mode: str, start: int, line: int) -> Statement:
        self.expect("(")
        parameters = self._parameters()
        self.expect(")")
        self.expect("RETURNS")
        if self.accept("TABLE"):
            options = self._options(line)
            self.accept("AS")
            self.expect("RETURN")
            query = self._returned_query()
            self.accept(";")
            if self.token.kind is not Kind.END:
                raise self.error()
            kind, text = "INLINE FUNCTION", self._text(start)
            return CreateModule(kind, mode, name, text, parameters, query=query, options=options, line=line)
        if self.token.kind is Kind.VARIABLE:
            variable = self.variable()
            self.expect("TABLE")
            table = Declaration(variable, None, columns=self.table_body())
            options = self._options(line)
            self.accept("AS")
            body = self.statement()
            kind, text = "TABLE FUNCTION", self._text(start)
            return CreateModule(
                kind, mode, name, text, parameters, body, returns_table=table, options=options, line=line
            )
        returns = self.data_type()
        options = self._options(line)
        self.accept("AS")
        if not self.at("BEGIN"):
            raise self.error()
        body = self.statement()
        kind, text = "FUNCTION", self._text(start)
        return CreateModule(kind, mode, name, text, parameters, body, returns=returns, options=options, line=line)

    def _returned_query(self) -> Query:
        if self.at("(") and self.ahead().word == "WITH":
            self.advance()
            query = self._module_query()
            self.expect(")")
            return query
        return self._module_query()

    def create_type(self, line: int) -> Statement:
        name = self.object_name()
        if self.at("FROM"):
            raise unsupported("CREATE TYPE … FROM", line)
        self.expect("AS", "TABLE")
        return CreateType(name, self.table_body(), line=line)

    def create_schema(self, line: int) -> Statement:
        name = self.identifier()
        if self.accept("AUTHORIZATION"):
            self.identifier()
        return CreateSchema(name, line=line)
