"""Ids inside documents: found, replaced, and marked where what they name stayed behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

#: What a real export appends to ids that have to be mapped to those of the target (OctopusDeploy/Issues 9349, 7678).
#: Here it stays on scopes whose target stayed behind: such an id names nothing in any instance.
MARK = "-D4C63A85E7894C5D8C20D9297FEA1A43"

_ID = re.compile(r"[A-Za-z]+-\d+$")

Change = Callable[[str], str | None]


def ids_in(value: Any) -> Iterator[str]:
    """Texts that look like ids of counted documents, also as keys and in comma-separated lists."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")] if len(value) < 2000 else []
        if parts and all(_ID.match(part) for part in parts):
            yield from parts
    elif isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from ids_in(key)
            yield from ids_in(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from ids_in(item)


def replaced(value: Any, names: dict[str, str]) -> Any:
    """The same document with every id that ``names`` knows replaced by its new one."""
    if isinstance(value, str):
        return _text(value, names)
    if isinstance(value, dict):
        return {_text(key, names): replaced(item, names) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [replaced(item, names) for item in cast("list[Any]", value)]
    return value


def _text(value: str, names: dict[str, str]) -> str:
    if value in names:
        return names[value]
    if "," in value and len(value) < 2000:
        parts = [part.strip() for part in value.split(",")]
        if all(_ID.match(part) for part in parts):
            return ",".join(names.get(part, part) for part in parts)
    return value


def without(value: Any, gone: Callable[[str], bool], key: str = "") -> Any:
    """The document without references to what is ``gone``: lists and ``…Id`` properties lose them, scopes mark them.

    A variable that lost its scope would hold everywhere; with a marked one it holds nowhere.
    """
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if key == "Scope":
            return {name: _marked(item, gone) for name, item in fields.items()}
        return {name: without(item, gone, name) for name, item in fields.items() if not gone(name)}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [without(item, gone, key) for item in items if not (isinstance(item, str) and gone(item))]
    if isinstance(value, str) and key.endswith("Id") and gone(value):
        return None
    return value


def _marked(value: Any, gone: Callable[[str], bool]) -> Any:
    if not isinstance(value, list):
        return value
    return [f"{item}{MARK}" if isinstance(item, str) and gone(item) else item for item in cast("list[Any]", value)]
