"""The whole rehearsal, the same features as everywhere, with the test instance on a host that is reached over SSH."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.journeys.runs import REPOSITORY, Running, leaks, rehearse
from tests.support.sshd import Sshd, needs_sshd
from tidegate.command import main
from tidegate.providers.contract import SqlServerHost
from tidegate.providers.hosts.ownership import OwnedFolder
from tidegate.providers.provision import remove_expired
from tidegate.settings import load
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.reaper import owned_databases

pytestmark = [pytest.mark.journey, needs_sshd]


@dataclass(frozen=True, slots=True)
class OnHost:
    """A settings file for rehearsals on the loopback host, and the folders that they use."""

    folder: Path
    settings: Path
    sql_server: SqlServerHost
    found: frozenset[Path]  # what other tests left in the folder of backups

    @property
    def everywhere(self) -> list[Path]:
        """What came into the folders of the host, and into those that it shares."""
        parents = (self.folder / "host", self.folder / "share", self.sql_server.backups.here)
        return [entry for parent in parents for entry in parent.iterdir() if entry not in self.found]

    def servers(self) -> list[int]:
        """Processes that run from the host's folder."""
        inside = f"{self.folder / 'host'}/"
        found: list[int] = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if any(word.startswith(inside) for word in process.cmdline()):
                    found.append(process.pid)
        return found

    def with_reports(self, reports: Path) -> Path:
        """The settings of somebody who cleans up after the runs in ``reports``."""
        file = self.folder / "reaping.toml"
        told = f'[reports]\nfolder = "{reports}"\n'
        file.write_text(self.settings.read_text(encoding="utf-8") + told, encoding="utf-8")
        return file

    def databases(self) -> list[str]:
        with SqlServer(self.sql_server.address) as server:
            return [one.name for one in owned_databases(server)]


@pytest.fixture
def on_host(sshd: Sshd, sql_server: SqlServerHost, tmp_path: Path) -> Iterator[OnHost]:
    for name in ("host", "share"):
        (tmp_path / name).mkdir()
    password = tmp_path / "sql-password"
    password.write_text(sql_server.address.password.reveal(), encoding="ascii")
    password.chmod(0o600)
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f"""
[test_instance]
provider = "host"
[host]
address = "127.0.0.1"
port = {sshd.port}
identity_file = "{sshd.identity}"
known_hosts = "{sshd.known_hosts}"
folder = "{tmp_path / "host"}"
free_disk = 0
[host.server_folders]
on_host = "{tmp_path / "share"}"
[host.sql_server]
server = "{sql_server.address.server}"
user = "{sql_server.address.user}"
password = "file:{password}"
trust_server_certificate = true
[host.sql_server.backups]
on_server = "{sql_server.backups.on_server}"
""",
        encoding="utf-8",
    )
    there = OnHost(tmp_path, settings, sql_server, frozenset(sql_server.backups.here.iterdir()))
    yield there
    for pid in there.servers():  # of a test that failed
        psutil.Process(pid).kill()


def test_ends_approved_with_every_scenario_there_is_and_leaves_nothing_behind(on_host: OnHost) -> None:
    ran, seen, _ = rehearse(
        "features/", f"--settings={on_host.settings}", reports=on_host.folder / "reports", timeout=600
    )

    assert (ran.exit_code, ran.verdict["outcome"]) == (0, "approved"), ran.output
    features = (REPOSITORY / "features").glob("*.feature")
    assert len(ran.scenarios()) == sum(file.read_text(encoding="utf-8").count("Scenario:") for file in features)
    assert set(ran.scenarios().values()) == {"passed"}
    facts: dict[str, Any] = {}
    for event in ran.events("environment"):
        facts |= event
    assert facts["Host of the test instance"] == "127.0.0.1, linux"
    assert (on_host.everywhere, on_host.databases()) == ([], [])
    assert seen.alive() == []
    known = {*seen.secrets, on_host.sql_server.address.password.reveal()}
    assert leaks(ran.run_folder, known) == []
    assert [line for line in seen.command_lines if any(secret in line for secret in known)] == []


def test_what_a_killed_rehearsal_left_on_the_host_is_removed(
    on_host: OnHost, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = on_host.folder / "reports"
    feature = "features/03_clone_the_test_instance.feature"
    with Running(feature, f"--settings={on_host.settings}", reports=reports) as running:
        running.wait_for_line("Looking at the clone")
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    assert len(on_host.everywhere) == 3, "one folder of its own in each"
    assert len(on_host.databases()) == 1
    assert on_host.servers() != []

    code = main(["reap", "--json", f"--settings={on_host.with_reports(reports)}"])  # what the next run does first

    said = capsys.readouterr().out
    assert code == 0, said
    assert (on_host.everywhere, on_host.databases(), on_host.servers()) == ([], [], [])
    assert sum("was killed" in sentence for sentence in json.loads(said)["done"]) >= 4


def test_what_was_kept_goes_when_its_time_is_over_and_not_before(on_host: OnHost) -> None:
    settings = load(on_host.settings)
    assert settings.host is not None
    now = datetime.now(UTC)
    kept, over = (OwnedFolder("kept", now + timedelta(hours=1)), OwnedFolder("over", now - timedelta(hours=1)))
    for parent in (on_host.folder / "host", on_host.folder / "share", on_host.sql_server.backups.here):
        for name in (kept.name, over.name, "somebody-else-s", "tidegate-not-a-run"):
            (parent / name / "inside").mkdir(parents=True)

    removed = remove_expired(settings, now)

    assert len(removed) == 3
    left = {entry.name for entry in on_host.everywhere}
    assert left == {kept.name, "somebody-else-s", "tidegate-not-a-run"}
    for entry in on_host.everywhere:
        shutil.rmtree(entry)
