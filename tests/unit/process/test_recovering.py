"""What a killed run left is cleaned up by the next one, which says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.unit.process.inner import GOOD, Rehearsal
from tidegate.gate.evidence import Evidence

pytest_plugins = ["pytester"]


def _dead_process() -> dict[str, Any]:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    identity = {"pid": process.pid, "started": psutil.Process(process.pid).create_time()}
    process.wait()
    return identity


def _dead_run(rehearsal: Rehearsal, main: dict[str, Any] | None = None) -> Path:
    folder = rehearsal.path / "reports" / "2020-01-01T00-00-00Z-dead00"
    folder.mkdir(parents=True)
    Evidence(folder).record("run.started", settings={"main": main})
    return folder


def _write(file: Path, *entries: dict[str, Any]) -> None:
    file.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")


def test_processes_and_folders_of_a_dead_run_are_removed(rehearsal: Rehearsal) -> None:
    dead = _dead_run(rehearsal)
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (dead / "instances").mkdir()
    _write(
        dead / "provisioned.jsonl",
        {"kind": "owner", **_dead_process()},
        {"kind": "process", "what": "a server", "pid": left.pid, "started": psutil.Process(left.pid).create_time()},
        {"kind": "folder", "path": str(dead / "instances")},
    )
    rehearsal.feature(GOOD)
    ran = rehearsal.run("features", apart=True)

    assert left.wait(5) != 0
    assert not (dead / "instances").exists()
    assert f"{dead.name} was killed: process {left.pid} (a server) removed" in ran.output
    [event] = ran.events("recovered")
    assert len(event["what"]) == 2


def test_a_run_that_lives_is_left_alone(rehearsal: Rehearsal) -> None:
    other = _dead_run(rehearsal)
    living = psutil.Process()
    _write(other / "provisioned.jsonl", {"kind": "owner", "pid": living.pid, "started": living.create_time()})
    rehearsal.feature(GOOD)
    ran = rehearsal.run()

    assert ran.events("recovered") == []
    assert (other / "provisioned.jsonl").exists()


def test_writes_to_an_embedded_main_instance_are_forgotten_with_it(rehearsal: Rehearsal) -> None:
    dead = _dead_run(rehearsal)
    _write(
        dead / "main-writes.jsonl",
        {"kind": "owner", **_dead_process()},
        {"kind": "intent", "number": 1, "write": "maintenance-mode", "at": "2020", "url": "http://localhost:1"},
    )
    rehearsal.feature(GOOD)
    rehearsal.run()

    assert not (dead / "main-writes.jsonl").exists()


def test_another_main_instances_writes_are_left_to_its_own_next_run(rehearsal: Rehearsal) -> None:
    dead = _dead_run(rehearsal, {"url": "https://other.example.com"})
    _write(
        dead / "main-writes.jsonl",
        {"kind": "owner", **_dead_process()},
        {"kind": "intent", "number": 1, "write": "maintenance-mode", "at": "2020", "url": "https://other.example.com"},
    )
    rehearsal.feature(GOOD)
    ran = rehearsal.run()

    assert (dead / "main-writes.jsonl").exists()
    assert ran.events("clean-up.failed") == []


SETTINGS = """
[main]
url = "http://localhost:9"
api_key = "env:SECRET"
master_key = "env:SECRET"
[main.database]
server = "localhost,9"
name = "OctopusDeploy"
user = "sa"
password = "env:SECRET"
[main.folders]
packages = "."
artifacts = "."
task_logs = "."
[main.backup_folder]
on_server = "."
"""


def test_a_main_instance_that_cannot_be_restored_is_told_and_never_approved(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = _dead_run(rehearsal, {"url": "http://localhost:9"})
    _write(
        dead / "main-writes.jsonl",
        {"kind": "owner", **_dead_process()},
        {"kind": "intent", "number": 1, "write": "maintenance-mode", "at": "2020", "url": "http://localhost:9"},
    )
    monkeypatch.setenv("SECRET", "hunter2hunter2")
    (rehearsal.path / "main.toml").write_text(SETTINGS, encoding="utf-8")
    rehearsal.feature(GOOD)
    ran = rehearsal.run("features", "--settings", "main.toml", apart=True)

    assert ran.exit_code == 10
    assert "clean-up-failed" in ran.codes
    assert f"{dead.name} was killed, and this could not be undone" in ran.output
