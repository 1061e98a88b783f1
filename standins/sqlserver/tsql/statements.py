"""Syntax trees of statements that run, change rows or look after the server; those that define are in ``ddl``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql.nodes import (
    Expression,
    ObjectName,
    Query,
    SelectItem,
    Source,
    Top,
    VariableSource,
    node,
)

if TYPE_CHECKING:
    from standins.sqlserver.tsql.ddl import ColumnDefinition, TableBody


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Statement:
    line: int = 1


# --- control flow ----------------------------------------------------------------------------------------------


@node
class Block(Statement):
    statements: tuple[Statement, ...]


@node
class If(Statement):
    condition: Expression
    then: Statement
    otherwise: Statement | None


@node
class While(Statement):
    condition: Expression
    body: Statement


@node
class TryCatch(Statement):
    body: Block
    handler: Block


@node
class Break(Statement):
    pass


@node
class Continue(Statement):
    pass


@node
class Return(Statement):
    value: Expression | None


@node
class Throw(Statement):
    """Without a number it re-throws inside CATCH."""

    number: Expression | None = None
    message: Expression | None = None
    state: Expression | None = None


@node
class RaiseError(Statement):
    message: Expression
    severity: Expression
    state: Expression
    arguments: tuple[Expression, ...]
    options: frozenset[str]


@node
class Print(Statement):
    value: Expression


@node
class WaitFor(Statement):
    delay: Expression


# --- variables, settings, transactions -------------------------------------------------------------------------


@node
class Declaration:
    """One variable: ``columns`` for a table variable, ``type_name`` for a user-defined type."""

    name: str
    type: SqlType | None
    initial: Expression | None = None
    columns: TableBody | None = None
    type_name: ObjectName | None = None


@node
class Declare(Statement):
    declarations: tuple[Declaration, ...]


@node
class SetVariable(Statement):
    name: str
    operator: str
    value: Expression


@node
class SetOption(Statement):
    """``SET NOCOUNT ON`` …; ``value`` is upper-case text."""

    option: str
    value: str
    target: ObjectName | None = None


@node
class BeginTransaction(Statement):
    name: str = ""


@node
class Commit(Statement):
    pass


@node
class Rollback(Statement):
    name: str = ""


@node
class SaveTransaction(Statement):
    name: str


@node
class Use(Statement):
    database: str


# --- queries and changes ---------------------------------------------------------------------------------------


@node
class SelectStatement(Statement):
    query: Query


@node
class Output:
    """``target`` is where OUTPUT … INTO puts its rows."""

    items: tuple[SelectItem, ...]
    target: ObjectName | VariableSource | None = None
    columns: tuple[str, ...] = ()


@node
class Insert(Statement):
    """``source`` is a query (VALUES included), an EXECUTE, or None for DEFAULT VALUES."""

    target: ObjectName | VariableSource
    columns: tuple[str, ...]
    source: Query | ValuesRows | Execute | None
    output: tuple[Output, ...] = ()
    top: Top | None = None
    query: Query | None = None


@node
class ValuesRows:
    rows: tuple[tuple[Expression, ...], ...]


@node
class Assignment:
    """``column operator value``; ``variable`` also receives the new value in UPDATE."""

    column: tuple[str, ...]
    operator: str
    value: Expression
    variable: str = ""


@node
class Update(Statement):
    target: ObjectName | VariableSource
    assignments: tuple[Assignment, ...]
    source: tuple[Source, ...] = ()
    where: Expression | None = None
    top: Top | None = None
    output: tuple[Output, ...] = ()
    query: Query | None = None


@node
class Delete(Statement):
    target: ObjectName | VariableSource
    source: tuple[Source, ...] = ()
    where: Expression | None = None
    top: Top | None = None
    output: tuple[Output, ...] = ()
    query: Query | None = None


@node
class MergeAction:
    """``when`` is MATCHED, NOT MATCHED or NOT MATCHED BY SOURCE; ``action`` is INSERT, UPDATE or DELETE."""

    when: str
    condition: Expression | None
    action: str
    assignments: tuple[Assignment, ...] = ()
    columns: tuple[str, ...] = ()
    values: tuple[Expression, ...] = ()


@node
class Merge(Statement):
    target: ObjectName | VariableSource
    alias: str
    source: Source
    condition: Expression
    actions: tuple[MergeAction, ...]
    output: tuple[Output, ...] = ()
    query: Query | None = None


@node
class Truncate(Statement):
    table: ObjectName


@node
class Argument:
    """One argument of EXEC."""

    name: str
    value: Expression
    output: bool = False


@node
class Execute(Statement):
    """``EXEC name …`` or, when ``text`` is set, ``EXEC ('…')``. ``target`` receives the return status."""

    name: ObjectName | None
    arguments: tuple[Argument, ...] = ()
    text: Expression | None = None
    target: str = ""
    variable: str = ""


# --- administration --------------------------------------------------------------------------------------------


@node
class Backup(Statement):
    """``options`` maps upper-case names to an expression or True."""

    log: bool
    database: Expression
    devices: tuple[Expression, ...]
    options: dict[str, Expression | bool] = field(default_factory=dict[str, "Expression | bool"])


@node
class Restore(Statement):
    """``kind`` is DATABASE, LOG, HEADERONLY, FILELISTONLY, LABELONLY or VERIFYONLY."""

    kind: str
    database: Expression | None
    devices: tuple[Expression, ...]
    options: dict[str, Expression | bool] = field(default_factory=dict[str, "Expression | bool"])
    moves: tuple[tuple[Expression, Expression], ...] = ()


@node
class Dbcc(Statement):
    command: str
    arguments: tuple[Expression, ...]
    options: frozenset[str]


@node
class Kill(Statement):
    session: Expression


@node
class Grant(Statement):
    """GRANT, DENY and REVOKE. ``securable`` is SERVER, DATABASE, SCHEMA or OBJECT, as far as the statement says it."""

    action: str
    permissions: tuple[str, ...] = ()
    securable: str = ""
    target: ObjectName | None = None
    grantees: tuple[str, ...] = ()
    grant_option: bool = False


@node
class SetUpLogin(Statement):
    """CREATE, ALTER or DROP of a LOGIN, USER, ROLE or SERVER ROLE, role membership, and the owner of a database.

    ``options`` hold ADD or DROP of a MEMBER under "MEMBER" and its name under "NAME".
    """

    action: str
    kind: str
    name: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])


@node
class NoOperation(Statement):
    """UPDATE STATISTICS, CHECKPOINT, RECONFIGURE: nothing that can be observed here."""

    name: str


@node
class InsertBulk(Statement):
    """The announcement of a bulk load."""

    table: ObjectName
    columns: tuple[ColumnDefinition, ...]
    options: frozenset[str]
