"""Batches: which statement begins here, and control flow around statements."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.administration import AdministrationParser
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import CommonTable, Expression, ObjectName
from standins.sqlserver.tsql.statements import (
    BeginTransaction,
    Block,
    Break,
    Commit,
    Continue,
    Declaration,
    Declare,
    If,
    InsertBulk,
    NoOperation,
    ParameterDefinition,
    Print,
    RaiseError,
    Return,
    Rollback,
    SaveTransaction,
    SelectStatement,
    SetOption,
    SetVariable,
    Statement,
    Throw,
    Truncate,
    TryCatch,
    WaitFor,
    While,
)
from standins.sqlserver.tsql.tokens import Kind

_ASSIGNMENTS = ("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=")
#: Modules whose CREATE must be the first statement of its batch (error 111).
_ALONE = {"VIEW": "VIEW", "PROC": "PROCEDURE", "PROCEDURE": "PROCEDURE", "FUNCTION": "FUNCTION", "TRIGGER": "TRIGGER"}
_MAX_NESTING = 200


class ScriptParser(AdministrationParser):
    """The whole grammar."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._starters: dict[str, Callable[[], Statement]] = {
            "SELECT": self._select_statement, "WITH": self._with, "INSERT": self._insert, "UPDATE": self._update,
            "DELETE": self.delete, "MERGE": self.merge, "TRUNCATE": self._truncate, "EXEC": self.execute,
            "EXECUTE": self.execute, "DECLARE": self._declare, "SET": self._set, "PRINT": self._print,
            "IF": self._if, "WHILE": self._while, "BEGIN": self._begin, "RETURN": self._return,
            "BREAK": self._break, "CONTINUE": self._continue, "THROW": self._throw, "RAISERROR": self._raiserror,
            "WAITFOR": self._waitfor, "COMMIT": self._commit, "ROLLBACK": self._rollback, "SAVE": self._save,
            "USE": self.use, "CREATE": self._create, "ALTER": self._alter, "DROP": self._drop_or_login,
            "BACKUP": self.backup, "RESTORE": self.restore, "DBCC": self.dbcc, "KILL": self.kill,
            "GRANT": self.grant, "DENY": self.grant, "REVOKE": self.grant, "CHECKPOINT": self._nothing,
            "RECONFIGURE": self._nothing, "(": self._select_statement,
        }  # fmt: skip

    # --- batches -------------------------------------------------------------------------------------------------

    def batch(self) -> Block:
        block = self.statements_to_end()
        assert isinstance(block, Block)
        return block

    def statements_to_end(self) -> Statement:
        statements: list[Statement] = []
        line = self.line
        while self.token.kind is not Kind.END:
            if self.accept(";"):
                continue
            if not statements and self.at_name() and self.token.word not in self._starters:
                statements.append(self.procedure_call(self.line))  # EXEC may be left out in a batch's first statement
                continue
            statements.append(self.statement())
        return Block(tuple(statements), line=line)

    def statement(self) -> Statement:
        starter = self._starters.get(self.token.word)
        if starter is None:
            if self.at_any("OPEN", "FETCH", "CLOSE", "DEALLOCATE"):
                raise unsupported("A cursor", self.line)
            if self.at_any("GOTO", "SHUTDOWN", "REVERT", "BULK", "READTEXT", "WRITETEXT", "UPDATETEXT"):
                raise unsupported(self.token.word, self.line)
            if self.at_name() and self.ahead().word == ":":
                raise unsupported("A label", self.line)
            raise self.error()
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise SqlServerError(191, "Some part of your SQL statement is nested too deeply.", 15, 1, self.line)
        statement = starter()
        self._depth -= 1
        return statement

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

    # --- control flow --------------------------------------------------------------------------------------------

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
            operator = self.accept_any(*_ASSIGNMENTS)
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

    # --- data ----------------------------------------------------------------------------------------------------

    def _select_statement(self) -> Statement:
        line = self.line
        if self.at("(") and not self.at_query():
            raise self.error()
        return SelectStatement(self.query(), line=line)

    def _with(self) -> Statement:
        line = self.line
        tables: tuple[CommonTable, ...] = self.common_tables()
        match self.token.word:
            case "INSERT":
                return self.insert(tables)
            case "UPDATE":
                return self.update(tables)
            case "DELETE":
                return self.delete(tables)
            case "MERGE":
                return self.merge(tables)
            case _:
                return SelectStatement(self.query(tables), line=line)

    def _insert(self) -> Statement:
        if self.ahead().word != "BULK":
            return self.insert()
        line = self.advance().line
        self.advance()
        table = self.object_name()
        body = self.table_body()
        options = self.index_options() if self.at("WITH") else frozenset[str]()
        return InsertBulk(table, body.columns, options, line=line)

    def _update(self) -> Statement:
        if self.ahead().word != "STATISTICS":
            return self.update()
        line = self.advance().line
        self.advance()
        self.object_name()
        if self.at_name():
            self.identifier()
        if self.accept("WITH"):
            self.advance()
        return NoOperation("UPDATE STATISTICS", line=line)

    def _truncate(self) -> Statement:
        line = self.advance().line
        self.expect("TABLE")
        return Truncate(self.object_name(), line=line)

    def _nothing(self) -> Statement:
        token = self.advance()
        if token.word == "RECONFIGURE":
            self.accept("WITH", "OVERRIDE")
        return NoOperation(token.word, line=token.line)

    # --- definitions ---------------------------------------------------------------------------------------------

    def _create(self) -> Statement:
        start, line = self.place, self.line
        self.expect("CREATE")
        mode = "CREATE OR ALTER" if self.accept("OR", "ALTER") else "CREATE"
        word = self.token.word
        if word in _ALONE:
            return self._module(mode, start, line)
        if mode != "CREATE":
            raise self.error()
        if word in ("UNIQUE", "CLUSTERED", "NONCLUSTERED", "INDEX", "COLUMNSTORE"):
            return self.create_index(line)
        if word in ("LOGIN", "USER", "ROLE"):
            return self.login("CREATE", line)
        creators: dict[str, Callable[[int], Statement]] = {
            "TABLE": self.create_table,
            "TYPE": self.create_type,
            "SCHEMA": self.create_schema,
            "DATABASE": self.create_database,
        }
        if word not in creators:
            raise unsupported("CREATE " + self.token.text.upper(), line) if self.token.word else self.error()
        self.advance()
        return creators[word](line)

    def _alter(self) -> Statement:
        start, line = self.place, self.line
        self.expect("ALTER")
        word = self.token.word
        if word in _ALONE:
            return self._module("ALTER", start, line)
        if word in ("LOGIN", "USER", "ROLE"):
            return self.login("ALTER", line)
        alterers: dict[str, Callable[[int], Statement]] = {
            "TABLE": self.alter_table,
            "INDEX": self.alter_index,
            "DATABASE": self.alter_database,
        }
        if word == "AUTHORIZATION":
            return self.grant()
        if word not in alterers:
            raise unsupported("ALTER " + self.token.text.upper(), line) if self.token.word else self.error()
        self.advance()
        return alterers[word](line)

    def _module(self, mode: str, start: int, line: int) -> Statement:
        kind = _ALONE[self.token.word]
        if kind == "TRIGGER":
            raise unsupported("A trigger", line)
        if start != 0 and any(token.word != ";" for token in self.tokens[:start]):
            text = f"'{mode} {kind}' must be the first statement in a query batch."
            raise SqlServerError(111, text, 15, 1, line)
        self.advance()
        return self.module(kind, mode, start, line)

    def _drop_or_login(self) -> Statement:
        line = self.line
        if self.ahead().word in ("LOGIN", "USER", "ROLE"):
            self.advance()
            return self.login("DROP", line)
        return self.drop(line)


