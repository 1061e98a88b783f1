"""Batches: which statement begins here, and the texts that hold one thing alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.ddl import ParameterDefinition
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.flow import FlowParser
from standins.sqlserver.tsql.nodes import CommonTable, Expression, ObjectName
from standins.sqlserver.tsql.statements import Block, InsertBulk, NoOperation, SelectStatement, Statement, Truncate
from standins.sqlserver.tsql.tokens import Kind

#: Modules whose CREATE must be the first statement of its batch (error 111).
_ALONE = {"VIEW": "VIEW", "PROC": "PROCEDURE", "PROCEDURE": "PROCEDURE", "FUNCTION": "FUNCTION", "TRIGGER": "TRIGGER"}
_MAX_NESTING = 200

_T = TypeVar("_T")


class ScriptParser(FlowParser):
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
            return self.authorization(line)
        if word == "SERVER" and self.ahead().word == "ROLE":
            return self.login("ALTER", line)
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
    return _whole(text, _declarations)


def _declarations(parser: ScriptParser) -> tuple[ParameterDefinition, ...]:
    found: list[ParameterDefinition] = []
    while parser.token.kind is not Kind.END:
        found.append(parser.parameter())
        if not parser.accept(","):
            break
    return tuple(found)


@lru_cache(maxsize=500)
def parse_expression(text: str) -> Expression:
    """An expression kept as text: a DEFAULT."""
    return _whole(text, ScriptParser.expression)


@lru_cache(maxsize=500)
def parse_condition(text: str) -> Expression:
    """A search condition kept as text: a CHECK constraint or the filter of an index."""
    return _whole(text, ScriptParser.condition)


def parse_name(text: str) -> ObjectName:
    """A name as procedures take it: ``'dbo.[My Table]'``."""
    return _whole(text, ScriptParser.object_name)


def _whole(text: str, part: Callable[[ScriptParser], _T]) -> _T:
    """One part of the grammar, after which the text must end."""
    parser = ScriptParser(text)
    found = part(parser)
    if parser.token.kind is not Kind.END:
        raise parser.error()
    return found
