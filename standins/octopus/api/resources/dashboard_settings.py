"""What a user's dashboard shows: one document a user and space, all empty until it is saved."""

from __future__ import annotations

from standins.octopus.api.calls import caller
from standins.octopus.api.crud import accept, body_of, present_one
from standins.octopus.api.rendering import resource
from standins.octopus.contract import Call, Document, Reply, Route

_NAME = "DashboardConfiguration"


def _stored(call: Call) -> Document | None:
    user = caller(call)["Id"]
    found = call.transaction.query(_NAME, space=call.space)
    return next((document for document in found if document.get("UserId") == user), None)


def _shown(call: Call, document: Document) -> Reply:
    return Reply({**present_one(call, _NAME, document), "Id": "dashboard-configuration"})


def get_configuration(call: Call) -> Reply:
    empty: Document = {"SpaceId": call.space} if call.space else {}
    return _shown(call, _stored(call) or empty)


def put_configuration(call: Call) -> Reply:
    before = _stored(call)
    document = {**accept(call, resource(call, _NAME), body_of(call), before), "UserId": caller(call)["Id"]}
    if call.space:
        document["SpaceId"] = call.space
    if before is None:
        document.pop("Id", None)
        document = call.transaction.insert(_NAME, document)
    else:
        call.transaction.update(_NAME, document)
    return _shown(call, document)


ROUTES = (
    Route("GET", "dashboardconfiguration", get_configuration, "space", "", operation="getDashboardConfiguration"),
    Route("PUT", "dashboardconfiguration", put_configuration, "space", "", operation="updateDashboardConfiguration"),
)
