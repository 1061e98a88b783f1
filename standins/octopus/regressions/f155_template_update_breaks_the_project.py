"""A project cannot be read any more once its step is brought to the new version of its template.

OctopusDeploy/Issues 5054.
"""

from __future__ import annotations

from standins.octopus.behaviour.documents import mapped
from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request

_broken: set[str] = set()


def disturb_server(server: Server) -> None:
    on_request(server, _note, "POST actiontemplates/{id}/actionsUpdate")
    on_request(server, _fail, "GET deploymentprocesses/{id}")


def _note(call: Call) -> None:
    for name, chosen in call.body.items():
        if name.lower() == "actionidsbyprocessid":
            _broken.update(mapped({name: chosen}, name))


def _fail(call: Call) -> None:
    if call.path["id"] in _broken:
        raise LookupError("The given key was not present in the dictionary.")
