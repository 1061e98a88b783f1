"""After every hop but the last: is the instance sound enough to be led on?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tidegate.checks.live.background import check_integrity
from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.observation.documents import property_of

#: Failed tasks that are looked at, newest first.
_LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True)
class BeforeHop:
    """What was there before a hop: the tasks that had failed already."""

    failed_tasks: frozenset[str]


def before_hop(context: LiveContext) -> BeforeHop:
    return BeforeHop(frozenset(_failed(context)))


def check_hop(context: LiveContext, target: str, before: BeforeHop) -> list[LiveResult]:
    """Version and health, the server's own integrity check, and no task that failed since the hop began.

    The journal of schema scripts was judged by the upgrade itself; everything else is verified after the last hop.
    """
    return [_health(context, target), check_integrity(context), _tasks(context, before)]


def _health(context: LiveContext, target: str) -> LiveResult:
    def body(notes: Notes) -> None:
        version = property_of(context.client.get("/api"), "Version")
        if version != target:
            notes.find("/api: Version", "it is not the server it should be", before=target, after=version)
        health = context.client.send("GET", "/api/serverstatus/health")
        if health.status == 418 or property_of(health.json, "IsOperatingNormally") is False:
            notes.find("/api/serverstatus/health", "the server calls itself unhealthy", before=200, after=told(health))
        notes.covered.append(f"{target}: version and health, on the way to the next hop")

    return run_check("START", context, body)


def _tasks(context: LiveContext, before: BeforeHop) -> LiveResult:
    def body(notes: Notes) -> None:
        failed = _failed(context)
        for task, why in failed.items():
            if task not in before.failed_tasks:
                notes.find(f"tasks/{task}", "a task failed after this hop", before="no such failure", after=why)
        notes.covered.append(f"{len(failed)} failed tasks, {len(before.failed_tasks)} of them from before the hop")

    return run_check("TASKS", context, body)


def _failed(context: LiveContext) -> dict[str, str]:
    """Failed tasks of every space with their messages."""
    found: dict[str, str] = {}
    pages = context.client.items("/api/tasks", page=_LOOKED_AT, states="Failed", spaces="all", includeSystem=True)
    for number, task in enumerate(pages):
        if number == _LOOKED_AT:
            break
        if task.get("State") == "Failed":
            found[str(task["Id"])] = str(task.get("ErrorMessage") or "Failed")
    return found
