"""What the engine runs: SQLite statements with their parameters, and what to tell the client about the result."""

from __future__ import annotations

from dataclasses import dataclass

from standins.sqlserver.contract import Column, SqlType
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.statements import Execute
from standins.sqlserver.tsql.translate.names import Relation
from standins.sqlserver.tsql.translate.values import Sql, number_parameters


@dataclass(frozen=True, slots=True)
class Command:
    """One SQLite statement. Parameter names: ``@x`` a variable, ``!X`` a constant the engine computes once."""

    sql: str
    parameters: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Command:
        return cls(*number_parameters(text))


@dataclass(frozen=True, slots=True)
class SelectPlan:
    """A query. ``targets`` are the variables of SELECT @x = …; ``locking`` asks for the write lock first (UPDLOCK)."""

    command: Command
    columns: tuple[Column, ...]
    collations: tuple[str, ...]
    targets: tuple[tuple[str, str], ...] = ()
    into: ObjectName | None = None
    locking: bool = False
    #: Rows assign to the variables while they are read, because their expressions use those variables.
    assigning: bool = False


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """The OUTPUT clause. Without a command the change itself returns the rows.

    ``target`` stores the rows instead of sending them; ``variables`` receive the columns of the last row.
    """

    columns: tuple[Column, ...]
    command: Command | None = None
    target: Command | None = None
    target_relation: Relation | None = None
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """INSERT, UPDATE, DELETE or MERGE: commands before, the counted changes, and commands after."""

    kind: str
    relation: Relation
    changes: tuple[Command, ...]
    before: tuple[Command, ...] = ()
    after: tuple[Command, ...] = ()
    outputs: tuple[OutputPlan, ...] = ()
    execute: Execute | None = None
    explicit_identity: str = ""
    #: For error messages: a query for the keys this change was about to write, by column name.
    proposed: Command | None = None
    proposed_columns: tuple[str, ...] = ()


def output_column(value: Sql) -> Column:
    """The description of a result column; a NULL of no type is an int, as in SQL Server."""
    kind: SqlType = types.INT if value.is_null else value.type
    return Column(value.name, kind, value.nullable, value.identity)
