"""The bodies of requests: batches, remote procedure calls, transaction requests and bulk loads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from standins.sqlserver.contract import Column, Parameter, ProcedureCall, TransactionRequest, Value
from standins.sqlserver.tds.decode import Decoder, WireType, read_type
from standins.sqlserver.tds.errors import ProtocolError, unsupported
from standins.sqlserver.tds.reader import Reader
from standins.sqlserver.tds.wiretypes import decode_utf16

#: Numbers that stand for procedure names [MS-TDS 2.2.6.6, ProcID].
WELL_KNOWN: Final = {
    1: "sp_cursor",
    2: "sp_cursoropen",
    3: "sp_cursorprepare",
    4: "sp_cursorexecute",
    5: "sp_cursorprepexec",
    6: "sp_cursorunprepare",
    7: "sp_cursorfetch",
    8: "sp_cursoroption",
    9: "sp_cursorclose",
    10: "sp_executesql",
    11: "sp_prepare",
    12: "sp_execute",
    13: "sp_prepexec",
    14: "sp_prepexecrpc",
    15: "sp_unprepare",
}
_TRANSACTION_HEADER: Final = 2
#: Bytes of a long request that are read from its file at once.
_PIECE: Final = 1 << 16
_BY_NUMBER: Final = 0xFFFF
_NEXT_CALL: Final = 0xFF
_NEXT_CALL_NOT_EXECUTED: Final = 0xFE
_BY_REFERENCE: Final = 0x01
_DEFAULT_VALUE: Final = 0x02
_ENCRYPTED: Final = 0x08

_COLUMNS_TOKEN: Final = 0x81
_ROW: Final = 0xD1
_BITMAP_ROW: Final = 0xD2
_DONE: Final = 0xFD
_NO_COLUMNS: Final = 0xFFFF


def after_headers(body: bytes) -> int:
    """Where a request begins behind ALL_HEADERS [MS-TDS 2.2.5.3]; without MARS they say nothing new."""
    total = int.from_bytes(body[:4], "little")
    if not 4 <= total <= len(body):
        raise ProtocolError(f"headers of {total} bytes in a request of {len(body)}")
    at = 4
    while at < total:
        length = int.from_bytes(body[at : at + 4], "little")
        if length < 6 or at + length > total:
            raise ProtocolError("a header that does not end inside the headers")
        at += length
    return total


def in_transaction(body: bytes) -> bool:
    """True when the transaction descriptor header names a transaction."""
    at, total = 4, after_headers(body)
    while at < total:
        length = int.from_bytes(body[at : at + 4], "little")
        if int.from_bytes(body[at + 4 : at + 6], "little") == _TRANSACTION_HEADER:
            return any(body[at + 6 : at + 14])
        at += length
    return False


def parse_batch(body: bytes) -> str:
    text = body[after_headers(body) :]
    if len(text) % 2:
        raise ProtocolError("half a UTF-16 character")
    return decode_utf16(text)


def read_calls(body: bytes, rest: IO[bytes] | None = None) -> Iterator[ProcedureCall]:
    """The calls of an RPC request, one at a time; ``rest`` follows ``body``.

    A parameter type this server refuses raises :class:`SqlServerError`, after the calls before it.
    """
    more = None if rest is None else lambda: rest.read(_PIECE)
    reader = Reader(body, after_headers(body), more)
    while not reader.at_end:
        call = _parse_call(reader)
        if reader.at_end or reader.u8() == _NEXT_CALL:
            yield call


def _parse_call(reader: Reader) -> ProcedureCall:
    length = reader.u16()
    if length == _BY_NUMBER:
        number = reader.u16()
        if number not in WELL_KNOWN:
            raise ProtocolError(f"procedure number {number} does not exist")
        name = WELL_KNOWN[number]
    else:
        name = reader.text(length)
    reader.u16()  # options: recompile, no metadata, reuse metadata
    parameters: list[Parameter] = []
    while reader.peek() not in (-1, _NEXT_CALL, _NEXT_CALL_NOT_EXECUTED):
        parameter = _parse_parameter(reader)
        if parameter is not None:
            parameters.append(parameter)
    return ProcedureCall(name, parameters)


def _parse_parameter(reader: Reader) -> Parameter | None:
    """None for a named parameter that asks for its default: the procedure sees it as not given."""
    name, status = reader.short_text(), reader.u8()
    if status & _ENCRYPTED:
        raise unsupported("An encrypted parameter")
    wire_type = read_type(reader)
    value = wire_type.read(reader)
    if status & _DEFAULT_VALUE and name:
        return None
    return Parameter(name, wire_type.type, value, bool(status & _BY_REFERENCE))


@dataclass(frozen=True, slots=True)
class TransactionCommand:
    """One transaction manager request; ``then_begin`` is the isolation level of a transaction to begin at once."""

    request: TransactionRequest
    name: str = ""
    isolation: int = 0
    then_begin: tuple[str, int] | None = None


def parse_transaction(body: bytes) -> TransactionCommand:
    reader = Reader(body, after_headers(body))
    number = reader.u16()
    try:
        request = TransactionRequest(number)
    except ValueError:
        raise unsupported(f"Transaction manager request {number} (distributed transactions)") from None
    if request is TransactionRequest.BEGIN:
        isolation = reader.u8()
        return TransactionCommand(request, _transaction_name(reader), isolation)
    name = "" if reader.at_end else _transaction_name(reader)
    if request is TransactionRequest.SAVE or reader.at_end or not reader.u8() & 1:
        return TransactionCommand(request, name)
    isolation = reader.u8()
    return TransactionCommand(request, name, then_begin=(_transaction_name(reader), isolation))


def _transaction_name(reader: Reader) -> str:
    """Its length counts bytes, unlike everywhere else (as Microsoft's SqlClient writes it)."""
    length = reader.u8()
    if length % 2:
        raise ProtocolError("half a UTF-16 character")
    return reader.text(length // 2)


@dataclass(frozen=True, slots=True)
class BulkColumn:
    column: Column
    wire_type: WireType


def read_bulk_columns(reader: Reader) -> list[BulkColumn]:
    """COLMETADATA at the head of a bulk load."""
    if reader.u8() != _COLUMNS_TOKEN:
        raise ProtocolError("bulk load without column descriptions")
    count = reader.u16()
    if count == _NO_COLUMNS:
        return []
    columns: list[BulkColumn] = []
    for _ in range(count):
        reader.u32()
        flags = reader.u16()
        wire_type = read_type(reader)
        if wire_type.large:
            for _ in range(reader.u8()):
                reader.text(reader.u16())
        columns.append(BulkColumn(Column(reader.short_text(), wire_type.type, bool(flags & 1)), wire_type))
    return columns


def read_bulk_rows(reader: Reader, columns: list[BulkColumn]) -> Iterator[list[Value]]:
    """Row after row as they arrive."""
    readers = [_behind_pointer(c.wire_type) if c.wire_type.large else c.wire_type.read for c in columns]
    bitmap_length = (len(columns) + 7) // 8
    while not reader.at_end:
        token = reader.u8()
        if token == _ROW:
            yield [read(reader) for read in readers]
        elif token == _BITMAP_ROW:
            nulls = int.from_bytes(reader.take(bitmap_length), "little")
            yield [None if nulls >> i & 1 else read(reader) for i, read in enumerate(readers)]
        elif token == _DONE:
            return  # mssql-python writes it with a row count of four bytes instead of eight; nothing follows it anyway
        else:
            raise ProtocolError(f"token {token:#x} in a bulk load")


def _behind_pointer(wire_type: WireType) -> Decoder:
    def read(reader: Reader) -> Value:
        length = reader.u8()
        if not length:
            return None
        reader.take(length + 8)
        return wire_type.read(reader)

    return read
