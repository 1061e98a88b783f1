"""What the translator asks of the engine: what a name means here and now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql.ddl import ParameterDefinition
from standins.sqlserver.tsql.nodes import Expression, ObjectName, Query


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """A column of a table or view. ``default`` is what INSERT puts there when nothing else is said."""

    name: str
    type: SqlType
    collation: str = ""
    nullable: bool = True
    identity: bool = False
    default: Expression | None = None

    @property
    def rowversion(self) -> bool:
        return self.type.name == "timestamp"


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view or system view.

    ``sql`` is its name for SQLite. A view has ``query`` instead, to be translated with the names of ``home``.
    ``label`` is how messages call it ("dbo.Doc").
    """

    label: str
    sql: str
    columns: tuple[RelationColumn, ...]
    database: str = ""
    schema: str = ""
    name: str = ""
    object_id: int = 0
    query: Query | None = None
    home: Names | None = None
    writable: bool = True


@dataclass(frozen=True, slots=True)
class TableFunction:
    """A table-valued function: inline (``query``), or run by the engine into ``columns``."""

    parameters: Sequence[ParameterDefinition]
    home: Names
    query: Query | None = None
    columns: tuple[RelationColumn, ...] = ()
    object_id: int = 0
    database_id: int = 0


@dataclass(frozen=True, slots=True)
class ScalarFunction:
    object_id: int
    parameters: Sequence[ParameterDefinition]
    returns: SqlType
    database_id: int = 0


class Names(Protocol):
    """Lookups; a name that means nothing raises SQL Server's error."""

    @property
    def database(self) -> str: ...

    @property
    def collation(self) -> str:
        """The default collation of the database."""
        ...

    @property
    def compatibility(self) -> int: ...

    @property
    def product(self) -> int:
        """The product year: 2016, 2019 …"""
        ...

    def relation(self, name: ObjectName) -> Relation: ...

    def variable_relation(self, name: str, line: int) -> Relation: ...

    def variable(self, name: str) -> SqlType | None:
        """None for a variable whose type is to be found out (sp_describe_undeclared_parameters)."""
        ...

    def scalar_function(self, parts: tuple[str, ...]) -> ScalarFunction | None: ...

    def table_function(self, name: ObjectName) -> TableFunction | None: ...

    def identity_insert(self, relation: Relation) -> bool:
        """Whether SET IDENTITY_INSERT is ON for the table."""
        ...

    def inferred(self, name: str, type: SqlType) -> None:
        """A variable of unknown type met a value of this type."""
        ...
