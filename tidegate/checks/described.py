"""The interface as a server describes it itself (swagger), reduced to what a client can stumble over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

Document = dict[str, Any]

_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})

#: Names that servers have used for the space segment of a path (swagger documents of 2019.6, 2020.5 and 2026.1).
_SPACE: Final = re.compile(r"^\{(baseSpaceId|spaceId|spaceIdentifier)\}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation."""

    place: str  # query, path, header, body, formData
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route."""

    parameters: Mapping[str, Parameter]
    answers: frozenset[str]
    model: str


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a model."""

    type: str
    values: frozenset[str] = field(default_factory=frozenset[str])
    required: bool = False


@dataclass(frozen=True, slots=True)
class Interface:
    """Operations by "GET projects/{}", with the spaces' forms of a route told apart, and models by name."""

    operations: Mapping[str, Operation]
    models: Mapping[str, Mapping[str, Field]]


def interface(swagger: Document) -> Interface:
    """The interface in a swagger 2.0 (or OpenAPI 3) document."""
    operations: dict[str, Operation] = {}
    for path, item in cast("Document", swagger.get("paths") or {}).items():
        for method, operation in cast("Document", item).items():
            if method.lower() in _METHODS:
                operations[f"{method.upper()} {route(path)}"] = _operation(cast("Document", operation))
    components = cast("Document", swagger.get("components") or {})
    definitions = cast("Document", swagger.get("definitions") or components.get("schemas") or {})
    return Interface(operations, {_model(name): _fields(cast("Document", one)) for name, one in definitions.items()})


def route(path: str) -> str:
    """A described path with its parameters unnamed; `{space}` in front where the path is of a space."""
    segments = [segment for segment in path.split("/") if segment]
    if segments and segments[0].lower() == "api":
        segments = segments[1:]
    scoped = bool(segments) and _SPACE.match(segments[0]) is not None
    rest = segments[1:] if scoped else segments
    named = "/".join("{}" if segment.startswith("{") else segment.lower() for segment in rest)
    return f"{{space}}/{named}" if scoped and named else "{space}" if scoped else named


def _operation(operation: Document) -> Operation:
    parameters: dict[str, Parameter] = {}
    positions = 0
    for parameter in cast("list[Document]", operation.get("parameters") or []):
        place = str(parameter.get("in"))
        if place == "path":
            # Positions, not names, make a path; but generators of clients need each of them to be described.
            positions += 1
            parameters[f"number {positions}"] = Parameter(place, "", required=False)
            continue
        schema = cast("Document", parameter.get("schema") or parameter)
        parameters[str(parameter.get("name")).lower()] = Parameter(
            place, _type(schema), bool(parameter.get("required"))
        )
    answers = cast("Document", operation.get("responses") or {})
    success = [cast("Document", answers[code]) for code in sorted(answers) if code.startswith("2")]
    return Operation(
        parameters, frozenset(answers), _type(cast("Document", success[0].get("schema") or {})) if success else ""
    )


def _fields(definition: Document) -> dict[str, Field]:
    required = set(cast("list[str]", definition.get("required") or []))
    fields: dict[str, Field] = {}
    for part in [definition, *cast("list[Document]", definition.get("allOf") or [])]:
        for name, schema in cast("Document", part.get("properties") or {}).items():
            values = frozenset(map(str, _values(cast("Document", schema))))
            fields[name] = Field(_type(cast("Document", schema)), values, name in required)
    return fields


def _values(schema: Document) -> Iterator[Any]:
    yield from cast("list[Any]", schema.get("enum") or [])
    items = schema.get("items")
    if isinstance(items, dict):
        yield from _values(cast("Document", items))


def _type(schema: Document) -> str:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _model(reference.rpartition("/")[2])
    kind = str(schema.get("type") or "")
    if kind == "array":
        return f"{_type(cast('Document', schema.get('items') or {}))}[]"
    return kind


def _model(name: str) -> str:
    """Model names were spelt with and without `Resource` over time."""
    return name.removesuffix("Resource")
