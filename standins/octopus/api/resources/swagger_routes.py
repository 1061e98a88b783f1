"""Where the swagger document is read."""

from __future__ import annotations

from standins.octopus.api.calls import api_call
from standins.octopus.api.responses import to_json
from standins.octopus.api.swagger import swagger
from standins.octopus.contract import Call, Reply, Route


def _document(call: Call) -> bytes:
    return to_json(swagger(call.server.version, api_call(call).gate.routes))


def swagger_json(call: Call) -> Reply:
    return Reply(_document(call), media_type="application/json; charset=utf-8")


def swagger_yaml(call: Call) -> Reply:
    """JSON is YAML."""
    return Reply(_document(call), media_type="application/x-yaml; charset=utf-8")


def swagger_page(_call: Call) -> Reply:
    page = (
        "<!DOCTYPE html><html><head><title>Octopus Server API</title></head>"
        '<body><a href="/api/swagger.json">swagger.json</a></body></html>'
    )
    return Reply(page.encode(), media_type="text/html; charset=utf-8")


ROUTES = (
    Route("GET", "swagger.json", swagger_json, "system", None, operation="getSwaggerJson"),
    Route("GET", "swagger.yaml", swagger_yaml, "system", None, operation="getSwaggerYaml"),
    Route("GET", "//swaggerui", swagger_page, "system", None),
    Route("GET", "//swaggerui/index.html", swagger_page, "system", None),
)
