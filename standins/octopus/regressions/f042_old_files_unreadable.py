"""The server runs as another user than before and cannot read the files it finds: artifacts and packages.

OctopusDeploy/Issues 8745.
"""

from __future__ import annotations

from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request


def disturb_server(server: Server) -> None:
    on_request(server, _refuse, "GET artifacts/{id}/content", "GET packages/{id}/raw")


def _refuse(call: Call) -> None:
    raise PermissionError(f"Access to the path of {call.path['id']} is denied.")
