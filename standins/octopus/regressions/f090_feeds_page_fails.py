"""Feeds made by older versions lack a property, and listing the feeds fails (OctopusDeploy/Issues 2918)."""

from __future__ import annotations

from standins.octopus.contract import Call, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _fail)


def _fail(route: Route, call: Call) -> None:
    """Only the list: reading one feed still works."""
    if route.method == "GET" and route.path in {"feeds", "feeds/all"}:
        external = call.transaction.query("Feed", where={"FeedType": ["NuGet", "Docker", "Maven", "Helm", "GitHub"]})
        if external:
            raise ValueError("Value cannot be null. (Parameter 'feedType')")
