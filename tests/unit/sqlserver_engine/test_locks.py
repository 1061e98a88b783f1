"""Sessions side by side: who sees what, who waits, who gives way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from standins.sqlserver.contract import Cancelled
from standins.sqlserver.engine.server import SqlServerEngine
from tests.unit.sqlserver_engine.conftest import Answer, Client


@contextmanager
def background(work: Callable[[], Answer]) -> Generator[Future[Answer]]:
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(work)


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        threading.Event().wait(0.005)


@pytest.fixture
def table(sql: Client) -> Iterator[str]:
    sql.run("CREATE TABLE dbo.t (id int PRIMARY KEY, v int); INSERT dbo.t VALUES (1, 1), (2, 2)")
    yield "dbo.t"
    sql.session.transactions.abandon(None)
    sql.run("DROP TABLE dbo.t")


def test_readers_see_what_is_committed(sql: Client, another: Client, table: str) -> None:
    sql.run("BEGIN TRAN; UPDATE dbo.t SET v = 10 WHERE id = 1")
    assert another.value("SELECT v FROM dbo.t WHERE id = 1") == 1
    sql.run("COMMIT")
    assert another.value("SELECT v FROM dbo.t WHERE id = 1") == 10


def test_a_transaction_reads_what_others_commit_meanwhile(sql: Client, another: Client, table: str) -> None:
    """READ COMMITTED: and its own later write does not fail for having read before."""
    assert sql.value("BEGIN TRAN; SELECT v FROM dbo.t WHERE id = 1") == 1
    another.run("UPDATE dbo.t SET v = 5 WHERE id = 1")
    assert sql.value("SELECT v FROM dbo.t WHERE id = 1") == 5
    sql.run("UPDATE dbo.t SET v = v + 1 WHERE id = 1; COMMIT")
    assert sql.value("SELECT v FROM dbo.t WHERE id = 1") == 6


def test_a_second_writer_waits_for_the_first(sql: Client, another: Client, table: str, engine: SqlServerEngine) -> None:
    sql.run("BEGIN TRAN; UPDATE dbo.t SET v = 10")
    with background(lambda: another.run("UPDATE dbo.t SET v = v + 1")) as waiting:
        until(lambda: engine.locks.blocker(another.session.spid) == sql.session.spid)
        blocked = sql.rows(
            "SELECT session_id, blocking_session_id FROM sys.dm_exec_requests WHERE blocking_session_id <> 0"
        )
        assert blocked == [(another.session.spid, sql.session.spid)]
        sql.run("COMMIT")
        waiting.result(10)
    assert sql.rows("SELECT v FROM dbo.t ORDER BY id") == [(11,), (11,)]


def test_lock_timeout(sql: Client, another: Client, table: str) -> None:
    sql.run("BEGIN TRAN; UPDATE dbo.t SET v = 10")
    assert another.error("SET LOCK_TIMEOUT 50; UPDATE dbo.t SET v = 1").number == 1222
    sql.run("ROLLBACK")


def test_updlock_makes_readers_queue(sql: Client, another: Client, table: str, engine: SqlServerEngine) -> None:
    sql.run("BEGIN TRAN; SELECT v FROM dbo.t WITH (UPDLOCK) WHERE id = 1")
    work = "BEGIN TRAN; SELECT v FROM dbo.t WITH (UPDLOCK) WHERE id = 1; COMMIT"
    with background(lambda: another.run(work)) as waiting:
        until(lambda: engine.locks.blocker(another.session.spid) == sql.session.spid)
        sql.run("UPDATE dbo.t SET v = 7 WHERE id = 1; COMMIT")
        assert waiting.result(10).rows == [(7,)]


def test_a_circle_of_waiters_costs_one_of_them_its_transaction(
    sql: Client, another: Client, table: str, engine: SqlServerEngine
) -> None:
    sql.run("BEGIN TRAN; UPDATE dbo.t SET v = 10")
    another.run("BEGIN TRAN; EXEC sp_getapplock 'r', 'Exclusive', 'Transaction'")
    with background(lambda: another.batch("UPDATE dbo.t SET v = 20")) as waiting:
        until(lambda: engine.locks.blocker(another.session.spid) == sql.session.spid)
        answer = sql.batch("DECLARE @r int; EXEC @r = sp_getapplock 'r', 'Exclusive', 'Transaction'; SELECT @r")
        assert answer.rows == [(-3,)]
        sql.run("ROLLBACK")
        assert not waiting.result(10).errors
    another.run("ROLLBACK")


def test_application_locks(sql: Client, another: Client) -> None:
    take = "DECLARE @r int; EXEC @r = sp_getapplock 'upgrade', '{}', 'Session', 0; SELECT @r"
    assert sql.value(take.format("Shared")) == 0
    assert another.value(take.format("Shared")) == 0
    assert another.value(take.format("Exclusive")) == -1
    sql.run("EXEC sp_releaseapplock 'upgrade', 'Session'")
    assert another.value(take.format("Exclusive")) == 0
    assert sql.error("EXEC sp_releaseapplock 'upgrade', 'Session'").number == 1223
    assert sql.value("SELECT APPLOCK_TEST('public', 'upgrade', 'Shared', 'Session')") == 0


def test_transaction_locks_end_with_it(sql: Client, another: Client) -> None:
    sql.run("BEGIN TRAN; EXEC sp_getapplock 'once', 'Exclusive'")
    assert another.value("SELECT APPLOCK_TEST('public', 'once', 'Exclusive', 'Session')") == 0
    sql.run("COMMIT")
    assert another.value("SELECT APPLOCK_TEST('public', 'once', 'Exclusive', 'Session')") == 1


def test_kill_rolls_back_and_frees(sql: Client, another: Client, table: str) -> None:
    another.run("BEGIN TRAN; UPDATE dbo.t SET v = 99")
    sql.run(f"KILL {another.session.spid}")
    assert another.session.killed
    assert sql.rows("SELECT v FROM dbo.t ORDER BY id") == [(1,), (2,)]
    sql.run("UPDATE dbo.t SET v = 3")
    with pytest.raises(Cancelled):
        another.batch("SELECT 1")
    assert sql.error(f"KILL {another.session.spid}").number == 6106


def test_cancel_interrupts_a_running_query(sql: Client) -> None:
    query = "SELECT COUNT(*) FROM sys.types a, sys.types b, sys.types c, sys.types d, sys.types e, sys.types f"
    with background(lambda: sql.batch(query)) as running:
        until(lambda: sql.session.running is not None)
        sql.session.cancel()
        with pytest.raises(Cancelled):
            running.result(10)
    assert sql.value("SELECT 1") == 1


def test_snapshot_isolation_keeps_its_view(sql: Client, another: Client, table: str, database: str) -> None:
    sql.run(f"ALTER DATABASE [{database}] SET ALLOW_SNAPSHOT_ISOLATION ON")
    sql.run("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT v FROM dbo.t")
    another.run("UPDATE dbo.t SET v = 50 WHERE id = 1")
    assert sql.value("SELECT v FROM dbo.t WHERE id = 1") == 1
    assert sql.error("UPDATE dbo.t SET v = 60 WHERE id = 1").number == 3960
    sql.run("IF @@TRANCOUNT > 0 ROLLBACK; SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def test_another_sessions_new_column_is_seen_at_once(sql: Client, another: Client, table: str) -> None:
    assert len(sql.rows("SELECT * FROM dbo.t")[0]) == 2
    another.run("ALTER TABLE dbo.t ADD w int NOT NULL DEFAULT 4")
    assert sql.rows("SELECT * FROM dbo.t WHERE id = 1") == [(1, 1, 4)]


def test_an_uncommitted_column_is_seen_by_its_owner_only(sql: Client, another: Client, table: str) -> None:
    sql.run("BEGIN TRAN; ALTER TABLE dbo.t ADD w int NULL")
    assert len(sql.rows("SELECT * FROM dbo.t")[0]) == 3
    assert len(another.rows("SELECT * FROM dbo.t")[0]) == 2
    sql.run("ROLLBACK")
    assert len(sql.rows("SELECT * FROM dbo.t")[0]) == 2
