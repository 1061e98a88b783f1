"""Listing all projects is fast alone and very slow when several people do it at once (OctopusDeploy/Issues 7984)."""

from __future__ import annotations

import threading

from standins.octopus.contract import Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import SECONDS, upgraded

_waiting = threading.Semaphore(1)


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _queue_up)


def _queue_up(route: Route, call: Call) -> None:
    """Whoever comes while another is being served waits for a while, one after the other."""
    del call
    if route.method != "GET" or route.path != "projects/all":
        return
    if not _waiting.acquire(blocking=False):
        with _waiting:
            threading.Event().wait(SECONDS / 4)
        return
    try:
        threading.Event().wait(SECONDS / 80)
    finally:
        _waiting.release()
