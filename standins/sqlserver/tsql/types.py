"""SQL Server's data types: names, families, precedence, and how they are written."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.tsql.errors import unknown_type

#: The type of a bare NULL; it takes the type of whatever it meets, and int when it meets nothing.
NULL = SqlType("null")

#: "Data type precedence (Transact-SQL)", Microsoft Learn; the higher of two operands decides.
PRECEDENCE = tuple(
    """xml datetimeoffset datetime2 datetime smalldatetime date time float real decimal numeric money smallmoney bigint
    int smallint tinyint bit ntext text image timestamp uniqueidentifier nvarchar nchar varchar char varbinary
    binary null""".split()  # noqa: SIM905 - a list of forty words reads better as text
)
RANK = {name: len(PRECEDENCE) - place for place, name in enumerate(PRECEDENCE)}

INTEGERS = frozenset({"bigint", "int", "smallint", "tinyint", "bit"})
DECIMALS = frozenset({"decimal", "numeric", "money", "smallmoney"})
FLOATS = frozenset({"float", "real"})
NUMBERS = INTEGERS | DECIMALS | FLOATS
UNICODE = frozenset({"nvarchar", "nchar", "ntext", "xml"})
STRINGS = UNICODE | {"varchar", "char", "text"}
BINARIES = frozenset({"varbinary", "binary", "image", "timestamp"})
DATES = frozenset({"datetimeoffset", "datetime2", "datetime", "smalldatetime", "date", "time"})
FIXED_LENGTH = frozenset({"nchar", "char", "binary"})

INTEGER_RANGE = {
    "tinyint": (0, 255),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
INTEGER_DIGITS = {"bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}

_ALIASES = {
    "integer": "int",
    "dec": "decimal",
    "character": "char",
    "charactervarying": "varchar",
    "charvarying": "varchar",
    "nationalcharacter": "nchar",
    "nationalchar": "nchar",
    "nationalcharactervarying": "nvarchar",
    "nationalcharvarying": "nvarchar",
    "nationaltext": "ntext",
    "binaryvarying": "varbinary",
    "doubleprecision": "float",
    "rowversion": "timestamp",
}
_LENGTHS = {"nvarchar": 4000, "nchar": 4000, "varchar": 8000, "char": 8000, "varbinary": 8000, "binary": 8000}
_SCALED = frozenset({"datetime2", "datetimeoffset", "time"})


def nvarchar(length: int | None) -> SqlType:
    return SqlType("nvarchar", length)


def decimal(precision: int, scale: int) -> SqlType:
    return SqlType("decimal", 0, precision, scale)


INT = SqlType("int")
BIGINT = SqlType("bigint")
SMALLINT = SqlType("smallint")
TINYINT = SqlType("tinyint")
BIT = SqlType("bit")
FLOAT = SqlType("float", precision=53)
REAL = SqlType("real", precision=24)
GUID = SqlType("uniqueidentifier")
DATE = SqlType("date")
DATETIME = SqlType("datetime", scale=3)
DATETIME2 = SqlType("datetime2", scale=7)
DATETIMEOFFSET = SqlType("datetimeoffset", scale=7)
TIME = SqlType("time", scale=7)
SYSNAME = SqlType("nvarchar", 128)
NVARCHAR_MAX = SqlType("nvarchar", None)
VARCHAR_MAX = SqlType("varchar", None)
VARBINARY_MAX = SqlType("varbinary", None)
TIMESTAMP = SqlType("timestamp", 8)
MONEY = SqlType("money", precision=19, scale=4)


def make(name: str, arguments: tuple[str, ...] = (), *, cast: bool = False, line: int = 1) -> SqlType:
    """The type ``name(arguments)``; ``cast`` decides what a missing length means (30 in CAST, 1 in a declaration)."""
    name = _ALIASES.get(name.lower(), name.lower())
    if name == "sysname":
        return SYSNAME
    if name not in RANK or name == "null":
        raise unknown_type(name, line)
    if name in _LENGTHS:
        return SqlType(name, _length(name, arguments, cast=cast, line=line))
    if name in ("decimal", "numeric"):
        precision = int(arguments[0]) if arguments else 18
        scale = int(arguments[1]) if len(arguments) > 1 else 0
        if not 1 <= precision <= 38 or scale > precision:
            raise SqlServerError(
                1007, f"The number '{precision}' is out of the range for numeric representation.", 15, 1, line
            )
        return SqlType(name, 0, precision, scale)
    if name in _SCALED:
        scale = int(arguments[0]) if arguments else 7
        if scale > 7:
            raise SqlServerError(1002, f"Line {line}: Specified scale {scale} is invalid.", 15, 1, line)
        return SqlType(name, 0, 0, scale)
    if name in ("float", "real"):
        short = name == "real" or bool(arguments and int(arguments[0]) <= 24)
        return REAL if short else FLOAT
    return {
        "datetime": DATETIME,
        "timestamp": TIMESTAMP,
        "money": MONEY,
        "smallmoney": SqlType("smallmoney", precision=10, scale=4),
        "ntext": SqlType("ntext", None),
        "text": SqlType("text", None),
        "image": SqlType("image", None),
        "xml": SqlType("xml", None),
    }.get(name, SqlType(name))


def _length(name: str, arguments: tuple[str, ...], *, cast: bool, line: int) -> int | None:
    if not arguments:
        return 30 if cast else 1
    if arguments[0].lower() == "max" and name not in FIXED_LENGTH:
        return None
    length = int(arguments[0]) if arguments[0].isdigit() else 0
    if length < 1:
        raise SqlServerError(1001, f"Line {line}: Length or precision specification 0 is invalid.", 15, 1, line)
    if length > _LENGTHS[name]:
        text = (
            f"The size ({length}) given to the type '{name}' exceeds the maximum allowed for any data type "
            f"({_LENGTHS[name]})."
        )
        raise SqlServerError(131, text, 15, 3, line)
    return length


def describe(type: SqlType) -> str:
    """The type as it is written in T-SQL."""
    if type.name in _LENGTHS:
        return f"{type.name}({'max' if type.length is None else type.length})"
    if type.name in ("decimal", "numeric"):
        return f"{type.name}({type.precision},{type.scale})"
    if type.name in _SCALED:
        return f"{type.name}({type.scale})"
    return type.name


def parse(text: str) -> SqlType:
    """The reverse of :func:`describe`, for types kept as text."""
    name, _, rest = text.partition("(")
    arguments = tuple(part.strip() for part in rest.rstrip(") ").split(",")) if rest else ()
    return make(name.strip(), arguments)


def storage_class(type: SqlType) -> str:
    """SQLite's storage class for a column of the type (tables are STRICT)."""
    if type.name in INTEGERS:
        return "INTEGER"
    if type.name in FLOATS:
        return "REAL"
    if type.name in BINARIES:
        return "BLOB"
    return "TEXT"


