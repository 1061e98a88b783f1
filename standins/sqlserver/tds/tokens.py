"""The tokens of a response [MS-TDS 2.2.7], each as a function that returns its bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

from standins.sqlserver.contract import Column, SqlServerError, SqlType, Value
from standins.sqlserver.tds.encode import encoder
from standins.sqlserver.tds.wiretypes import LARGE_TYPES, type_info, utf16

_COLUMNS: Final = 0x81
_RETURN_STATUS: Final = 0x79
_ERROR: Final = 0xAA
_INFO: Final = 0xAB
_RETURN_VALUE: Final = 0xAC
_LOGIN_ACK: Final = 0xAD
_FEATURES: Final = 0xAE
_ENVIRONMENT: Final = 0xE3

_NULLABLE: Final = 0x01
_UPDATABLE_UNKNOWN: Final = 0x08
_IDENTITY: Final = 0x10
#: The user type by which clients tell a rowversion from a binary(8).
_ROWVERSION_USER_TYPE: Final = 80

_DONE_LAYOUT = struct.Struct("<BHHQ")


class Done:
    """DONE, DONEPROC and DONEINPROC with their status bits."""

    STATEMENT: Final = 0xFD
    PROCEDURE: Final = 0xFE
    IN_PROCEDURE: Final = 0xFF

    MORE: Final = 0x01
    ERROR: Final = 0x02
    COUNT: Final = 0x10
    ATTENTION: Final = 0x20
    SERVER_ERROR: Final = 0x100

    #: The "current command" of a SELECT; other statements' numbers are not documented and clients do not read them
    SELECT: Final = 0xC1
    EXECUTE: Final = 0xE0


class Environment:
    """Types of ENVCHANGE."""

    DATABASE: Final = 1
    LANGUAGE: Final = 2
    PACKET_SIZE: Final = 4
    COLLATION: Final = 7
    BEGIN_TRANSACTION: Final = 8
    COMMIT_TRANSACTION: Final = 9
    ROLLBACK_TRANSACTION: Final = 10
    RESET_DONE: Final = 18


def short_text(text: str) -> bytes:
    """B_VARCHAR, cut to what its one byte can count."""
    raw = utf16(text)[: 255 * 2]
    return bytes([len(raw) // 2]) + raw


def long_text(text: str) -> bytes:
    """US_VARCHAR; a message longer than its token can carry is cut."""
    raw = utf16(text)[: 30_000 * 2]
    return struct.pack("<H", len(raw) // 2) + raw


def _sized(token: int, body: bytes) -> bytes:
    return struct.pack("<BH", token, len(body)) + body


def done(kind: int, status: int, command: int = 0, count: int = 0) -> bytes:
    return _DONE_LAYOUT.pack(kind, status, command, count)


def columns(columns: Sequence[Column]) -> bytes:
    pieces = [struct.pack("<BH", _COLUMNS, len(columns))]
    for column in columns:
        flags = (_NULLABLE if column.nullable else 0) | _UPDATABLE_UNKNOWN | (_IDENTITY if column.identity else 0)
        pieces.append(struct.pack("<IH", _user_type(column.type), flags))
        pieces.append(type_info(column.type))
        if column.type.name in LARGE_TYPES:
            pieces.append(b"\1" + long_text(""))  # the table's name, in one part
        pieces.append(short_text(column.name[:128]))
    return b"".join(pieces)


def _user_type(type: SqlType) -> int:
    return _ROWVERSION_USER_TYPE if type.name in ("rowversion", "timestamp") else 0


def message(error: SqlServerError, server: str) -> bytes:
    """INFO up to severity 10, ERROR above."""
    body = (
        struct.pack("<iBB", error.number, error.state & 0xFF, error.severity & 0xFF)
        + long_text(error.message)
        + short_text(server)
        + short_text(error.procedure)
        + struct.pack("<i", error.line)
    )
    return _sized(_ERROR if error.severity > 10 else _INFO, body)


def _counted(value: bytes | str) -> bytes:
    return short_text(value) if isinstance(value, str) else bytes([len(value)]) + value


def environment(kind: int, new: bytes | str, old: bytes | str = b"") -> bytes:
    """ENVCHANGE: texts count characters, everything else bytes."""
    return _sized(_ENVIRONMENT, bytes([kind]) + _counted(new) + _counted(old))


def return_status(status: int) -> bytes:
    return struct.pack("<Bi", _RETURN_STATUS, status)


def return_value(ordinal: int, name: str, type: SqlType, value: Value) -> bytes:
    return (
        struct.pack("<BH", _RETURN_VALUE, ordinal)
        + short_text(name)
        + struct.pack("<BIH", 1, _user_type(type), _NULLABLE)
        + type_info(type)
        + encoder(type)(value)
    )


def login_ack(tds_version: int, product: str, version: tuple[int, int, int]) -> bytes:
    major, minor, build = version
    body = (
        b"\1"  # the interface: T-SQL
        + struct.pack(">I", tds_version)
        + short_text(product)
        + struct.pack(">BBH", major, minor, build)
    )
    return _sized(_LOGIN_ACK, body)


def features(acknowledged: Mapping[int, bytes]) -> bytes:
    """FEATUREEXTACK."""
    pieces = [struct.pack("<BI", feature, len(data)) + data for feature, data in acknowledged.items()]
    return bytes([_FEATURES]) + b"".join(pieces) + b"\xff"
