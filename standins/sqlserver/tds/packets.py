"""TDS packets [MS-TDS 2.2.3.1]: an 8-byte header in network byte order, then part of a message."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from standins.sqlserver.tds.errors import ProtocolError

HEADER_SIZE: Final = 8
DEFAULT_SIZE: Final = 4096
#: Limits of the "network packet size" option of SQL Server.
SMALLEST_SIZE: Final = 512
LARGEST_SIZE: Final = 32767

_HEADER = struct.Struct(">BBHHBB")


class Kind:
    """Packet types. Plain integers: they are compared for every packet."""

    BATCH: Final = 1
    RPC: Final = 3
    RESPONSE: Final = 4
    ATTENTION: Final = 6
    BULK_LOAD: Final = 7
    TRANSACTION: Final = 14
    LOGIN: Final = 16
    PRELOGIN: Final = 18

    ALL: Final = frozenset({BATCH, RPC, RESPONSE, ATTENTION, BULK_LOAD, 8, TRANSACTION, LOGIN, 17, PRELOGIN})


class Status:
    """Bits of the status byte."""

    END_OF_MESSAGE: Final = 0x01
    IGNORE: Final = 0x02
    RESET: Final = 0x08
    RESET_KEEP_TRANSACTION: Final = 0x10


class Packet(NamedTuple):
    kind: int
    status: int
    body: bytes

    @property
    def is_last(self) -> bool:
        return bool(self.status & Status.END_OF_MESSAGE)


class PacketBuffer:
    """Cuts a stream of bytes into packets."""

    def __init__(self) -> None:
        self._data = b""
        self._at = 0

    def feed(self, data: bytes) -> None:
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    def next(self) -> Packet | None:
        """The next whole packet, or None until more bytes are fed."""
        data, at = self._data, self._at
        there = len(data) - at
        if there < HEADER_SIZE:
            if there and data[at] not in Kind.ALL:
                raise ProtocolError(f"packet type {data[at]:#x} does not exist")
            return None
        kind, status, length, _, _, _ = _HEADER.unpack_from(data, at)
        if kind not in Kind.ALL:
            raise ProtocolError(f"packet type {kind:#x} does not exist")
        if not HEADER_SIZE <= length <= LARGEST_SIZE:
            raise ProtocolError(f"packet length {length} is out of bounds")
        if there < length:
            return None
        self._at = at + length
        return Packet(kind, status, data[at + HEADER_SIZE : at + length])

    def take_rest(self) -> bytes:
        """Bytes that do not belong to a packet after all, because TLS begins with them."""
        rest = self._data[self._at :]
        self._data, self._at = b"", 0
        return rest

    @property
    def is_empty(self) -> bool:
        return self._at >= len(self._data)


class Packetizer:
    """Cuts the messages of one connection into packets and numbers them."""

    def __init__(self, kind: int = Kind.RESPONSE) -> None:
        self.size = DEFAULT_SIZE
        self.process_id = 0
        self._kind = kind
        self._number = 1

    @property
    def room(self) -> int:
        """Bytes of a message that fit into one packet."""
        return self.size - HEADER_SIZE

    def whole(self, message: bytearray) -> bytes:
        """The full packets of an unfinished message; they are removed from it, at least one byte stays."""
        room = self.room
        count = (len(message) - 1) // room
        if count <= 0:
            return b""
        packets = self._cut(message, count * room, end=False)
        del message[: count * room]
        return packets

    def partial(self, message: bytearray) -> bytes:
        """All that is there of an unfinished message, in a short packet if need be."""
        packets = self._cut(message, len(message), end=False)
        message.clear()
        return packets

    def finished(self, message: bytearray) -> bytes:
        """The rest of a message; its last packet says so, and the next message is numbered from 1."""
        if len(message) <= self.size - HEADER_SIZE:  # most answers are one packet
            head = (self._kind, Status.END_OF_MESSAGE, len(message) + HEADER_SIZE, self.process_id & 0xFFFF)
            packet = _HEADER.pack(*head, self._number & 0xFF, 0) + message
            message.clear()
            self._number = 1
            return packet
        packets = self._cut(message, len(message), end=True)
        message.clear()
        self._number = 1
        return packets

    def _cut(self, message: bytearray, length: int, *, end: bool) -> bytes:
        room, pieces = self.room, list[bytes | memoryview]()
        with memoryview(message) as view:
            for at in range(0, max(length, 1 if end else 0), room):
                piece = view[at : min(at + room, length)]
                status = Status.END_OF_MESSAGE if end and at + room >= length else 0
                pieces.append(
                    _HEADER.pack(
                        self._kind, status, len(piece) + HEADER_SIZE, self.process_id & 0xFFFF, self._number & 0xFF, 0
                    )
                )
                pieces.append(piece)
                self._number += 1
            packets = b"".join(pieces)
            for piece in pieces:
                if isinstance(piece, memoryview):
                    piece.release()
        return packets
