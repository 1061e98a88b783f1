"""Octopus servers with the sample instance in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.octopus_server import ADMIN_KEY, ROOT, OctopusProcess, octopus_process
from tests.wire.sqlserver.drivers import Address


def connection_string(address: Address, database: str) -> str:
    return (
        f"Server={address.host},{address.port};Database={database};User Id={address.user};Password={address.password};"
        "TrustServerCertificate=True"
    )


@contextmanager
def filled_server(version: str, connection: str, folder: Path) -> Generator[OctopusProcess]:
    with octopus_process(version, connection, folder) as server:
        load_sample(server.url, folder / "sample.json")
        yield server


def load_sample(url: str, target: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "standins.sample", "--url", url, "--json", str(target), *options]
    done = subprocess.run(
        command,
        env={**os.environ, "OCTOPUS_API_KEY": ADMIN_KEY},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    facts: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return facts
