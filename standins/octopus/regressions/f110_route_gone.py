"""A route that scripts use was removed: all step templates at once.

Compare deprecations of 2023.3 in the Octopus docs.
"""

from __future__ import annotations

from standins.octopus.api.errors import not_found
from standins.octopus.contract import Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _unknown)


def _unknown(route: Route, call: Call) -> None:
    del call
    if route.method == "GET" and route.path in {"actiontemplates/all", "runbooks/all"}:
        raise not_found()
