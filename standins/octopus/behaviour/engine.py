"""Starts the task engine of a server: the dispatcher with everything this stand-in can carry out."""

from __future__ import annotations

from standins.octopus.behaviour import chores, migrations, project_transfer, runners, server_tasks
from standins.octopus.behaviour.dispatcher import Engine, Runner
from standins.octopus.contract import Server, TaskEngine

RUNNERS: dict[str, Runner] = {
    "Deploy": runners.deploy,
    "RunbookRun": runners.run_runbook,
    **server_tasks.RUNNERS,
    **project_transfer.RUNNERS,
    **migrations.RUNNERS,
}


def start(server: Server) -> TaskEngine:
    """Fail what an earlier process left behind, then take tasks. ``server.tasks`` may be set to the result."""
    clockwork = chores.Chores(server)
    clockwork.begin()
    engine = Engine(server, RUNNERS, clockwork.due)
    engine.start()
    return engine
