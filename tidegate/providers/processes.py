"""Child processes that end with their harness, however it ends."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import final

from tidegate.errors import ProvisioningFailed, TimedOut
from tidegate.log_ends import last_lines
from tidegate.providers.contract import CommandResult
from tidegate.providers.leftovers import Leftovers
from tidegate.secrets import redact
from tidegate.waiting import wait_until


@final
class ChildProcess:
    """A long-running program, its log file, and the pipe that ends it when this process dies.

    The child holds the reading end of a pipe as its standard input and stops when that reaches its end, which the
    operating system sees to even after SIGKILL. It runs in a session of its own, so that Ctrl-C on the terminal does
    not reach it before the orderly teardown does.
    """

    def __init__(
        self,
        what: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        leftovers: Leftovers,
        folder: Path | None = None,
    ) -> None:
        self.what = what
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=_environment(environment),
                    cwd=folder,
                    start_new_session=True,
                )
            except OSError as error:
                raise ProvisioningFailed(f"{what} could not be started: {error.strerror}", where=command[0]) from None
        leftovers.process(self._process.pid, what)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def log_text(self) -> str:
        """The log so far, redacted."""
        return redact(self.log.read_text(encoding="utf-8", errors="replace")) if self.log.exists() else ""

    def last_lines(self) -> str:
        return last_lines(self.log_text())

    def wait_for_port(self, port_file: Path, timeout: float) -> int:
        """The port the program wrote into ``port_file`` when it began to listen."""

        def port() -> int | None:
            if port_file.exists():
                return int(port_file.read_text(encoding="ascii"))
            if self.exit_code is not None:
                raise ProvisioningFailed(
                    f"{self.what} ended with exit code {self.exit_code} before it listened:\n{self.last_lines()}",
                    where=str(self.log),
                )
            return None

        return wait_until(
            port, timeout=timeout, what=f"{self.what} to listen", describe=self.last_lines, where=str(self.log)
        )

    def stop(self, timeout: float = 15) -> None:
        """Ask, then insist. Returns when the process is gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()


def run_command(
    what: str,
    command: Sequence[str],
    *,
    timeout: float,
    leftovers: Leftovers,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> CommandResult:
    """Run a program to its end; ``timeout`` is seconds.

    Raises :class:`TimedOut` when it does not end in time and :class:`ProvisioningFailed` when it cannot start;
    a bad exit code is in the result. Whatever interrupts the wait ends the program too.
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(environment or {}),
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise ProvisioningFailed(f"{what} could not be started: {error.strerror}", where=command[0]) from None
    leftovers.process(process.pid, what)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        text = redact(output.decode("utf-8", "replace"))
        raise TimedOut(
            f"{what} did not end within {timeout:g} s:\n{text[-2000:]}", output=text, where=command[0]
        ) from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    text = redact(output.decode("utf-8", "replace"))
    return CommandResult(what, process.returncode, text, time.monotonic() - started)


def _environment(added: Mapping[str, str]) -> dict[str, str]:
    """This process's environment and what is added. A rehearsal starts a dozen interpreters: compiling the same modules
    anew in each of them would cost seconds, so bytecode is kept even where the shell says otherwise."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **added}
