"""A server process on a Linux host that outlives the connection it was started over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, final

from tidegate.errors import HarnessError, ProvisioningFailed, TimedOut
from tidegate.providers.contract import CommandResult
from tidegate.providers.hosts.quoting import posix_command
from tidegate.providers.hosts.reach import Reach
from tidegate.providers.hosts.systems import System
from tidegate.waiting import wait_until

_SHORT: Final = 60.0
_ENDING: Final = 120.0
#: Seconds for an orderly stop before the process is killed.
_STOP: Final = 30.0


class ServerRun(Protocol):
    """How the server of a test instance runs on its host."""

    def prepare(self) -> None:
        """Whatever must be there before the instance's configuration is written, and so before the first start."""
        ...

    def start(self) -> None:
        """Begin it, without waiting for anything."""
        ...

    def runs(self) -> bool: ...

    def ended(self) -> str | None:
        """How a server that is being started ended, even if it runs again; None when it has not."""
        ...

    def stop(self) -> None:
        """Nothing happens when it does not run."""
        ...

    def log_text(self) -> str:
        """What it has said since its last start."""
        ...

    def remove(self) -> None:
        """Stop it, and undo what `prepare` did."""
        ...


def end_processes(reach: Reach, system: System, patterns: bytes) -> None:
    """End what runs on the host with an argument that one of the ``patterns``, a line each, matches as a whole."""
    result = reach.run("ending processes", system.end_processes(), timeout=_ENDING, stdin=patterns)
    if not result.ok:
        raise HarnessError(result.output.strip(), where=reach.where, next_step="end them on the host")


@final
class RemoteProcess:
    """Known by its id and start time, so that a recycled id is never taken for it; both are in a file on the host."""

    def __init__(self, reach: Reach, arguments: Sequence[str], pid_file: str, log: str) -> None:
        self._reach = reach
        self._arguments = tuple(arguments)
        self._pid_file = pid_file
        self._log = log

    def prepare(self) -> None:
        """Nothing: a process needs no preparation."""

    def start(self) -> None:
        """Begin it in a session of its own, with its output in the log."""
        quoted_pid, quoted_log = posix_command([self._pid_file]), posix_command([self._log])
        # Field 22 of /proc/PID/stat is the start time (proc(5)); the name in front may hold anything but ends with ')'.
        result = self._run(
            "starting the server",
            f"umask 077; setsid nohup {posix_command(self._arguments)} > {quoted_log} 2>&1 < /dev/null & "
            f"pid=$!; echo \"$pid $(sed 's/.*) //' /proc/$pid/stat | cut -d' ' -f20)\" > {quoted_pid}",
        )
        if not result.ok:
            raise ProvisioningFailed(f"the server could not be started:\n{result.output}", where=self._reach.where)

    def ended(self) -> str | None:
        return None if self.runs() else "while starting"

    def runs(self) -> bool:
        return self._run("looking for the server", self._if_alive("true")).ok

    def stop(self) -> None:
        """Ask, then insist; nothing happens when it does not run."""
        if not self._run("stopping the server", self._if_alive("kill -TERM $pid")).ok:
            return
        try:
            wait_until(lambda: not self.runs(), timeout=_STOP, what="the server to stop", poll=0.2)
        except TimedOut:
            self._run("killing the server", self._if_alive("kill -KILL $pid"))

    def log_text(self) -> str:
        return self._run("reading the server's log", f"cat {posix_command([self._log])} 2>/dev/null || true").output

    def remove(self) -> None:
        self.stop()

    def _if_alive(self, then: str) -> str:
        file = posix_command([self._pid_file])
        return (
            f"read -r pid started < {file} 2>/dev/null && [ -r /proc/$pid/stat ] && "
            f"[ \"$(sed 's/.*) //' /proc/$pid/stat | cut -d' ' -f20)\" = \"$started\" ] && "
            f"[ \"$(sed 's/.*) //' /proc/$pid/stat | cut -d' ' -f1)\" != Z ] && {then}"
        )

    def _run(self, what: str, command_line: str) -> CommandResult:
        return self._reach.run(what, command_line, timeout=_SHORT)
