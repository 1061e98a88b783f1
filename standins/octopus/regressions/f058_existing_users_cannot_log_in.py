"""Logging in fails for users that an older version made: a null reference (OctopusDeploy/Issues 5805, 5809)."""

from __future__ import annotations

from standins.octopus.behaviour.documents import folded
from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_request


def disturb_server(server: Server) -> None:
    on_request(server, _act, "POST users/login")


def _act(call: Call) -> None:
    name = str(folded(call.body).get("username") or "")
    known = call.transaction.query("User", where={"Username": name})
    if known and not known[0]["IsService"]:
        raise LookupError("Object reference not set to an instance of an object.")
