"""The order of tokens and their status bits, without a socket."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from standins.sqlserver.contract import Cancelled, Column, Parameter, ProcedureCall, SqlServerError, SqlType
from standins.sqlserver.tds.channel import Channel
from standins.sqlserver.tds.errors import Disconnected
from standins.sqlserver.tds.messages import MessageStream
from standins.sqlserver.tds.packets import Kind
from standins.sqlserver.tds.sink import TokenSink

INT = SqlType("int")
DONE, PROCEDURE, IN_PROCEDURE = 0xFD, 0xFE, 0xFF
MORE, ERROR, COUNT, ATTENTION = 1, 2, 0x10, 0x20


@dataclass
class FakeChannel:
    """Collects what is sent; hands out ``incoming`` when it is polled."""

    sent: bytearray = field(default_factory=bytearray)
    incoming: list[bytes] = field(default_factory=list[bytes])

    def send(self, data: bytes) -> None:
        self.sent += data

    def readable(self) -> bool:
        return bool(self.incoming)

    def receive(self) -> bytes:
        return self.incoming.pop(0)

    def messages(self) -> list[bytes]:
        """Bodies of the messages that were sent, put together from their packets."""
        found, body, at = list[bytes](), b"", 0
        while at < len(self.sent):
            status, length = self.sent[at + 1], int.from_bytes(self.sent[at + 2 : at + 4], "big")
            body += bytes(self.sent[at + 8 : at + length])
            at += length
            if status & 1:
                found.append(body)
                body = b""
        return found


@pytest.fixture
def channel() -> FakeChannel:
    return FakeChannel()


@pytest.fixture
def stream(channel: FakeChannel) -> MessageStream:
    return MessageStream(cast("Channel", channel))


def sink(stream: MessageStream, **options: Any) -> TokenSink:
    return TokenSink(stream, "server", lambda: False, **options)


def dones(body: bytes) -> list[tuple[int, int, int]]:
    """(kind, status, count) of every DONE in a body without rows."""
    found, at = list[tuple[int, int, int]](), 0
    while at < len(body):
        token = body[at]
        if token in (DONE, PROCEDURE, IN_PROCEDURE):
            status, _, count = struct.unpack_from("<HHQ", body, at + 1)
            found.append((token, status, count))
            at += 13
        elif token == 0x79:
            at += 5
        else:
            at += 3 + int.from_bytes(body[at + 1 : at + 3], "little")
    return found


def test_only_the_last_done_says_that_nothing_follows(stream: MessageStream, channel: FakeChannel) -> None:
    out = sink(stream)
    for count in (1, 2, None):
        out.done(count)
    out.finish()
    assert dones(channel.messages()[0]) == [(DONE, MORE | COUNT, 1), (DONE, MORE | COUNT, 2), (DONE, 0, 0)]


def test_a_response_without_a_word_of_the_engine_is_one_done(stream: MessageStream, channel: FakeChannel) -> None:
    out = sink(stream)
    out.finish()
    assert dones(channel.messages()[0]) == [(DONE, 0, 0)]


def test_an_error_closes_its_statement_and_the_next_statement_has_its_own_done(
    stream: MessageStream, channel: FakeChannel
) -> None:
    out = sink(stream)
    out.error(SqlServerError(8134, "Divide by zero error encountered."))
    out.done(None)  # says nothing the error did not say
    out.done(5)
    out.finish()
    assert dones(channel.messages()[0]) == [(DONE, MORE | ERROR, 0), (DONE, COUNT, 5)]


def test_a_call_ends_with_its_own_done(stream: MessageStream, channel: FakeChannel) -> None:
    out = sink(stream, in_procedure=True)
    for number in (1, 2):
        out.begin_call(ProcedureCall("p", []))
        out.done(number)
        out.return_status(0)
        out.end_call()
    out.finish()
    assert dones(channel.messages()[0]) == [
        (IN_PROCEDURE, MORE | COUNT, 1),
        (PROCEDURE, MORE, 0),
        (IN_PROCEDURE, MORE | COUNT, 2),
        (PROCEDURE, 0, 0),
    ]


def test_a_procedure_inside_a_batch_ends_with_its_own_done(stream: MessageStream, channel: FakeChannel) -> None:
    out = sink(stream)
    out.done(3)
    out.return_status(0)
    out.finish()
    assert dones(channel.messages()[0]) == [(DONE, MORE | COUNT, 3), (PROCEDURE, 0, 0)]


def test_output_parameters_carry_the_position_they_have_in_the_call(
    stream: MessageStream, channel: FakeChannel
) -> None:
    out = sink(stream, in_procedure=True)
    out.begin_call(
        ProcedureCall(
            "p",
            [
                Parameter("@in", INT, 1),
                Parameter("@first", INT, None, output=True),
                Parameter("", INT, None, output=True),
            ],
        )
    )
    out.return_value("@FIRST", INT, 1)
    out.return_value("", INT, 2)
    out.end_call()
    out.finish()
    body = channel.messages()[0]
    assert body[:3] == b"\xac\1\0"
    second = body.index(b"\xac\2\0")
    assert body[second + 3] == 0


def test_rows_are_sent_while_they_are_made(stream: MessageStream, channel: FakeChannel) -> None:
    out = sink(stream)
    out.columns([Column("a", SqlType("nvarchar", 4000))])
    for _ in range(20):
        out.row(["x" * 4000])
    assert len(channel.sent) > 60_000
    out.done(20, select=True)
    out.finish()
    assert channel.messages()[0][-13:] == struct.pack("<BHHQ", DONE, COUNT, 0xC1, 20)


def test_an_attention_among_the_rows_stops_the_engine(stream: MessageStream, channel: FakeChannel) -> None:
    out = sink(stream)
    out.columns([Column("a", SqlType("nvarchar", 4000))])
    channel.incoming.append(bytes([Kind.ATTENTION, 1, 0, 8, 0, 0, 1, 0]))

    def stream_rows() -> None:
        while True:
            out.row(["x" * 4000])

    with pytest.raises(Cancelled):
        stream_rows()
    assert out.cancelled()
    out.finish_cancelled()
    out.acknowledge_attention()
    cut, acknowledged = channel.messages()
    assert dones(cut[-13:]) == [(DONE, ERROR, 0)]
    assert dones(acknowledged) == [(DONE, ATTENTION, 0)]


def test_a_request_before_the_response_is_complete_counts_as_a_lost_client(
    stream: MessageStream, channel: FakeChannel
) -> None:
    out = sink(stream)
    out.columns([Column("a", SqlType("nvarchar", 4000))])
    channel.incoming.append(bytes([Kind.BATCH, 1, 0, 8, 0, 0, 1, 0]))

    def stream_rows() -> None:
        while True:
            out.row(["x" * 4000])

    with pytest.raises(Disconnected):
        stream_rows()


def test_a_row_that_cannot_be_sent_leaves_the_stream_whole(stream: MessageStream, channel: FakeChannel) -> None:
    out = sink(stream)
    out.columns([Column("a", INT), Column("b", INT)])
    with pytest.raises(SqlServerError, match="'b'"):
        out.row([1, "x"])
    out.error(SqlServerError(50000, "refused"))
    out.finish()
    body = channel.messages()[0]
    assert b"\xd1" not in body
    assert dones(body[-13:]) == [(DONE, ERROR, 0)]
