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

_COMMAND: Final = 600.0
_MINUTES: Final = 5  # the interval that the documentation's example uses


@final
class InstalledService:
    """`Octopus.Server service` and `watchdog` of one instance."""

    def __init__(self, reach: Reach, system: System, install_folder: str, instance: str = "OctopusServer") -> None:
        self._reach = reach
        self._system = system
        self._executable = system.executable(install_folder)
        self._instance = instance

    def stop(self) -> None:
        """Watchdog off, then stop."""
        if self._system.has_watchdog:
            self._must("watchdog", ["--delete", f"--instances={self._instance}"])
        self._must("service", ["--stop", f"--instance={self._instance}"])

    def start(self, *, watchdog: bool = False) -> None:
        """Start, then, where there was one, the watchdog again."""
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
