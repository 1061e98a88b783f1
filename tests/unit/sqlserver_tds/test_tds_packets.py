from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.sqlserver.tds.errors import ProtocolError
from standins.sqlserver.tds.packets import HEADER_SIZE, Kind, Packet, PacketBuffer, Packetizer

bodies = st.binary(max_size=3000)
sizes = st.integers(512, 2000)


def packets_in(data: bytes, pieces: int = 1) -> list[Packet]:
    buffer, found = PacketBuffer(), list[Packet]()
    step = max(1, len(data) // pieces)
    for at in range(0, len(data), step):
        buffer.feed(data[at : at + step])
        while (packet := buffer.next()) is not None:
            found.append(packet)
    assert buffer.is_empty
    return found


@given(body=bodies, size=sizes, pieces=st.integers(1, 50))
def test_a_message_survives_being_cut_into_packets_and_segments(body: bytes, size: int, pieces: int) -> None:
    packetizer = Packetizer()
    packetizer.size = size
    packets = packets_in(packetizer.finished(bytearray(body)), pieces)
    assert b"".join(p.body for p in packets) == body
    assert [p.is_last for p in packets] == [False] * (len(packets) - 1) + [True]
    assert all(len(p.body) + HEADER_SIZE == size for p in packets[:-1])


@given(body=st.binary(min_size=1, max_size=6000), size=sizes)
def test_the_full_packets_of_an_unfinished_message_leave_something_for_the_last(body: bytes, size: int) -> None:
    packetizer, message = Packetizer(), bytearray(body)
    packetizer.size = size
    sent = packetizer.whole(message)
    assert 1 <= len(message) <= packetizer.room
    packets = packets_in(sent) if sent else []
    assert b"".join(p.body for p in packets) + bytes(message) == body
    assert not any(p.is_last for p in packets)


def test_packets_are_numbered_from_one_within_each_message() -> None:
    packetizer = Packetizer()
    packetizer.size = 512
    for _ in range(2):
        data = packetizer.finished(bytearray(1200))
        assert [data[at + 6] for at in (0, 512, 1024)] == [1, 2, 3]


@given(data=st.binary(max_size=200))
def test_garbage_is_a_protocol_error_or_a_wait_for_more(data: bytes) -> None:
    buffer = PacketBuffer()
    buffer.feed(data)
    try:
        while buffer.next() is not None:
            pass
    except ProtocolError:
        pass


@pytest.mark.parametrize("length", [0, 7, 32768, 65535])
def test_a_length_no_packet_can_have_is_refused(length: int) -> None:
    buffer = PacketBuffer()
    buffer.feed(struct.pack(">BBHHBB", Kind.BATCH, 1, length, 0, 1, 0))
    with pytest.raises(ProtocolError, match="out of bounds"):
        buffer.next()


def test_a_stranger_is_recognised_by_its_first_byte() -> None:
    buffer = PacketBuffer()
    buffer.feed(b"G")
    with pytest.raises(ProtocolError, match="0x47"):
        buffer.next()
