"""The swagger document of the running server, made from its route table and its shapes (served since 3.17,
OctopusDeploy/Issues 3777).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from standins.octopus.api.catalogue import Catalogue, Resource, catalogue_for
from standins.octopus.api.left_out import LeftOut
from standins.octopus.api.shapes import Property, Shape, Shapes, shapes_for
from standins.octopus.api.versions import has_spaces
from standins.octopus.contract import Route, Version

_SECURITY = {
    "APIKeyHeader": {"name": "X-Octopus-ApiKey", "in": "header", "type": "apiKey"},
    "APIKeyQuery": {"name": "ApiKey", "in": "query", "type": "apiKey"},
    "NugetApiKeyHeader": {"name": "X-NuGet-ApiKey", "in": "header", "type": "apiKey"},
}
_SENSITIVE: dict[str, Any] = {
    "type": "object",
    "properties": {"HasValue": {"type": "boolean"}, "NewValue": {"type": "string"}},
}
_PLAIN: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int": {"type": "integer", "format": "int32"},
    "number": {"type": "number", "format": "double"},
    "date": {"type": "string", "format": "date-time"},
    "any": {},
    "map": {"type": "object"},
    "idmap": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    "sensitive": {"$ref": "#/definitions/SensitiveValue"},
    "property": {},
    "properties": {"type": "object"},
}


def swagger(version: Version, routes: Iterable[Route]) -> dict[str, Any]:
    """Swagger 2.0, with paths and names of definitions as real servers have them."""
    catalogue, shapes = catalogue_for(version), shapes_for(version)
    by_path = {
        resource.path.lower(): resource for resource in catalogue.resources.values() if resource.shape is not None
    }
    paths: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    for route in routes:
        if isinstance(route.handler, LeftOut):
            left_out |= {f"{route.method} {path}": route.handler.reason for path in _paths(route, version)}
            continue
        for path in _paths(route, version):
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, by_path, version)
    return {
        "swagger": "2.0",
        "info": {"title": "Octopus Server API", "version": str(version)},
        "basePath": "/",
        "produces": ["application/json"],
        "paths": dict(sorted(paths.items())),
        "definitions": _definitions(shapes, catalogue),
        "securityDefinitions": _SECURITY,
        # Operations of the real server that answer 501 here, with the reason.
        "x-left-out": left_out,
    }


def _paths(route: Route, version: Version) -> list[str]:
    if route.path.startswith("//"):
        return [route.path[1:]] if len(route.path) > 2 else []
    if route.path == "{space}":
        return ["/api/{spaceId}"]
    unscoped = f"/api/{route.path}".rstrip("/")
    if route.scope == "system" or not has_spaces(version):
        return [unscoped]
    return [unscoped, f"/api/{{baseSpaceId}}/{route.path}"]


def _operation(route: Route, path: str, by_path: dict[str, Resource], version: Version) -> dict[str, Any]:
    base, _, rest = route.path.partition("/{")
    resource = by_path.get(base.removesuffix("/all").lower())
    suffix = "_Spaces" if path.startswith("/api/{baseSpaceId}") else ""
    operation: dict[str, Any] = {
        "tags": [base.split("/")[0] or "Root"],
        "operationId": (route.operation or _name(route)) + suffix,
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "type": "string"}
                for name in re.findall(r"\{(\w+)\}", path)
            ),
            *(_queries(resource) if route.method == "GET" and resource is not None and route.path == base else ()),
        ],
        "responses": _responses(route, resource, version, is_item=rest == "id}"),
    }
    if route.method in ("POST", "PUT") and resource is not None and (rest == "id}" or not rest):
        operation["parameters"].append(
            {"name": f"{resource.name}Resource", "in": "body", "schema": _reference(resource.name)}
        )
    if route.permission is not None:
        operation["security"] = [{name: [] for name in _SECURITY}]
    return operation


def _queries(resource: Resource) -> Iterator[dict[str, Any]]:
    """What a list can be narrowed by."""
    for name in ("skip", "take"):
        yield {"name": name, "in": "query", "type": "integer", "format": "int32"}
    for name in ("ids", "partialName", *resource.filters):
        yield {"name": name, "in": "query", "type": "string"}


def _name(route: Route) -> str:
    words = [word for word in re.split(r"[^A-Za-z0-9]+", route.path) if word]
    return route.method.lower() + "".join(word[:1].upper() + word[1:] for word in words)


def _responses(route: Route, resource: Resource | None, version: Version, *, is_item: bool) -> dict[str, Any]:
    code = "201" if route.method == "POST" and resource is not None and "{" not in route.path else "200"
    codes = [str(status) for status in route.statuses] or [code]
    schema: dict[str, Any] | None = None
    if resource is not None and route.method != "DELETE":
        if route.path.endswith("/all"):
            schema = {"type": "array", "items": _reference(resource.name)}
        elif is_item or route.method in ("POST", "PUT"):
            schema = _reference(resource.name)
        elif route.path.lower() == resource.path.lower():
            schema = {"$ref": f"#/definitions/ResourceCollection_of_{resource.name}Resource"}
    answer: dict[str, Any] = {"description": "OK"}
    answers = {code: {**answer, "schema": schema} if schema else answer for code in codes}
    return answers | {refusal: {"description": text} for refusal, text in _refusals(route, version)}


def _refusals(route: Route, version: Version) -> Iterator[tuple[str, str]]:
    yield "400", "BadRequest"
    if route.permission is not None:
        yield "401", "Unauthorized"
        yield "403", "Forbidden"
    if "{" in route.path or has_spaces(version) or route.method == "POST":  # ?clone= names a thing as well
        yield "404", "NotFound"
    if route.method not in ("GET", "HEAD"):
        yield "503", "ServiceUnavailable: the server is in maintenance mode"


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}Resource"}


def _definitions(shapes: Shapes, catalogue: Catalogue) -> dict[str, Any]:
    resources = {resource.name for resource in catalogue.resources.values() if resource.shape is not None}
    definitions: dict[str, Any] = {"SensitiveValue": _SENSITIVE}
    for name in shapes.names:
        is_resource = name in resources
        definitions[f"{name}Resource"] = _definition(shapes[name], is_resource=is_resource)
        if is_resource:
            definitions[f"ResourceCollection_of_{name}Resource"] = _collection(name)
    return dict(sorted(definitions.items()))


def _definition(shape: Shape, *, is_resource: bool) -> dict[str, Any]:
    properties = {name: _schema(prop) for name, prop in shape.properties.items()}
    if is_resource:
        properties |= {
            "Id": {"type": "string"},
            "LastModifiedBy": {"type": "string"},
            "LastModifiedOn": {"type": "string", "format": "date-time"},
            "Links": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    return {"type": "object", "properties": dict(sorted(properties.items()))}


def _schema(prop: Property) -> dict[str, Any]:
    schema: dict[str, Any] = _reference(prop.type) if prop.shape is not None else dict(_PLAIN[prop.type])
    if prop.is_list:
        schema = {"type": "array", "items": schema}
    if prop.readonly and "$ref" not in schema:
        schema["readOnly"] = True
    return schema


def _collection(name: str) -> dict[str, Any]:
    counters = ("TotalResults", "ItemsPerPage", "NumberOfPages", "LastPageNumber")
    properties: dict[str, Any] = {counter: dict(_PLAIN["int"]) for counter in counters}
    return {
        "type": "object",
        "properties": {
            **properties,
            "ItemType": {"type": "string"},
            "Items": {"type": "array", "items": _reference(name)},
            "Links": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
