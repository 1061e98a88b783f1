"""Listing all projects burns the processor: slow, and slower in parallel (OctopusDeploy/Issues 4681, 7984)."""

from __future__ import annotations

import time

from standins.octopus.contract import Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import SECONDS, upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _burn)


def _burn(route: Route, call: Call) -> None:
    del call
    if route.method == "GET" and route.path in {"projects", "projects/all"}:
        until = time.thread_time() + SECONDS / 4
        while time.thread_time() < until:
            sum(range(2000))
