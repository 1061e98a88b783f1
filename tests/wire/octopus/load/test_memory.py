"""Both stand-ins hold as many objects after many requests as before: counted, never measured in bytes or seconds."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from standins.memory import LIVE_OBJECTS
from tests.support.octopus_sample import connection_string
from tests.support.octopus_server import ADMIN_KEY, octopus_process
from tests.support.octopus_shop import open_shop
from tests.wire.octopus.api.client import WireClient
from tests.wire.sqlserver.processes import server_process, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="servers are asked by a signal")

VERSION = "2021.1.7500"

#: How often everything is asked for; caches are full after the first half.
ROUNDS = 60


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Types of which there are more by ten a round: a leak of every request is fourteen, and statements that are
    prepared on one more connection of the pool, or one more thread, are fewer.
    """
    more = {kind: count - before.get(kind, 0) for kind, count in after.items()}
    return {kind: count for kind, count in more.items() if count >= 10 * ROUNDS}


def measure(folder: Path, program: Callable[[str], list[str]]) -> dict[str, dict[str, int]]:
    """Growth of each server between two equal loads."""
    with server_process(folder, program("standins.sqlserver")) as database:
        connection = connection_string(database.address, "Memory")
        with octopus_process(VERSION, connection, folder / "octopus", program("standins.octopus")) as octopus:
            client = WireClient(octopus.url, ADMIN_KEY, VERSION)
            shop = open_shop(client)
            servers = {"octopus": octopus.process.pid, "database": database.process.pid}
            _load(client, shop, 0)
            before = {name: counts(folder, pid) for name, pid in servers.items()}
            _load(client, shop, ROUNDS)
            after = {name: counts(folder, pid) for name, pid in servers.items()}
            client.close()
    return {name: grown(before[name], after[name]) for name in servers}


def counts(folder: Path, process: int) -> dict[str, int]:
    file = folder / f"{process}.json"
    file.unlink(missing_ok=True)
    os.kill(process, signal.SIGUSR1)
    wait_until(file.exists, "the server to count its objects")
    return json.loads(file.read_text(encoding="utf-8"))


def _load(client: WireClient, shop: dict[str, Any], start: int) -> None:
    """What clients do all day, good and bad, with ids, keys and names that were never sent before."""
    project = shop["project"]["Id"]
    for number in range(start, start + ROUNDS):
        for path, expected in (
            ("/api/projects/all", 200),
            (f"/api/projects?partialName=nobody{number % 20}", 200),
            (f"/api/projects/{project}", 200),
            (f"/api/projects/Projects-{10_000 + number}", 404),
            (f"/api/no-such-thing-{number}", 404),
            (f"/api/progression/{project}", 200),
            ("/api/dashboard", 200),
            (f"/api/events?regarding={project}&skip={number}", 200),
            ("/api/tasks?take=10", 200),
            (f"/api/variables/variableset-{project}", 200),
        ):
            assert client.send("GET", path).status_code == expected, path
        wrong_key = {"X-Octopus-ApiKey": f"API-WRONG{number:05}"}
        assert client.send("GET", "/api/projects/all", headers=wrong_key).status_code == 401
        assert client.send("POST", "/api/projects", {"Name": f"Half {number}"}).status_code == 400
        sign_in = {"Username": "admin", "Password": f"wrong {number}"}
        assert client.send("POST", "/api/users/login", sign_in).status_code in {400, 401}
        made = client.post("/api/environments", {"Name": f"Passing {number}"})
        assert client.send("DELETE", made["Links"]["Self"]).status_code == 200


def test_many_requests_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIVE_OBJECTS, str(tmp_path))

    assert measure(tmp_path, lambda module: ["-m", module]) == {"octopus": {}, "database": {}}


def test_a_leak_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIVE_OBJECTS, str(tmp_path))

    found = measure(tmp_path, lambda module: ["-m", "tests.support.leaking", module])

    assert found["octopus"]["standins.octopus.api.requests.Received"] >= 10 * ROUNDS
    assert found["database"]["standins.sqlserver.contract.ProcedureCall"] >= 10 * ROUNDS
