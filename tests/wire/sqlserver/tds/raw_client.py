"""A TDS client of a few dozen lines, for what no driver does on purpose."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.wire.sqlserver.drivers import Address

BATCH, RPC, RESPONSE, ATTENTION, BULK, TRANSACTION, LOGIN, PRELOGIN = 1, 3, 4, 6, 7, 14, 16, 18
END = 1
#: Headers of a request outside a transaction: one transaction descriptor.
HEADERS = struct.pack("<IIHQI", 22, 18, 2, 0, 1)
NO_ENCRYPTION = bytes.fromhex("00000b0006 0100110001 ff 000000000000 02")


def packet(kind: int, body: bytes, status: int = END) -> bytes:
    return struct.pack(">BBHHBB", kind, status, len(body) + 8, 0, 1, 0) + body


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of one response message."""

    body: bytes

    @property
    def done_status(self) -> int:
        """Status bits of the DONE at its end."""
        return struct.unpack("<H", self.body[-12:-10])[0]


class RawClient:
    def __init__(self, address: Address, timeout: float = 10) -> None:
        self.address = address
        self.socket = socket.create_connection((address.host, address.port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def send(self, kind: int, body: bytes, status: int = END) -> None:
        self.socket.sendall(packet(kind, body, status))

    def receive(self) -> Answer:
        """One message; raises ``ConnectionError`` when the server closed."""
        body = b""
        while True:
            header = self._exactly(8)
            body += self._exactly(int.from_bytes(header[2:4], "big") - 8)
            if header[1] & END:
                return Answer(body)

    def is_closed(self) -> bool:
        """Waits for the server to close; anything it says before counts as not closed."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def log_in(self, **changes: int | str) -> Answer:
        self.send(PRELOGIN, NO_ENCRYPTION)
        self.receive()
        self.send(LOGIN, login_body(self.address, **changes))
        return self.receive()

    def batch(self, text: str, status: int = END) -> Answer:
        self.send(BATCH, HEADERS + utf16(text), status)
        return self.receive()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("closed by the server")
            data += piece
        return data


def login_body(address: Address, **changes: int | str) -> bytes:
    """LOGIN7 with the fields a client must send; ``changes`` replace some of them."""
    fields: Sequence[str] = (
        "host",
        str(changes.get("user", address.user)),
        str(changes.get("password", address.password)),
        "raw client",
        "server",
        "",
        "library",
        "",
        str(changes.get("database", "")),
    )
    offset, table, data = 94, b"", b""
    for index, text in enumerate(fields):
        raw = utf16(text)
        if index == 2:
            raw = bytes(((b >> 4 | b << 4) & 0xFF) ^ 0xA5 for b in raw)
        table += struct.pack("<HH", offset + len(data), len(text))
        data += raw
    table += bytes(6) + bytes(16)
    version, size = int(changes.get("version", 0x74000004)), int(changes.get("packet_size", 4096))
    flags = bytes([0xE0, int(changes.get("flags2", 3)), 0, 0])
    head = struct.pack("<6I", 94 + len(data), version, size, 7, 1234, 0) + flags + struct.pack("<iI", 0, 0x409)
    return head + table + data
