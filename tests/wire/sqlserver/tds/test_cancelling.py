"""Attention signals, timeouts, killed sessions and clients that vanish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from tests.wire.sqlserver.drivers import FREETDS, MICROSOFT, PYTHON_TDS, Address, Driver, each
from tests.wire.sqlserver.processes import ROOT, ServerProcess, wait_until
from tests.wire.sqlserver.tds.raw_client import ATTENTION, BATCH, HEADERS, RawClient, utf16

ATTENTION_BIT = 0x20
MORE_BIT, ERROR_BIT = 0x01, 0x02


@each(MICROSOFT, FREETDS)
def test_a_statement_without_rows_is_cancelled(driver: Driver, address: Address) -> None:
    connection = driver.connect(address)
    cursor = connection.cursor()
    timer = threading.Timer(0.3, cursor.cancel)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Exception, match=r"[Cc]ancel|HY008"):
        cursor.execute("wait")
    assert time.monotonic() - began < 3
    timer.join()
    assert connection.execute("SELECT 1").fetchone()[0] == 1
    connection.close()


@each(MICROSOFT, FREETDS)
def test_a_query_timeout_ends_the_statement_only(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection:
        connection.timeout = 1
        with pytest.raises(Exception, match=r"HYT00|[Tt]imeout"):
            connection.execute("wait")
        connection.timeout = 0
        assert connection.execute("SELECT 1").fetchone()[0] == 1


@each(PYTHON_TDS)
def test_cancelling_with_python_tds_in_the_middle_of_its_rows(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection:
        cursor = connection.cursor()
        cursor.execute("slow")
        cursor.fetchone()
        cursor.cancel()
        cursor.execute("SELECT 1")
        assert cursor.fetchone()[0] == 1


@each(MICROSOFT, FREETDS)
def test_rows_are_cancelled_in_the_middle(driver: Driver, address: Address) -> None:
    with driver.connect(address) as connection:
        cursor = connection.execute("slow")
        assert len(cursor.fetchmany(50)) == 50
        cursor.cancel()
        assert connection.execute("SELECT 1").fetchone()[0] == 1


def test_a_cancelled_response_is_two_messages(address: Address) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.send(BATCH, HEADERS + utf16("wait"))
        client.send(ATTENTION, b"")
        cut, acknowledged = client.receive(), client.receive()
        assert cut.done_status & (MORE_BIT | ERROR_BIT | ATTENTION_BIT) == ERROR_BIT
        assert acknowledged.done_status & ATTENTION_BIT
        assert len(acknowledged.body) == 13
        assert client.batch("count 3").done_status & MORE_BIT == 0


def test_an_attention_after_the_response_is_acknowledged_alone(address: Address) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.batch("count 1")
        client.send(ATTENTION, b"")
        assert client.receive().done_status & ATTENTION_BIT


def test_a_request_withdrawn_while_it_was_sent_is_not_run(address: Address) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.send(BATCH, HEADERS + utf16("crash"), status=0)
        client.send(ATTENTION, b"")
        assert client.receive().done_status & ATTENTION_BIT
        client.send(BATCH, HEADERS + utf16("crash"), status=0)
        client.send(BATCH, b"", status=3)
        assert client.batch("count 1").done_status == 0x10


@each(MICROSOFT)
def test_a_killed_session_is_closed_whether_it_works_or_idles(driver: Driver, address: Address) -> None:
    killer, idle, busy = (driver.connect(address) for _ in range(3))
    idle_spid = idle.execute("spid").fetchval()
    busy_spid = busy.execute("spid").fetchval()
    killer.execute(f"kill {idle_spid}")
    timer = threading.Timer(0.2, lambda: driver.connect(address).execute(f"kill {busy_spid}"))
    timer.start()
    with pytest.raises(Exception, match=r"596|kill state|link failure"):
        busy.execute("wait")
    timer.join()
    with pytest.raises(Exception, match=r"08S01|link failure|596"):
        idle.execute("SELECT 1")


CLIENT_THAT_READS_A_LITTLE = """
import sys
from tests.wire.sqlserver.drivers import MICROSOFT, Address
connection = MICROSOFT.connect(Address("127.0.0.1", int(sys.argv[1]), "sa", sys.argv[2]))
cursor = connection.execute("rows 100000000")
cursor.fetchmany(1000)
print("reading", flush=True)
sys.stdin.read()
"""


def connections(fake: ServerProcess) -> int:
    return sum(c.status == "ESTABLISHED" for c in psutil.Process(fake.process.pid).net_connections("tcp"))


@each(MICROSOFT)
def test_a_client_killed_in_the_middle_of_a_result_leaves_nothing(driver: Driver, fake: ServerProcess) -> None:
    before = connections(fake)
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT_THAT_READS_A_LITTLE, str(fake.address.port), fake.address.password],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert client.stdout is not None
    assert client.stdin is not None
    assert client.stdout.readline() == b"reading\n"
    assert connections(fake) == before + 1
    os.kill(client.pid, signal.SIGKILL)
    client.wait()
    client.stdin.close()
    client.stdout.close()
    wait_until(lambda: connections(fake) <= before, "the server let go of the dead client")


@each(MICROSOFT)
def test_fifty_connections_at_once(driver: Driver, address: Address) -> None:
    opened = [driver.connect(address) for _ in range(50)]
    spids = {connection.execute("spid").fetchval() for connection in opened}
    assert len(spids) == 50
    errors: list[BaseException] = []

    def read(connection: object) -> None:
        try:
            assert len(connection.execute("rows 2000").fetchall()) == 2000  # type: ignore[attr-defined]
        except BaseException as error:  # noqa: BLE001 -- handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=read, args=(connection,)) for connection in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for connection in opened:
        connection.close()


@each(MICROSOFT)
def test_memory_stays_flat_however_large_the_result(driver: Driver, fake: ServerProcess) -> None:
    server = psutil.Process(fake.process.pid)
    with driver.connect(fake.address) as connection:
        connection.execute("rows 1000").fetchall()
        before = server.memory_info().rss
        cursor = connection.execute("wide 2000 50000")  # 200 MB on the wire
        while cursor.fetchmany(100):
            assert server.memory_info().rss - before < 16 * 1024 * 1024


def test_progress_messages_arrive_while_the_work_goes_on(address: Address) -> None:
    with RawClient(address) as client:
        client.log_in()
        client.send(BATCH, HEADERS + utf16("progress"))
        began = time.monotonic()
        first = client.socket.recv(4096)
        assert b"p\0e\0r\0c\0e\0n\0t" in first
        assert time.monotonic() - began < 0.4
