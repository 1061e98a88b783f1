from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.sqlserver.contract import SqlServerError, SqlType, TransactionRequest
from standins.sqlserver.tds import requests
from standins.sqlserver.tds.encode import encoder
from standins.sqlserver.tds.errors import ProtocolError
from standins.sqlserver.tds.login import parse_login
from standins.sqlserver.tds.prelogin import Encryption, build_prelogin, parse_prelogin, wanted_encryption
from standins.sqlserver.tds.reader import Reader
from standins.sqlserver.tds.wiretypes import type_info

HEADERS = struct.pack("<IIHQI", 22, 18, 2, 0, 1)
IN_TRANSACTION = struct.pack("<IIHQI", 22, 18, 2, 9, 1)


def parameter(name: str, sql_type: SqlType, value: object, status: int = 0) -> bytes:
    encoded = type_info(sql_type) + encoder(sql_type)(value)
    return bytes([len(name)]) + name.encode("utf-16-le") + bytes([status]) + encoded


@given(st.text())
def test_the_text_of_a_batch(text: str) -> None:
    assert requests.parse_batch(HEADERS + text.encode("utf-16-le", "surrogatepass")) == text


def test_whether_a_request_runs_inside_a_transaction() -> None:
    assert not requests.in_transaction(HEADERS)
    assert requests.in_transaction(IN_TRANSACTION)


def test_calls_by_name_and_by_number_joined_in_one_request() -> None:
    by_number = struct.pack("<HHH", 0xFFFF, 13, 0) + parameter("@handle", SqlType("int"), None, status=1)
    by_name = struct.pack("<H", 4) + "sp_x".encode("utf-16-le") + b"\0\0" + parameter("", SqlType("nvarchar", 5), "Ж")
    not_executed = struct.pack("<HHH", 0xFFFF, 15, 0)
    calls = list(
        requests.read_calls(HEADERS + by_number + b"\xff" + by_name + b"\xff" + not_executed + b"\xfe" + by_name)
    )
    assert [c.procedure for c in calls] == ["sp_prepexec", "sp_x", "sp_x"]
    assert calls[0].parameters[0].output
    assert calls[1].parameters[0].value == "Ж"


def test_a_named_parameter_that_asks_for_its_default_is_left_out() -> None:
    body = struct.pack("<H", 1) + "p".encode("utf-16-le") + b"\0\0" + parameter("@a", SqlType("int"), None, status=2)
    assert next(requests.read_calls(HEADERS + body)).parameters == []


@pytest.mark.parametrize("token", [0xF3, 0xF0])
def test_table_valued_and_clr_parameters_are_refused_with_a_number(token: int) -> None:
    body = struct.pack("<H", 1) + "p".encode("utf-16-le") + b"\0\0" + b"\0\0" + bytes([token]) + bytes(20)
    with pytest.raises(SqlServerError, match="not supported"):
        list(requests.read_calls(HEADERS + body))


def test_a_commit_that_begins_the_next_transaction() -> None:
    command = requests.parse_transaction(HEADERS + struct.pack("<HBBBB", 7, 0, 1, 4, 0))
    assert command.request is TransactionRequest.COMMIT
    assert command.then_begin == ("", 4)


@pytest.mark.parametrize("rest_of_done", [8, 12])
def test_rows_of_a_bulk_load_are_read_while_they_arrive(rest_of_done: int) -> None:
    head = struct.pack("<BH", 0x81, 1) + struct.pack("<IH", 0, 1) + type_info(SqlType("int")) + b"\1a\0"
    body = head + b"\xd1\4\1\0\0\0" + b"\xd2\1" + b"\xd1\4\2\0\0\0" + b"\xfd" + bytes(rest_of_done)
    pieces = iter([body[at : at + 3] for at in range(0, len(body), 3)])
    reader = Reader(b"", more=lambda: next(pieces, b""))
    columns = requests.read_bulk_columns(reader)
    assert [c.column.name for c in columns] == ["a"]
    assert list(requests.read_bulk_rows(reader, columns)) == [[1], [None], [2]]


def drain_bulk(body: bytes) -> None:
    reader = Reader(body)
    columns = requests.read_bulk_columns(reader)
    for _ in requests.read_bulk_rows(reader, columns):
        pass


PARSERS: dict[str, Callable[[bytes], Any]] = {
    "batch": requests.parse_batch,
    "calls": lambda body: list(requests.read_calls(body)),
    "transaction": requests.parse_transaction,
    "in_transaction": requests.in_transaction,
    "bulk": drain_bulk,
    "prelogin": lambda body: wanted_encryption(parse_prelogin(body)),
    "login": lambda body: parse_login(body, "somewhere"),
}


@pytest.mark.parametrize("name", PARSERS)
@given(body=st.binary(max_size=300), head=st.sampled_from([b"", HEADERS, HEADERS + b"\xff\xff\x0d\0\0\0", bytes(94)]))
def test_garbage_raises_nothing_but_its_own_errors(name: str, body: bytes, head: bytes) -> None:
    with contextlib.suppress(ProtocolError, SqlServerError):
        PARSERS[name](head + body)


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (Encryption.LOGIN_ONLY, Encryption.LOGIN_ONLY),
        (Encryption.ON, Encryption.ON),
        (Encryption.NOT_SUPPORTED, Encryption.NOT_SUPPORTED),
        (Encryption.REQUIRED, Encryption.ON),
    ],
)
def test_what_is_answered_to_each_wish_for_encryption(wanted: Encryption, answer: Encryption) -> None:
    assert wanted.answer() is answer
    assert wanted_encryption(parse_prelogin(build_prelogin((15, 0, 2000), answer))) is answer


def test_the_password_shows_in_no_representation() -> None:
    password = "Canary-4711"
    scrambled = bytes(((b >> 4 | b << 4) & 0xFF) ^ 0xA5 for b in password.encode("utf-16-le"))
    fields = struct.pack("<HHHHHH", 94, 0, 94, 0, 94, len(password)) + struct.pack("<HH", 94, 0) * 6 + bytes(22)
    body = struct.pack("<6I", 94 + len(scrambled), 0x74000004, 4096, 0, 0, 0) + bytes(12) + fields + scrambled
    login = parse_login(body, "somewhere")
    assert login.request.password == password
    assert password not in repr(login)
