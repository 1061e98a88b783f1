"""Messages: requests put together from packets, responses cut into packets, attention signals in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, Final, NamedTuple

from standins.sqlserver.contract import Cancelled
from standins.sqlserver.tds.channel import Channel
from standins.sqlserver.tds.errors import ProtocolError
from standins.sqlserver.tds.packets import Kind, Packet, PacketBuffer, Packetizer, Status

#: A response is sent in pieces of about this size, so a result costs no more memory than that.
FLUSH_AT: Final = 60_000
_POLL_INTERVAL: Final = 0.02
#: Of a request with many calls this much stays in memory, the rest waits for its turn in a file.
KEPT_IN_MEMORY: Final = 1 << 20


class Message(NamedTuple):
    """A whole request; ``status`` is that of its first packet, where a client asks for a reset.

    A request runs only when all of it has come: its sender may still withdraw it, and reads no answer before. ``rest``
    is what follows ``body`` where many calls in one request are too much for memory; whoever takes it closes it.
    """

    kind: int
    status: int
    body: bytes
    rest: IO[bytes] | None = None


class MessageStream:
    """The requests and responses of one connection."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.packetizer = Packetizer()
        self.attention = False
        self._buffer = PacketBuffer()
        self._last_poll = 0.0

    def read_packet(self) -> Packet:
        while (packet := self._buffer.next()) is None:
            self._buffer.feed(self.channel.receive())
        return packet

    def read_message(self, limit: int) -> Message | None:
        """The next request, or None for one its sender withdrew while sending it."""
        first = self.read_packet()
        if first.kind == Kind.BULK_LOAD:
            raise ProtocolError("bulk load without INSERT BULK")
        return self._assemble(first, limit)

    def read_request(self, limit: int) -> Message | Packet | None:
        """Like :meth:`read_message`, but a bulk load is returned as its first packet: rows are read as they come."""
        first = self.read_packet()
        return first if first.kind == Kind.BULK_LOAD else self._assemble(first, limit)

    def _assemble(self, first: Packet, limit: int) -> Message | None:
        if first.status & Status.END_OF_MESSAGE:
            return None if first.status & Status.IGNORE else Message(first.kind, first.status, first.body)
        pieces, size, packet = [first.body], len(first.body), first
        kept = KEPT_IN_MEMORY if first.kind == Kind.RPC else limit
        rest: IO[bytes] | None = None
        complete = False
        try:
            while not packet.is_last:
                packet = self.read_packet()
                if packet.kind == Kind.ATTENTION:
                    return Message(Kind.ATTENTION, packet.status, b"")
                if packet.kind != first.kind:
                    raise ProtocolError(f"packet type {packet.kind} inside a message of type {first.kind}")
                size += len(packet.body)
                if size > limit:
                    raise ProtocolError(f"request of more than {limit} bytes")
                if size <= kept:
                    pieces.append(packet.body)
                    continue
                if rest is None:
                    rest = TemporaryFile()  # noqa: SIM115 -- closed below, or by who runs the request
                rest.write(packet.body)
            complete = not packet.status & Status.IGNORE
        finally:
            if rest is not None and not complete:
                rest.close()
        if not complete:
            return None
        if rest is not None:
            rest.seek(0)
        return Message(first.kind, first.status, b"".join(pieces), rest)

    def rest_of(self, first: Packet) -> Iterator[bytes]:
        """The bodies of a message one by one; an attention in between raises :class:`Cancelled`."""
        packet = first
        yield packet.body
        while not packet.is_last:
            packet = self.read_packet()
            if packet.kind == Kind.ATTENTION:
                self.attention = True
                raise Cancelled("attention")
            if packet.kind != first.kind:
                raise ProtocolError(f"packet type {packet.kind} inside a message of type {first.kind}")
            yield packet.body
        if packet.status & Status.IGNORE:
            raise Cancelled("request withdrawn")

    def take_back_for_tls(self) -> None:
        """What followed the last handshake packet in the same segment is encrypted already."""
        rest = self._buffer.take_rest()
        if rest:
            self.channel.push_encrypted(rest)

    def poll_attention(self, *, now: bool = False) -> bool:
        """True once the client sent an attention signal. Looks at the socket a few dozen times a second at most."""
        if self.attention:
            return True
        moment = time.monotonic()
        if not now and moment - self._last_poll < _POLL_INTERVAL:
            return False
        self._last_poll = moment
        while not self.attention and (not self._buffer.is_empty or self.channel.readable()):
            packet = self._buffer.next()
            if packet is None:
                if not self.channel.readable():
                    break
                self._buffer.feed(self.channel.receive())
            elif packet.kind == Kind.ATTENTION:
                self.attention = True
            else:
                raise ProtocolError("a request before the response to the last one was complete")
        return self.attention


class Response:
    """A response under construction. What does not fit into a piece of memory is on its way already."""

    def __init__(self, stream: MessageStream) -> None:
        self.data = bytearray()
        self._stream = stream
        self.last_sent = time.monotonic()

    def flush_full(self) -> None:
        self._send(self._stream.packetizer.whole(self.data))

    def flush_all(self) -> None:
        if self.data:
            self._send(self._stream.packetizer.partial(self.data))

    def finish(self) -> None:
        self._send(self._stream.packetizer.finished(self.data))

    def _send(self, packets: bytes) -> None:
        if packets:
            self._stream.channel.send(packets)
            self.last_sent = time.monotonic()
