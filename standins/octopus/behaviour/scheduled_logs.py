"""Logs of what the server does by the clock, which belong to no server task: ``scheduler/{name}/logs``."""

from __future__ import annotations

from pathlib import Path

from standins.octopus.behaviour import activity
from standins.octopus.contract import Server
from standins.octopus.regressions import hooks

#: Names and what each does. The product's own list is not published.
NAMES = {
    "ProcessProjectTriggers": "Process scheduled project triggers and deployment target triggers",
    "ProcessSubscriptions": "Process subscriptions",
    "ApplyRetentionPolicies": "Apply retention policies",
    "CheckSystemIntegrity": "Check system integrity",
}


def path_of(server: Server, name: str) -> Path:
    """Beside the task logs; 2022.2 put them elsewhere (OctopusDeploy/Issues 7693), where exactly is not published."""
    folder = server.folders.task_logs
    path = folder / "scheduled" / f"{name}.txt" if server.at_least("2022.2") else folder / f"scheduled-{name}.txt"
    return hooks.adjust("scheduler log", path, server)


def note(server: Server, name: str, text: str) -> None:
    """One line; the log of a scheduled task is one activity that never ends."""
    path = path_of(server, name)
    fresh = not path.exists()
    with activity.writing(path, server.now) as file:
        log = activity.Activity.root(file, name, NAMES[name]) if fresh else activity.Activity(file, name)
        log.info(text)


def tree(server: Server, name: str) -> activity.Node | None:
    path = path_of(server, name)
    roots = activity.read([path]) if path.is_file() else []
    return roots[0] if roots else None
