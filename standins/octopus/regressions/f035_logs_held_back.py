"""Background work after the upgrade holds back the task logs: old ones are empty for a while.

OctopusDeploy/Issues 7662.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from standins.octopus.behaviour.moments import moment
from standins.octopus.contract import Document, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded, upgraded_at

#: How many looks at logs the work takes: the same on a fast machine and on a slow one.
_LOOKS = 30


def disturb_server(server: Server) -> None:
    if not upgraded(server):
        return
    boundary, looks = upgraded_at(server), itertools.count()

    def hide(paths: list[Path], _server: Server, task: Document) -> list[Path]:
        queued = moment(task["QueueTime"])
        old = queued is not None and queued < boundary
        return [] if old and next(looks) < _LOOKS else paths

    hooks.on("log files", hide)
