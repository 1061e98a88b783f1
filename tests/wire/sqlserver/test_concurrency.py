"""Many connections at once, and connections that end badly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.wire.sqlserver.drivers import MICROSOFT, Address
from tests.wire.sqlserver.processes import ROOT, wait_until


@pytest.fixture
def table(sql_server: Address, database: str) -> Iterator[str]:
    connection = MICROSOFT.connect(sql_server, database)
    connection.execute("CREATE TABLE dbo.counted (id int PRIMARY KEY, n int NOT NULL, notes nvarchar(200) NULL)")
    connection.execute("INSERT dbo.counted (id, n) VALUES (1, 0), (2, 0)")
    yield "dbo.counted"
    connection.execute("DROP TABLE dbo.counted")
    connection.close()


def together(count: int, work: Callable[[int], None]) -> None:
    """Runs ``work(i)`` in that many threads and raises what any of them raised."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 -- handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[:3]


def test_fifty_connections_read_and_write(sql_server: Address, database: str, table: str) -> None:
    def work(number: int) -> None:
        connection = MICROSOFT.connect(sql_server, database)
        for _ in range(5):
            connection.execute("UPDATE dbo.counted SET n = n + 1 WHERE id = 1")
            assert connection.execute("SELECT COUNT(*) FROM dbo.counted").fetchval() == 2
        connection.close()

    together(50, work)
    connection = MICROSOFT.connect(sql_server, database)
    assert connection.execute("SELECT n FROM dbo.counted WHERE id = 1").fetchval() == 250
    connection.close()


def test_a_reader_is_not_blocked_by_a_writer_and_sees_what_was_committed(
    sql_server: Address, database: str, table: str
) -> None:
    writer, reader = (MICROSOFT.connect(sql_server, database) for _ in range(2))
    reader.execute("SET LOCK_TIMEOUT 5000")
    writer.execute("BEGIN TRANSACTION; UPDATE dbo.counted SET n = 77 WHERE id = 2")
    assert reader.execute("SELECT n FROM dbo.counted WITH (READPAST) WHERE id = 1").fetchval() is not None
    writer.execute("COMMIT")
    assert reader.execute("SELECT n FROM dbo.counted WHERE id = 2").fetchval() == 77
    writer.close()
    reader.close()


def test_a_writer_waits_for_the_lock_of_another_and_gives_up_in_time(
    sql_server: Address, database: str, table: str
) -> None:
    first, second = (MICROSOFT.connect(sql_server, database) for _ in range(2))
    first.execute("BEGIN TRANSACTION; UPDATE dbo.counted SET n = 1 WHERE id = 2")
    second.execute("SET LOCK_TIMEOUT 200")
    with pytest.raises(Exception, match=r"\(1222\)"):
        second.execute("UPDATE dbo.counted SET n = 2 WHERE id = 2")
    first.execute("ROLLBACK")
    second.execute("UPDATE dbo.counted SET n = 3 WHERE id = 2")
    assert first.execute("SELECT n FROM dbo.counted WHERE id = 2").fetchval() == 3
    first.close()
    second.close()


CLIENT_IN_A_TRANSACTION = """
import sys
from tests.wire.sqlserver.drivers import MICROSOFT, Address
connection = MICROSOFT.connect(Address(sys.argv[1], int(sys.argv[2]), "sa", sys.stdin.readline().strip()), sys.argv[3])
connection.execute("BEGIN TRANSACTION; UPDATE dbo.counted SET n = 999 WHERE id = 2")
print("holding", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_client_had_not_committed_is_rolled_back(sql_server: Address, database: str, table: str) -> None:
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT_IN_A_TRANSACTION, sql_server.host, str(sql_server.port), database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(sql_server.password.encode() + b"\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"holding\n"
    os.kill(client.pid, signal.SIGKILL)
    client.wait()
    client.stdin.close()
    client.stdout.close()
    connection = MICROSOFT.connect(sql_server, database)
    connection.execute("SET LOCK_TIMEOUT 5000")
    connection.execute("UPDATE dbo.counted SET notes = N'mine now' WHERE id = 2")
    assert connection.execute("SELECT n FROM dbo.counted WHERE id = 2").fetchval() == 0
    connection.close()


def test_cancelling_in_the_middle_of_a_large_result(sql_server: Address, database: str) -> None:
    connection = MICROSOFT.connect(sql_server, database)
    cursor = connection.execute(
        "WITH ten AS (SELECT n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) v (n)) "
        "SELECT a.n, REPLICATE(N'x', 100) AS filler FROM ten a, ten b, ten c, ten d, ten e, ten f, ten g"
    )
    assert len(cursor.fetchmany(500)) == 500
    cursor.cancel()
    assert connection.execute("SELECT 1").fetchval() == 1
    connection.close()


def test_a_busy_session_is_killed_and_rolls_back(sql_server: Address, database: str, table: str) -> None:
    killer, victim = (MICROSOFT.connect(sql_server, database) for _ in range(2))
    spid = victim.execute("SELECT @@SPID").fetchval()
    victim.execute("BEGIN TRANSACTION; UPDATE dbo.counted SET n = 5 WHERE id = 2")
    timer = threading.Timer(0.3, lambda: killer.execute(f"KILL {spid}"))
    timer.start()
    with pytest.raises(Exception, match=r"596|08S01|[Ll]ink"):
        victim.execute("WAITFOR DELAY '00:00:30'")
    timer.join()
    wait_until(
        lambda: killer.execute(f"SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE session_id = {spid}").fetchval() == 0,
        "the killed session is gone",
    )
    killer.execute("SET LOCK_TIMEOUT 5000; UPDATE dbo.counted SET n = n + 1 WHERE id = 2")
    assert killer.execute("SELECT n FROM dbo.counted WHERE id = 2").fetchval() == 1
    killer.close()


def test_a_deadlock_has_one_victim(sql_server: Address, database: str, table: str) -> None:
    """Two sessions that want each other's application lock: one gets 1205 (or -3), the other goes on."""
    one, other = (MICROSOFT.connect(sql_server, database) for _ in range(2))
    take = (
        "DECLARE @r int; EXEC @r = sp_getapplock @Resource = N'{}', @LockMode = 'Exclusive', "
        "@LockOwner = 'Session', @LockTimeout = 10000; SELECT @r"
    )
    assert one.execute(take.format("a")).fetchval() >= 0
    assert other.execute(take.format("b")).fetchval() >= 0
    results: list[Any] = []

    def wait_for(connection: Any, name: str) -> None:
        try:
            results.append(connection.execute(take.format(name)).fetchval())
        except Exception as error:  # noqa: BLE001 -- the victim
            results.append(str(error))
        connection.close()

    together(2, lambda number: wait_for(*((one, "b"), (other, "a"))[number]))
    lost = [result for result in results if result == -3 or "1205" in str(result)]
    assert len(lost) == 1, results


def test_the_server_is_the_same_after_all_this(sql_server: Address) -> None:
    connection = MICROSOFT.connect(sql_server)
    sessions = connection.execute("SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE is_user_process = 1").fetchval()
    assert sessions < 10
    connection.close()
