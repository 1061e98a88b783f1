"""Which process wrote a journal, or is named in one, and whether it still runs."""

from __future__ import annotations

import os
from typing import Any

import psutil


def identity_of(pid: int | None = None) -> dict[str, Any]:
    """Id and start time (seconds since 1970) of a process, or of this one: together they are never used again.

    Raises :class:`psutil.NoSuchProcess` where there is none.
    """
    pid = os.getpid() if pid is None else pid
    return {"pid": pid, "started": psutil.Process(pid).create_time()}


def still_runs(identity: dict[str, Any]) -> bool:
    """Whether the process with this identity runs; a zombie does not, and neither does a later one with its id."""
    try:
        process = psutil.Process(identity["pid"])
        # The start time is computed from the machine's, which may be read a little differently each time.
        same = abs(process.create_time() - float(identity["started"])) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
