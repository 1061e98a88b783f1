"""Logs of what the server does by the clock, which belong to no server task: ``scheduler/{name}/logs``."""

from __future__ import annotations

from pathlib import Path

from standins.octopus.behaviour import activity
from standins.octopus.contract import Server, Version
from standins.octopus.regressions import hooks

#: Names and what each does. The product's own list is not published.
NAMES = {
    "ProcessProjectTriggers": "Process scheduled project triggers and deployment target triggers",
    "ProcessSubscriptions": "Process subscriptions",
    "ApplyRetentionPolicies": "Apply retention policies",
    "CheckSystemIntegrity": "Check system integrity",
}

#: Builds that keep the logs at another place: from each first version up to the one that is back (Issues 7624).
_ELSEWHERE = tuple(
    (Version.parse(since), Version.parse(until))
    for since, until in (("2022.2.3990", "2022.2.6895"), ("2022.3.0", "2022.3.3156"))
)


def path_of(server: Server, name: str) -> Path:
    """Beside the task logs.

    Some builds of 2022.2 and 2022.3 put them "in a slightly different location"; newer ones are back at the old place
    (OctopusDeploy/Issues 7693 and 7624). Where exactly that was is not published.
    """
    folder = server.folders.task_logs
    elsewhere = any(since <= server.version < until for since, until in _ELSEWHERE)
    path = folder / "scheduled" / f"{name}.txt" if elsewhere else folder / f"scheduled-{name}.txt"
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
