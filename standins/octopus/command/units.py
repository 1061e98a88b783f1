"""The services of a machine whose first process is systemd, as Octopus keeps them there.

The unit and what is said about it follow ``LinuxServiceConfigurator`` and ``SystemCtlHelper`` of OctopusDeploy/
OctopusTentacle, whose host code Server and Tentacle share: the unit has the instance's name, restarts whatever ends,
and a systemctl that fails is told as an error while the command itself ends with 0.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.output import Output

_UNITS: Final = Path("/etc/systemd/system")
_BOOTED: Final = Path("/run/systemd/system")  # sd_booted(3)


def kept_by_systemd() -> bool:
    """Only where the environment asks for it: a machine that runs tests keeps its own units to itself."""
    return os.environ.get("OCTOPUS_STANDIN_SYSTEMD") == "1" and _BOOTED.is_dir()


class Unit:
    """The unit of one instance."""

    def __init__(self, instance: str, description: str, output: Output) -> None:
        self._instance = instance
        self._description = description
        self._output = output
        self._name = re.sub(r"\s+", "-", instance.replace("/", ""))

    @property
    def _file(self) -> Path:
        return _UNITS / f"{self._name}.service"

    def is_active(self) -> bool:
        return self._systemctl("is-active", quiet=True)

    def install(self, executable: Path, user: str, depend_on: str) -> None:
        _require_administrator()
        after = " ".join(filter(None, ("network.target", depend_on)))
        self._file.write_text(
            f"[Unit]\nDescription={self._description}\nAfter={after}\n\n"
            f"[Service]\nType=simple\nUser={user}\n"
            f"ExecStart={executable} run --instance={self._instance} --noninteractive\nRestart=always\n\n"
            "[Install]\nWantedBy=multi-user.target\n",
            encoding="utf-8",
        )
        self._file.chmod(0o644)
        self._systemctl("enable")
        self._output.info(f"Service installed: {self._name}")

    def uninstall(self) -> None:
        _require_administrator()
        self._output.info(f"Removing systemd service: {self._name}")
        self._systemctl("stop")
        self._systemctl("disable")
        self._file.unlink(missing_ok=True)
        self._output.info("Service uninstalled")

    def reconfigure(self, executable: Path, user: str, depend_on: str) -> None:
        self._output.info(f"Attempting to remove old service: {self._name}")
        self.uninstall()
        self.install(executable, user, depend_on)

    def start(self) -> None:
        self._switch("start", f"Service started: {self._name}", f"Could not start the systemd service: {self._name}")

    def stop(self) -> None:
        self._output.info(f"Stopping service: {self._name}")
        self._switch("stop", "Service stopped", "The service could not be stopped")

    def restart(self) -> None:
        self._output.info(f"Restarting service: {self._name}")
        self._switch("restart", "Service has been restarted", "The service could not be restarted")

    def _switch(self, verb: str, done: str, failed: str) -> None:
        _require_administrator()
        if self._systemctl(verb):
            self._output.info(done)
        else:
            self._output.error(failed)

    def _systemctl(self, verb: str, *, quiet: bool = False) -> bool:
        ended = subprocess.run(["systemctl", verb, self._name], capture_output=True, text=True, check=False)
        if ended.returncode and not quiet:
            for line in (
                f"The command 'systemctl {verb} {self._name}' failed with exit code: {ended.returncode}",
                *ended.stderr.splitlines(),
            ):
                self._output.error(line)
        return ended.returncode == 0


def _require_administrator() -> None:
    if os.geteuid() != 0:
        raise ControlledFailure("Requires elevated privileges. Please run command as sudo.")
