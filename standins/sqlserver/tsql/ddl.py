"""Syntax trees of definitions: CREATE, ALTER and DROP, and what tables are made of."""

from __future__ import annotations

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql.nodes import Expression, ObjectName, Query, node
from standins.sqlserver.tsql.statements import Declaration, Statement


@node
class IndexColumn:
    name: str
    descending: bool = False


@node
class KeyDefinition:
    """PRIMARY KEY or UNIQUE."""

    name: str
    primary: bool
    clustered: bool | None
    columns: tuple[IndexColumn, ...]


@node
class ForeignKeyDefinition:
    name: str
    columns: tuple[str, ...]
    table: ObjectName
    references: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"


@node
class CheckDefinition:
    name: str
    condition: Expression
    text: str


@node
class DefaultDefinition:
    name: str
    value: Expression
    text: str
    column: str = ""
    with_values: bool = False


@node
class InlineIndex:
    name: str
    unique: bool
    clustered: bool
    columns: tuple[IndexColumn, ...]
    include: tuple[str, ...] = ()
    filter: Expression | None = None
    filter_text: str = ""


Constraint = KeyDefinition | ForeignKeyDefinition | CheckDefinition | DefaultDefinition


@node
class ColumnDefinition:
    name: str
    type: SqlType
    nullable: bool | None = None
    identity: tuple[int, int] | None = None
    collation: str = ""
    default: DefaultDefinition | None = None
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[InlineIndex, ...] = ()
    rowguid: bool = False


@node
class TableBody:
    columns: tuple[ColumnDefinition, ...]
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[InlineIndex, ...] = ()


@node
class CreateTable(Statement):
    name: ObjectName
    body: TableBody


@node
class AlterTable(Statement):
    """``action`` is one of the classes below."""

    table: ObjectName
    action: AlterAction


@node
class AddToTable:
    body: TableBody
    check: bool = True


@node
class AlterColumn:
    column: ColumnDefinition


@node
class DropFromTable:
    """``constraints`` and ``columns`` are (name, IF EXISTS) pairs."""

    constraints: tuple[tuple[str, bool], ...]
    columns: tuple[tuple[str, bool], ...]


@node
class SwitchConstraints:
    """``[WITH CHECK] CHECK|NOCHECK CONSTRAINT ALL|names``; no names means ALL."""

    enable: bool
    verify: bool
    names: tuple[str, ...]


AlterAction = AddToTable | AlterColumn | DropFromTable | SwitchConstraints


@node
class CreateIndex(Statement):
    table: ObjectName
    index: InlineIndex
    drop_existing: bool = False


@node
class AlterIndex(Statement):
    """REBUILD and REORGANIZE change nothing here; DISABLE is refused by the parser."""

    name: str
    table: ObjectName


@node
class Drop(Statement):
    """``kind`` is TABLE, VIEW, PROCEDURE, FUNCTION, TYPE, SCHEMA, DATABASE, INDEX, TRIGGER …"""

    kind: str
    names: tuple[ObjectName, ...]
    if_exists: bool
    table: ObjectName | None = None


@node
class ParameterDefinition:
    name: str
    type: SqlType | None
    default: Expression | None = None
    output: bool = False
    type_name: ObjectName | None = None


@node
class CreateModule(Statement):
    """A view, procedure or function; ``text`` is the whole definition as it was sent.

    ``mode`` is CREATE, ALTER or CREATE OR ALTER.
    """

    kind: str
    mode: str
    name: ObjectName
    text: str
    parameters: tuple[ParameterDefinition, ...] = ()
    body: Statement | None = None
    query: Query | None = None
    columns: tuple[str, ...] = ()
    returns: SqlType | None = None
    returns_table: Declaration | None = None
    options: frozenset[str] = frozenset()


@node
class CreateType(Statement):
    """``CREATE TYPE … AS TABLE``."""

    name: ObjectName
    body: TableBody


@node
class CreateSchema(Statement):
    name: str


@node
class CreateDatabase(Statement):
    """``files`` are (logical name, physical name, is log)."""

    name: str
    collation: str = ""
    files: tuple[tuple[str, str, bool], ...] = ()


@node
class AlterDatabase(Statement):
    """``settings`` are (option, value) pairs in upper case; ``termination`` is ROLLBACK IMMEDIATE, NO_WAIT or empty."""

    name: str
    settings: tuple[tuple[str, str], ...]
    termination: str = ""
    new_name: str = ""
    collation: str = ""
