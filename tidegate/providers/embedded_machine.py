"""The machine of an embedded main instance: its server goes on when whoever started it is killed, as a service does.

The server is known by the installation it runs from, not by who started it. Its standard input is a named pipe that the
machine's owner (`tidegate lab`) holds open: when the owner dies, whatever way, the server sees the end of it and stops.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, final
from urllib.parse import urlsplit

import psutil

from tidegate.errors import HarnessError, ProvisioningFailed, UpgradeFailed
from tidegate.log_ends import last_lines
from tidegate.octopus.downloads import DownloadFeed
from tidegate.octopus.instance_configuration import NODE_NAME, read_instance_configuration
from tidegate.octopus.start_up import answers, listening_address
from tidegate.providers.contract import CommandResult
from tidegate.providers.embedded import EmbeddedHost
from tidegate.providers.leftovers import Leftovers
from tidegate.providers.processes import run_command
from tidegate.providers.standing import StandingHost
from tidegate.rehearsal.instances import ServerFolders
from tidegate.secrets import redact
from tidegate.versions import Version
from tidegate.waiting import wait_until

#: The pipe that is held open as long as the machine is on.
_POWER: Final = "power"
#: Where an instance has its configuration: one that the container contract made, and a node that joined it.
_CONFIGURATIONS: Final = (
    Path("volumes", "home", ".octopus", "OctopusServer", "Server", "Server.linux.config"),
    Path("home", "OctopusServer.config"),
)
_STOPPING: Final = 15.0  # seconds until a server that was asked to stop is made to


@contextmanager
def switched_on(folder: Path) -> Generator[None]:
    """Inside the block servers of the machine in ``folder`` may run; at its end they stop."""
    if not hasattr(os, "mkfifo"):
        yield  # Windows has no such pipes: there the machine has the server it was made with, and no other
        return
    folder.mkdir(parents=True, exist_ok=True)
    pipe = folder / _POWER
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe, 0o600)
    # Open for both: opening for writing alone would wait for a reader.
    descriptor = os.open(pipe, os.O_RDWR)
    try:
        yield
    finally:
        os.close(descriptor)
        pipe.unlink(missing_ok=True)


@final
class EmbeddedMachine(StandingHost):
    """A `TestHost` over an installation that already has its instance, at the URL it has always had."""

    def __init__(self, folder: Path, url: str, feed: Callable[[], DownloadFeed], leftovers: Leftovers) -> None:
        super().__init__(str(folder.resolve()))
        self._folder = folder.resolve()
        self._url = url
        self._leftovers = leftovers
        self._launched: int | None = None
        made = [one for one in (self._folder / place for place in _CONFIGURATIONS) if one.is_file()]
        if not made:
            raise ProvisioningFailed("there is no embedded main instance in this folder", where=str(folder))
        self._configuration = made[0]
        node_name = read_instance_configuration(self._configuration)[NODE_NAME]
        self._installation = EmbeddedHost(self._folder, feed, leftovers, node_name=node_name)

    @property
    def node_name(self) -> str:
        return self._installation.node_name

    @property
    def folders(self) -> ServerFolders:
        root = self._installation.container_root
        return ServerFolders(root / "repository", root / "artifacts", root / "taskLogs")

    @property
    def server_paths(self) -> ServerFolders:
        return self.folders

    def fetch(self, version: Version) -> None:
        self._installation.fetch(version)

    def install(self, version: Version) -> None:
        self._installation.install(version)
        self._installed.update(self._installation.installed)

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        if not self._executable.exists():
            raise HarnessError("no Octopus Server is installed on this machine", where=str(self._executable))
        return run_command(
            f"Octopus.Server {command}",
            [str(self._executable), command, "--config", str(self._configuration), *options],
            timeout=timeout,
            leftovers=self._leftovers,
        )

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        return self.octopus_server("database", ["--upgrade"], timeout=timeout)

    def start(self, *, timeout: float = 300) -> str:
        """Starts the server unless it runs."""
        if not self._servers():
            self._listen_where_it_did()
            self._log.unlink(missing_ok=True)
            self._launch()
        wait_until(
            self._ready,
            timeout=timeout,
            what="the Octopus Server to start",
            describe=lambda: last_lines(self.server_log()),
            where=self._url,
        )
        return self._url

    def stop(self) -> None:
        """Stops the server, and any command of a killed attempt that still works on the database."""
        running = self._processes()
        for process in running:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, stubborn = psutil.wait_procs(running, timeout=_STOPPING)
        for process in stubborn:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until(lambda: not self._processes(), timeout=_STOPPING, what="the Octopus Server to stop")

    def server_log(self) -> str:
        return redact(self._log.read_text(encoding="utf-8", errors="replace")) if self._log.exists() else ""

    def log_files(self) -> Sequence[Path]:
        return [self._log] if self._log.exists() else []

    @property
    def _executable(self) -> Path:
        return self._folder / "install" / "Octopus.Server"

    @property
    def _log(self) -> Path:
        return self._folder / "octopus-server.log"

    def _servers(self) -> list[psutil.Process]:
        """Running servers of this installation, whoever started them."""
        return self._processes("run", "container")

    def _processes(self, *commands: str) -> list[psutil.Process]:
        """Processes of this installation; with ``commands`` those that run one of them."""
        # The launcher of an installation is found by its own path, the program behind it by its folder.
        names = {str(self._executable), str(self._executable.parent)}
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                words = set(process.cmdline())
                ours = names & words and (not commands or words & set(commands))
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _launching(self) -> bool:
        """Whether what was started last still runs: until it has become the launcher it shows no command line."""
        if self._launched is None:
            return False
        try:
            return psutil.Process(self._launched).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def _listen_where_it_did(self) -> None:
        """The instance was made on whatever port was free; started again, it must be found where it was."""
        prefix = f"http://localhost:{urlsplit(self._url).port}/"
        if prefix not in self._configuration.read_text(encoding="utf-8"):
            result = self.octopus_server("configure", [f"--webListenPrefixes={prefix}"])
            if not result.ok:
                raise HarnessError(f"`Octopus.Server configure` failed:\n{result.output[-2000:]}", where=self._url)

    def _launch(self) -> None:
        command = [str(self._executable), "run", "--config", str(self._configuration)]
        try:
            # Not to wait for an owner that is gone: without one the server reads the end at once, and stops.
            power = os.open(self._folder / _POWER, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            raise ProvisioningFailed(
                "the machine of this main instance is switched off",
                where=str(self._folder),
                next_step="keep `tidegate lab` running",
            ) from None
        try:
            os.set_blocking(power, True)
            with self._log.open("ab") as output:
                # No Popen object: nobody waits for this process, and it outlives this one.
                self._launched = os.posix_spawn(
                    command[0],
                    [*command, "--console", "--noninteractive", "--exit-with-stdin"],
                    dict(os.environ),
                    file_actions=[
                        (os.POSIX_SPAWN_DUP2, power, 0),
                        (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                        (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
                    ],
                    setsid=True,
                )
        finally:
            os.close(power)

    def _ready(self) -> bool:
        if not self._servers() and not self._launching():
            said = last_lines(self.server_log())
            raise UpgradeFailed(f"the Octopus Server ended while starting:\n{said}", where=str(self._log))
        # Without a log of this machine's own, somebody else started the server: then its answer alone tells.
        if self._log.exists() and listening_address(self.server_log()) is None:
            return False
        return answers(self._url)
