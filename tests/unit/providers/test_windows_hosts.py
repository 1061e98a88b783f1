"""What a Windows host would be told, word by word: none was there to try it on."""

from __future__ import annotations

import base64
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tidegate.errors import UsageError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.contract import CommandResult, SqlServerHost
from tidegate.providers.hosts import preflight
from tidegate.providers.hosts.host import HostPlace, ServerHost
from tidegate.providers.hosts.installed import InstalledMachine
from tidegate.providers.hosts.installer import Installer
from tidegate.providers.hosts.linux import Linux
from tidegate.providers.hosts.windows import Windows
from tidegate.rehearsal.instances import (
    DatabaseAddress,
    Identity,
    MainInstance,
    ServerFolders,
    SharedFolder,
    SqlServerAddress,
)
from tidegate.secrets import Secret
from tidegate.settings import MainOnHostSettings, Settings
from tidegate.versions import Version

ROOT = r"D:\O'Brien\tidegate-run"
SECRET = Secret.generated("a made-up key", "made-up-master-key==")
FOLDERS = ServerFolders(Path("p"), Path("a"), Path("t"))
DATABASE = DatabaseAddress(SqlServerAddress("sql,1433", "sa", SECRET), "OctopusDeploy")


@dataclass
class Told:
    """A Windows host that remembers what it was told, decoded, and answers everything alike."""

    output: str = ""
    said: list[str] = field(default_factory=list[str])
    stdin: list[bytes] = field(default_factory=list[bytes])
    where: str = "windows.example.com"

    def run(self, what: str, command_line: str, *, timeout: float, stdin: bytes = b"") -> CommandResult:
        assert command_line.startswith("powershell -NoProfile -NonInteractive -EncodedCommand ")
        self.said.append(base64.b64decode(command_line.rpartition(" ")[2]).decode("utf-16-le"))
        self.stdin.append(stdin)
        return CommandResult(what, 0, self.output, 0.1)

    def put(self, source: Path, target: str) -> None:
        self.said.append(f"put {target}")

    def get(self, source: str, target: Path) -> None:
        raise NotImplementedError

    def order(self, *words: str) -> list[str]:
        """Those of the words that were said, in the order in which they were."""
        return [word for script in self.said for word in words if word in script]


def no_feed() -> DownloadFeed:
    raise AssertionError("nothing is downloaded")


def test_folders_with_a_quote_in_their_name_stay_one_text() -> None:
    windows = Windows()
    lines = [
        windows.remove(ROOT),
        windows.entries(ROOT),
        windows.text(ROOT),
        windows.exists(ROOT),
        windows.facts(ROOT),
        windows.last_lines(ROOT, 20),
    ]

    scripts = [base64.b64decode(line.rpartition(" ")[2]).decode("utf-16-le") for line in lines]

    assert [script for script in scripts if r"'D:\O''Brien\tidegate-run'" not in script] == []
    assert all(script.startswith("$ErrorActionPreference = 'Stop'") for script in scripts)


def test_sftp_names_a_drive_as_a_folder() -> None:
    assert Windows().transfer_path(r"D:\a b\c.config") == "/D:/a b/c.config"
    assert Linux().transfer_path("/a b/c.config") == "/a b/c.config"


def test_a_test_instance_is_registered_as_a_service_before_its_secrets_come() -> None:
    host = Told()
    place = HostPlace(
        ROOT, FOLDERS, FOLDERS, "http://octo:8080", "TEST", "tidegate-run-TEST", r"C:\Octopus", service=True
    )
    server = ServerHost(
        host,
        Windows(),
        place,
        SqlServerHost(DATABASE.server, SharedFolder("b", Path("b")), "d"),
        Installer(host, Windows(), no_feed, ROOT, Path("here")),
    )

    server.configure(DATABASE, SECRET)
    server.stop()
    server.remove()

    steps = [
        *("create-instance", "service --install", "put /D:/O'Brien/tidegate-run/home/tidegate-run-TEST.config"),
        *("service --stop --instance", "service --stop --uninstall", "delete-instance", "Remove-Item"),
    ]
    assert host.order(*steps) == steps
    assert [script for script in host.said if SECRET.reveal() in script] == []
    assert any(rb"O'Brien\\tidegate-run\\home\\tidegate-run-TEST\.config" in one for one in host.stdin)


def test_a_main_instance_s_watchdog_is_off_before_its_service_stops_and_what_lingers_is_ended_last() -> None:
    host = Told()
    wanted = MainOnHostSettings(
        provider="host",
        address="octopus",
        system="windows",
        install_folder=r"C:\Program Files\Octopus Deploy\Octopus",
        home=r"C:\Octopus",
        work_folder=r"C:\Work",
        watchdog=True,
    )
    main = MainInstance(
        url="http://octopus",
        api_key=SECRET,
        version=Version(2020, 6, 4671),
        database=DATABASE,
        folders=FOLDERS,
        backup_folder=SharedFolder("b", Path("b")),
        master_key=SECRET,
        license=None,
        identity=Identity("http://octopus", "id", "sql,1433", "OctopusDeploy", ""),
    )
    machine = InstalledMachine(host, Windows(), wanted, main, Installer(host, Windows(), no_feed, ROOT, Path("here")))

    machine.stop()

    steps = ["Test-Path", "watchdog --delete", "service --stop", "Get-CimInstance"]
    assert host.order(*steps) == steps
    assert b"--instance=OctopusServer" in host.stdin[-1]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ("system=Linux\n", "is no Windows machine"),
        ("system=Windows\nordinary=yes\n", "no administrator's rights"),
        ("system=Windows\ninstance=OctopusServer\n", "Octopus Server is on this host already"),
        ("system=Windows\ninstance=tidegate-x-TEST\nclosed=C:\\\n", "cannot be written to"),  # ours is in nobody's way
        ("system=Windows\nfree=5\n", "free_disk wants 10"),
    ],
)
def test_a_windows_host_that_will_not_do_is_refused(monkeypatch: pytest.MonkeyPatch, facts: str, told: str) -> None:
    @contextmanager
    def scripted(_: object) -> Generator[Told]:
        yield Told(facts)

    def there(_: object) -> str:
        return "/usr/bin/ssh"

    monkeypatch.setattr(preflight, "reached", scripted)
    monkeypatch.setattr(preflight.shutil, "which", there)
    settings = Settings.model_validate(
        {
            "test_instance": {"provider": "host"},
            "host": {
                "address": "windows.example.com",
                "system": "windows",
                "url": "http://windows.example.com:8080",
                "folder": "C:\\Tidegate",
                "server_folders": {"on_host": "C:\\Share", "here": "/mnt/share"},
                "sql_server": {
                    "server": "sql",
                    "user": "sa",
                    "password": "env:NO_SUCH_SECRET",
                    "backups": {"on_server": "E:\\Backups", "here": "/mnt/backups"},
                },
            },
        }
    )

    with pytest.raises(UsageError) as refused:
        preflight.check_host(settings)

    assert told in refused.value.what
    assert refused.value.next_step
