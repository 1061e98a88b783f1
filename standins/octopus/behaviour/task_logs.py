"""Where a task's log lies in the task-log folder, by version.

Until 2022.2 all logs lay side by side; 2022.2/2022.3 changed the folder layout (OctopusDeploy/Issues 7693 and 7662),
and 2022.4 split them by node (8599). The names inside the new layout are not published: folder by task, file by log
and node.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from standins.octopus.behaviour import activity
from standins.octopus.behaviour.moments import long_text, moment
from standins.octopus.contract import Document, Server
from standins.octopus.regressions import hooks

_FOLDER_PER_TASK = "2022.3"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def log_path(server: Server, task: Document) -> Path:
    """The file this node writes the task's log to."""
    correlation = task["LogCorrelationId"]
    if server.at_least(_FOLDER_PER_TASK):
        node = _UNSAFE.sub("-", server.node_name)
        return server.folders.task_logs / task["Id"] / f"{correlation}.{node}.txt"
    return server.folders.task_logs / f"{correlation}.txt"


def log_files(server: Server, task: Document) -> list[Path]:
    """Every file that holds a part of the log. Newer versions still find what older ones wrote."""
    correlation = task.get("LogCorrelationId")
    if not correlation:
        return []
    found = [server.folders.task_logs / f"{correlation}.txt"]
    if server.at_least(_FOLDER_PER_TASK):
        found.extend(sorted((server.folders.task_logs / task["Id"]).glob(f"{correlation}.*.txt")))
    return hooks.adjust("log files", [path for path in found if path.is_file()], server, task)


def trees(server: Server, task: Document) -> list[activity.Node]:
    return activity.read(log_files(server, task))


def size(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def delete(server: Server, task: Document) -> None:
    for path in log_files(server, task):
        path.unlink()


def raw_text(server: Server, task: Document, related: Sequence[str]) -> str:
    """``tasks/{id}/raw``: a header and the tree (header lines as quoted in OctopusDeploy/Issues 1866)."""
    header = [("Task ID", task["Id"])]
    if related:
        header.append(("Related IDs", ", ".join(related)))
    header.append(("Task status", task["State"]))
    for label, key in (
        ("Task queued", "QueueTime"),
        ("Task started", "StartTime"),
        ("Task completed", "CompletedTime"),
    ):
        at = moment(task.get(key))
        if at:
            header.append((label, long_text(at)))
    header.append(("Server version", str(server.version)))
    lines = [f"{label + ':':<16}{value}" for label, value in header]
    return "\r\n".join([*lines, "", *activity.as_text(trees(server, task))]) + "\r\n"
