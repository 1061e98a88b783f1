"""An Octopus Server on a host that is reached by a real OpenSSH client and server, on the loopback interface."""

from __future__ import annotations

import os
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.new_instance import create_instance
from tests.support.sshd import needs_sshd
from tidegate.errors import HarnessError, TimedOut, Unreachable, UpgradeFailed
from tidegate.octopus.client import OctopusClient
from tidegate.octopus.instance_configuration import NODE_NAME
from tidegate.providers.contract import CommandResult
from tidegate.providers.embedded_servers import EmbeddedFeed, EmbeddedSqlServer
from tidegate.providers.hosts.host import HostPlace, ServerHost
from tidegate.providers.hosts.installer import Installer
from tidegate.providers.hosts.linux import Linux
from tidegate.providers.hosts.process import RemoteProcess
from tidegate.providers.hosts.quoting import posix_command
from tidegate.providers.hosts.reach import OverSsh, Reach
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import DatabaseAddress, ServerFolders
from tidegate.secrets import Secret
from tidegate.versions import Version
from tidegate.waiting import wait_until

pytestmark = needs_sshd

OLD, NEW = Version(2020, 6, 4671), Version(2021, 1, 7500)
API_KEY = "API-HOSTHOSTHOSTHOSTHOSTHOST"


def test_a_command_gets_its_arguments_whatever_they_hold(reach: Reach) -> None:
    arguments = ["a b", "", "'\"", "$HOME `id` $(id)", "back\\slash", "line\nbreak", "*", "-n", "ä€"]

    result = reach.run("printf", posix_command(["printf", "<%s>", *arguments]), timeout=30)

    assert (result.exit_code, result.output) == (0, "".join(f"<{one}>" for one in arguments))


def test_exit_codes_and_input_go_through(reach: Reach) -> None:
    assert reach.run("a failing command", "cat >/dev/null; exit 42", timeout=30, stdin=b"x").exit_code == 42
    assert reach.run("cat", "cat", timeout=30, stdin=b"over there").output == "over there"
    with pytest.raises(TimedOut):
        reach.run("a long command", "sleep 30", timeout=1)


def test_files_and_folders_travel_under_odd_names(reach: Reach, tmp_path: Path) -> None:
    source, there = tmp_path / "a 'b' [c].txt", tmp_path / 'there "quoted" \\ *'
    source.write_bytes(b"\x00content")
    source.chmod(0o600)
    there.mkdir()

    reach.put(source, str(there / "name [1] ?.txt"))
    reach.get(str(there), tmp_path / "back")

    [file] = (tmp_path / "back").iterdir()
    assert (file.name, file.read_bytes()) == ("name [1] ?.txt", b"\x00content")
    assert (there / "name [1] ?.txt").stat().st_mode & 0o777 == 0o600


def test_a_process_outlives_its_connection_and_is_stopped(reach: Reach, tmp_path: Path) -> None:
    script = "echo begun; trap 'echo asked; exit 0' TERM; while :; do sleep 0.1; done"
    process = RemoteProcess(reach, ["sh", "-c", script], str(tmp_path / "pid"), str(tmp_path / "log"))
    assert not process.runs()

    process.start()
    wait_until(lambda: "begun" in process.log_text(), timeout=20, what="the process to begin")
    assert process.runs()
    process.stop()

    assert not process.runs()
    assert process.log_text() == "begun\nasked\n"
    process.stop()


def test_a_recycled_process_id_is_nobody_s(reach: Reach, tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(f"{os.getpid()} 1\n", encoding="ascii")

    process = RemoteProcess(reach, ["true"], str(tmp_path / "pid"), str(tmp_path / "log"))

    assert not process.runs()
    process.stop()


def test_an_unknown_host_is_refused_and_nothing_is_asked(ssh_config: Path) -> None:
    stranger = OverSsh("stranger", ("-F", str(ssh_config)))

    with pytest.raises(Unreachable, match="key is not known here") as refused:
        stranger.run("true", "true", timeout=30)
    assert "Host key verification failed" in str(refused.value)


@dataclass
class Watched:
    """A reach that remembers every command line."""

    reach: Reach
    lines: list[str] = field(default_factory=list[str])

    @property
    def where(self) -> str:
        return self.reach.where

    def run(self, what: str, command_line: str, *, timeout: float, stdin: bytes = b"") -> CommandResult:
        self.lines.append(command_line)
        return self.reach.run(what, command_line, timeout=timeout, stdin=stdin)

    def put(self, source: Path, target: str) -> None:
        self.reach.put(source, target)

    def get(self, source: str, target: Path) -> None:
        self.reach.get(source, target)


@pytest.mark.parametrize("service", [False, True], ids=["process", "service"])
def test_an_instance_is_installed_upgraded_and_removed_over_ssh(loopback: Reach, tmp_path: Path, service: bool) -> None:
    leftovers = Leftovers(tmp_path / "run")
    feed, sql_server = EmbeddedFeed(tmp_path / "feed", leftovers), EmbeddedSqlServer(tmp_path / "sql", leftovers)
    root = tmp_path / "on the host"
    folders = ServerFolders(root / "Packages", root / "Artifacts", root / "TaskLogs")
    watched = Watched(loopback)
    place = HostPlace(
        str(root), folders, folders, "http://127.0.0.1:0", "REMOTE", instance="rehearsal", service=service
    )
    installer = Installer(watched, Linux(), lambda: feed.feed, str(root / "downloads"), tmp_path / "downloads")
    host = ServerHost(watched, Linux(), place, sql_server.host, installer)
    key = Secret.generated("the host's master key", b64encode(bytes(range(16))).decode())
    database = DatabaseAddress(sql_server.host.address, "Remote")
    try:
        host.fetch(OLD)
        host.install(OLD)
        host.configure(database, key)
        create_instance(host, API_KEY, OLD)
        assert _version(host.start()) == OLD
        with pytest.raises(HarnessError, match="running already"):
            host.start()
        assert host.configuration()[NODE_NAME] == "REMOTE"
        host.stop()

        _spoil(root / "downloads" / f"Octopus.{OLD}-x64.tar.gz")
        host.install(OLD)  # what is on the host is not what the feed names: it is brought again
        host.install(NEW)
        with pytest.raises(UpgradeFailed, match="schema is older"):
            host.start()
        upgraded = host.upgrade_database()
        assert upgraded.ok, upgraded.output
        assert _version(host.start()) == NEW
        assert set(host.installed) == {str(OLD), str(NEW)}
        host.stop()

        lingering = ["sh", "-c", "while :; do sleep 0.2; done", "--config", str(root / "home" / "rehearsal.config")]
        process = RemoteProcess(loopback, lingering, str(tmp_path / "pid"), str(tmp_path / "log"))
        process.start()
        assert process.runs()
        host.stop()  # also what was cut off and still works on the database
        assert not process.runs()

        (folders.artifacts / "a file.txt").write_text("content", encoding="ascii")
        manifest = host.copy_from_host(str(folders.artifacts), tmp_path / "copy")
        assert [entry.path for entry in manifest] == ["a file.txt"]
    finally:
        host.remove()
        sql_server.stop()
        feed.stop()

    assert not root.exists()
    assert [line for line in watched.lines if key.reveal() in line] == []
    assert [line for line in watched.lines if database.server.password.reveal() in line] == []


def _version(url: str) -> Version:
    with OctopusClient(url, None) as client:
        return client.server().version


def _spoil(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
