"""After the upgrade the licence is not good enough for the version, and deployments are refused.

OctopusDeploy/Issues 2668.
"""

from __future__ import annotations

from dataclasses import replace

from standins.octopus.contract import ApiError, Call, Document, Reply, Route, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded

_SENTENCE = "Your license does not cover this version of Octopus Server. Deployments are blocked until it is renewed."


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("request", _refuse)
        hooks.on("reply", _say)


def _refuse(route: Route, call: Call) -> None:
    del call
    if route.method == "POST" and route.path in {"deployments", "deployments/create/untenanted/v1"}:
        raise ApiError(400, "There was a problem with your request.", [_SENTENCE])


def _say(reply: Reply, route: Route, call: Call) -> Reply:
    del call
    if route.path == "licenses/licenses-current-status":
        shown: Document = {**reply.body, "IsCompliant": False, "ComplianceSummary": _SENTENCE}
        return replace(reply, body=shown)
    return reply
