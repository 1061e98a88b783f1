"""The installed service of an instance on Windows or Linux, as Octopus's own scripts handle it.

Nothing here starts a server that the caller did not ask for: the watchdog, a scheduled task that starts stopped
services every few minutes, is switched off before a stop and on again after a start (OctopusDeploy/Issues#3626).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, final

from tidegate.errors import HarnessError
from tidegate.providers.contract import CommandResult
from tidegate.providers.hosts.reach import Reach
from tidegate.providers.hosts.systems import System, read_configuration
from tidegate.providers.hosts.units import Units

_COMMAND: Final = 600.0
_LOOK: Final = 60.0
_MINUTES: Final = 5  # the interval that the documentation's example uses


@final
class InstalledService:
    """`Octopus.Server service` and `watchdog` of one instance."""

    def __init__(self, reach: Reach, system: System, install_folder: str, instance: str = "OctopusServer") -> None:
        self._reach = reach
        self._system = system
        self._executable = system.executable(install_folder)
        self._instance = instance
        self._units = Units(reach, system, install_folder, instance)

    @property
    def instance(self) -> str:
        return self._instance

    def install(self, configuration: str, home: str) -> None:
        """Register the instance with its configuration file and home folder, and install its service."""
        self._must("create-instance", [f"--instance={self._instance}", f"--config={configuration}", f"--home={home}"])
        self._must("service", ["--install", f"--instance={self._instance}"])

    def uninstall(self) -> None:
        """Stop the service where it runs, and take back what `install` did."""
        self._must("service", ["--stop", "--uninstall", f"--instance={self._instance}"])
        self._must("delete-instance", [f"--instance={self._instance}"])

    def stop(self) -> None:
        """Watchdog off, then stop."""
        if self._system.has_watchdog:
            self._must("watchdog", ["--delete", f"--instances={self._instance}"])
        self._must("service", ["--stop", f"--instance={self._instance}"])
        self._units.require_stopped()

    def stop_without_octopus(self) -> None:
        """Where the program that could be asked is away."""
        self._units.stop()

    def require_ours(self) -> str:
        """A sentence about the service; raises :class:`UsageError` when it cannot be stopped and started."""
        return self._units.require_ours()

    def ended(self, *, runs: bool) -> str | None:
        """How a server that is being started ended; None when it has not. Systemd starts again what ended, so that it
        may well run."""
        told = self._units.how_it_ended(runs=runs)
        if told:
            return f"while starting ({told.strip()})"
        return None if runs else "while starting"

    def start(self, *, watchdog: bool = False) -> None:
        """Start, then, where there was one, the watchdog again."""
        self._units.starting()
        self._must("service", ["--start", f"--instance={self._instance}"])
        if watchdog and self._system.has_watchdog:
            self._must("watchdog", ["--create", f"--instances={self._instance}", f"--interval={_MINUTES}"])

    def configuration(self) -> Mapping[str, str]:
        """The instance's configuration; the connection string in it is a secret."""
        result = self._must(
            "show-configuration", [f"--instance={self._instance}", "--format=json", "--noconsolelogging"]
        )
        return read_configuration(result.output)

    def _must(self, command: str, options: Sequence[str]) -> CommandResult:
        line = self._system.command([self._executable, command, *options])
        result = self._reach.run(f"Octopus.Server {command}", line, timeout=_COMMAND)
        if not result.ok:
            raise HarnessError(
                f"`Octopus.Server {command} {options[0]}` ended with exit code {result.exit_code}:\n"
                f"{result.output[-1000:]}",
                where=self._reach.where,
            )
        return result


@final
class ServiceRun:
    """A test instance's server as a service: on Windows a process does not outlive the connection it was started over.

    ``patterns`` find its processes; ``home`` holds its configuration, and its log (Octopus docs, support/log-files),
    which goes on from start to start.
    """

    def __init__(self, reach: Reach, system: System, service: InstalledService, patterns: bytes, home: str) -> None:
        self._reach = reach
        self._system = system
        self._service = service
        self._patterns = patterns
        self._home = home
        self._log = system.path(home, "Logs", "OctopusServer.txt")
        self._installed = False
        self._said_before = 0

    def prepare(self) -> None:
        self._installed = True
        self._service.install(self._system.path(self._home, f"{self._service.instance}.config"), self._home)

    def start(self) -> None:
        self._said_before = len(self._whole_log())
        self._service.start()

    def ended(self) -> str | None:
        return self._service.ended(runs=self.runs())

    def runs(self) -> bool:
        line = self._system.find_processes()
        return bool(self._reach.run("looking for the server", line, timeout=_LOOK, stdin=self._patterns).output.strip())

    def stop(self) -> None:
        if self._installed:
            self._service.stop()

    def log_text(self) -> str:
        log = self._whole_log()
        return log[self._said_before :] if len(log) >= self._said_before else log  # a full one is begun anew

    def remove(self) -> None:
        if self._installed:
            self._service.uninstall()
            self._installed = False

    def _whole_log(self) -> str:
        return self._reach.run("reading the server's log", self._system.text(self._log), timeout=_LOOK).output
