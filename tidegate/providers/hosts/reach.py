"""How a host is reached: on this machine, or over SSH with the OpenSSH client and whatever its configuration says."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, final

from tidegate.errors import HarnessError, ProvisioningFailed, TimedOut, Unreachable
from tidegate.providers.contract import CommandResult
from tidegate.providers.hosts.quoting import sftp_path
from tidegate.secrets import redact

#: ssh's own exit code for "no connection, or it broke" (OpenBSD manual, ssh(1)).
_SSH_FAILED: Final = 255
_CONNECT: Final = 15
_TRANSFER: Final = 3600.0
#: Seconds that a shared connection is kept open when nobody uses it: it ends soon after whoever opened it was killed.
_KEPT: Final = 20


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


def must(
    reach: Reach,
    what: str,
    command_line: str,
    *,
    timeout: float,
    stdin: bytes = b"",
    failed: str = "",
    error: type[HarnessError] = HarnessError,
) -> str:
    """The output of a command that has to end well. Raises ``error``, which says that ``what`` failed, or ``failed`` in
    its place, and with which last words."""
    result = reach.run(what, command_line, timeout=timeout, stdin=stdin)
    if not result.ok:
        raise error(f"{failed or f'{what} failed'}:\n{result.output[-1000:]}", where=reach.where)
    return result.output


@final
@dataclass(frozen=True, slots=True)
class OverSsh:
    """`ssh` and `sftp`, never with a password: keys, agents, jump hosts and ports are the business of their
    configuration. The host's key must be known; an unknown or changed one is refused.
    """

    address: str
    options: tuple[str, ...] = field(default=())
    #: A socket, alone in its folder, through which all calls share one connection; None: each has its own.
    shared: Path | None = None

    @property
    def where(self) -> str:
        return self.address

    def close(self) -> None:
        """End the shared connection, where there is one; the next call would open it anew."""
        if self.shared is not None and any(self.shared.parent.iterdir()):
            _run("ssh -O exit", ["ssh", *self._common(), "-O", "exit", "--", self.address], _CONNECT, b"")

    def run(self, what: str, command_line: str, *, timeout: float, stdin: bytes = b"") -> CommandResult:
        result = _run(what, ["ssh", *self._common(), "--", self.address, command_line], timeout, stdin)
        if result.exit_code == _SSH_FAILED:
            raise ssh_trouble(self.address, what, result.output)
        return result

    def put(self, source: Path, target: str) -> None:
        self._transfer(f"put -p {sftp_path(str(source))} {sftp_path(target)}\n")

    def get(self, source: str, target: Path) -> None:
        self._transfer(f"get -pR {sftp_path(source)} {sftp_path(str(target))}\n")

    def _transfer(self, batch: str) -> None:
        command = ["sftp", "-q", *self._common(), "-b", "-", "--", self.address]
        result = _run("sftp", command, _TRANSFER, batch.encode())
        if result.exit_code == _SSH_FAILED:
            raise ssh_trouble(self.address, "a transfer", result.output)
        if not result.ok:
            raise ProvisioningFailed(f"a transfer failed: {result.output.strip()[-1000:]}", where=self.address)

    def _common(self) -> Sequence[str]:
        fixed = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"ConnectTimeout={_CONNECT}", "ServerAliveInterval=15")
        # A new connection costs more than most of what is run over it.
        shared = ("ControlMaster=auto", f"ControlPath={self.shared}", f"ControlPersist={_KEPT}") if self.shared else ()
        return [*(part for option in (*fixed, *shared) for part in ("-o", option)), *self.options]


def ssh_trouble(address: str, what: str, output: str) -> Unreachable:
    """What ssh said when it did not get through, in one sentence with the next step (words of OpenSSH's client)."""
    said = output.strip()[-1000:]
    for words, told, next_step in _TROUBLE:
        if any(word in output for word in words):
            return Unreachable(f"{told} ({what}): {said}", where=address, next_step=next_step.format(address=address))
    return Unreachable(
        f"ssh did not get through while running {what}: {said}",
        where=address,
        next_step=f"`ssh {address}` must work without a question: key, known host, address",
    )


#: Words of OpenSSH's client, what they mean, and what helps. The first that fits counts.
_TROUBLE: Final = (
    (
        ("REMOTE HOST IDENTIFICATION HAS CHANGED",),
        "the host's key is not the one that is known",
        "ask who looks after the host whether its key was replaced; only then correct the file of known hosts",
    ),
    (
        ("Host key verification failed", "No matching host key"),
        "the host's key is not known here",
        "compare its key with what its owner says, then add it to the known hosts: `ssh {address}` must ask nothing",
    ),
    (
        ("Permission denied", "Too many authentication failures"),
        "the host does not let this user in",
        "add the public key to the user's authorized_keys on the host, or name another user or identity_file",
    ),
    (
        ("Could not resolve hostname",),
        "nobody knows a host of this name",
        "correct the address, or give it a HostName in the client's configuration",
    ),
    (
        ("Connection refused", "timed out", "No route to host", "Network is unreachable", "Connection closed by"),
        "the host does not answer",
        "is it on, does sshd run there, and does a firewall let port 22 (or the one you named) through?",
    ),
)


@final
@dataclass(frozen=True, slots=True)
class OnThisMachine:
    """The same, without a network: command lines go to `sh`, or on Windows to PowerShell as they are."""

    @property
    def where(self) -> str:
        return "this machine"

    def run(self, what: str, command_line: str, *, timeout: float, stdin: bytes = b"") -> CommandResult:
        return _run(what, command_line if os.name == "nt" else ["sh", "-c", command_line], timeout, stdin)

    def put(self, source: Path, target: str) -> None:
        self._copy(source, Path(target))

    def get(self, source: str, target: Path) -> None:
        self._copy(Path(source), target)

    def _copy(self, source: Path, target: Path) -> None:
        try:
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copy2(source, target)
        except (OSError, shutil.Error) as error:
            raise ProvisioningFailed(f"a copy failed: {error}", where=str(target)) from None


def _run(what: str, command: Sequence[str] | str, timeout: float, stdin: bytes) -> CommandResult:
    started = time.monotonic()
    try:
        ended = subprocess.run(
            command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        text = redact((error.stdout or b"").decode("utf-8", "replace"))
        raise TimedOut(f"{what} did not end within {timeout:g} s:\n{text[-2000:]}", output=text) from None
    except OSError as error:
        program = command if isinstance(command, str) else command[0]
        raise ProvisioningFailed(
            f"{program} could not be started: {error.strerror}",
            where=program,
            next_step="install the OpenSSH client" if program in {"ssh", "sftp"} else "",
        ) from None
    output = redact(ended.stdout.decode("utf-8", "replace"))
    return CommandResult(what, ended.returncode, output, time.monotonic() - started)
