"""What survives when the server is killed, the disk is full, or a backup is damaged."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.wire.sqlserver.drivers import MICROSOFT
from tests.wire.sqlserver.processes import ServerProcess, server_process, wait_until

pytestmark = pytest.mark.skipif(not MICROSOFT.available, reason="Microsoft's driver is not installed")

PROGRAM = ("-m", "standins.sqlserver")
#: Enough bytes that a backup takes long enough to be caught in the act.
ROWS, ROW_BYTES = 256, 100_000


@contextmanager
def running(folder: Path, *options: str) -> Generator[ServerProcess]:
    with server_process(folder, PROGRAM, *options) as server:
        yield server


def connect(server: ServerProcess, database: str = "master") -> Any:
    return MICROSOFT.connect(server.address, database)


def run(connection: Any, statement: str, *parameters: Any) -> list[Any]:
    """Every result of a batch, read to its end; the rows of the last one."""
    rows: list[Any] = []
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement, *parameters)
        while True:
            if cursor.description:
                rows = cursor.fetchall()
            if not cursor.nextset():
                return rows


def refused(connection: Any, statement: str) -> str:
    """What the server says first against a statement; pyodbc shows no more than that outside of Windows."""
    with pytest.raises(Exception, match=r"\(\d+\)") as caught:
        run(connection, statement)
    return str(caught.value)


def kill(server: ServerProcess) -> None:
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)


def fill(connection: Any) -> None:
    run(connection, "CREATE DATABASE big")
    run(connection, "CREATE TABLE big.dbo.t (id int NOT NULL PRIMARY KEY, data varbinary(max) NOT NULL)")
    # random bytes that repeat too far apart for the compression to notice
    run(connection, "INSERT big.dbo.t VALUES (0, ?)", os.urandom(ROW_BYTES))
    run(
        connection,
        "DECLARE @n int = 1; "
        "WHILE @n < 256 BEGIN INSERT big.dbo.t SELECT id + @n, data FROM big.dbo.t; SET @n *= 2 END",
    )


def killed_while(server: ServerProcess, statement: str, pattern: str, folder: Path) -> None:
    """Run a statement, and kill the server as soon as a file of its work is there."""

    def work() -> None:
        with suppress(Exception):  # the connection dies under it, which is the point
            run(connect(server), statement)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: any(folder.glob(pattern)), f"a file {pattern}")
    kill(server)
    thread.join(10)


def healthy(connection: Any, database: str, rows: int) -> None:
    run(connection, f"DBCC CHECKDB ([{database}]) WITH NO_INFOMSGS")
    assert run(connection, f"SELECT COUNT(*) FROM [{database}].dbo.t")[0][0] == rows


# --- kill -9 ---------------------------------------------------------------------------------------------------


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    with running(tmp_path) as server:
        connection = connect(server)
        run(connection, "CREATE DATABASE x")
        run(connection, "CREATE TABLE x.dbo.t (id int NOT NULL PRIMARY KEY)")

        def write() -> None:
            cursor = connect(server, "x").cursor()
            with suppress(Exception):
                for number in range(1_000_000):
                    cursor.execute("INSERT dbo.t VALUES (?)", number)
                    acknowledged.append(number)

        thread = threading.Thread(target=write)
        thread.start()
        wait_until(lambda: len(acknowledged) > 200, "200 committed rows", 30)
        kill(server)
        thread.join(10)
    with running(tmp_path) as server:
        found = {row[0] for row in run(connect(server, "x"), "SELECT id FROM dbo.t")}
    assert set(acknowledged) <= found
    assert len(found) <= len(acknowledged) + 1


def test_a_kill_during_a_transaction_leaves_what_was_before(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        connection = connect(server)
        run(connection, "CREATE DATABASE x")
        run(
            connection,
            "CREATE TABLE x.dbo.t (id int IDENTITY PRIMARY KEY, v nvarchar(10)); INSERT x.dbo.t (v) VALUES ('kept')",
        )
        run(
            connection,
            "USE x; BEGIN TRAN; INSERT t (v) VALUES ('lost'); ALTER TABLE t ADD extra int NULL; CREATE TABLE u (a int)",
        )
        kill(server)
    with running(tmp_path) as server:
        connection = connect(server, "x")
        assert [tuple(row) for row in run(connection, "SELECT * FROM t")] == [(1, "kept")]
        assert tuple(run(connection, "SELECT OBJECT_ID('u'), COL_LENGTH('t', 'extra')")[0]) == (None, None)
        run(connection, "INSERT t (v) VALUES ('goes on')")
        healthy(connection, "x", 2)


def test_a_kill_during_a_backup_leaves_no_file_that_verifies(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    target = backups / "big.bak"
    with running(tmp_path) as server:
        fill(connect(server))
        killed_while(server, f"BACKUP DATABASE big TO DISK = N'{target}' WITH COMPRESSION", "*.partial", backups)
    assert not target.exists()
    with running(tmp_path) as server:
        connection = connect(server)
        assert list(backups.iterdir()) == []
        healthy(connection, "big", ROWS)
        assert "(3201)" in refused(connection, f"RESTORE VERIFYONLY FROM DISK = N'{target}'")
        run(connection, f"BACKUP DATABASE big TO DISK = N'{target}'; RESTORE VERIFYONLY FROM DISK = N'{target}'")


def test_a_kill_during_an_appended_backup_leaves_the_sets_before_it(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    target = backups / "big.bak"
    with running(tmp_path) as server:
        connection = connect(server)
        run(connection, f"BACKUP DATABASE master TO DISK = N'{target}'")
        fill(connection)
        size = target.stat().st_size

        def work() -> None:
            with suppress(Exception):
                run(connect(server), f"BACKUP DATABASE big TO DISK = N'{target}' WITH NOINIT, COMPRESSION")

        thread = threading.Thread(target=work)
        thread.start()
        wait_until(lambda: target.stat().st_size > size, "the append to begin")
        kill(server)
        thread.join(10)
    with running(tmp_path) as server:
        connection = connect(server)
        assert len(run(connection, f"RESTORE HEADERONLY FROM DISK = N'{target}'")) == 1
        run(connection, f"RESTORE VERIFYONLY FROM DISK = N'{target}'")
        assert "(4038)" in refused(connection, f"RESTORE VERIFYONLY FROM DISK = N'{target}' WITH FILE = 2")
        run(connection, f"BACKUP DATABASE big TO DISK = N'{target}' WITH NOINIT")
        run(connection, f"RESTORE VERIFYONLY FROM DISK = N'{target}' WITH FILE = 2")


def test_a_kill_during_a_restore_leaves_the_old_database(tmp_path: Path) -> None:
    target = tmp_path / "big.bak"
    data = tmp_path / "data"
    with running(tmp_path) as server:
        connection = connect(server)
        fill(connection)
        run(connection, f"BACKUP DATABASE big TO DISK = N'{target}' WITH COMPRESSION")
        run(connection, "DELETE big.dbo.t WHERE id >= 7")
        killed_while(server, f"RESTORE DATABASE big FROM DISK = N'{target}' WITH REPLACE", "*.restoring", data)
    with running(tmp_path) as server:
        connection = connect(server)
        healthy(connection, "big", 7)
        assert list(data.glob("*.restoring*")) == []
        run(connection, f"RESTORE DATABASE big FROM DISK = N'{target}' WITH REPLACE")
        healthy(connection, "big", ROWS)


def test_a_kill_during_a_restore_of_a_new_database_leaves_none(tmp_path: Path) -> None:
    target = tmp_path / "big.bak"
    data = tmp_path / "data"
    moves = f"MOVE 'big' TO N'{data / 'copy.mdf'}', MOVE 'big_log' TO N'{data / 'copy.ldf'}'"
    with running(tmp_path) as server:
        connection = connect(server)
        fill(connection)
        run(connection, f"BACKUP DATABASE big TO DISK = N'{target}' WITH COMPRESSION")
        statement = f"RESTORE DATABASE copy FROM DISK = N'{target}' WITH {moves}"
        killed_while(server, statement, "copy.mdf.restoring", data)
    with running(tmp_path) as server:
        connection = connect(server)
        assert run(connection, "SELECT DB_ID('copy')")[0][0] is None
        assert list(data.glob("copy*")) == []
        run(connection, statement)
        healthy(connection, "copy", ROWS)


# --- disk full -------------------------------------------------------------------------------------------------


@contextmanager
def no_file_above(server: ServerProcess, size: int) -> Generator[None]:
    """A file size limit on the server process: its writes fail as they do on a full disk."""
    import resource  # noqa: PLC0415 -- there is none on Windows

    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prlimit is a Linux call")
def test_a_full_disk_is_3202_and_leaves_nothing_behind(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    target = backups / "big.bak"
    with running(tmp_path) as server:
        connection = connect(server)
        fill(connection)
        with no_file_above(server, 4 << 20):
            said = refused(connection, f"BACKUP DATABASE big TO DISK = N'{target}'")
        assert "(3202)" in said
        assert "There is not enough space on the disk" in said
        assert list(backups.iterdir()) == []
        healthy(connection, "big", ROWS)

        run(connection, f"BACKUP DATABASE master TO DISK = N'{target}'")
        good = target.read_bytes()
        with no_file_above(server, 4 << 20):
            assert "(3202)" in refused(connection, f"BACKUP DATABASE big TO DISK = N'{target}' WITH NOINIT")
            assert "(3202)" in refused(connection, f"BACKUP DATABASE big TO DISK = N'{target}' WITH INIT")
        assert target.read_bytes() == good
        run(connection, f"RESTORE VERIFYONLY FROM DISK = N'{target}'")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prlimit is a Linux call")
def test_a_restore_onto_a_full_disk_leaves_no_database(tmp_path: Path) -> None:
    target = tmp_path / "big.bak"
    with running(tmp_path) as server:
        connection = connect(server)
        fill(connection)
        run(connection, f"BACKUP DATABASE big TO DISK = N'{target}'; DROP DATABASE big")
        with no_file_above(server, 4 << 20):
            said = refused(connection, f"RESTORE DATABASE big FROM DISK = N'{target}'")
        assert "(3202)" in said
        assert run(connection, "SELECT DB_ID('big')")[0][0] is None
        assert list((tmp_path / "data").glob("big*")) == []


# --- damaged and foreign files ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, bytes]]:
    folder = tmp_path_factory.mktemp("damage")
    target = folder / "x.bak"
    with running(folder) as server:
        connection = connect(server)
        run(connection, "CREATE DATABASE x")
        run(connection, "CREATE TABLE x.dbo.t (id int NOT NULL PRIMARY KEY); INSERT x.dbo.t VALUES (1), (2)")
        run(connection, f"BACKUP DATABASE x TO DISK = N'{target}' WITH CHECKSUM")
        yield server, target.read_bytes()


def flipped(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "another format": lambda data: b"PK\x03\x04" + data,
    "first byte": lambda data: flipped(data, 0, 1),
    "media header": lambda data: flipped(data, 30, 1),
    "a bit in the middle": lambda data: flipped(data, len(data) // 2, 4),
    "the last byte": lambda data: flipped(data, len(data) - 1, 128),
    "one byte short": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "a byte too many in the middle": lambda data: data[: len(data) // 2] + b"\0" + data[len(data) // 2 :],
}


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_a_damaged_backup_is_refused(backed_up: tuple[ServerProcess, bytes], tmp_path: Path, damage: str) -> None:
    server, good = backed_up
    bad = tmp_path / "bad.bak"
    bad.write_bytes(DAMAGES[damage](good))
    moves = f"MOVE 'x' TO N'{tmp_path}/c.mdf', MOVE 'x_log' TO N'{tmp_path}/c.ldf'"
    connection = connect(server)
    for statement in (
        f"RESTORE VERIFYONLY FROM DISK = N'{bad}'",
        f"RESTORE DATABASE copy FROM DISK = N'{bad}' WITH {moves}",
        f"RESTORE DATABASE x FROM DISK = N'{bad}' WITH REPLACE",
    ):
        assert re.search(r"\((3183|3189|3203|3241)\)", refused(connection, statement)), statement
    assert run(connection, "SELECT DB_ID('copy')")[0][0] is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.bak"]
    healthy(connection, "x", 2)


def test_a_backup_of_a_newer_server_is_refused_and_of_an_older_one_is_not(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with running(old, "--product-version", "2017") as older, running(new, "--product-version", "2022") as newer:
        one, two = connect(older), connect(newer)
        for connection, name in ((one, "from_old"), (two, "from_new")):
            run(connection, f"CREATE DATABASE {name}")
            run(connection, f"CREATE TABLE {name}.dbo.t (id int); INSERT {name}.dbo.t VALUES (1)")
            run(connection, f"BACKUP DATABASE {name} TO DISK = N'{tmp_path / name}.bak'")
        said = refused(one, f"RESTORE DATABASE from_new FROM DISK = N'{tmp_path}/from_new.bak'")
        assert "(3169)" in said
        assert "16.00.4135" in said
        assert "14.00.3456" in said
        assert run(one, "SELECT DB_ID('from_new')")[0][0] is None
        moves = f"MOVE 'from_old' TO N'{new}/o.mdf', MOVE 'from_old_log' TO N'{new}/o.ldf'"
        run(two, f"RESTORE DATABASE from_old FROM DISK = N'{tmp_path}/from_old.bak' WITH {moves}")
        healthy(two, "from_old", 1)
        level = run(two, "SELECT compatibility_level FROM sys.databases WHERE name = 'from_old'")
        assert level[0][0] == 140
