"""Links are absolute and name the inner address of the server, which nobody outside a proxy can reach.

OctopusDeploy/Issues 2913.
"""

from __future__ import annotations

from typing import Any

from standins.octopus.behaviour.documents import mapped
from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_reply


def disturb_server(server: Server) -> None:
    on_reply(server, _change, "GET tenants/{id}", "GET tagsets/{id}")


def _change(body: Any, call: Call) -> None:
    links = mapped(body, "Links")
    links.update({name: f"http://{call.server.node_name.lower()}:8080{link}" for name, link in links.items()})
