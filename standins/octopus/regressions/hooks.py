"""Named points where a seeded regression may change what the stand-in does. Without regressions nothing happens there.

A point is a word agreed between the code that has it and the regressions that use it:

========================  =========================================================================================
``request``               (route, call): raise ``ApiError`` to refuse, anything else for a 500, or take time
``reply``                 reply → reply, with (route, call)
``event``                 event document → document before it is stored, with (server,)
``event stored``          (server, transaction, event)
``snapshot``              document to be frozen → document, with (kind,)
``values``                the variable values of a deployment → list, with (inputs,)
``loaded values``         all variable values of a deployment, once → list, with (inputs,)
``reason to skip``        why a step does not run → reason, "" to run it
``server script``         (syntax): raise ``ActionFailed`` instead of running a script
``packages in use``       used (id, version) pairs → set, with (pairs by kind of document,)
``releases to delete``    ids retention chose → ids, with (ids of all releases of a channel,)
``goes on after a failed webhook``  True → bool
``packages to delete``    ids retention chose → ids, with (stored documents, used pairs)
``log files``             files of a task's log → list, with (server, task)
``scheduler log``         path of a scheduled task's log → path, with (server,)
``fires when enabled``    False → bool, with (trigger,): a trigger that was just created, changed or enabled
``fires triggers``        True → bool: whether scheduled triggers fire at all
``may start``             True → bool, with (task,): whether the dispatcher may take a task
========================  =========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from standins.octopus.contract import Call, Reply, Route

T = TypeVar("T")

_points: dict[str, list[Callable[..., Any]]] = {}


def on(point: str, change: Callable[..., Any]) -> None:
    """Register for the life of the process; a server process serves one database."""
    _points.setdefault(point, []).append(change)


def clear() -> None:
    """Forget everything: for tests that share a process."""
    _points.clear()


def tell(point: str, *context: Any) -> None:
    for listener in _points.get(point, ()):
        listener(*context)


def adjust(point: str, value: T, *context: Any) -> T:
    for change in _points.get(point, ()):
        value = change(value, *context)
    return value


def answer(route: Route, call: Call) -> Reply:
    """Let the route's handler answer, with what regressions do before and after."""
    if not _points:
        return route.handler(call)
    tell("request", route, call)
    return adjust("reply", route.handler(call), route, call)
