"""How a host is reached: on this machine, or over SSH with the OpenSSH client and whatever its configuration says."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, final

from tidegate.errors import ProvisioningFailed, TimedOut, Unreachable
from tidegate.providers.contract import CommandResult
from tidegate.providers.hosts.quoting import sftp_path
from tidegate.secrets import redact

#: ssh's own exit code for "no connection, or it broke" (OpenBSD manual, ssh(1)).
_SSH_FAILED: Final = 255
_CONNECT: Final = 15
_TRANSFER: Final = 3600.0


class Reach(Protocol):
    """Runs command lines on a host and moves files; no command line may hold a secret."""

    @property
    def where(self) -> str: ...

    def run(self, what: str, command_line: str, *, timeout: float, stdin: bytes = b"") -> CommandResult:
        """Run to the end. A bad exit code is in the result.

        Raises :class:`TimedOut`, and :class:`Unreachable` when the host is not there.
        """
        ...

    def put(self, source: Path, target: str) -> None:
        """One file to the host, with its mode."""
        ...

    def get(self, source: str, target: Path) -> None:
        """One file or whole folder from the host; ``target`` must not exist."""
        ...


@final
@dataclass(frozen=True, slots=True)
class OverSsh:
    """`ssh` and `sftp`, never with a password: keys, agents, jump hosts and ports are the business of their
    configuration. The host's key must be known; an unknown or changed one is refused.
    """

    address: str
    options: tuple[str, ...] = field(default=())

    @property
    def where(self) -> str:
        return self.address

    def run(self, what: str, command_line: str, *, timeout: float, stdin: bytes = b"") -> CommandResult:
        result = _run(what, ["ssh", *self._common(), "--", self.address, command_line], timeout, stdin)
        if result.exit_code == _SSH_FAILED:
            raise Unreachable(
                f"ssh did not get through while running {what}: {result.output.strip()[-1000:]}",
                where=self.address,
                next_step=f"`ssh {self.address}` must work without a question: key, known host, address",
            )
        return result

    def put(self, source: Path, target: str) -> None:
        self._transfer(f"put -p {sftp_path(str(source))} {sftp_path(target)}\n")

    def get(self, source: str, target: Path) -> None:
        self._transfer(f"get -pR {sftp_path(source)} {sftp_path(str(target))}\n")

    def _transfer(self, batch: str) -> None:
        command = ["sftp", "-q", *self._common(), "-b", "-", "--", self.address]
        result = _run("sftp", command, _TRANSFER, batch.encode())
        if not result.ok:
            raise Unreachable(f"a transfer failed: {result.output.strip()[-1000:]}", where=self.address)

    def _common(self) -> Sequence[str]:
        fixed = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"ConnectTimeout={_CONNECT}", "ServerAliveInterval=15")
        return [*(part for option in fixed for part in ("-o", option)), *self.options]


@final
@dataclass(frozen=True, slots=True)
class OnThisMachine:
    """The same, without a network: command lines go to `sh`."""

    @property
    def where(self) -> str:
        return "this machine"

    def run(self, what: str, command_line: str, *, timeout: float, stdin: bytes = b"") -> CommandResult:
        return _run(what, ["sh", "-c", command_line], timeout, stdin)

    def put(self, source: Path, target: str) -> None:
        self._copy(str(source), target)

    def get(self, source: str, target: Path) -> None:
        self._copy(source, str(target))

    def _copy(self, source: str, target: str) -> None:
        result = _run("cp", ["cp", "-pR", "--", source, target], _TRANSFER, b"")
        if not result.ok:
            raise ProvisioningFailed(f"a copy failed: {result.output.strip()[-1000:]}", where=target)


def _run(what: str, command: Sequence[str], timeout: float, stdin: bytes) -> CommandResult:
    started = time.monotonic()
    try:
        ended = subprocess.run(
            command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        text = redact((error.stdout or b"").decode("utf-8", "replace"))
        raise TimedOut(f"{what} did not end within {timeout:g} s:\n{text[-2000:]}", output=text) from None
    except OSError as error:
        raise ProvisioningFailed(
            f"{command[0]} could not be started: {error.strerror}",
            where=command[0],
            next_step="install the OpenSSH client" if command[0] in {"ssh", "sftp"} else "",
        ) from None
    output = redact(ended.stdout.decode("utf-8", "replace"))
    return CommandResult(what, ended.returncode, output, time.monotonic() - started)
