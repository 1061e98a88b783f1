"""The grammar of INSERT, UPDATE, DELETE, MERGE and EXECUTE."""

from __future__ import annotations

from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import (
    CommonTable,
    Expression,
    Name,
    ObjectName,
    Query,
    Select,
    Source,
    Variable,
    VariableSource,
)
from standins.sqlserver.tsql.queries import ASSIGNMENTS, QueryParser
from standins.sqlserver.tsql.statements import (
    Argument,
    Assignment,
    Delete,
    Execute,
    Insert,
    Merge,
    MergeAction,
    Output,
    Statement,
    Update,
    ValuesRows,
)
from standins.sqlserver.tsql.tokens import Kind


def _scope(tables: tuple[CommonTable, ...], recursion: int | None) -> Query | None:
    """Common table expressions before a change, and its query hints, are carried as an otherwise empty query."""
    return Query(Select(()), tables, recursion=recursion) if tables or recursion is not None else None


class ChangeParser(QueryParser):
    """Statements that change rows."""

    def _target(self) -> ObjectName | VariableSource:
        if self.token.kind is Kind.VARIABLE:
            line = self.line
            name = self.variable()
            return VariableSource(name, name, line)
        return self.object_name()

    # --- INSERT --------------------------------------------------------------------------------------------------

    def insert(self, tables: tuple[CommonTable, ...] = ()) -> Statement:
        line = self.line
        self.expect("INSERT")
        top = self.top() if self.at("TOP") else None
        self.accept("INTO")
        target = self._target()
        self.hints()
        columns: tuple[str, ...] = ()
        if self.at("(") and not self.at_query():
            columns = self._column_list()
        output = self.outputs()
        source: Query | ValuesRows | Execute | None
        if self.accept("DEFAULT", "VALUES"):
            source = None
        elif self.at("VALUES"):
            source = ValuesRows(self.value_rows())
        elif self.at_any("EXEC", "EXECUTE"):
            source = self.execute()
        elif self.at("WITH"):
            source = self.query(self.common_tables())
        elif self.at_query():
            source = self.query()
        else:
            raise self.error()
        recursion = self.query_options()
        if recursion is None and isinstance(source, Query):
            recursion = source.recursion  # the query has read the hints
        return Insert(target, columns, source, output, top, _scope(tables, recursion), line=line)

    def _column_list(self) -> tuple[str, ...]:
        """Column names; a qualifier is allowed and means nothing."""
        self.expect("(")
        names: list[str] = []
        while True:
            name = self.identifier()
            while self.accept("."):
                name = self.identifier()
            names.append(name)
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(names)

    # --- OUTPUT --------------------------------------------------------------------------------------------------

    def outputs(self) -> tuple[Output, ...]:
        found: list[Output] = []
        while self.accept("OUTPUT"):
            items = self.select_items()
            target, columns = None, ()
            if self.accept("INTO"):
                target = self._target()
                if self.at("(") and not self.at_query():
                    columns = self._column_list()
            found.append(Output(items, target, columns))
        return tuple(found)

    # --- UPDATE, DELETE ------------------------------------------------------------------------------------------

    def update(self, tables: tuple[CommonTable, ...] = ()) -> Statement:
        line = self.line
        self.expect("UPDATE")
        top = self.top() if self.at("TOP") else None
        target = self._target()
        self.hints()
        self.expect("SET")
        assignments = self.assignments()
        output = self.outputs()
        source: tuple[Source, ...] = self.sources() if self.accept("FROM") else ()
        where = self._where()
        recursion = self.query_options()
        return Update(target, assignments, source, where, top, output, _scope(tables, recursion), line=line)

    def assignments(self) -> tuple[Assignment, ...]:
        found: list[Assignment] = []
        while True:
            found.append(self._assignment())
            if not self.accept(","):
                return tuple(found)

    def _assignment(self) -> Assignment:
        variable = ""
        if self.token.kind is Kind.VARIABLE:
            variable = self.variable()
            operator = self._operator()
            following = self.ahead()
            if not (self.at_name() and following.word in (*ASSIGNMENTS, ".")):
                return Assignment((), operator, self.expression(), variable)
            place = self.place
            column = self._column_path()
            if not self.at_any(*ASSIGNMENTS):
                self.place, self.token = place, self.tokens[place]
                return Assignment((), operator, self.expression(), variable)
            return Assignment(column, self._operator(), self.expression(), variable)
        column = self._column_path()
        if self.at("("):
            raise unsupported("The .WRITE() and .modify() methods of a column", self.line)
        return Assignment(column, self._operator(), self.expression())

    def _column_path(self) -> tuple[str, ...]:
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        return tuple(parts)

    def _operator(self) -> str:
        operator = self.accept_any(*ASSIGNMENTS)
        if not operator:
            raise self.error()
        return operator

    def _where(self) -> Expression | None:
        if not self.accept("WHERE"):
            return None
        if self.at("CURRENT", "OF"):
            raise unsupported("WHERE CURRENT OF a cursor", self.line)
        return self.condition()

    def delete(self, tables: tuple[CommonTable, ...] = ()) -> Statement:
        line = self.line
        self.expect("DELETE")
        top = self.top() if self.at("TOP") else None
        self.accept("FROM")
        target = self._target()
        self.hints()
        output = self.outputs()
        source: tuple[Source, ...] = self.sources() if self.accept("FROM") else ()
        where = self._where()
        recursion = self.query_options()
        return Delete(target, source, where, top, output, _scope(tables, recursion), line=line)

    # --- MERGE ---------------------------------------------------------------------------------------------------

    def merge(self, tables: tuple[CommonTable, ...] = ()) -> Statement:
        line = self.line
        self.expect("MERGE")
        if self.at("TOP"):
            raise unsupported("MERGE TOP", line)
        self.accept("INTO")
        target = self._target()
        self.hints()
        alias = ""
        if self.accept("AS"):
            alias = self.identifier()
        elif self.at_name() and not self.at("USING"):
            alias = self.advance().text
        self.hints()
        self.expect("USING")
        source = self.joined()
        self.expect("ON")
        condition = self.condition()
        actions: list[MergeAction] = []
        while self.at("WHEN"):
            actions.append(self._merge_action())
        if not actions:
            raise self.error()
        output = self.outputs()
        recursion = self.query_options()
        if not self.at(";"):
            text = "A MERGE statement must be terminated by a semi-colon (;)."
            raise type(self.error())(10713, text, 15, 1, line)
        return Merge(target, alias, source, condition, tuple(actions), output, _scope(tables, recursion), line=line)

    def _merge_action(self) -> MergeAction:
        self.expect("WHEN")
        when = "MATCHED"
        if self.accept("NOT", "MATCHED"):
            when = "NOT MATCHED"
            if self.accept("BY"):
                if self.accept("SOURCE"):
                    when = "NOT MATCHED BY SOURCE"
                else:
                    self.expect("TARGET")
        else:
            self.expect("MATCHED")
        condition = self.condition() if self.accept("AND") else None
        self.expect("THEN")
        if self.accept("DELETE"):
            return MergeAction(when, condition, "DELETE")
        if self.accept("UPDATE"):
            self.expect("SET")
            return MergeAction(when, condition, "UPDATE", self.assignments())
        self.expect("INSERT")
        columns = self._column_list() if self.at("(") else ()
        if self.accept("DEFAULT", "VALUES"):
            return MergeAction(when, condition, "INSERT", columns=columns)
        (values,) = self.value_rows()
        return MergeAction(when, condition, "INSERT", columns=columns, values=values)

    # --- EXECUTE -------------------------------------------------------------------------------------------------

    def execute(self) -> Execute:
        line = self.line
        if not self.accept_any("EXEC", "EXECUTE"):
            raise self.error()
        if self.accept("("):
            text = self.expression()
            self.expect(")")
            if self.at_any("AS", "AT"):
                raise unsupported("EXECUTE … " + self.token.word, line)
            return Execute(None, text=text, line=line)
        if self.at("AS"):
            raise unsupported("EXECUTE AS", line)
        return self.procedure_call(line)

    def procedure_call(self, line: int) -> Execute:
        """``[@status =] name [arguments]``; EXEC itself may be left out at the start of a batch."""
        target = ""
        if self.token.kind is Kind.VARIABLE and self.ahead().word == "=":
            target = self.variable()
            self.advance()
        name, variable = None, ""
        if self.token.kind is Kind.VARIABLE:
            variable = self.variable()
        else:
            name = self.object_name()
        arguments: list[Argument] = []
        while self._at_argument():
            arguments.append(self._argument_of_call())
            if not self.accept(","):
                break
        if self.accept("WITH") and not self.accept("RECOMPILE"):
            raise unsupported("EXECUTE … WITH " + self.token.text, line)
        return Execute(name, tuple(arguments), None, target, variable, line=line)

    def _at_argument(self) -> bool:
        if self.token.kind in (Kind.VARIABLE, Kind.STRING, Kind.NUMBER, Kind.BINARY, Kind.QUOTED):
            return True
        if self.token.kind is Kind.NAME:
            return not self.token.reserved or self.at_any("NULL", "DEFAULT")
        return self.at_any("-", "$", "+")

    def _argument_of_call(self) -> Argument:
        name = ""
        if self.token.kind is Kind.VARIABLE and self.ahead().word == "=":
            name = self.variable()
            self.advance()
        if self.token.kind in (Kind.NAME, Kind.QUOTED) and not self.token.reserved:
            token = self.advance()  # a bare word is a string here: EXEC sp_help Doc
            return Argument(name, Name((token.text,)))
        value = self._unary()
        output = False
        if isinstance(value, Variable) and self.accept_any("OUTPUT", "OUT"):
            output = True
        return Argument(name, value, output)
