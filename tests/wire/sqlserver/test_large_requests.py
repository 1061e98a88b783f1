"""One request with tens of thousands of calls, as fast_executemany sends it: it costs the server no memory."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.wire.sqlserver.drivers import MICROSOFT
from tests.wire.sqlserver.processes import ServerProcess, server_process
from tests.wire.sqlserver.tds.raw_client import ATTENTION, HEADERS, RPC, RawClient, packet, utf16

ROWS = 12_000
TEXT = "x" * 2000
ATTENTION_ACKNOWLEDGED = 0x20
INSERT = "INSERT INTO dbo.Many (Id, Text) VALUES (?, ?)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("large"), ["-m", "standins.sqlserver"]) as server:
        yield server


@pytest.fixture
def connection(server: ServerProcess) -> Iterator[Any]:
    if not MICROSOFT.available:
        pytest.skip("Microsoft's driver is not installed")
    with closing(MICROSOFT.connect(server.address)) as connection:
        connection.execute("DROP DATABASE IF EXISTS Large")
        connection.execute("CREATE DATABASE Large")
        connection.execute("USE Large")
        connection.execute("CREATE TABLE dbo.Many (Id int NOT NULL PRIMARY KEY, Text nvarchar(max) NOT NULL)")
        yield connection
        connection.execute("USE master")


def peak_memory(server: ServerProcess) -> int:
    """The most bytes the server ever had."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def insert_many(connection: Any, rows: list[tuple[int, str]]) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.fast_executemany = True
        cursor.executemany(INSERT, rows)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_many_rows_in_one_request_cost_no_memory(server: ServerProcess, connection: Any) -> None:
    insert_many(connection, [(-1, TEXT)])
    before = peak_memory(server)
    insert_many(connection, [(number, TEXT) for number in range(ROWS)])  # 48 MB on the wire
    count, characters = connection.execute("SELECT COUNT(*), SUM(LEN(Text)) FROM dbo.Many").fetchone()
    assert (count, characters) == (ROWS + 1, len(TEXT) * (ROWS + 1))
    assert peak_memory(server) - before < 40_000_000  # SQLite's page cache alone may take 16 MB of it


def test_a_row_that_is_refused_leaves_the_transaction_to_its_owner(connection: Any) -> None:
    rows = [(number, TEXT) for number in range(600)]
    connection.autocommit = False
    with pytest.raises(Exception, match="2627"):
        insert_many(connection, [*rows, (5, TEXT), (600, TEXT)])
    connection.rollback()
    connection.autocommit = True
    assert connection.execute("SELECT COUNT(*) FROM dbo.Many").fetchval() == 0
    insert_many(connection, rows)
    assert connection.execute("SELECT COUNT(*) FROM dbo.Many").fetchval() == 600


def test_nothing_of_a_withdrawn_request_was_run(server: ServerProcess, connection: Any) -> None:
    """An attention in the middle of a request that is larger than what the server keeps in memory."""
    text = utf16("INSERT INTO Large.dbo.Many VALUES (1, REPLICATE(N'x', 10))")
    parameter = b"\0\0" + b"\xe7" + struct.pack("<H", 8000) + bytes(5) + struct.pack("<H", len(text)) + text
    call = struct.pack("<HHH", 0xFFFF, 10, 0) + parameter + b"\xff"
    with RawClient(server.address) as client:
        client.log_in()
        body = HEADERS + call * (1_500_000 // len(call))
        for at in range(0, len(body), 4000):
            client.socket.sendall(packet(RPC, body[at : at + 4000], status=0))
        client.socket.sendall(packet(ATTENTION, b""))
        assert client.receive().done_status & ATTENTION_ACKNOWLEDGED
        client.batch("SELECT 1")
    assert connection.execute("SELECT COUNT(*) FROM dbo.Many").fetchval() == 0
