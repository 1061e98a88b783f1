"""Starts a SQL Server stand-in as a process of its own.

Never as a thread of the test process: pyodbc holds the interpreter while it waits in the driver, and with it
the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.wire.sqlserver.drivers import Address

ROOT = Path(__file__).parents[3]
PASSWORD = "Rehearsal!2021"


@dataclass(frozen=True, slots=True)
class ServerProcess:
    address: Address
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def server_process(folder: Path, program: Sequence[str], *options: str) -> Generator[ServerProcess]:
    """``program`` is what follows ``python``; it keeps the command-line contract of ``standins.sqlserver``."""
    port_file, certificate, log = folder / "port", folder / "certificate.pem", folder / "server.log"
    port_file.unlink(missing_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                *program,
                "--data",
                str(folder / "data"),
                "--port-file",
                str(port_file),
                "--certificate-file",
                str(certificate),
                "--exit-with-stdin",
                *options,
            ],
            env={**os.environ, "MSSQL_SA_PASSWORD": PASSWORD, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
    try:
        port = _wait_for_port(process, port_file, log)
        yield ServerProcess(Address("127.0.0.1", port, "sa", PASSWORD, certificate), process, log)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_port(process: subprocess.Popen[bytes], port_file: Path, log: Path) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if port_file.exists():
            return int(port_file.read_text())
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Polls ``condition()`` until it is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
