"""``service``, ``checkservices`` and ``watchdog``: servers in the background, one a instance.

Without a service manager underneath a service is a file beside the instance's configuration, and its server a process
of its own; where systemd is asked for (``units``), it is a unit. What runs by the clock is the administrator's to
arrange.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.instances import (
    DEFAULT_NAME,
    InstanceConfiguration,
    find_configuration,
    registered_instances,
    registry_folder,
)
from standins.octopus.command.invocation import Invocation
from standins.octopus.command.units import Unit, kept_by_systemd

_PATIENCE: Final = 60.0  # seconds for a server to end
_ROOT: Final = Path(__file__).parents[3]


@dataclass(slots=True)
class Service:
    """``started`` is the process's start time in seconds since the epoch: a process id is used again after a while."""

    instance: str
    configuration: Path
    user: str = "root"
    depend_on: str = ""
    pid: int = 0
    started: float = 0.0

    @property
    def name(self) -> str:
        """OctopusDeploy, or with the instance's name where it is not the default one (Octopus docs)."""
        return "OctopusDeploy" if self.instance == DEFAULT_NAME else f"OctopusDeploy: {self.instance}"

    @property
    def file(self) -> Path:
        return self.configuration.with_name(self.configuration.name + ".service")

    @classmethod
    def of(cls, instance: str, configuration: Path) -> Service:
        service = cls(instance, configuration)
        if service.file.is_file():
            row = json.loads(service.file.read_text(encoding="utf-8"))
            service.user, service.depend_on = row["user"], row["depend_on"]
            service.pid, service.started = row["pid"], row["started"]
        return service

    @property
    def is_installed(self) -> bool:
        return self.file.is_file()

    def save(self) -> None:
        row = {name: value for name, value in asdict(self).items() if name not in ("instance", "configuration")}
        self.file.write_text(json.dumps(row), encoding="utf-8")

    def process(self) -> psutil.Process | None:
        """The running server, if there is one."""
        try:
            process = psutil.Process(self.pid) if self.pid else None
            if process is None or abs(process.create_time() - self.started) > 1 or not process.is_running():
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None

    def start(self, install_folder: Path) -> None:
        if self.process() is not None:
            return
        home = InstanceConfiguration.read(self.configuration).home
        (home / "Logs").mkdir(parents=True, exist_ok=True)
        with (home / "Logs" / "Service.txt").open("ab") as log:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-m", "standins.octopus", "--install-folder", str(install_folder)),
                    *("run", "--config", str(self.configuration), "--noninteractive"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=_ROOT,
                env={**os.environ, "PYTHONPATH": str(_ROOT)},
                start_new_session=True,
            )
        self.pid, self.started = child.pid, psutil.Process(child.pid).create_time()
        self.save()

    def stop(self) -> None:
        process = self.process()
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_PATIENCE)
        except psutil.TimeoutExpired:
            raise ControlledFailure(f"The service '{self.name}' did not stop within {_PATIENCE:.0f} seconds") from None
        self.pid, self.started = 0, 0.0
        self.save()


def service(call: Invocation) -> int:
    actions: tuple[tuple[str, Callable[[Invocation, Service], str]], ...] = (
        ("stop", _stop),
        ("uninstall", _uninstall),
        ("install", _install),
        ("reconfigure", _reconfigure),
        ("start", _start),
        ("restart", _restart),
    )
    wanted = [act for name, act in actions if call.options.has(name)]
    if not wanted:
        raise ControlledFailure("Please say what to do with the service: --start, --stop, --restart, --install, …")
    for target in _targets(call, call.options.get("instance")):
        if kept_by_systemd():
            _by_systemd(call, target)
            continue
        for act in wanted:
            call.output.info(f"{act(call, target)}: {target.name}")
    return 0


def _unit(call: Invocation, target: Service) -> Unit:
    return Unit(target.instance, f"{target.name} Server", call.output)


def _by_systemd(call: Invocation, target: Service) -> None:
    """In the order of Octopus's own code, whatever the order of the options."""
    unit, options = _unit(call, target), call.options
    executable = call.install_folder / "Octopus.Server"
    account = _user(call) or "root", options.get("dependOn") or ""
    for name, act in (("restart", unit.restart), ("stop", unit.stop), ("uninstall", unit.uninstall)):
        if options.has(name):
            act()
    if options.has("install"):
        unit.install(executable, *account)
    if options.has("reconfigure"):
        unit.reconfigure(executable, *account)
    if options.has("start"):
        unit.start()


def check(call: Invocation) -> int:
    for target in _targets(call, call.options.get("instances") or "*"):
        if kept_by_systemd():
            if not (unit := _unit(call, target)).is_active():
                unit.start()
        elif target.is_installed and target.process() is None:
            target.start(call.install_folder)
            call.output.info(f"Service started: {target.name}")
    return 0


def watchdog(call: Invocation) -> int:
    file = registry_folder().parent / "watchdog.json"
    if call.options.has("delete"):
        file.unlink(missing_ok=True)
        call.output.info("The watchdog task has been deleted")
    elif call.options.has("create"):
        interval = call.options.get("interval") or "5"
        if not interval.isdigit() or int(interval) < 1:
            raise ControlledFailure(f"The interval '{interval}' is not a number of minutes")
        file.parent.mkdir(parents=True, exist_ok=True)
        task = {"IntervalMinutes": int(interval), "Instances": call.options.get("instances") or "*"}
        file.write_text(json.dumps(task), encoding="utf-8")
        call.output.info(f"The watchdog task has been created: every {interval} minutes")
        call.output.info("This stand-in has no task scheduler: have 'checkservices' run by the system's own")
    else:
        raise ControlledFailure("Please say --create or --delete")
    return 0


def _targets(call: Invocation, wanted: str | None) -> list[Service]:
    """One instance, several (by comma or semicolon), or all of them."""
    if config := call.options.get("config"):
        return [Service.of(call.instance_name, Path(config))]
    if wanted == "*":
        return [Service.of(name, path) for name, path in registered_instances()]
    names = [name.strip() for name in re.split("[,;]", wanted or DEFAULT_NAME) if name.strip()]
    return [Service.of(name, find_configuration(name, None)) for name in names]


def _installed(target: Service) -> Service:
    if not target.is_installed:
        raise ControlledFailure(f"The service '{target.name}' is not installed. Install it with --install first.")
    return target


def _account(call: Invocation, target: Service) -> None:
    """Who the service would run as; the stand-in runs as whoever starts it and keeps no password."""
    target.user = _user(call) or target.user
    target.depend_on = call.options.get("dependOn") or target.depend_on
    target.save()


def _user(call: Invocation) -> str | None:
    options = call.options
    return options.get("username") or options.get("user") or os.environ.get("OCTOPUS_SERVICE_USERNAME")


def _install(call: Invocation, target: Service) -> str:
    _account(call, target)
    return "Service installed"


def _reconfigure(call: Invocation, target: Service) -> str:
    _account(call, _installed(target))
    return "Service reconfigured"


def _uninstall(_call: Invocation, target: Service) -> str:
    _installed(target).stop()
    target.file.unlink()
    return "Service uninstalled"


def _start(call: Invocation, target: Service) -> str:
    _installed(target).start(call.install_folder)
    return "Service started"


def _stop(_call: Invocation, target: Service) -> str:
    _installed(target).stop()
    return "Service stopped"


def _restart(call: Invocation, target: Service) -> str:
    _installed(target).stop()
    target.start(call.install_folder)
    return "Service restarted"
