"""Background work after the upgrade holds back the task logs: old ones are empty for a while.

OctopusDeploy/Issues 7662.
"""

from __future__ import annotations

import time
from pathlib import Path

from standins.octopus.behaviour.moments import moment
from standins.octopus.contract import Document, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import SECONDS, upgraded, upgraded_at


def disturb_server(server: Server) -> None:
    if not upgraded(server):
        return
    boundary, done = upgraded_at(server), time.monotonic() + 3 * SECONDS

    def hide(paths: list[Path], _server: Server, task: Document) -> list[Path]:
        queued = moment(task["QueueTime"])
        old = queued is not None and queued < boundary
        return [] if old and time.monotonic() < done else paths

    hooks.on("log files", hide)
