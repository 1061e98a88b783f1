"""How fast the SQL Server stand-in is through Microsoft's ODBC driver, beside Python's own sqlite3 on the same machine.

    python -m benchmarks.sqlserver [--rows 20000] [--json FILE]

Absolute figures depend on the machine; the ratio to sqlite3, measured minutes apart in one process, says more. What a
real SQL Server would do is not measured here.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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


def backup_and_restore(standin: Any, folder: Path) -> Iterator[Figure]:
    file = folder / "benchmark.bak"

    def run(statement: str) -> None:
        cursor = standin.execute(statement)
        while cursor.nextset():
            pass

    yield Figure(
        "BACKUP DATABASE", seconds(lambda: run(f"BACKUP DATABASE Benchmark TO DISK = N'{file}' WITH INIT")), "s"
    )
    yield Figure("RESTORE VERIFYONLY", seconds(lambda: run(f"RESTORE VERIFYONLY FROM DISK = N'{file}'")), "s")
    run("USE master")
    yield Figure(
        "RESTORE DATABASE",
        seconds(lambda: run(f"RESTORE DATABASE Benchmark FROM DISK = N'{file}' WITH REPLACE")),
        "s",
    )
    yield Figure("size of the backup", file.stat().st_size / 1e6, "MB")


def measure(folder: Path, count: int) -> Iterator[Figure]:
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
        yield from backup_and_restore(standin, folder)
        yield Figure("memory at the end", process.memory_info().rss / 1e6, "MB")
        standin.close()
        plain.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sqlserver", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the large table (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    figures: list[Figure] = []
    print(f"{'':44} {'stand-in':>12} {'sqlite3':>12} {'times slower':>13}")
    with tempfile.TemporaryDirectory() as folder:
        for figure in measure(Path(folder), options.rows):
            figures.append(figure)
            beside = "" if figure.sqlite3 is None else f"{figure.sqlite3:,.1f}"
            print(f"{figure.what:44} {figure.value:>12,.2f} {beside:>12} {figure.ratio:>13}  {figure.unit}", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
