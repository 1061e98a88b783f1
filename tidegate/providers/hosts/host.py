"""One Octopus Server on a host: installed from the feed, configured, started and stopped, all over one `Reach`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final
from urllib.parse import urlsplit

from tidegate.errors import HarnessError, ProvisioningFailed, TidegateError, TimedOut
from tidegate.octopus.instance_configuration import (
    CONNECTION_STRING,
    HOME,
    LISTEN_PREFIXES,
    MASTER_KEY,
    NODE_NAME,
    SERVICES_PORT,
    ado_connection_string,
    write_instance_configuration,
)
from tidegate.octopus.start_up import StartingServer, wait_until_up
from tidegate.providers.contract import CommandResult, SqlServerHost
from tidegate.providers.hosts.installer import Installer
from tidegate.providers.hosts.process import RemoteProcess, ServerRun, end_processes
from tidegate.providers.hosts.quoting import literally
from tidegate.providers.hosts.reach import Reach, must
from tidegate.providers.hosts.service import InstalledService, ServiceRun
from tidegate.providers.hosts.systems import System, read_configuration
from tidegate.rehearsal.folders import describe_folder
from tidegate.rehearsal.instances import DatabaseAddress, FileEntry, ServerFolders
from tidegate.secrets import Secret
from tidegate.versions import Version

_SHORT: Final = 120.0
_INSTALL: Final = 1800.0


@dataclass(frozen=True, slots=True)
class HostPlace:
    """Where things are. ``root`` is a folder on the host for everything that Tidegate puts there; ``views`` are the
    server folders as this machine sees them (mounted, or the same paths); ``url`` is how the server is reached from
    here, with port 0 for whatever port it takes; ``install_folder`` is where its MSI installs to; ``service`` has the
    server run as one.
    """

    root: str
    views: ServerFolders
    paths: ServerFolders
    url: str
    node_name: str
    instance: str = "OctopusServer"
    install_folder: str = ""
    service: bool = False


@final
class ServerHost:
    """A `TestHost` on a Linux or Windows machine. On Linux the server is a process of the account that is logged in:
    nothing may start it behind the harness's back. Windows ends processes with the connection they were started over,
    so there it is a service.
    """

    def __init__(
        self, reach: Reach, system: System, place: HostPlace, sql_server: SqlServerHost, installer: Installer
    ) -> None:
        self._reach = reach
        self._system = system
        self._place = place
        self._sql_server = sql_server
        self._installer = installer
        self._installed: dict[str, str] = {}
        self._run_of = self._server_run()
        self._last_log = ""

    @property
    def node_name(self) -> str:
        return self._place.node_name

    @property
    def node_names(self) -> Sequence[str]:
        return [self._place.node_name]

    @property
    def sql_server(self) -> SqlServerHost:
        return self._sql_server

    @property
    def folders(self) -> ServerFolders:
        return self._place.views

    @property
    def server_paths(self) -> ServerFolders:
        return self._place.paths

    @property
    def installed(self) -> Mapping[str, str]:
        return dict(self._installed)

    def fetch(self, version: Version) -> None:
        """The installer on the host, with the checksum that the feed names, computed there once more."""
        self._installer.bring(version)

    def install(self, version: Version) -> None:
        self._installed[str(version)] = self._installer.install(version, self._install_folder)

    def configure(self, database: DatabaseAddress, master_key: Secret) -> None:
        """The configuration travels as a file that only its owner may read, never on a command line."""
        home = self._path("home")
        prefix = urlsplit(self._place.url)
        values = {
            HOME: home,
            CONNECTION_STRING: ado_connection_string(database),
            MASTER_KEY: master_key.reveal(),
            NODE_NAME: self._place.node_name,
            LISTEN_PREFIXES: f"http://+:{prefix.port or 0}/" if prefix.port else "http://localhost:0/",
            SERVICES_PORT: "0",
        }
        self._must("making folders", self._system.make_folders([home]))
        self._run_of.prepare()
        with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
            file = Path(folder) / "OctopusServer.config"
            write_instance_configuration(file, values)
            self._reach.put(file, self._system.transfer_path(self._configuration))

    def configuration(self) -> Mapping[str, str]:
        """What the instance says about itself (`show-configuration`); the connection string in it is a secret."""
        result = self.octopus_server("show-configuration", ["--format=json", "--noconsolelogging"])
        if not result.ok:
            raise HarnessError(
                f"the configuration cannot be read back:\n{result.output[-1000:]}", where=self._reach.where
            )
        return read_configuration(result.output)

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        arguments = [self._executable, command, "--config", self._configuration, *options]
        try:
            return self._run(f"Octopus.Server {command}", self._system.command(arguments), timeout)
        except TimedOut:
            self._end_processes()  # the connection is gone, the command on the host is not
            raise

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        return self.octopus_server("database", ["--upgrade"], timeout=timeout)

    def start(self, *, timeout: float = 300) -> str:
        if self._run_of.runs():
            raise HarnessError("this host's Octopus Server is running already", where=self._reach.where)
        self._run_of.start()
        starting = StartingServer(self._run_of.log_text, self._run_of.ended, self._reach.where, poll=0.3)
        try:
            return wait_until_up(starting, self._reached_from_here, timeout=timeout)
        except TidegateError:
            self.stop()
            raise

    def stop(self) -> None:
        """The server, and any command that was cut off from here and still works on the database."""
        self._last_log = self._run_of.log_text() or self._last_log
        self._run_of.stop()
        self._end_processes()

    def server_log(self) -> str:
        """Also of a server that is gone with everything else of its instance."""
        return self._run_of.log_text() or self._last_log

    def log_files(self) -> Sequence[Path]:
        """None on this machine: the server's log is told by `server_log`."""
        return []

    def remove(self) -> None:
        self._last_log = self.server_log()
        self._run_of.remove()
        self._end_processes()
        self._must("removing what was put here", self._system.remove(self._place.root), _INSTALL)

    def copy_from_host(self, folder: str, target: Path) -> tuple[FileEntry, ...]:
        """A folder of the host in ``target``, with its manifest; every file's digest was computed on both sides."""
        listed = self._must("listing a folder", self._system.manifest(folder), _INSTALL)
        expected = self._system.read_manifest(listed)
        self._reach.get(self._system.transfer_path(folder), target)
        manifest = describe_folder(target)
        found = {entry.path: entry.sha256 for entry in manifest}
        wrong = sorted(path for path in {*expected, *found} if expected.get(path) != found.get(path))
        if wrong:
            raise HarnessError(
                f"{len(wrong)} files are not here as they are on the host: {', '.join(wrong[:5])}",
                where=f"{self._reach.where}: {folder}",
                next_step="nobody may write to the folder while it is copied: maintenance mode, or a stopped server",
            )
        return manifest

    def _reached_from_here(self, address: str) -> str:
        """The host's name as the settings have it, with the port that the server took."""
        return f"http://{urlsplit(self._place.url).hostname}:{urlsplit(address).port}"

    def _server_run(self) -> ServerRun:
        system, reach = self._system, self._reach
        if self._place.service:
            service = InstalledService(reach, system, self._install_folder, self._place.instance)
            return ServiceRun(reach, system, service, self._patterns, self._path("home"))
        arguments = [self._executable, "run", "--config", self._configuration, "--console", "--noninteractive"]
        return RemoteProcess(reach, arguments, self._path("octopus-server.pid"), self._path("octopus-server.log"))

    @property
    def _patterns(self) -> bytes:
        """What finds the processes of this instance: its configuration file is an argument of each, or its name."""
        names = [self._configuration, *([self._place.instance] if self._place.service else [])]
        return "|".join(f"(--(config|instance)=)?{literally(name)}" for name in names).encode()

    def _end_processes(self) -> None:
        end_processes(self._reach, self._system, self._patterns)

    @property
    def _executable(self) -> str:
        return self._system.executable(self._install_folder)

    @property
    def _install_folder(self) -> str:
        return self._place.install_folder or self._path("install")

    @property
    def _configuration(self) -> str:
        return self._path("home", f"{self._place.instance}.config")

    def _path(self, *parts: str) -> str:
        return self._system.path(self._place.root, *parts)

    def _run(self, what: str, command_line: str, timeout: float) -> CommandResult:
        return self._reach.run(what, command_line, timeout=timeout)

    def _must(self, what: str, command_line: str, timeout: float = _SHORT) -> str:
        return must(self._reach, what, command_line, timeout=timeout, error=ProvisioningFailed)
