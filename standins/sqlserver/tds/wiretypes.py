"""TYPE_INFO [MS-TDS 2.2.5.4 to 2.2.5.6]: how each data type stands in column descriptions and parameters."""

from __future__ import annotations

import codecs
import struct
from typing import Final

from standins.sqlserver.contract import SqlType

NULL: Final = 0x1F
IMAGE: Final = 0x22
TEXT: Final = 0x23
GUID: Final = 0x24
INT_N: Final = 0x26
DATE: Final = 0x28
TIME: Final = 0x29
DATETIME2: Final = 0x2A
DATETIMEOFFSET: Final = 0x2B
INT1: Final = 0x30
BIT: Final = 0x32
INT2: Final = 0x34
DECIMAL: Final = 0x37
INT4: Final = 0x38
DATETIME4: Final = 0x3A
FLOAT4: Final = 0x3B
MONEY: Final = 0x3C
DATETIME: Final = 0x3D
FLOAT8: Final = 0x3E
NUMERIC: Final = 0x3F
VARIANT: Final = 0x62
NTEXT: Final = 0x63
BIT_N: Final = 0x68
DECIMAL_N: Final = 0x6A
NUMERIC_N: Final = 0x6C
FLOAT_N: Final = 0x6D
MONEY_N: Final = 0x6E
DATETIME_N: Final = 0x6F
MONEY4: Final = 0x7A
INT8: Final = 0x7F
VARBINARY: Final = 0xA5
VARCHAR: Final = 0xA7
BINARY: Final = 0xAD
CHAR: Final = 0xAF
NVARCHAR: Final = 0xE7
NCHAR: Final = 0xEF
UDT: Final = 0xF0
XML: Final = 0xF1
TABLE: Final = 0xF3

#: SQL_Latin1_General_CP1_CI_AS: LCID 0x0409, ignores case, kana and width, sort id 52.
#: The default of a server installed in English.
COLLATION: Final = bytes.fromhex("0904d00034")
_UTF8_COLLATION_BIT: Final = 1 << 26

MAX: Final = 0xFFFF
_MAX_TEXT: Final = 0x7FFFFFFF

#: Bytes of the time part by scale [MS-TDS 2.2.5.5.1.8].
TIME_LENGTH: Final = (3, 3, 3, 4, 4, 5, 5, 5)

#: Windows-1252 as SQL Server reads it: the five codes without a character stand for themselves.
_CP1252: Final = {code: ord(bytes([code]).decode("cp1252", "ignore") or chr(code)) for code in range(256)}
_TO_CP1252: Final = {character: code for code, character in _CP1252.items()}

_PLAIN: Final = {
    "tinyint": bytes([INT_N, 1]),
    "smallint": bytes([INT_N, 2]),
    "int": bytes([INT_N, 4]),
    "bigint": bytes([INT_N, 8]),
    "bit": bytes([BIT_N, 1]),
    "real": bytes([FLOAT_N, 4]),
    "float": bytes([FLOAT_N, 8]),
    "smallmoney": bytes([MONEY_N, 4]),
    "money": bytes([MONEY_N, 8]),
    "smalldatetime": bytes([DATETIME_N, 4]),
    "datetime": bytes([DATETIME_N, 8]),
    "date": bytes([DATE]),
    "uniqueidentifier": bytes([GUID, 16]),
    "rowversion": bytes([BINARY, 8, 0]),
    "timestamp": bytes([BINARY, 8, 0]),
    "xml": bytes([XML, 0]),
    "sql_variant": bytes([VARIANT]) + (8009).to_bytes(4, "little"),
    "sysname": bytes([NVARCHAR]) + struct.pack("<H", 256) + COLLATION,
}
_SCALED: Final = {"time": TIME, "datetime2": DATETIME2, "datetimeoffset": DATETIMEOFFSET}
_LARGE: Final = {"text": TEXT, "ntext": NTEXT, "image": IMAGE}
#: Token, bytes per unit of length, longest length that is not max, collation.
_SIZED: Final = {
    "char": (CHAR, 1, 8000, COLLATION),
    "varchar": (VARCHAR, 1, 8000, COLLATION),
    "nchar": (NCHAR, 2, 4000, COLLATION),
    "nvarchar": (NVARCHAR, 2, 4000, COLLATION),
    "binary": (BINARY, 1, 8000, b""),
    "varbinary": (VARBINARY, 1, 8000, b""),
}

#: Types sent in pieces, or behind a text pointer.
LARGE_TYPES: Final = frozenset(_LARGE)
KNOWN_TYPES: Final = frozenset({*_PLAIN, *_SCALED, *_LARGE, *_SIZED, "decimal", "numeric"})


def decimal_length(precision: int) -> int:
    """Bytes of a decimal with its sign [MS-TDS 2.2.5.5.1.6]."""
    if precision <= 9:
        return 5
    if precision <= 19:
        return 9
    return 13 if precision <= 28 else 17


def is_max(type: SqlType) -> bool:
    """True for types that travel as PLP (partially length-prefixed) values."""
    sized = _SIZED.get(type.name)
    return type.name == "xml" or (sized is not None and (type.length is None or type.length > sized[2]))


def type_info(type: SqlType) -> bytes:
    """TYPE_INFO of a result column or an output parameter."""
    plain = _PLAIN.get(type.name)
    if plain is not None:
        return plain
    if type.name in _SIZED:
        token, unit, _, collation = _SIZED[type.name]
        length = MAX if is_max(type) else max(type.length or 0, 1) * unit
        return bytes([token]) + struct.pack("<H", length) + collation
    if type.name in _SCALED:
        return bytes([_SCALED[type.name], type.scale])
    if type.name in ("decimal", "numeric"):
        precision = type.precision or 18
        return bytes([NUMERIC_N, decimal_length(precision), precision, type.scale])
    if type.name in _LARGE:
        collation = b"" if type.name == "image" else COLLATION
        return bytes([_LARGE[type.name]]) + struct.pack("<I", _MAX_TEXT) + collation
    raise ValueError(f"data type {type.name!r} cannot be sent")


def codec_of(collation: bytes) -> str:
    """``utf-8`` for a UTF-8 collation; every other one is read as Windows-1252, the code page of the server's own."""
    return "utf-8" if int.from_bytes(collation[:4], "little") & _UTF8_COLLATION_BIT else "cp1252"


def decode_varchar(raw: bytes, codec: str) -> str:
    if codec == "utf-8":
        return raw.decode("utf-8", "replace")
    return codecs.charmap_decode(raw, "strict", _CP1252)[0]


def encode_varchar(text: str) -> bytes:
    """Characters outside the code page become question marks, as in SQL Server."""
    return codecs.charmap_encode(text, "replace", _TO_CP1252)[0]


def utf16(text: str) -> bytes:
    """UTF-16 as SQL Server keeps it: half surrogate pairs are legal. (``str.encode`` looks its codec up every time.)"""
    return codecs.utf_16_le_encode(text, "surrogatepass")[0]


def decode_utf16(raw: bytes) -> str:
    return codecs.utf_16_le_decode(raw, "surrogatepass", True)[0]
