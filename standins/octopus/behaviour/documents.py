"""Reading documents whose properties may be missing or null, with types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from standins.octopus.contract import Call, Document


def listed(document: Mapping[str, Any], name: str) -> list[Any]:
    """A list property; missing and null are empty."""
    value = document.get(name)
    return cast("list[Any]", value) if isinstance(value, list) else []


def texts(document: Mapping[str, Any], name: str) -> list[str]:
    """A list property that holds ids, roles or tags."""
    return [str(value) for value in listed(document, name)]


def mapped(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object property; missing and null are empty."""
    value = document.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def folded(body: Any) -> Document:
    """A request body with lower-cased names: the API matches property names without regard to case."""
    if not isinstance(body, dict):
        return {}
    return {str(name).lower(): value for name, value in cast("dict[Any, Any]", body).items()}


def text_of(value: Any) -> str:
    """A property's plain text: sensitive ones are objects, and those have none here."""
    return value if isinstance(value, str) else ""


def is_true(value: Any) -> bool:
    return value is True or text_of(value).lower() == "true"


def comma_list(text: str | None) -> list[str]:
    """``ids=A,B``: empty entries say nothing."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def space_of(call: Call) -> str | None:
    """The ``SpaceId`` of a document made by this call."""
    return call.space if call.server.at_least("2019.1") else None
