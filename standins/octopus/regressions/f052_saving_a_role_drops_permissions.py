"""Saving a role drops permissions that the saving side does not know (OctopusDeploy/Issues 10213)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import texts
from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request

_FORGOTTEN = frozenset({"RunbookRunDelete", "TargetTagAdminister", "TargetTagView"})


def disturb_server(server: Server) -> None:
    on_request(server, _act, "PUT userroles/{id}")


def _act(call: Call) -> None:
    for name in ("GrantedSpacePermissions", "GrantedSystemPermissions"):
        held = texts(call.body, name)
        call.body[name] = [permission for permission in held if permission not in _FORGOTTEN]
