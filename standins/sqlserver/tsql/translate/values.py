"""A piece of SQLite's SQL together with what SQL Server knows about its value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.tsql import collations, types
from standins.sqlserver.tsql.nodes import Literal

#: Marks of a parameter inside SQL text; :func:`number_parameters` turns them into ``?1``.
_OPEN, _CLOSE = "\x01", "\x02"

#: How strongly a string holds on to its collation ("Collation precedence", Microsoft Learn).
COERCIBLE, IMPLICIT, EXPLICIT, CONFLICT = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Sql:
    """``text`` may stand anywhere an operand may; ``native`` is the collation SQLite itself would use for it."""

    text: str
    type: SqlType
    collation: str = ""
    strength: int = COERCIBLE
    native: str = ""
    nullable: bool = True
    name: str = ""
    literal: Literal | None = None
    identity: bool = False
    column: str = ""

    def typed(self, type: SqlType, text: str | None = None) -> Sql:
        """The same value as another type; a new text loses the native collation and the literal."""
        if text is None:
            return replace(self, type=type)
        return replace(self, type=type, text=text, native="", literal=None, identity=False, column="")

    @property
    def is_null(self) -> bool:
        return self.type.name == "null"

    @property
    def is_string(self) -> bool:
        return self.type.name in types.STRINGS


def quote(name: str) -> str:
    """An identifier for SQLite."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A string literal for SQLite; control characters that SQL text cannot carry go as bytes."""
    if any(mark in text for mark in "\x00\x01\x02"):
        return f"CAST(x'{text.encode('utf-8').hex()}' AS TEXT)"
    return "'" + text.replace("'", "''") + "'"


def parameter(name: str) -> str:
    return f"{_OPEN}{name}{_CLOSE}"


def number_parameters(sql: str) -> tuple[str, tuple[str, ...]]:
    """Replace the marks by ``?n``; the names in the order of their numbers."""
    if _OPEN not in sql:
        return sql, ()
    numbers: dict[str, int] = {}
    pieces = sql.split(_OPEN)
    out = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition(_CLOSE)
        out.append(f"?{numbers.setdefault(name, len(numbers) + 1)}{rest}")
    return "".join(out), tuple(numbers)


def literal(node: Literal) -> Sql:
    """A constant."""
    value = node.value
    match value:
        case None:
            text = "NULL"
        case str():
            text = text_literal(value)
        case bytes():
            text = f"x'{value.hex()}'"
        case Decimal():
            text = text_literal(f"{value:f}" if node.type.name != "money" else f"{value:.4f}")
        case float():
            text = repr(value)
        case _:
            text = str(value) if value >= 0 else f"({value})"
    return Sql(text, node.type, nullable=value is None, literal=node)


def collation_of(operands: list[Sql], operation: str) -> tuple[str, int]:
    """The collation that several strings agree on; 468 when they cannot."""
    strings = [operand for operand in operands if operand.is_string]
    if not strings:
        return "", COERCIBLE
    strongest = max(operand.strength for operand in strings)
    if strongest == CONFLICT:
        strongest = EXPLICIT if any(operand.strength == EXPLICIT for operand in strings) else CONFLICT
    names = {operand.collation.lower(): operand.collation for operand in strings if operand.strength == strongest}
    if len(names) > 1 or strongest == CONFLICT:
        shown = list(names.values())
        first, second = shown[0], shown[-1]
        text = f'Cannot resolve the collation conflict between "{first}" and "{second}" in the {operation} operation.'
        raise SqlServerError(468, text, 16, 9)
    return next(iter(names.values())), strongest


def collated(value: Sql) -> str:
    """The text with its collation spelled out where SQLite would not know it: for GROUP BY, DISTINCT, UNION …"""
    wanted = collations.for_type(value.type, value.collation)
    return value.text if wanted == value.native else f"{value.text} COLLATE {wanted}"


def with_collation(value: Sql) -> Sql:
    """The value with its collation made native, for the columns of a derived table."""
    wanted = collations.for_type(value.type, value.collation)
    if wanted == value.native:
        return value
    return replace(value, text=f"({value.text} COLLATE {wanted})", native=wanted)
