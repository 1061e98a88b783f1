"""A running server, seen over HTTP and in its log."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.wire.octopus.lifecycle.machine import ADMIN_KEY, ROOT, Instance

VERSIONS = ("2018.12.1", "2019.1.0", "2019.13.5", "2020.6.4671", "2021.1.7500")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_starts_and_answers(instance: Instance, version: str) -> None:
    instance.create(version)
    with instance.serve(version) as server:
        assert server.get("/api", key=None)["Version"] == version
        assert server.get("/api/users/me")["Username"] == "admin"
        assert [group["Name"] for group in server.get("/api/projectgroups/all")] == ["Default Project Group"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            server.get("/api/users/me", key="API-WRONG")
        assert refused.value.code == 401
        refused.value.close()


def test_an_upgraded_server_knows_its_users_and_its_identity(instance: Instance) -> None:
    instance.create("2018.12.1")
    with instance.serve("2018.12.1") as server:
        before = server.get("/api", key=None)
    assert instance.upgrade("2021.1.7500").code == 0
    with instance.serve("2021.1.7500") as server:
        after = server.get("/api", key=None)
        assert server.get("/api/users/me")["Username"] == "admin"
        assert [space["Name"] for space in server.get("/api/spaces/all")] == ["Default"]
    assert before["InstallationId"] == after["InstallationId"]
    assert (before["Version"], after["Version"]) == ("2018.12.1", "2021.1.7500")


def test_sigterm_ends_it_in_order_and_at_once(instance: Instance) -> None:
    instance.create("2019.13.5")
    with instance.serve("2019.13.5") as server:
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(5) == 0
        assert time.monotonic() - began < 1.5
        assert server.log.read_text().rstrip().endswith("The server has stopped")


def test_the_log_file_has_octopus_layout(instance: Instance) -> None:
    instance.create("2019.13.5")
    with instance.serve("2019.13.5"):
        lines = (instance.home / "Logs" / "OctopusServer.txt").read_text().splitlines()
    layout = re.compile(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{4}  +\d+  +\d+  (INFO |WARN |ERROR|FATAL)  \S.*|.* - PASS: .*"
    )
    assert lines
    assert [line for line in lines if not layout.fullmatch(line)] == []
    assert any("Web server is ready to process requests" in line for line in lines)


def test_a_node_shows_its_heartbeat(instance: Instance) -> None:
    for version, table in (("2018.12.1", "OctopusServerNode"), ("2019.13.5", "OctopusServerNodeStatus")):
        instance.create(version) if version == "2018.12.1" else instance.upgrade(version)
        with instance.serve(version), instance.database() as database:
            ((seen,),) = database.run(f"SELECT DATEDIFF(second, [LastSeen], SYSDATETIMEOFFSET()) FROM dbo.[{table}]")
        assert abs(int(seen)) < 30


def test_a_port_in_use_is_told(instance: Instance) -> None:
    instance.create("2019.13.5")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert instance.run("2019.13.5", "configure", f"--webListenPrefixes=http://localhost:{port}/").code == 0
        result = instance.run("2019.13.5", "run", "--noninteractive")
    assert result.code == 1
    assert f"could not listen on 127.0.0.1:{port}" in result.errors


def test_an_unreachable_database_is_told(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = Instance(
            tmp_path,
            f"Server=127.0.0.1,{closed.getsockname()[1]};Database=x;User Id=sa;Password=hunter2;Connect Timeout=2",
        )
        for command, option in (("run", "--noninteractive"), ("database", "--upgrade"), ("database", "--create")):
            result = nowhere.run("2019.13.5", command, option)
            assert result.code == 1
            assert "The database could not be" in result.errors
            assert "hunter2" not in result.output + result.errors


def test_settings_survive_in_the_database(instance: Instance) -> None:
    instance.create("2021.1.7500")
    artifacts = instance.home / "elsewhere"
    assert instance.run("2021.1.7500", "path", f"--artifacts={artifacts}").code == 0
    assert instance.run("2021.1.7500", "node", "--taskCap=7", "--drain=true").code == 0
    shown = instance.run("2021.1.7500", "show-configuration", "--format=json", "--noconsolelogging")
    values = json.loads(shown.output)
    assert values["Octopus.Folders.ArtifactsDirectory"] == str(artifacts)
    assert values["Octopus.Server.TaskCap"] == "7"
    assert all(isinstance(value, str) for value in values.values())
    with instance.serve("2021.1.7500") as server:
        folders = server.get("/api/configuration/server-folders/values")
        assert folders["ArtifactsDirectory"] == str(artifacts)
        node = server.get("/api/octopusservernodes")["Items"][0]
        assert (node["MaxConcurrentTasks"], node["IsInMaintenanceMode"]) == (7, True)


def test_a_lost_master_key_costs_every_secret(instance: Instance) -> None:
    instance.create("2021.1.7500")
    secret = instance.master_key.encrypt("hunter2")
    with instance.database() as database:
        database.insert("Configuration", "test", {"Password": secret, "Name": "a|b"})
    thumbprint = instance.run("2021.1.7500", "show-thumbprint").output
    refused = instance.run("2021.1.7500", "lost-master-key")
    assert refused.code == 1
    assert "iReallyWantToResetAllMySensitiveData" in refused.errors
    result = instance.run(
        "2021.1.7500",
        "lost-master-key",
        "--iReallyWantToResetAllMySensitiveData",
        "--iHaveBackedUpMyDatabase",
        "--skipCurrentMasterKeyTest",
    )
    assert result.code == 0, result.errors
    with instance.database() as database:
        ((text,),) = database.run("SELECT [JSON] FROM dbo.[Configuration] WHERE [Id] = N'test'")
    assert json.loads(text) == {"Password": None, "Name": "a|b"}
    assert instance.run("2021.1.7500", "show-thumbprint").output != thumbprint
    with instance.serve("2021.1.7500") as server:
        assert server.get("/api/users/me")["Username"] == "admin"


def test_the_container_contract(tmp_path: Path, instance: Instance) -> None:
    """Everything from environment variables; a second start finds the database there."""
    root = tmp_path / "volumes"
    environment = {
        **os.environ,
        "ACCEPT_EULA": "Y",
        "DB_CONNECTION_STRING": instance.connection_string,
        "MASTER_KEY": instance.master_key.text(),
        "ADMIN_USERNAME": "admin",
        "ADMIN_PASSWORD": "Passw0rd!1",
        "ADMIN_API_KEY": ADMIN_KEY,
        "OCTOPUS_SERVER_NODE_NAME": "pod-0",
        "TASK_CAP": "3",
        "OCTOPUS_STANDIN_HTTP_PORT": "0",
        "OCTOPUS_STANDIN_ROOT": str(root),
    }
    for version in ("2020.6.4671", "2021.1.7500"):
        url = ""
        process = subprocess.Popen(
            [sys.executable, "-m", "standins.octopus", "--install-folder", str(instance.installation(version)),
             "container", "--console", "--noninteractive", "--exit-with-stdin"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=ROOT,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            said: list[str] = []
            for line in process.stdout:
                said.append(line)
                url = line.split(" on ")[1].strip() if line.startswith("Listening") else url
                if line.startswith("Web server is ready"):
                    break
            assert url, "".join(said)
            request = urllib.request.Request(f"{url}api/octopusservernodes", headers={"X-Octopus-ApiKey": ADMIN_KEY})  # noqa: S310
            with urllib.request.urlopen(request) as reply:  # noqa: S310
                node = json.load(reply)["Items"][0]
            assert (node["Name"], node["MaxConcurrentTasks"]) == ("pod-0", 3)
            with urllib.request.urlopen(f"{url}api") as reply:  # noqa: S310
                assert json.load(reply)["Version"] == version
        finally:
            process.stdin.close()
            assert process.wait(10) == 0
            process.stdout.close()
    assert (root / "repository").is_dir()


def test_the_container_wants_its_licence_terms_accepted(instance: Instance) -> None:
    program = [sys.executable, "-m", "standins.octopus"]
    result = subprocess.run(
        [*program, "--install-folder", str(instance.installation("2020.6.4671")), "container"],
        env={name: value for name, value in os.environ.items() if name != "ACCEPT_EULA"},
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=30,
    )  # fmt: skip
    assert result.returncode == 1
    assert "https://octopus.com/company/legal" in result.stderr
