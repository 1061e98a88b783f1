"""Requests that drivers send rarely, byte by byte."""

from __future__ import annotations

import struct

import pytest

from tests.wire.sqlserver.drivers import MICROSOFT, Address, Driver, each
from tests.wire.sqlserver.tds.raw_client import BATCH, BULK, END, HEADERS, RPC, TRANSACTION, RawClient, utf16

RESET, RESET_KEEPING_TRANSACTION = 0x08, 0x10
IN_TRANSACTION = struct.pack("<IIHQI", 22, 18, 2, 7, 1)
INT = b"\x26\x04"
NVARCHAR_10 = b"\xe7\x14\x00" + bytes(5)


def has_environment(body: bytes, kind: int) -> bool:
    at = 0
    while (at := body.find(b"\xe3", at)) != -1:
        if at + 3 < len(body) and body[at + 3] == kind:
            return True
        at += 1
    return False


def rows(body: bytes, column: int = 0) -> int:
    """The int in a column of the only row of ``spid``."""
    at = body.index(b"\xd1") + 1 + column * 5
    return int.from_bytes(body[at + 1 : at + 5], "little")


def test_a_reset_comes_before_the_request_and_is_acknowledged(address: Address) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.batch("use other")
        answer = client.batch("spid", status=END | RESET)
        assert rows(answer.body, 1) == 1
        assert utf16("other") not in answer.body
        assert has_environment(answer.body, 18)


def test_a_reset_may_keep_the_open_transaction(address: Address) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.send(BATCH, IN_TRANSACTION + utf16("spid"), END | RESET_KEEPING_TRANSACTION)
        answer = client.receive()
        assert rows(answer.body, 1) == 0
        assert has_environment(answer.body, 18)
        client.send(BATCH, HEADERS + utf16("spid"), END | RESET_KEEPING_TRANSACTION)
        assert rows(client.receive().body, 1) == 1


@pytest.mark.parametrize(
    ("request_body", "kinds"),
    [
        pytest.param(struct.pack("<HBB", 5, 2, 0), [8], id="begin"),
        pytest.param(struct.pack("<HBB", 7, 0, 0), [9], id="commit"),
        pytest.param(struct.pack("<HBBBB", 7, 0, 1, 2, 0), [9, 8], id="commit-and-begin"),
        pytest.param(struct.pack("<HB", 8, 4) + utf16("t1") + b"\0", [10], id="roll-back-by-name"),
        pytest.param(struct.pack("<HB", 9, 4) + utf16("s1"), [], id="save"),
    ],
)
def test_transaction_requests(address: Address, request_body: bytes, kinds: list[int]) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.send(TRANSACTION, HEADERS + request_body)
        answer = client.receive()
        assert answer.done_status == 0
        assert [kind for kind in (8, 9, 10) if has_environment(answer.body, kind)] == sorted(kinds)


def test_distributed_transactions_are_refused_by_number(address: Address) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.send(TRANSACTION, HEADERS + struct.pack("<H", 1) + b"\0\0")
        answer = client.receive()
        assert answer.done_status & 2
        assert utf16("not supported") in answer.body
        assert client.batch("count 1").done_status == 0x10


def procedure(name: str, parameters: bytes = b"") -> bytes:
    return struct.pack("<H", len(name)) + utf16(name) + b"\0\0" + parameters


def test_a_table_valued_parameter_is_refused_by_number_and_nothing_breaks(address: Address) -> None:
    table = b"\2" + utf16("@t") + b"\0" + b"\xf3" + b"\0\0\4" + utf16("Keys") + b"\xff\xff\0\0"
    with RawClient(address) as client:
        client.log_in()
        client.send(RPC, HEADERS + procedure("p", table))
        answer = client.receive()
        assert utf16("table-valued parameter is not supported") in answer.body
        assert client.batch("count 1").done_status == 0x10


def test_a_failing_procedure_among_joined_calls_does_not_hide_the_others(address: Address) -> None:
    parameter = b"\2" + utf16("@x") + b"\0" + INT + b"\4" + struct.pack("<i", 77)
    calls = [procedure("sp_failing"), procedure("sp_execute", b"\0\0" + INT + b"\4\1\0\0\0" + parameter)]
    with RawClient(address) as client:
        client.log_in()
        client.send(RPC, HEADERS + b"\xff".join(calls))
        body = client.receive().body
        assert utf16("The procedure failed.") in body
        assert b"\xd1\4" + struct.pack("<i", 77) in body
        assert body.count(b"\xfe") == 2


def bulk(rows: int, *, broken: bool = False) -> bytes:
    columns = struct.pack("<BH", 0x81, 2)
    columns += struct.pack("<IH", 0, 1) + INT + b"\1" + utf16("a")
    columns += struct.pack("<IH", 0, 1) + NVARCHAR_10 + b"\1" + utf16("b")
    text = utf16("x")
    row = b"\xd1\4" + struct.pack("<i", 5) + struct.pack("<H", len(text)) + text
    nulls = b"\xd2\2" + b"\4" + struct.pack("<i", 6)
    return columns + (row + nulls) * (rows // 2) + (b"\x55" if broken else b"\xfd" + bytes(12))


def test_rows_of_a_bulk_load_reach_the_engine_over_many_packets(address: Address) -> None:
    with RawClient(address) as client:
        client.log_in()
        before = rows(client.batch("loaded").body)
        body = bulk(1000)
        pieces = [body[at : at + 4088] for at in range(0, len(body), 4088)]
        for piece in pieces[:-1]:
            client.send(BULK, piece, status=0)
        client.send(BULK, pieces[-1])
        assert client.receive().done_status == 0x10
        assert rows(client.batch("loaded").body) == before + 1000


def test_a_bulk_load_that_is_no_bulk_load_closes_the_connection(address: Address) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.send(BULK, bulk(2, broken=True))
        assert client.is_closed()


@each(MICROSOFT)
def test_the_server_side_of_autocommit_off(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection:
        connection.autocommit = False
        connection.execute("begin")
        connection.commit()
        connection.rollback()
