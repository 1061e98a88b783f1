"""Every answer of the interface takes much longer than before (OctopusDeploy/Issues 3113, 3311)."""

from __future__ import annotations

import threading

from standins.octopus.contract import Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import SECONDS, upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _dawdle)


def _dawdle(route: Route, call: Call) -> None:
    del call
    if route.method == "GET":
        threading.Event().wait(SECONDS / 12)
