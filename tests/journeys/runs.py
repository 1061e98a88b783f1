"""Runs `pytest features/` as a user does, watches its processes, and reads what it leaves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self, final

import psutil

from tests.unit.process.inner import Ran

REPOSITORY: Final = Path(__file__).parents[2]

#: Environment variables through which secrets reach child processes, and nothing else does.
_SECRET_VARIABLES: Final = ("MSSQL_SA_PASSWORD", "MASTER_KEY", "ADMIN_PASSWORD", "ADMIN_API_KEY", "OCTOPUS_API_KEY")

#: Seconds between two looks for new processes.
_INTERVAL: Final = 0.1

#: Seconds between two looks at one process that is no longer new. What a process is called and given is settled when it
#: starts, and what it listens on soon after; looking at all of them all the time cost a third of a rehearsal.
_PATIENCE: Final = 1.6

#: What every secret of the sample looks like (standins/sample/secret_material.py).
SAMPLE_SECRET: Final = re.compile(rb"S3-[A-Z2-7]{21}")

#: An API key as Octopus makes them.
API_KEY: Final = re.compile(rb"API-[A-Z0-9]{20,}")


@dataclass(slots=True)
class Seen:
    """What was seen of a run's processes."""

    command_lines: set[str] = field(default_factory=set[str])
    secrets: set[str] = field(default_factory=set[str])
    processes: dict[int, float] = field(default_factory=dict[int, float])
    ports: set[int] = field(default_factory=set[int])

    def alive(self) -> list[psutil.Process]:
        """The processes of the run that are still there."""
        found: list[psutil.Process] = []
        for pid, started in self.processes.items():
            try:
                process = psutil.Process(pid)
                if process.create_time() == started and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found


@final
class Running:
    """One `pytest features/` process; its output is collected line by line."""

    def __init__(self, *arguments: str, reports: Path, environment: dict[str, str] | None = None) -> None:
        self.reports = reports
        self.seen = Seen()
        self._lines: list[str] = []
        self._news = threading.Condition()
        self.started = time.monotonic()
        reporting = {"TIDEGATE_REPORTS__FOLDER": str(reports), "TIDEGATE_REPORTS__PDF": "false"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *(arguments or ("features/",))],
            cwd=REPOSITORY,
            env={**os.environ, **reporting, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._reader.start()
        self._watcher.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self._watcher.join()
        for process in self.seen.alive():
            process.kill()

    def wait_for_line(self, part: str, timeout: float = 400) -> None:
        """Wait until a line with ``part`` was printed."""
        deadline = time.monotonic() + timeout
        with self._news:
            while not any(part in line for line in self._lines):
                assert self.process.poll() is None, f"ended before {part!r}:\n{self.output}"
                assert time.monotonic() < deadline, f"{part!r} never came:\n{self.output}"
                self._news.wait(0.5)

    def finish(self, timeout: float = 600) -> Ran:
        """Wait for the end."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"did not end within {timeout} s:\n{self.output}") from None
        self._reader.join()
        self._watcher.join()
        latest = self.reports / "latest"
        return Ran(self.process.returncode, self.output, latest.resolve() if latest.exists() else None)

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        self.process.stdout.close()

    def _watch(self) -> None:
        parent = psutil.Process(self.process.pid)
        due: dict[psutil.Process, tuple[float, float]] = {}  # when to look again, and how long to wait after that
        while self.process.poll() is None:
            try:
                children = parent.children(recursive=True)
            except psutil.NoSuchProcess:
                break
            now = time.monotonic()
            for child in children:
                again, pause = due.get(child, (now, _INTERVAL))
                if now >= again:
                    self._look(child)
                    due[child] = (now + pause, min(2 * pause, _PATIENCE))
            time.sleep(_INTERVAL)

    def _look(self, process: psutil.Process) -> None:
        try:
            self.seen.command_lines.add("\0".join(process.cmdline()))
            environment = process.environ()
            self.seen.processes[process.pid] = process.create_time()
            self.seen.ports |= {one.laddr.port for one in process.net_connections("tcp") if one.status == "LISTEN"}
        except psutil.Error:
            return
        self.seen.secrets |= {environment[name] for name in _SECRET_VARIABLES if environment.get(name)}


def rehearse(
    *arguments: str, reports: Path, environment: dict[str, str] | None = None, timeout: float = 600
) -> tuple[Ran, Seen, float]:
    """Run to the end; what was left, what was seen, and the seconds it took."""
    with Running(*arguments, reports=reports, environment=environment) as running:
        ran = running.finish(timeout)
        return ran, running.seen, time.monotonic() - running.started


def leaks(folder: Path, secrets: set[str]) -> list[str]:
    """Files below ``folder`` in which a secret can be read."""
    wanted = [secret.encode() for secret in secrets]
    found: list[str] = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            content = file.read_bytes()
            readable = SAMPLE_SECRET.search(content) or API_KEY.search(content)
            if readable or any(secret in content for secret in wanted):
                found.append(file.relative_to(folder).as_posix())
    return found
