"""The machine of a main instance: a small server that keeps its state in a real database, controlled over HTTP.

It lives in the test's process, so it goes on when a cut-over in another process is killed, as a service does.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import httpx

from tests.support.serving import Handler, served
from tests.wire.database_layer.octopus_tables import put
from tests.wire.rehearsal.small_octopus import SmallOctopus
from tidegate.errors import UpgradeFailed
from tidegate.providers.contract import CommandResult, SqlServerHost
from tidegate.rehearsal.instances import DatabaseAddress, ServerFolders
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.versions import Version

#: What a stopped server does with requests: it drops them.
_FOR_EVER = 10**9


@dataclass
class MainOctopus(SmallOctopus):
    """Keeps maintenance mode in its database, so that a restored backup brings it back."""

    database: DatabaseAddress | None = None
    tasks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def answer(self, path: str) -> Any:
        if path == "/api/licenses/licenses-current":
            return {"LicenseText": "<License Signature='…'/>"}
        if path == "/api/tasks":
            return {"Items": self.tasks, "TotalResults": len(self.tasks)}
        return super().answer(path)

    def change(self, path: str, body: Any) -> None:
        super().change(path, body)
        if path == "/api/maintenanceconfiguration":
            self.remember("maintenance", self.maintenance)

    def remember(self, name: str, value: bool) -> None:
        assert self.database is not None
        with SqlServer(self.database.server, self.database.name) as server:
            server.execute("DELETE FROM dbo.Configuration WHERE Id = ?", name)
            put(server, "Configuration", name, {"On": value})

    def recalls(self, name: str) -> bool:
        assert self.database is not None
        with SqlServer(self.database.server, self.database.name) as server:
            text = server.value("SELECT JSON FROM dbo.Configuration WHERE Id = ?", name)
        return bool(text and json.loads(text)["On"])


@dataclass
class Machine:
    """What is installed and running, and what becomes of the database."""

    octopus: MainOctopus
    installed: str = "2018.12.1"
    running: bool = True
    calls: list[str] = field(default_factory=list[str])
    #: Version → how `database --upgrade` or the start goes wrong.
    broken_upgrades: dict[str, str] = field(default_factory=dict[str, str])
    broken_starts: set[str] = field(default_factory=set[str])

    def act(self, what: str, about: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append(" ".join([what, *map(str, about.values())]))
        match what:
            case "install":
                self.installed = str(about["version"])
                return {}
            case "stop":
                self.running, self.octopus.deaf = False, _FOR_EVER
                return {}
            case "start":
                return self._start()
            case "upgrade":
                return self._upgrade()
            case "node":
                self.octopus.remember("drain", "--drain=true" in about["options"])
                return {"exit": 0, "output": ""}
            case _:
                raise AssertionError(what)

    @property
    def _server(self) -> SqlServer:
        assert self.octopus.database is not None
        return SqlServer(self.octopus.database.server, self.octopus.database.name)

    def _upgrade(self) -> dict[str, Any]:
        assert not self.running, "a schema upgrade while the server runs"
        if message := self.broken_upgrades.get(self.installed):
            with self._server as server:  # a post-upgrade script died: half of it is there
                server.execute("ALTER TABLE dbo.Project ADD HalfDone nvarchar(10) NULL")
            return {"exit": 1, "output": message}
        with self._server as server:
            server.execute("INSERT INTO dbo.SchemaVersions (ScriptName, Applied) VALUES (?, GETUTCDATE())",
                           f"Script {self.installed}")  # fmt: skip
            server.execute("ALTER TABLE dbo.Project ADD Slug nvarchar(210) NULL")
            put(server, "Project", "Projects-upgraded", Name="made by a script", AutoCreateRelease=0)
        return {"exit": 0, "output": "Done.\n"}

    def _start(self) -> dict[str, Any]:
        if self.installed in self.broken_starts:
            return {"failed": "the Octopus Server ended with exit code 1 while starting:\nFATAL out of luck"}
        with self._server as server:
            newest = server.value(
                "SELECT TOP 1 Version FROM dbo.OctopusServerInstallationHistory ORDER BY Installed DESC, Id DESC"
            )
            if Version.parse(newest) > Version.parse(self.installed):
                return {"failed": f"FATAL {self.installed} was stopped to protect your data, last used by {newest}"}
            if newest != self.installed:
                put(server, "OctopusServerInstallationHistory", f"H-{self.installed}", Node="MAIN",
                    Version=self.installed, Installed="2026-01-01T00:00:00+00:00")  # fmt: skip
            server.execute("UPDATE dbo.OctopusServerNode SET LastSeen = SYSDATETIMEOFFSET()")
        self.running = True
        self.octopus.version, self.octopus.deaf = self.installed, 0
        self.octopus.maintenance = self.octopus.recalls("maintenance")
        return {"url": self.octopus.url}


class _Handler(Handler):
    machine: ClassVar[Machine]

    def do_POST(self) -> None:
        self.answer_json(self.machine.act(self.path.strip("/"), json.loads(self.body())))


@contextmanager
def switched_on(machine: Machine) -> Generator[str]:
    """The machine's own address."""
    with served(_Handler, machine=machine) as address:
        yield address


@dataclass
class RemoteHost:
    """A `TestHost` that works on a machine elsewhere."""

    machine: str
    sql_server: SqlServerHost
    folders: ServerFolders
    digests: dict[str, str] = field(default_factory=dict[str, str])
    node_name: str = "MAIN"

    @property
    def node_names(self) -> Sequence[str]:
        return [self.node_name]

    @property
    def server_paths(self) -> ServerFolders:
        return self.folders

    @property
    def installed(self) -> Mapping[str, str]:
        return self.digests

    def fetch(self, version: Version) -> None:
        """The machine has every installer."""

    def install(self, version: Version) -> None:
        self._ask("install", version=str(version))
        self.digests[str(version)] = f"sha256:{version}"

    def configure(self, database: DatabaseAddress, master_key: Secret) -> None:
        raise AssertionError("a main instance is configured already")

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        assert command == "node"
        ended = self._ask("node", options=list(options))
        return CommandResult(f"Octopus.Server {command}", ended["exit"], ended["output"], 0.1)

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        ended = self._ask("upgrade")
        return CommandResult("Octopus.Server database", ended["exit"], ended["output"], 0.1)

    def start(self, *, timeout: float = 300) -> str:
        started = self._ask("start")
        if "failed" in started:
            raise UpgradeFailed(started["failed"])
        return str(started["url"])

    def stop(self) -> None:
        self._ask("stop")

    def server_log(self) -> str:
        return "Web server is ready to process requests\n"

    def log_files(self) -> Sequence[Path]:
        return []

    def remove(self) -> None:
        raise AssertionError("nobody removes a main instance")

    def _ask(self, what: str, **about: Any) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.post(f"{self.machine}/{what}", json=about, timeout=60, trust_env=False).json()
        return answer
