"""Clients that others wrote do their work against the server, unmodified, and find what they expect."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.octopus_server import ROOT
from tests.wire.octopus.clients.conftest import NEW, OLD, Target

HERE = Path(__file__).parent
NODE = HERE / "node"

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE / "node_modules" / "@octopusdeploy").exists(),
    reason="the TypeScript client is not installed: run 'npm install' in tests/wire/octopus/clients/node",
)


def run(command: Sequence[str], target: Target, folder: Path) -> Any:
    done = subprocess.run(
        command,
        env={**target.environment, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def package_id(package: Path) -> str:
    return package.name.removesuffix(".1.0.0.zip")


@needs_node
def test_the_typescript_client_releases_deploys_and_runs(
    target: Callable[[str], Target], package: Path, tmp_path: Path
) -> None:
    name = f"Shop {uuid.uuid4().hex[:6]}"

    seen = run(["node", str(NODE / "journey.js"), str(package), package_id(package), name], target(NEW), tmp_path)

    assert seen.pop("pushedTwice").startswith("Error: Error: A package with the same ID and version already exists")
    assert "No such project" in seen.pop("refused")
    assert {key: seen[key] for key in ("deployment", "tenanted", "run")} == {
        "deployment": ["Success"],
        "tenanted": ["Success"],
        "run": ["Success"],
    }
    assert seen["executions"] is None  # the client's word for a capability that is there
    assert seen["environments"] == [f"{name} test"]
    assert seen["project"] == [name, name.lower().replace(" ", "-"), "changed"]
    assert (seen["packages"], seen["release"], seen["releases"]) == (["1.0.0"], "1.0.0", 1)
    assert (seen["deployments"], seen["runs"]) == (1, 1)
    assert seen["tenant"] == ["changed", f"{name} tenant"]


@needs_node
def test_the_typescript_client_finds_an_old_server_too_old(
    target: Callable[[str], Target], package: Path, tmp_path: Path
) -> None:
    """It connects, reads and pushes; its releases need the executions API of 2022.3."""
    command = ["node", str(NODE / "old_server.js"), str(package)]

    seen = run(command, target(OLD), tmp_path)

    assert seen["version"] == OLD
    assert seen["pushed"] == 1
    assert "2022.3.5512" in seen["release"]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_the_python_client_releases_and_deploys(
    target: Callable[[str], Target], version: str, package: Path, tmp_path: Path
) -> None:
    pytest.importorskip("requests", reason="octopus-python-client is not installed (extra 'dev')")
    name, server = f"Shop{uuid.uuid4().hex[:6]}", target(version)
    environment = f"{name} test"
    headers = {"X-Octopus-ApiKey": server.key}
    httpx.post(f"{server.url}/api/environments", json={"Name": environment}, headers=headers).raise_for_status()

    program = str(HERE / "python_journey.py")
    seen = run([sys.executable, program, str(package), package_id(package), name, environment], server, tmp_path)

    assert "Default" in seen.pop("spaces")
    assert seen == {
        "place": environment,
        "project": "changed",
        "package": "1.0.0",
        "variables": ["Greeting"],
        "tenant": f"{name} tenant",
        "team": True,
        "deployment": "Success",
        "releases": ["1.0.0"],
        "as user": name,
        "deleted": {},
    }
