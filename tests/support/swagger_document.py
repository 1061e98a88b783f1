"""A swagger 2.0 document that a real Octopus Server made of itself, as something to hold answers against."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import jsonschema_rs

Schema = dict[str, Any]

#: Where the document says otherwise than servers answer: its generator looked at .NET classes and did not see the
#: converters that write them. Definition → the schema that recordings of servers fit (OctopusDeploy/OctopusClients
#: PropertyValueResource and its converter: a plain string unless it is sensitive; the 2018.3.6 and 2024.3 recordings of
#: go-octopusdeploy's and Octopus.Client's tests).
CONVERTED: Mapping[str, Schema] = {
    "PropertyValueResource": {
        "type": ["string", "object", "null"],
        "properties": {"HasValue": {"type": "boolean"}, "NewValue": {"type": ["string", "null"]}},
        "additionalProperties": False,
    },
}

#: Base classes: an answer has the properties of a derived class, which the document does not list.
BASE_CLASSES = frozenset(
    {
        "AccountResource",
        "EndpointResource",
        "FeedResource",
        "TriggerActionResource",
        "TriggerFilterResource",
        "Control",
        "UserAuthenticationResource",
        "Metadata",
    }
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str  # upper case
    path: str
    name: str
    parameters: tuple[Mapping[str, Any], ...]
    responses: Mapping[str, Mapping[str, Any]]

    @property
    def success_schema(self) -> Schema | None:
        """What a good answer looks like; None if the document does not say, or it is a file."""
        for status in ("200", "201"):
            schema = self.responses.get(status, {}).get("schema")
            if schema is not None:
                return None if schema.get("type") == "file" else schema
        return None

    @property
    def required_query(self) -> list[str]:
        return [str(row["name"]) for row in self.parameters if row.get("in") == "query" and row.get("required")]


@dataclass(frozen=True, slots=True)
class Deviation:
    """``kind``: "contradiction" (type, enumeration, format) or "unlisted" (a property the document does not have)."""

    kind: str
    where: str
    what: str


class SwaggerDocument:
    """``content`` is the parsed document."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self._validators: dict[str, tuple[Any, Any]] = {}

    @classmethod
    def read(cls, path: Path) -> SwaggerDocument:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @property
    def version(self) -> str:
        return str(self.content["info"]["version"]).partition("+")[0]

    @cached_property
    def operations(self) -> list[Operation]:
        return list(self._operations())

    def _operations(self) -> Iterator[Operation]:
        for path, methods in cast("Mapping[str, Mapping[str, Any]]", self.content["paths"]).items():
            shared = methods.get("parameters", [])
            for method, row in methods.items():
                if method != "parameters":
                    yield Operation(
                        method.upper(),
                        path,
                        str(row.get("operationId", "")),
                        (*shared, *row.get("parameters", [])),
                        row.get("responses", {}),
                    )

    def deviations(self, schema: Schema, answer: object) -> list[Deviation]:
        """How an answer differs from a schema of this document."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = (self._validator(schema, closed=False), self._validator(schema, closed=True))
        loose, closed = self._validators[key]
        found = [
            Deviation("contradiction", _where(error.instance_path), error.message)
            for error in loose.iter_errors(answer)
        ]
        if not found:
            found = [
                Deviation("unlisted", _where(error.instance_path), _unlisted(error.message))
                for error in closed.iter_errors(answer)
            ]
        return found

    def _validator(self, schema: Schema, *, closed: bool) -> Any:
        definitions: dict[str, Schema] = {}
        for name, definition in cast("Mapping[str, Schema]", self.content["definitions"]).items():
            definitions[name] = (
                CONVERTED[name]
                if name in CONVERTED
                else _nullable(definition, closed=closed and name not in BASE_CLASSES)
            )
        whole = {"definitions": definitions, "allOf": [_nullable(schema, closed=closed)]}
        return jsonschema_rs.Draft4Validator(whole, validate_formats=True)


def _nullable(schema: Schema, *, closed: bool) -> Schema:
    """JSON Schema of a swagger schema. Swagger 2.0 knows no null, which servers send for what is not set."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}  # definitions allow null themselves
    made = {key: value for key, value in schema.items() if key in ("minLength", "maxLength", "format", "required")}
    if schema.get("type"):
        made["type"] = [schema["type"], "null"]
    if "enum" in schema:
        made["enum"] = [*schema["enum"], None]
    if "items" in schema:
        made["items"] = _nullable(schema["items"], closed=closed)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        # ``{"type": "object"}`` is how the generator writes any .NET object, a string as well.
        made["additionalProperties"] = (
            {} if extra == {"type": "object"} else _nullable(cast("Schema", extra), closed=closed)
        )
    properties = cast("Mapping[str, Schema]", schema.get("properties", {}))
    if properties:
        made["properties"] = {
            name: {} if row == {"type": "object"} else _nullable(row, closed=closed) for name, row in properties.items()
        }
        if closed and not isinstance(extra, dict):
            made["additionalProperties"] = False
    return made


def _where(path: Sequence[str | int]) -> str:
    """A path with the numbers of list entries left out, so that equal faults read the same."""
    return ".".join("[]" if isinstance(part, int) else part for part in path) or "(whole)"


def _unlisted(message: str) -> str:
    """The names alone out of "Additional properties are not allowed ('A', 'B' were unexpected)"."""
    return ", ".join(re.findall(r"'(\w+)'", message)) or message
