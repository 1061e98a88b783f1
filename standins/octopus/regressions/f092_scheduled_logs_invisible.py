"""The logs of scheduled tasks are looked for in another folder than before (OctopusDeploy/Issues 7693)."""

from __future__ import annotations

from pathlib import Path

from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("scheduler log", _elsewhere)


def _elsewhere(path: Path, server: Server) -> Path:
    return path.parent / "Scheduled" / server.node_name / path.name
