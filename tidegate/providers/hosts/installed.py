"""The main instance's Octopus Server on its host: an installed service that was there before."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

from tidegate.errors import HarnessError, MainInstanceProtected, TidegateError, TimedOut, UsageError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.octopus.instance_configuration import CONNECTION_STRING, NODE_NAME
from tidegate.octopus.start_up import StartingServer, wait_until_up
from tidegate.providers.contract import CommandResult
from tidegate.providers.hosts.installer import Installer
from tidegate.providers.hosts.preflight import (
    Look,
    ask_facts,
    check_way,
    described_machine,
    require_administrator,
    require_writable,
)
from tidegate.providers.hosts.process import end_processes
from tidegate.providers.hosts.quoting import literally
from tidegate.providers.hosts.reach import Reach
from tidegate.providers.hosts.reaching import reached
from tidegate.providers.hosts.service import InstalledService
from tidegate.providers.hosts.systems import System, system_of
from tidegate.providers.standing import StandingHost
from tidegate.rehearsal.instances import MainInstance, ServerFolders
from tidegate.settings import MainOnHostSettings
from tidegate.versions import Version

_SHORT: Final = 120.0
#: How ADO.NET's connection strings name the database (Microsoft: SqlConnection.ConnectionString).
_DATABASE: Final = re.compile(r"(?:^|;)\s*(?:Initial Catalog|Database)\s*=\s*(\"[^\"]*\"|'[^']*'|[^;]*)", re.IGNORECASE)


@contextmanager
def installed_machine(
    wanted: MainOnHostSettings, main: MainInstance, feed: Callable[[], DownloadFeed], downloads: Path
) -> Generator[InstalledMachine]:
    """The machine, reached as long as the block lasts. Raises :class:`UsageError` when it cannot be, or when no Octopus
    Server is where the settings say."""
    system = system_of(wanted.system)
    with reached(wanted) as reach:
        for _, look in _looks(wanted, reach, system):
            look()
        there = system.path(wanted.work_folder, "downloads")
        yield InstalledMachine(reach, system, wanted, main, Installer(reach, system, feed, there, downloads))


def looks_at_machine(wanted: MainOnHostSettings) -> Iterator[Look]:
    """A name and a look for each thing that a cut-over on these machines needs, one after the other, as in
    :func:`tidegate.providers.hosts.preflight.looks`; nothing is changed."""
    for one in wanted.nodes:
        with reached(one) as reach:
            for name, look in _looks(one, reach, system_of(one.system)):
                yield f"{name} ({one.address or 'this machine'})" if wanted.other_nodes else name, look


def _looks(wanted: MainOnHostSettings, reach: Reach, system: System) -> Iterator[Look]:
    yield "main's machine, way there", lambda: check_way(wanted, "[main.host]")
    yield "main's machine", lambda: _answers(wanted, reach, system)
    yield "main's machine, Octopus Server", lambda: _is_installed(wanted, reach, system)
    service = InstalledService(reach, system, wanted.install_folder, wanted.instance)
    yield "main's machine, service", service.require_ours


def _answers(wanted: MainOnHostSettings, reach: Reach, system: System) -> str:
    facts = ask_facts(reach, system, wanted.work_folder)
    require_administrator(facts, reach.where, on="the machine")
    where = f"{reach.where}: {wanted.work_folder}"
    require_writable(facts, where, on="the machine", setting="[main.host] work_folder")
    return described_machine(facts, reach, system)


def _is_installed(wanted: MainOnHostSettings, reach: Reach, system: System) -> str:
    # An installation that was cut off in the middle of being swapped has its new folder only.
    places = (system.executable(wanted.install_folder), f"{wanted.install_folder}.new")
    if not any(reach.run("looking for Octopus Server", system.exists(one), timeout=_SHORT).ok for one in places):
        raise UsageError(
            "no Octopus Server is installed there",
            where=f"{reach.where}: {wanted.install_folder}",
            next_step="correct [main.host] address or install_folder",
        )
    return f"it is in {wanted.install_folder}"


@final
class InstalledMachine(StandingHost):
    """A `TestHost` over an installation that already has its instance and service, at the URL it has always had."""

    def __init__(
        self, reach: Reach, system: System, wanted: MainOnHostSettings, main: MainInstance, installer: Installer
    ) -> None:
        super().__init__(reach.where)
        self._reach = reach
        self._system = system
        self._wanted = wanted
        self._main = main
        self._url = wanted.url or main.url
        self._installer = installer
        self._service = InstalledService(reach, system, wanted.install_folder, wanted.instance)
        self._said_before = 0
        self._node_name = ""

    @property
    def node_name(self) -> str:
        """Asked once: with the server's binaries or its database away nobody could tell."""
        if not self._node_name:
            self._node_name = self._service.configuration().get(NODE_NAME, "")
        return self._node_name

    @property
    def folders(self) -> ServerFolders:
        return self._main.folders

    @property
    def server_paths(self) -> ServerFolders:
        raise HarnessError("a main instance's server folders are where they always were")

    def fetch(self, version: Version) -> None:
        """Brings the installer; before that, the instance itself must say that it is the main instance's."""
        self._prove()
        self._installer.bring(version)

    def install(self, version: Version) -> None:
        self._installed[str(version)] = self._installer.install(version, self._wanted.install_folder)

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        executable = self._system.executable(self._wanted.install_folder)
        line = self._system.command([executable, command, f"--instance={self._wanted.instance}", *options])
        try:
            return self._reach.run(f"Octopus.Server {command}", line, timeout=timeout)
        except TimedOut:
            self._end_commands()  # the connection is gone, the command on the host is not
            raise

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        return self.octopus_server("database", ["--upgrade"], timeout=timeout)

    def start(self, *, timeout: float = 300) -> str:
        """Starts the service; nothing happens to one that runs."""
        if not self._runs():
            self._said_before = len(self._whole_log())
        self._service.start(watchdog=self._wanted.watchdog)
        starting = StartingServer(self.server_log, self._ended, self._reach.where, poll=0.5)
        try:
            return wait_until_up(starting, lambda _: self._url, timeout=timeout)
        except TidegateError:
            self.stop()
            raise

    def stop(self) -> None:
        """The service, its watchdog, and any command of a killed attempt that still works on the database."""
        executable = self._system.executable(self._wanted.install_folder)
        if self._reach.run("looking for Octopus Server", self._system.exists(executable), timeout=_SHORT).ok:
            self._service.stop()
            self._end_commands()
        else:  # an attempt was killed while it swapped the installation: nobody can be asked to stop
            self._service.stop_without_octopus()
            self._end([self._installation])

    def server_log(self) -> str:
        """What it has said since it was started from here; all of it when it was not."""
        log = self._whole_log()
        return log[self._said_before :] if len(log) >= self._said_before else log  # a full one is begun anew

    def log_files(self) -> Sequence[Path]:
        """None on this machine: the server's log is told by `server_log`."""
        return []

    def _prove(self) -> None:
        found = _DATABASE.search(self._service.configuration().get(CONNECTION_STRING, ""))
        name = found[1].strip().strip("\"'") if found else "none"
        if name.casefold() != self._main.database.name.casefold():
            raise MainInstanceProtected(
                f"the instance {self._wanted.instance} on this machine works on the database {name}, the main instance "
                f"on {self._main.database.name}",
                where=self._reach.where,
                next_step="correct [main.host] address or instance",
            )

    def _ended(self) -> str | None:
        return self._service.ended(runs=self._runs())

    def _runs(self) -> bool:
        line, mine = self._system.find_processes(), _lines([self._installation, "run"])
        return bool(self._reach.run("looking for the server", line, timeout=_SHORT, stdin=mine).output.strip())

    def _whole_log(self) -> str:
        log = self._system.path(self._wanted.home, "Logs", "OctopusServer.txt")
        return self._reach.run("reading the server's log", self._system.text(log), timeout=_SHORT).output

    @property
    def _installation(self) -> str:
        """Finds every process of this installation: it was started by this path, or has it as an argument."""
        folder = self._wanted.install_folder
        return f"{literally(self._system.executable(folder))}|{literally(folder)}"

    def _end_commands(self) -> None:
        self._end([self._installation, f"--instance={literally(self._wanted.instance)}"])

    def _end(self, patterns: Sequence[str]) -> None:
        end_processes(self._reach, self._system, _lines(patterns))


def _lines(patterns: Sequence[str]) -> bytes:
    return "\n".join(patterns).encode()
