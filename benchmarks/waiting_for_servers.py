"""A pytest plugin that measures how long a rehearsal had at least one server working for it, and how long none.

Loaded by `benchmarks.overhead`. A request, a T-SQL statement, a command, a pause until a server is ready: whatever is
in flight counts once, however many are at the same time. Work that an upgrade needs by itself is counted a second time,
alone: commands (starts, installers, schema scripts), T-SQL that does something (backup, restore), and those pauses.
What it leaves out are questions: requests, and T-SQL that returns rows.
"""

from __future__ import annotations

import functools
import json
import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import httpx
import pytest

import tidegate.waiting
from tidegate.sqlserver.connection import SqlServer

#: The environment variable that names the file for the result.
RESULT: Final = "TIDEGATE_BENCHMARK_RESULT"


class InFlight:
    """How many calls are under way, and for how long there was one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._since = 0.0
        self.seconds = 0.0

    def __enter__(self) -> None:
        with self._lock:
            if self._count == 0:
                self._since = time.monotonic()
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                self.seconds += time.monotonic() - self._since


FLIGHT: Final = InFlight()
#: Without the questions.
WORK: Final = InFlight()


def _counted(owner: Any, name: str, *, question: bool) -> None:
    call: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(call)
    def in_flight(*args: Any, **named: Any) -> Any:
        with FLIGHT, nullcontext() if question else WORK:
            return call(*args, **named)

    setattr(owner, name, in_flight)


class _Pause(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        with FLIGHT, WORK:
            return super().wait(timeout)


def pytest_sessionstart(session: pytest.Session) -> None:
    for owner, name, question in (
        (httpx.HTTPTransport, "handle_request", True),
        (httpx.Response, "read", True),
        (SqlServer, "__init__", True),
        (SqlServer, "rows", True),
        (SqlServer, "execute", False),
        (subprocess.Popen, "wait", False),
        (subprocess.Popen, "communicate", False),
    ):
        _counted(owner, name, question=question)
    tidegate.waiting.threading = SimpleNamespace(Event=_Pause)  # pyright: ignore[reportAttributeAccessIssue]
    session.stash[_STARTED] = time.monotonic()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "wall": time.monotonic() - session.stash[_STARTED],
        "waited": FLIGHT.seconds,
        "worked": WORK.seconds,
        "processor": used.ru_utime + used.ru_stime,
    }
    Path(os.environ[RESULT]).write_text(json.dumps(told), encoding="utf-8")


_STARTED: Final = pytest.StashKey[float]()
