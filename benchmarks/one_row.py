"""One changed row in a large table: found inside SQL Server, beside reading the table through the client.

    python -m benchmarks.one_row [--rows 1000000]

Prints the time, the round trips, what the client received, and the memory of client and server at most.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.sqlserver import peak_memory
from tests.wire.sqlserver.processes import PASSWORD, server_process
from tidegate.rehearsal.instances import SqlServerAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.fingerprints import RowChange, find_changes

_CREATE = (
    "CREATE TABLE dbo.Event (Id int NOT NULL PRIMARY KEY, Category nvarchar(50) NOT NULL, JSON nvarchar(max) NULL)"
)
#: Ten rows times ten as often as it takes.
_DIGITS = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))"


def fill(server: SqlServer, name: str, rows: int) -> None:
    """A table of that many rows, made inside the server."""
    server.execute(f"CREATE DATABASE [{name}]")
    server.execute(f"USE [{name}]")
    server.execute(_CREATE)
    digits = "+".join(f"d{place}.n*{10**place}" for place in range(len(str(rows - 1))))
    tables = " CROSS JOIN ".join(f"{_DIGITS} d{place}(n)" for place in range(len(str(rows - 1))))
    server.execute(
        f'INSERT INTO dbo.Event SELECT n, N\'Modified\', CONCAT(N\'{{"Id":"Events-\', n, N\'","Message":"changed"}}\') '
        f"FROM (SELECT {digits} AS n FROM {tables}) numbers WHERE n < {rows}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_row", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default: %(default)s)")
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder, server_process(Path(folder), ["-m", "standins.sqlserver"]) as server:
        secret = Secret.generated("the benchmark's password", PASSWORD)
        address = SqlServerAddress(
            f"{server.address.host},{server.address.port}", "sa", secret, trust_server_certificate=True
        )
        process, client = psutil.Process(server.process.pid), psutil.Process()
        with SqlServer(address) as before, SqlServer(address) as after:
            for number, one in enumerate((before, after)):
                fill(one, f"Large{number}", rows)
            wanted = rows // 2 + 7
            after.execute("UPDATE dbo.Event SET JSON = N'{}' WHERE Id = ?", wanted)
            base = peak_memory(client)
            began = time.perf_counter()
            found = find_changes(before, after, "dbo.Event")
            searched = time.perf_counter() - began
            assert found.changes == (RowChange((str(wanted),), "changed"),), found.changes
            grown = peak_memory(client) - base
            began = time.perf_counter()
            tables = [dict(one.rows("SELECT Id, CONCAT(Category, JSON) FROM dbo.Event")) for one in (before, after)]
            read = time.perf_counter() - began
            assert [key for key, value in tables[0].items() if tables[1][key] != value] == [wanted]
        print(f"{rows:,} rows on each side, one of them changed")
        print(f"searched in the server   {searched:8.1f} s   {found.round_trips} round trips to each side")
        print(f"read through the client  {read:8.1f} s   ({searched / read:.1f} times as long)")
        print(f"client memory grew by {grown:.1f} MB while searching, by {peak_memory(client) - base:.1f} MB reading")
        print(f"memory of the server at most {peak_memory(process):.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
