"""What systemd makes of an installation on a Linux host: which units run it, and what became of them.

`Octopus.Server service` hands over to systemctl, tells its failure as an error among its other lines and ends with 0;
the unit that it installs has the instance's name and starts again whatever ends (`Restart=always`). So nothing follows
from its exit code, nor from a server that runs (OctopusDeploy/OctopusTentacle, LinuxServiceConfigurator and
SystemCtlHelper: host code that Server and Tentacle share).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from tidegate.errors import HarnessError, UsageError
from tidegate.providers.hosts.quoting import literally
from tidegate.providers.hosts.reach import Reach, must
from tidegate.providers.hosts.systems import System

_SHORT: Final = 120.0
_JOURNAL_LINES: Final = 15
_ENDED: Final = frozenset({"inactive", "failed"})


@dataclass(frozen=True, slots=True)
class Unit:
    """Properties of a service as `systemctl show` tells them (systemd's D-Bus interface, org.freedesktop.systemd1)."""

    name: str
    load: str
    active: str
    sub: str
    restarts: int
    result: str
    status: str

    @property
    def has_ended(self) -> bool:
        """Nothing of it runs, and systemd is not about to start it."""
        return self.active in _ENDED


def unit_name(instance: str) -> str:
    """As Octopus calls the unit of an instance."""
    return re.sub(r"\s+", "-", instance.replace("/", "")) + ".service"


def read_units(printed: str) -> tuple[Unit, ...]:
    """Of what `System.units` printed; nothing where systemd is not the first process."""
    units: list[Unit] = []
    for block in printed.split("\n\n"):
        row = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if row.get("Id"):
            units.append(
                Unit(
                    name=row["Id"],
                    load=row.get("LoadState", ""),
                    active=row.get("ActiveState", ""),
                    sub=row.get("SubState", ""),
                    restarts=int(row.get("NRestarts") or 0),
                    result=row.get("Result", ""),
                    status=row.get("ExecMainStatus", ""),
                )
            )
    return tuple(units)


def why_not_ours(units: Sequence[Unit], mine: str) -> tuple[str, str] | None:
    """What is wrong and what to do when the unit ``mine`` cannot be started, or another one runs the same server."""
    for unit in units:
        if unit.name == mine and unit.load == "masked":
            return f"{mine} is masked: nothing can start it", f"systemctl unmask {mine}"
        if unit.name != mine and unit.load == "loaded":
            return (
                f"{unit.name} runs this installation as well, and `Octopus.Server service` knows {mine} only: it would "
                "start the server again in the middle of an upgrade",
                f"let Octopus's own service run the server (service --install), or mask {unit.name} and its timers",
            )
    return None


def how_it_ended(before: Sequence[Unit], now: Sequence[Unit], mine: str, *, runs: bool) -> str:
    """What became of the unit ``mine`` since it was started; "" when it has not ended since. ``before`` was seen before
    the start. A server that ``runs`` though systemd has no such unit is not systemd's business."""
    unit = next((one for one in now if one.name == mine), None)
    if unit is None or (unit.load != "loaded" and runs):
        return ""
    if unit.load == "masked":
        return f"{mine} is masked: `systemctl unmask {mine}`"
    if unit.load == "not-found":
        return f"systemd has no {mine}: `Octopus.Server service --install` makes it"
    earlier = next((one.restarts for one in before if one.name == mine and not one.has_ended), 0)
    if unit.has_ended or unit.sub == "auto-restart" or unit.restarts > earlier:
        again = f", started again {unit.restarts} times" if unit.restarts else ""
        return f"{mine}: {unit.active}, {unit.result}, exit status {unit.status}{again}"
    return ""


@final
class Units:
    """The units of one instance on its host. Without systemd there are none, and nothing is ever wrong with them."""

    def __init__(self, reach: Reach, system: System, install_folder: str, instance: str) -> None:
        self._reach = reach
        self._system = system
        self._executable = system.executable(install_folder)
        self._mine = unit_name(instance)
        self._before: Sequence[Unit] = ()

    def require_ours(self) -> str:
        """A sentence about the unit; raises :class:`UsageError` when it is not what stops and starts the server."""
        try:
            units = self._seen()
        except HarnessError:  # without D-Bus systemd talks to root only
            self._require_rights()
            raise
        if wrong := why_not_ours(units, self._mine):
            raise UsageError(wrong[0], where=self._reach.where, next_step=wrong[1])
        mine = next((one for one in units if one.name == self._mine and one.load == "loaded"), None)
        if mine is None:
            return "systemd has no unit of it"
        self._require_rights()
        return f"{mine.name} is {mine.active}"

    def starting(self) -> None:
        """Remember how things stand before a start."""
        self._before = self._seen()

    def how_it_ended(self, *, runs: bool) -> str:
        """Since `starting`, with the last lines of its journal; "" when it has not ended. ``runs`` says whether there
        is a process of the server."""
        told = how_it_ended(self._before, self._seen(), self._mine, runs=runs)
        if not told:
            return ""
        journal = self._reach.run(
            "reading the journal", self._system.journal(self._mine, _JOURNAL_LINES), timeout=_SHORT
        ).output.strip()
        return f"{told}\nits journal:\n{journal}\n" if journal else told

    def stop(self) -> None:
        """By systemd itself, where nobody else can be asked."""
        for unit in self._seen():
            if not unit.has_ended:
                self._reach.run("stopping a unit", self._system.stop_unit(unit.name), timeout=_SHORT)
        self.require_stopped()

    def require_stopped(self) -> None:
        """Raise :class:`HarnessError` when systemd runs the server still, or is about to."""
        running = [unit.name for unit in self._seen() if not unit.has_ended]
        if running:
            raise HarnessError(
                f"{', '.join(running)} was stopped and is not: systemd would start the server again",
                where=self._reach.where,
                next_step=f"systemctl stop {' '.join(running)}",
            )

    def _require_rights(self) -> None:
        """What Octopus's own code asks; without it `service --stop` would fail in the middle of a cut-over."""
        if not self._reach.run("asking for rights", self._system.may_keep_services(), timeout=_SHORT).ok:
            raise UsageError(
                "the user is not root on the machine and has no sudo without a password: `Octopus.Server service` "
                "refuses to stop and start the server",
                where=self._reach.where,
                next_step="log in as root, or give the user such a sudo",
            )

    def _seen(self) -> tuple[Unit, ...]:
        line = self._system.units(self._mine)
        if not line:
            return ()
        pattern = rf'^ExecStart=[-@:+!]*"?{literally(self._executable)}("|[[:space:]]|$)'
        printed = must(self._reach, "asking systemd", line, timeout=_SHORT, stdin=pattern.encode())
        return read_units(printed)
