"""How fast the SQL Server stand-in is through Microsoft's ODBC driver, beside Python's own sqlite3 on the same machine.

    python -m benchmarks.sqlserver [--rows 100000] [--megabytes 200] [--json FILE]

Absolute figures depend on the machine; the ratio to sqlite3, measured minutes apart in one process, says more. What a
real SQL Server would do is not measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.wire.sqlserver.drivers import MICROSOFT
from tests.wire.sqlserver.processes import ServerProcess, server_process

DOCUMENT = json.dumps({"Name": "Deploy web site", "Steps": [{"Id": f"Step-{i}", "Type": "Script"} for i in range(10)]})
TABLE = "(Id int NOT NULL PRIMARY KEY, Name nvarchar(200) NOT NULL, JSON nvarchar(max) NOT NULL)"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement; ``sqlite3`` is the same work there, in the same unit, where it makes sense."""

    what: str
    value: float
    unit: str
    sqlite3: float | None = None

    @property
    def ratio(self) -> str:
        if self.sqlite3 is None:
            return ""
        slower = self.sqlite3 / self.value if self.unit.endswith("/s") else self.value / self.sqlite3
        return f"{slower:.1f}"


def rate(work: Callable[[], object], count: int) -> float:
    """How many of ``count`` equal pieces of work are done in a second."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def repeated(call: Callable[[], object], count: int) -> float:
    def work() -> None:
        for _ in range(count):
            call()

    return rate(work, count)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def rows_of(count: int) -> list[tuple[int, str, str]]:
    return [(i, f"Projects-{i}", DOCUMENT) for i in range(count)]


def connecting(server: ServerProcess) -> Iterator[Figure]:
    for encrypt in ("yes", "no"):
        times: list[float] = []
        for _ in range(20):
            began = time.perf_counter()
            connection = MICROSOFT.connect(server.address, encrypt=encrypt)
            times.append((time.perf_counter() - began) * 1000)
            connection.close()
        yield Figure(f"connect, Encrypt={encrypt} (median)", statistics.median(times), "ms")


def small_statements(standin: Any, plain: sqlite3.Connection, count: int) -> Iterator[Figure]:
    yield Figure(
        "SELECT 1",
        repeated(lambda: standin.execute("SELECT 1").fetchall(), count),
        "statements/s",
        repeated(lambda: plain.execute("SELECT 1").fetchall(), count),
    )
    yield Figure(
        "SELECT by primary key, parameter",
        repeated(lambda: standin.execute("SELECT Name FROM dbo.Item WHERE Id = ?", 77).fetchall(), count),
        "statements/s",
        repeated(lambda: plain.execute("SELECT Name FROM Item WHERE Id = ?", (77,)).fetchall(), count),
    )
    numbers = iter(range(10**6, 2 * 10**6))
    insert = "INSERT INTO {} (Id, Name, JSON) VALUES (?, ?, ?)"
    yield Figure(
        "INSERT, each its own transaction",
        repeated(lambda: standin.execute(insert.format("dbo.Item"), next(numbers), "n", DOCUMENT), count // 4),
        "statements/s",
        repeated(lambda: plain.execute(insert.format("Item"), (next(numbers), "n", DOCUMENT)), count // 4),
    )


def large_statements(standin: Any, plain: sqlite3.Connection, count: int) -> Iterator[Figure]:
    cursor = standin.cursor()
    cursor.fast_executemany = True
    many = "INSERT INTO {} (Id, Name, JSON) VALUES (?, ?, ?)"
    rows = rows_of(count)

    def fast() -> None:
        standin.autocommit = False
        cursor.executemany(many.format("dbo.Item"), rows)
        standin.commit()
        standin.autocommit = True

    def plainly() -> None:
        plain.execute("BEGIN")
        plain.executemany(many.format("Item"), rows)
        plain.execute("COMMIT")

    yield Figure("executemany, one transaction", rate(fast, count), "rows/s", rate(plainly, count))
    for what, columns in (("2 narrow columns", "Id, Name"), ("3 columns with a document", "Id, Name, JSON")):
        yield Figure(
            f"read {what}",
            rate(lambda c=columns: standin.execute(f"SELECT {c} FROM dbo.Item").fetchall(), count),
            "rows/s",
            rate(lambda c=columns: plain.execute(f"SELECT {c} FROM Item").fetchall(), count),
        )
    yield Figure(
        "JSON_VALUE over every document",
        rate(
            lambda: standin.execute("SELECT COUNT(DISTINCT JSON_VALUE(JSON, '$.Name')) FROM dbo.Item").fetchall(), count
        ),
        "rows/s",
        rate(lambda: plain.execute("SELECT COUNT(DISTINCT JSON ->> '$.Name') FROM Item").fetchall(), count),
    )


def point_lookups(server: ServerProcess, folder: Path, connections: int, count: int) -> Iterator[Figure]:
    """Rows by primary key, by as many clients at once."""
    each = count // connections

    def through_the_standin(number: int) -> None:
        connection = MICROSOFT.connect(server.address)
        connection.execute("USE Benchmark")
        for turn in range(each):
            connection.execute("SELECT Name FROM dbo.Item WHERE Id = ?", (number * each + turn) % 1000).fetchall()
        connection.close()

    def directly(number: int) -> None:
        connection = sqlite3.connect(folder / "plain.db")
        for turn in range(each):
            connection.execute("SELECT Name FROM Item WHERE Id = ?", ((number * each + turn) % 1000,)).fetchall()
        connection.close()

    def at_once(work: Callable[[int], None]) -> float:
        with ThreadPoolExecutor(connections) as clients:
            return rate(lambda: list(clients.map(work, range(connections))), each * connections)

    yield Figure(
        f"SELECT by primary key, {connections} connection{'s' * (connections > 1)}",
        at_once(through_the_standin),
        "statements/s",
        at_once(directly),
    )


def backup_and_restore(
    standin: Any, plain: sqlite3.Connection, process: psutil.Process, folder: Path, megabytes: int
) -> Iterator[Figure]:
    file = folder / "benchmark.bak"

    def run(statement: str) -> None:
        cursor = standin.execute(statement)
        while cursor.nextset():
            pass

    # Incompressible, as half of a real database is: task logs, packages' hashes and encrypted values.
    rows = [(number, os.urandom(500_000)) for number in range(megabytes * 2)]
    standin.execute("CREATE TABLE dbo.Payload (Id int NOT NULL PRIMARY KEY, Data varbinary(max) NOT NULL)")
    plain.execute("CREATE TABLE Payload (Id INTEGER PRIMARY KEY, Data BLOB NOT NULL)")
    for row in rows:
        standin.execute("INSERT INTO dbo.Payload VALUES (?, ?)", row)
    plain.execute("BEGIN")
    plain.executemany("INSERT INTO Payload VALUES (?, ?)", rows)
    plain.execute("COMMIT")
    del rows

    def copied(source: Path, target: Path) -> None:
        """SQLite's own online backup, on disk at its end as SQL Server's is."""
        target.unlink(missing_ok=True)
        with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
            one.backup(other)
        with target.open("rb") as written:
            os.fsync(written.fileno())

    peak = peak_memory(process)
    yield Figure(
        "BACKUP DATABASE",
        seconds(lambda: run(f"BACKUP DATABASE Benchmark TO DISK = N'{file}' WITH INIT, CHECKSUM")),
        "s",
        seconds(lambda: copied(folder / "plain.db", folder / "plain.bak")),
    )
    yield Figure("RESTORE VERIFYONLY", seconds(lambda: run(f"RESTORE VERIFYONLY FROM DISK = N'{file}'")), "s")
    run("USE master")
    yield Figure(
        "RESTORE DATABASE",
        seconds(lambda: run(f"RESTORE DATABASE Benchmark FROM DISK = N'{file}' WITH REPLACE")),
        "s",
        seconds(lambda: copied(folder / "plain.bak", folder / "restored.db")),
    )
    yield Figure("size of the backup", file.stat().st_size / 1e6, "MB")
    yield Figure("more memory than before, at most", peak_memory(process) - peak, "MB")


def peak_memory(process: psutil.Process) -> float:
    """The most memory that a process ever had, in megabytes."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def measure(folder: Path, count: int, megabytes: int) -> Iterator[Figure]:
    began = time.perf_counter()
    with server_process(folder, ["-m", "standins.sqlserver"]) as server:
        yield Figure("start until clients can connect", time.perf_counter() - began, "s")
        process = psutil.Process(server.process.pid)
        yield Figure("memory after start", process.memory_info().rss / 1e6, "MB")
        yield from connecting(server)
        plain = sqlite3.connect(folder / "plain.db", isolation_level=None)
        plain.execute("PRAGMA journal_mode = WAL")
        plain.execute("PRAGMA synchronous = NORMAL")
        standin = MICROSOFT.connect(server.address)
        standin.execute("CREATE DATABASE Benchmark")
        standin.execute("USE Benchmark")
        standin.execute(f"CREATE TABLE dbo.Item {TABLE}")
        plain.execute("CREATE TABLE Item (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL, JSON TEXT NOT NULL)")
        yield from large_statements(standin, plain, count)
        yield from small_statements(standin, plain, 4000)
        for connections in (1, 8):
            yield from point_lookups(server, folder, connections, 8000)
        yield Figure("memory, at most so far", peak_memory(process), "MB")
        yield from backup_and_restore(standin, plain, process, folder, megabytes)
        yield Figure("memory at the end", process.memory_info().rss / 1e6, "MB")
        standin.close()
        plain.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sqlserver", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the large table (default: %(default)s)")
    parser.add_argument("--megabytes", type=int, default=200, help="size of the backup (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    figures: list[Figure] = []
    print(f"{'':44} {'stand-in':>12} {'sqlite3':>12} {'times slower':>13}")
    with tempfile.TemporaryDirectory() as folder:
        for figure in measure(Path(folder), options.rows, options.megabytes):
            figures.append(figure)
            beside = "" if figure.sqlite3 is None else f"{figure.sqlite3:,.1f}"
            print(f"{figure.what:44} {figure.value:>12,.2f} {beside:>12} {figure.ratio:>13}  {figure.unit}", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
