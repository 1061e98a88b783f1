"""Clients that speak no TDS, or begin and stop: the server gives them nothing and outlives them."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire.sqlserver.drivers import MICROSOFT, Address
from tests.wire.sqlserver.processes import ServerProcess, server_process, wait_until
from tests.wire.sqlserver.tds.conftest import FAKE_SERVER
from tests.wire.sqlserver.tds.raw_client import (
    BATCH,
    BULK,
    HEADERS,
    LOGIN,
    NO_ENCRYPTION,
    PRELOGIN,
    RPC,
    TRANSACTION,
    RawClient,
    login_body,
    packet,
)

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def alive(fake: ServerProcess) -> Iterator[None]:
    """Whatever a stranger did: the next client is served, and no thread died of a defect."""
    yield
    with RawClient(fake.address) as client:
        client.log_in()
        assert client.batch("count 1").done_status == 0x10
    assert "closed by a defect" not in fake.log.read_text()


@pytest.mark.parametrize(
    "greeting",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: sql\r\n\r\n", id="http"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="ssh"),
        pytest.param(b"\x16\x03\x01\x00\x05hello", id="broken-tls"),
        pytest.param(b"\0" * 64, id="zeros"),
        pytest.param(packet(BATCH, HEADERS + b"S\0"), id="batch-before-login"),
        pytest.param(packet(PRELOGIN, b""), id="empty-prelogin"),
        pytest.param(packet(PRELOGIN, b"\0\xff\xff\xff\xff\xff"), id="prelogin-pointing-outside"),
        pytest.param(struct.pack(">BBHHBB", PRELOGIN, 1, 3, 0, 1, 0), id="packet-shorter-than-its-header"),
        pytest.param(packet(PRELOGIN, NO_ENCRYPTION) + packet(LOGIN, b"\0" * 40), id="short-login"),
        pytest.param(packet(PRELOGIN, NO_ENCRYPTION) + packet(LOGIN, b"\xff" * 200), id="login-pointing-outside"),
        pytest.param(
            packet(PRELOGIN, NO_ENCRYPTION[:-1] + b"\1") + packet(PRELOGIN, b"junk instead of TLS"),
            id="broken-handshake",
        ),
    ],
)
def test_strangers_are_cut_off_and_told_nothing(address: Address, greeting: bytes) -> None:
    with socket.create_connection((address.host, address.port), timeout=5) as sock:
        sock.sendall(greeting)
        said = b""
        try:
            while piece := sock.recv(4096):
                said += piece
        except ConnectionError:
            pass
    # at most the answer to a proper PRELOGIN, or a TLS alert
    assert len(said) < 60
    assert b"T\0r\0a\0c\0e" not in said


@FUZZ
@given(data=st.binary(min_size=1, max_size=300))
def test_random_bytes_instead_of_a_client(address: Address, data: bytes) -> None:
    with socket.create_connection((address.host, address.port), timeout=5) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        try:
            while sock.recv(4096):
                pass
        except ConnectionError:
            pass


@FUZZ
@given(at=st.integers(0, 200), value=st.integers(0, 255))
def test_a_login_with_one_wrong_byte(address: Address, at: int, value: int) -> None:
    with RawClient(address) as client:
        client.send(PRELOGIN, NO_ENCRYPTION)
        client.receive()
        body = bytearray(login_body(address))
        body[at % len(body)] = value
        client.send(LOGIN, bytes(body))
        client.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            client.receive()


@FUZZ
@given(
    kind=st.sampled_from([BATCH, RPC, BULK, TRANSACTION, 8, 17]), body=st.binary(max_size=200), headers=st.booleans()
)
def test_random_requests_after_the_login(address: Address, kind: int, body: bytes, headers: bool) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.send(kind, (HEADERS if headers else b"") + body)
        client.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            client.receive()


def test_a_client_that_says_nothing_is_sent_away(fake: ServerProcess) -> None:
    with socket.create_connection((fake.address.host, fake.address.port), timeout=15) as sock:
        assert sock.recv(1) == b""


def test_a_request_beyond_the_limit_closes_the_connection(address: Address) -> None:
    with RawClient(address) as client:
        client.send(PRELOGIN, NO_ENCRYPTION)
        client.receive()
        with pytest.raises(ConnectionError):  # noqa: PT012 -- the server may close during any of the writes
            for _ in range(200):
                client.send(LOGIN, b"\0" * 4088, status=0)
            client.receive()


def test_the_server_stops_when_its_parent_is_gone(tmp_path: Path) -> None:
    with server_process(tmp_path, [str(FAKE_SERVER)]) as server:
        connection = MICROSOFT.connect(server.address)
        assert server.process.stdin is not None
        server.process.stdin.close()
        wait_until(lambda: server.process.poll() is not None, "the server stopped")
        assert server.process.returncode == 0
        connection.close()


def test_the_server_stops_in_order_on_sigterm_while_a_statement_runs(tmp_path: Path) -> None:
    with server_process(tmp_path, [str(FAKE_SERVER)]) as server:
        with RawClient(server.address) as client:
            client.log_in()
            client.send(BATCH, HEADERS + "wait".encode("utf-16-le"))
            os.kill(server.process.pid, 15)
            wait_until(lambda: server.process.poll() is not None, "the server stopped")
        assert server.process.returncode == 0
