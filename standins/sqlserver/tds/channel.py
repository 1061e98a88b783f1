"""The socket of one client, in clear or inside TLS."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable
from typing import Final

from standins.sqlserver.tds.errors import Disconnected, ProtocolError

_CHUNK: Final = 65536
_RECORD_HEADER: Final = 5
_LARGEST_RECORD: Final = 16384 + 2048
#: Content types of TLS records: ChangeCipherSpec, alert, handshake, application data.
_RECORD_TYPES: Final = frozenset({0x14, 0x15, 0x16, 0x17})


class Channel:
    """Blocking bytes. A peer that is gone raises :class:`Disconnected`, whichever call notices."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._first_request_only = False

    def first_byte(self) -> int:
        """Looks at what the client begins with, without taking it."""
        try:
            first = self._socket.recv(1, socket.MSG_PEEK)
        except OSError as error:
            raise Disconnected(str(error)) from error
        if not first:
            raise Disconnected("closed before the first byte")
        return first[0]

    def receive(self) -> bytes:
        """At least one byte, blocking."""
        if self._tls is None or (self._first_request_only and self.first_byte() not in _RECORD_TYPES):
            return self._receive_raw()
        while True:
            if self._incoming.pending or self._tls.pending():  # asking OpenSSL in vain costs an exception
                plain = self._decrypt()
                if plain:
                    return plain
            self._incoming.write(self._receive_record() if self._first_request_only else self._receive_raw())

    def send(self, data: bytes) -> None:
        if self._tls is not None:
            try:
                written = self._tls.write(data)
                while written < len(data):
                    written += self._tls.write(memoryview(data)[written:])
            except ssl.SSLError as error:
                raise Disconnected(str(error)) from error
            data = self._outgoing.read()
        self._send_raw(data)

    def readable(self) -> bool:
        """True when the client sent something (or closed) that was not received yet; never blocks."""
        if self._tls is not None and (self._tls.pending() or self._incoming.pending):
            return True
        if hasattr(select, "poll"):  # select() cannot watch descriptors above 1023
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([self._socket], [], [], 0)[0])

    def start_tls(
        self,
        context: ssl.SSLContext,
        receive: Callable[[], bytes] | None = None,
        send: Callable[[bytes], None] | None = None,
    ) -> None:
        """The server's side of a handshake; TDS 7 carries it inside PRELOGIN packets, hence the two functions."""
        receive = receive or self._receive_raw
        send = send or self._send_raw
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        finished = False
        while not finished:
            self._incoming.write(receive())
            try:
                tls.do_handshake()
                finished = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                raise ProtocolError(f"TLS handshake: {error.reason}") from error
            answer = self._outgoing.read()
            if answer:
                send(answer)
        self._tls = tls

    def push_encrypted(self, data: bytes) -> None:
        """Bytes that were received before it was clear that they belong to TLS."""
        self._incoming.write(data)

    def encrypt_first_request_only(self) -> None:
        """Login-only encryption: read record by record, so that nothing sent in clear after it is swallowed."""
        self._first_request_only = True

    def end_tls(self) -> None:
        self._tls = None
        self._first_request_only = False

    def _decrypt(self) -> bytes:
        assert self._tls is not None
        try:
            plain = self._tls.read(_CHUNK)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError as error:
            raise Disconnected(str(error)) from error
        if not plain:
            raise Disconnected("TLS closed")
        if self._outgoing.pending:  # TLS 1.3 may answer by itself, to a change of keys
            self._send_raw(self._outgoing.read())
        return plain

    def _receive_raw(self) -> bytes:
        try:
            data = self._socket.recv(_CHUNK)
        except OSError as error:
            raise Disconnected(str(error)) from error
        if not data:
            raise Disconnected("closed by the client")
        return data

    def _receive_record(self) -> bytes:
        header = self._receive_exactly(_RECORD_HEADER)
        length = int.from_bytes(header[3:5], "big")
        if length > _LARGEST_RECORD:
            raise ProtocolError(f"TLS record of {length} bytes")
        return header + self._receive_exactly(length)

    def _receive_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                piece = self._socket.recv(count - len(data))
            except OSError as error:
                raise Disconnected(str(error)) from error
            if not piece:
                raise Disconnected("closed by the client")
            data += piece
        return data

    def _send_raw(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Disconnected(str(error)) from error