@lru_cache(maxsize=2000)
def parse_batch(text: str) -> Block:
    """The syntax tree of a batch. Trees are immutable, so texts seen before are not parsed again."""
    return ScriptParser(text).batch()


@lru_cache(maxsize=500)
def parse_declarations(text: str) -> tuple[ParameterDefinition, ...]:
    """The parameter list of ``sp_executesql`` and ``sp_prepare``."""
    parser = ScriptParser(text)
    found: list[ParameterDefinition] = []
    while parser.token.kind is not Kind.END:
        found.append(parser.parameter())
        if not parser.accept(","):
            break
    if parser.token.kind is not Kind.END:
        raise parser.error()
    return tuple(found)


@lru_cache(maxsize=500)
def parse_expression(text: str) -> Expression:
    """An expression kept as text: a DEFAULT."""
    parser = ScriptParser(text)
    expression = parser.expression()
    if parser.token.kind is not Kind.END:
        raise parser.error()
    return expression


@lru_cache(maxsize=500)
def parse_condition(text: str) -> Expression:
    """A search condition kept as text: a CHECK constraint or the filter of an index."""
    parser = ScriptParser(text)
    condition = parser.condition()
    if parser.token.kind is not Kind.END:
        raise parser.error()
    return condition


def parse_name(text: str) -> ObjectName:
    """A name as procedures take it: ``'dbo.[My Table]'``."""
    parser = ScriptParser(text)
    name = parser.object_name()
    if parser.token.kind is not Kind.END:
        raise parser.error()
    return name
