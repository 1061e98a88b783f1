"""The grammar of what steers a batch: control flow, variables, settings, transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from standins.sqlserver.tsql.administration import AdministrationParser
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.queries import ASSIGNMENTS
from standins.sqlserver.tsql.statements import (
    BeginTransaction,
    Block,
    Break,
    Commit,
    Continue,
    Declaration,
    Declare,
    If,
    Print,
    RaiseError,
    Return,
    Rollback,
    SaveTransaction,
    SetOption,
    SetVariable,
    Statement,
    Throw,
    TryCatch,
    WaitFor,
    While,
)
from standins.sqlserver.tsql.tokens import Kind


class FlowParser(AdministrationParser):
    """Statements around statements."""

    #: By the word each kind of statement starts with.
    _starters: dict[str, Callable[[], Statement]]

    if TYPE_CHECKING:

        def statement(self) -> Statement:
            """Defined by the grammar of batches."""
            ...

    # --- control flow --------------------------------------------------------------------------------------------

    def _until(self, *end: str) -> Block:
        line = self.line
        statements: list[Statement] = []
        while not self.at(*end):
            if self.token.kind is Kind.END:
                raise self.error()
            if self.accept(";"):
                continue
            statements.append(self.statement())
        if not statements:
            raise self.error()
        self.expect(*end)
        return Block(tuple(statements), line=line)

    def _begin(self) -> Statement:
        line = self.line
        self.expect("BEGIN")
        if self.accept_any("TRAN", "TRANSACTION"):
            name = self._transaction_name()
            if self.accept("WITH", "MARK"):
                raise unsupported("BEGIN TRANSACTION … WITH MARK", line)
            return BeginTransaction(name, line=line)
        if self.at("DISTRIBUTED"):
            raise unsupported("A distributed transaction", line)
        if self.accept("TRY"):
            body = self._until_try_end()
            while self.accept(";"):
                pass
            self.expect("BEGIN", "CATCH")
            return TryCatch(body, self._catch_body(), line=line)
        return self._until("END")

    def _until_try_end(self) -> Block:
        if self.accept("END", "TRY"):
            return Block((), line=self.line)
        return self._until("END", "TRY")

    def _catch_body(self) -> Block:
        if self.accept("END", "CATCH"):
            return Block((), line=self.line)
        return self._until("END", "CATCH")

    def _if(self) -> Statement:
        line = self.line
        self.expect("IF")
        condition = self.condition()
        then = self._branch()
        place = self.place
        while self.accept(";"):
            pass
        otherwise = None
        if self.accept("ELSE"):
            otherwise = self._branch()
        else:
            self.place, self.token = place, self.tokens[place]
        return If(condition, then, otherwise, line=line)

    def _branch(self) -> Statement:
        if self.token.kind is Kind.END:
            raise self.error()
        return self.statement()

    def _while(self) -> Statement:
        line = self.line
        self.expect("WHILE")
        return While(self.condition(), self._branch(), line=line)

    def _break(self) -> Statement:
        return Break(line=self.advance().line)

    def _continue(self) -> Statement:
        return Continue(line=self.advance().line)

    def _return(self) -> Statement:
        line = self.advance().line
        if self.token.kind is Kind.END or (self.token.reserved and not self.at_any("NULL", "CASE", "CONVERT", "LEFT",
                "RIGHT", "COALESCE", "NULLIF", "CURRENT_TIMESTAMP", "TRY_CONVERT")) or self.at(";"):  # fmt: skip
            return Return(None, line=line)
        return Return(self.expression(), line=line)

    def _throw(self) -> Statement:
        line = self.advance().line
        if self.token.kind not in (Kind.NUMBER, Kind.VARIABLE):
            return Throw(line=line)
        number = self._primary()
        self.expect(",")
        message = self._primary()
        self.expect(",")
        return Throw(number, message, self._primary(), line=line)

    def _raiserror(self) -> Statement:
        line = self.advance().line
        self.expect("(")
        parts = [self._unary()]
        while self.accept(","):
            parts.append(self._unary())
        self.expect(")")
        if len(parts) < 3:
            raise self.error()
        options: set[str] = set()
        if self.accept("WITH"):
            options.add(self.advance().word)
            while self.accept(","):
                options.add(self.advance().word)
        return RaiseError(parts[0], parts[1], parts[2], tuple(parts[3:]), frozenset(options), line=line)

    def _print(self) -> Statement:
        line = self.advance().line
        return Print(self.expression(), line=line)

    def _waitfor(self) -> Statement:
        line = self.advance().line
        if not self.accept("DELAY"):
            raise unsupported("WAITFOR " + self.token.text.upper(), line)
        return WaitFor(self._primary(), line=line)

    # --- variables and settings ----------------------------------------------------------------------------------

    def _declare(self) -> Statement:
        line = self.advance().line
        found: list[Declaration] = []
        while True:
            if self.token.kind is not Kind.VARIABLE:
                if self.at_name() and self.ahead().word == "CURSOR":
                    raise unsupported("A cursor", line)
                raise self.error()
            name = self.variable()
            self.accept("AS")
            if self.accept("TABLE"):
                found.append(Declaration(name, None, columns=self.table_body()))
            else:
                data_type, type_name = self.type_or_name()
                initial = self.expression() if self.accept("=") else None
                found.append(Declaration(name, data_type, initial, type_name=type_name))
            if not self.accept(","):
                return Declare(tuple(found), line=line)

    def _set(self) -> Statement:
        line = self.advance().line
        if self.token.kind is Kind.VARIABLE:
            name = self.variable()
            operator = self.accept_any(*ASSIGNMENTS)
            if not operator:
                raise self.error()
            if self.at("CURSOR"):
                raise unsupported("A cursor", line)
            return SetVariable(name, operator, self.expression(), line=line)
        if self.accept("TRANSACTION", "ISOLATION", "LEVEL"):
            level = self.advance().word
            if level in ("READ", "REPEATABLE"):
                level += " " + self.advance().word
            return SetOption("ISOLATION", level, line=line)
        option = self.advance().word
        if not option:
            raise self.error(self.tokens[self.place - 1])
        if option == "IDENTITY_INSERT":
            target = self.object_name()
            return SetOption(option, self._on_off(), target, line=line)
        if option == "STATISTICS":
            kind = self.advance().word
            while self.accept(","):
                kind += "," + self.advance().word
            return SetOption("STATISTICS", self._on_off(), line=line)
        while self.accept(","):  # SET ANSI_NULLS, QUOTED_IDENTIFIER ON
            option += "," + self.advance().word
        if self.token.kind in (Kind.NUMBER, Kind.STRING, Kind.VARIABLE) or self.at("-"):
            sign = "-" if self.accept("-") else ""
            return SetOption(option, sign + self.advance().text.upper(), line=line)
        return SetOption(option, self.advance().text.upper(), line=line)

    def _on_off(self) -> str:
        word = self.accept_any("ON", "OFF")
        if not word:
            raise self.error()
        return word

    # --- transactions --------------------------------------------------------------------------------------------

    def _transaction_name(self) -> str:
        if self.token.kind is Kind.VARIABLE:
            return self.variable()
        if self.at_name() and self.token.word not in self._starters:
            return self.advance().text
        return ""

    def _commit(self) -> Statement:
        line = self.advance().line
        if self.accept_any("TRAN", "TRANSACTION"):
            self._transaction_name()
            if self.at("WITH", "("):
                self.index_options()
        else:
            self.accept("WORK")
        return Commit(line=line)

    def _rollback(self) -> Statement:
        line = self.advance().line
        if self.accept_any("TRAN", "TRANSACTION"):
            return Rollback(self._transaction_name(), line=line)
        self.accept("WORK")
        return Rollback(line=line)

    def _save(self) -> Statement:
        line = self.advance().line
        if not self.accept_any("TRAN", "TRANSACTION"):
            raise self.error()
        return SaveTransaction(self._transaction_name(), line=line)
