"""Starts the Octopus Server stand-in as a process, the way its container image starts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
ADMIN_KEY = "API-WIRETESTWIRETESTWIRETEST"
ADMIN_PASSWORD = "Rehearsal!2021"
_LISTENING = re.compile(r"Listening for HTTP requests on (http://\S+?)/?\s")
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class OctopusProcess:
    url: str
    version: str
    process: subprocess.Popen[bytes]
    log: Path
    volumes: Path


@contextmanager
def octopus_process(
    version: str, connection_string: str, folder: Path, program: Sequence[str] = ("-m", "standins.octopus")
) -> Generator[OctopusProcess]:
    """``folder`` keeps the installation and the volumes, so a second start finds what the first one left. ``program``
    is what follows ``python``.
    """
    install, volumes, log = folder / "install", folder / "volumes", folder / "octopus.log"
    install.mkdir(parents=True, exist_ok=True)
    (install / "release.json").write_text(json.dumps({"Version": version}), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ACCEPT_EULA": "Y",
        "DB_CONNECTION_STRING": connection_string,
        "ADMIN_USERNAME": "admin",
        "ADMIN_PASSWORD": ADMIN_PASSWORD,
        "ADMIN_EMAIL": "admin@example.test",
        "ADMIN_API_KEY": ADMIN_KEY,
        "OCTOPUS_SERVER_NODE_NAME": "NODE-1",
        "OCTOPUS_STANDIN_HTTP_PORT": "0",
        "OCTOPUS_STANDIN_ROOT": str(volumes),
    }
    command = [sys.executable, *program, "--install-folder", str(install), "container"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--exit-with-stdin"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
    try:
        yield OctopusProcess(_wait_until_ready(process, log), version, process, log, volumes)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = _LISTENING.search(log.read_text(encoding="utf-8", errors="replace"))
        if found and _answers(found[1]):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
