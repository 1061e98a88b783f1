"""A scheduled trigger runs at once when it is created or edited (OctopusDeploy/Issues 7981)."""

from __future__ import annotations

from standins.octopus.contract import Call, Document, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import on_request, upgraded

_saved: set[str] = set()


def disturb_server(server: Server) -> None:
    on_request(server, _note, "PUT projecttriggers/{id}")
    if upgraded(server):
        hooks.on("fires when enabled", _if_it_was_saved)


def _note(call: Call) -> None:
    held = call.transaction.load("ProjectTrigger", call.path["id"])
    if held and not held["IsDisabled"]:
        _saved.add(call.path["id"])


def _if_it_was_saved(fires: bool, trigger: Document) -> bool:
    return fires or trigger["Id"] in _saved