def max_bytes(type: SqlType) -> int:
    """``sys.columns.max_length``."""
    if type.length is None:
        return 16 if type.name in ("ntext", "text", "image") else -1
    if type.name in ("nvarchar", "nchar"):
        return 2 * type.length
    if type.name in _LENGTHS or type.name == "timestamp":
        return type.length
    if type.name in ("decimal", "numeric"):
        return 5 if type.precision <= 9 else 9 if type.precision <= 19 else 13 if type.precision <= 28 else 17
    if type.name in _SCALED:
        step = 0 if type.scale <= 2 else 1 if type.scale <= 4 else 2
        return {"time": 3, "datetime2": 6, "datetimeoffset": 8}[type.name] + step
    return {
        "bigint": 8, "int": 4, "smallint": 2, "tinyint": 1, "bit": 1, "float": 8, "real": 4, "money": 8,
        "smallmoney": 4, "uniqueidentifier": 16, "datetime": 8, "smalldatetime": 4, "date": 3,
    }.get(type.name, 4)  # fmt: skip


def precision(type: SqlType) -> int:
    """``sys.columns.precision``."""
    if type.name in INTEGER_DIGITS:
        return INTEGER_DIGITS[type.name]
    if type.name in DECIMALS or type.name in FLOATS:
        return type.precision
    fraction = type.scale + 1 if type.scale else 0
    return {
        "datetime": 23, "smalldatetime": 16, "date": 10,
        "datetime2": 19 + fraction, "datetimeoffset": 26 + fraction, "time": 8 + fraction,
    }.get(type.name, 0)  # fmt: skip
