"""The command line of `python -m standins.sqlserver`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.wire.sqlserver.processes import ROOT


def run(*arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "standins.sqlserver", *arguments],
        env={**os.environ, "MSSQL_SA_PASSWORD": password},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_says_what_it_is_and_where_the_password_comes_from() -> None:
    result = run("--help")
    assert result.returncode == 0
    for word in ("stand-in", "MSSQL_SA_PASSWORD", "--data", "--port-file", "--exit-with-stdin", "2019"):
        assert word in result.stdout


def test_without_a_password_it_does_not_start(tmp_path: Path) -> None:
    result = run("--data", str(tmp_path))
    assert result.returncode == 2
    assert "MSSQL_SA_PASSWORD" in result.stderr


def test_a_version_it_cannot_play_is_refused(tmp_path: Path) -> None:
    result = run("--data", str(tmp_path), "--product-version", "2008", password="Secret!1")
    assert result.returncode == 2
    assert "2008" in result.stderr


def test_a_port_that_is_taken_is_an_error_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--data", str(tmp_path), "--port", str(port), password="Canary-4711")
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Canary-4711" not in result.stderr + result.stdout
