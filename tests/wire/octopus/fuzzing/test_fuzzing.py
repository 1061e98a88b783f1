"""schemathesis makes requests up from the stand-in's own document: nothing crashes, every status is a listed one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.support.octopus_sample import connection_string
from tests.support.octopus_server import ADMIN_KEY, ROOT, octopus_process
from tests.support.octopus_shop import open_shop
from tests.wire.octopus.api.client import WireClient
from tests.wire.sqlserver.processes import server_process

#: A version with nearly every route there is; `--thorough` asks older ones as well.
VERSION = "2025.4.10338"
OLDER = ("2018.8.0", "2018.12.1", "2020.5.256", "2022.3.10957")

#: Requests of each operation that are sent without the caller's key on purpose.
_WITHOUT_KEY = 3
_SIGNING_IN = frozenset({"POST /api/users/login", "POST /api/users/register"})


@pytest.mark.parametrize("version", [VERSION, *(pytest.param(one, marks=pytest.mark.thorough) for one in OLDER)])
def test_nothing_crashes_and_every_status_is_listed(version: str, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis", reason="schemathesis is not installed (extra 'dev')")
    ids, answers = tmp_path / "ids.json", tmp_path / "answers.json"
    with (
        server_process(tmp_path, ["-m", "standins.sqlserver"]) as database,
        octopus_process(version, connection_string(database.address, "Fuzzing"), tmp_path / "octopus") as server,
    ):
        ids.write_text(json.dumps(_ids(server.url, version)), encoding="utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/swagger.json"),
                *("--header", f"X-Octopus-ApiKey: {ADMIN_KEY}"),
                *("--checks", "not_a_server_error,status_code_conformance"),
                *("--phases", "coverage,fuzzing", "--max-examples", "1", "--seed", "1", "--workers", "2"),
                # A space's form of a path leads to the same code.
                *("--exclude-path-regex", "baseSpaceId", "--suppress-health-check", "all", "--no-color"),
            ],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "FUZZING_IDS": str(ids),
                "FUZZING_ANSWERS": str(answers),
                "SCHEMATHESIS_HOOKS": "tests.wire.octopus.fuzzing.real_ids",
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )
        signed_in = httpx.get(f"{server.url}/api/users/me", headers={"X-Octopus-ApiKey": ADMIN_KEY}, timeout=60)
    report = done.stdout[done.stdout.find("FAILURES") :][:6000]
    assert done.returncode == 0, report + done.stderr[-2000:]
    assert "Server error" not in done.stdout
    assert signed_in.status_code == 200, "something that was tried shut the caller out: the rest was only refused"
    counted: dict[str, dict[str, int]] = json.loads(answers.read_text(encoding="utf-8"))
    assert shut_out(counted) == []
    assert share_that_worked(counted) > 0.5


def shut_out(answers: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Operations that the caller was not let into. One request each goes without a key, or with a wrong one."""
    return [
        operation
        for operation, statuses in answers.items()
        if statuses.get("401", 0) > _WITHOUT_KEY and operation not in _SIGNING_IN
    ]


def share_that_worked(answers: Mapping[str, Mapping[str, int]]) -> float:
    """How many of the operations did what they are for at least once."""
    worked = [statuses for statuses in answers.values() if {"200", "201"} & statuses.keys()]
    return len(worked) / len(answers)


def test_a_caller_that_is_shut_out_is_noticed() -> None:
    good = {"GET /api/projects": {"200": 4, "401": 1}, "POST /api/users/login": {"401": 9}}

    assert shut_out(good) == []
    assert shut_out({**good, "GET /api/tasks": {"401": 50, "400": 1}}) == ["GET /api/tasks"]
    assert share_that_worked({**good, "GET /api/tasks": {"401": 50}}) < 0.5


def _ids(url: str, version: str) -> dict[str, list[str]]:
    """Things of the shop by their collection: nothing whose loss would shut the caller out."""
    client = WireClient(url, ADMIN_KEY, version)
    found: dict[str, list[str]] = defaultdict(list)
    for item in open_shop(client).values():
        parts = str(item.get("Links", {}).get("Self", "")).removeprefix("/api/").removeprefix("Spaces-1/").split("/")
        if len(parts) == 2:
            found[parts[0].lower()].append(parts[1])
    client.close()
    return {**found, "spaces": ["Spaces-1"]}
