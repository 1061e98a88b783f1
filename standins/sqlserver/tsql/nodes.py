"""Syntax trees of expressions and queries.

Nodes compare by identity: plans are cached per node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar, dataclass_transform

from standins.sqlserver.contract import SqlType

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, eq_default=False)
def node(cls: type[_T]) -> type[_T]:
    """A frozen dataclass that is equal to itself only."""
    return dataclass(frozen=True, slots=True, eq=False)(cls)


@node
class Expression:
    """A scalar value, or a predicate where T-SQL wants one."""


@node
class Literal(Expression):
    """``value`` is None, int, Decimal, float, str or bytes."""

    value: int | Decimal | float | str | bytes | None
    type: SqlType


@node
class Name(Expression):
    """A column, possibly qualified: ``column``, ``alias.column``, ``dbo.t.column``, ``db.dbo.t.column``."""

    parts: tuple[str, ...]


@node
class Variable(Expression):
    """``name`` is lower-case and has its ``@``; ``@@x`` is a system function."""

    name: str


@node
class Star(Expression):
    """``*`` or ``alias.*``."""

    qualifier: tuple[str, ...] = ()


@node
class Default(Expression):
    """``DEFAULT`` as a value of INSERT or UPDATE."""


@node
class Unary(Expression):
    operator: str
    operand: Expression


@node
class Binary(Expression):
    operator: str
    left: Expression
    right: Expression


@node
class Comparison(Expression):
    operator: str
    left: Expression
    right: Expression


@node
class Logical(Expression):
    """``operator`` is AND or OR."""

    operator: str
    operands: tuple[Expression, ...]


@node
class Not(Expression):
    operand: Expression


@node
class IsNull(Expression):
    operand: Expression
    negated: bool


@node
class IsDistinct(Expression):
    left: Expression
    right: Expression
    negated: bool


@node
class Like(Expression):
    operand: Expression
    pattern: Expression
    escape: Expression | None
    negated: bool


@node
class Between(Expression):
    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@node
class InList(Expression):
    operand: Expression
    items: tuple[Expression, ...]
    negated: bool


@node
class InQuery(Expression):
    operand: Expression
    query: Query
    negated: bool


@node
class Exists(Expression):
    query: Query


@node
class Quantified(Expression):
    """``left operator ALL|ANY (query)``."""

    operator: str
    left: Expression
    every: bool
    query: Query


@node
class Case(Expression):
    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@node
class Cast(Expression):
    """CAST, CONVERT and their TRY_ forms."""

    operand: Expression
    type: SqlType
    style: Expression | None
    attempt: bool


@node
class Collate(Expression):
    operand: Expression
    collation: str


@node
class AtTimeZone(Expression):
    operand: Expression
    zone: Expression


@node
class OrderItem:
    expression: Expression
    descending: bool = False


@node
class Frame:
    """The ROWS or RANGE clause of a window, as SQLite spells it too."""

    text: str


@node
class Window:
    partition: tuple[Expression, ...]
    order: tuple[OrderItem, ...]
    frame: Frame | None


@node
class Call(Expression):
    """A function; ``name`` is upper-case when it has one part. ``star`` is COUNT(*)."""

    parts: tuple[str, ...]
    arguments: tuple[Expression, ...]
    star: bool = False
    distinct: bool = False
    within_group: tuple[OrderItem, ...] = ()
    over: Window | None = None
    line: int = 1

    @property
    def name(self) -> str:
        return self.parts[-1].upper()


@node
class ScalarQuery(Expression):
    query: Query


# --- queries ---------------------------------------------------------------------------------------------------


@node
class ObjectName:
    """``database.schema.name``; missing parts are empty."""

    name: str
    schema: str = ""
    database: str = ""
    line: int = 1

    @classmethod
    def of(cls, parts: Sequence[str]) -> ObjectName:
        """From the parts in the order they are written, at most three."""
        name, schema, database = (*reversed(parts), "", "")[:3]
        return cls(name, schema, database)

    def __str__(self) -> str:
        return ".".join(part for part in (self.database, self.schema, self.name) if part)

    @property
    def temporary(self) -> bool:
        return self.name.startswith("#")


@node
class Source:
    """Something in FROM."""


@node
class TableSource(Source):
    """A table or view; ``hints`` are upper-case."""

    name: ObjectName
    alias: str
    hints: frozenset[str] = frozenset()


@node
class VariableSource(Source):
    """A table variable."""

    name: str
    alias: str
    line: int = 1


@node
class QuerySource(Source):
    query: Query
    alias: str
    columns: tuple[str, ...] = ()


@node
class ValuesSource(Source):
    rows: tuple[tuple[Expression, ...], ...]
    alias: str
    columns: tuple[str, ...]


@node
class JsonColumn:
    """A column of OPENJSON's WITH clause."""

    name: str
    type: SqlType
    path: str | None
    as_json: bool


@node
class FunctionSource(Source):
    """A table-valued function."""

    name: ObjectName
    arguments: tuple[Expression, ...]
    alias: str
    columns: tuple[str, ...] = ()
    schema: tuple[JsonColumn, ...] | None = None


@node
class Join(Source):
    """``kind`` is INNER, LEFT, RIGHT, FULL or CROSS."""

    kind: str
    left: Source
    right: Source
    condition: Expression | None


@node
class Apply(Source):
    outer: bool
    left: Source
    right: Source


@node
class SelectItem:
    """``target`` is the variable of ``SELECT @x = …`` (with the operator of ``@x += …``)."""

    expression: Expression
    alias: str = ""
    target: str = ""
    operator: str = "="


@node
class Top:
    count: Expression
    percent: bool = False
    ties: bool = False


@node
class QueryBody:
    """SELECT, VALUES or a set operation."""


@node
class Select(QueryBody):
    items: tuple[SelectItem, ...]
    source: tuple[Source, ...] = ()
    where: Expression | None = None
    group: tuple[Expression, ...] = ()
    having: Expression | None = None
    distinct: bool = False
    top: Top | None = None
    into: ObjectName | None = None


@node
class SetOperation(QueryBody):
    """``operator`` is UNION, UNION ALL, EXCEPT or INTERSECT."""

    operator: str
    left: QueryBody
    right: QueryBody


@node
class Nested(QueryBody):
    """A query body in parentheses."""

    query: Query


@node
class CommonTable:
    name: str
    columns: tuple[str, ...]
    query: Query


@node
class ForJson:
    auto: bool
    root: str | None
    include_nulls: bool
    without_wrapper: bool


@node
class ForXml:
    """Only ``FOR XML PATH('')`` (with TYPE), the idiom for joining strings before STRING_AGG."""

    element: str


@node
class Query(QueryBody):
    """A query body with everything that may surround it."""

    body: QueryBody
    tables: tuple[CommonTable, ...] = ()
    order: tuple[OrderItem, ...] = ()
    offset: Expression | None = None
    fetch: Expression | None = None
    form: ForJson | ForXml | None = None
    line: int = 1
    #: OPTION (MAXRECURSION n)
    recursion: int | None = None
