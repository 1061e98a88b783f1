"""JSON as text and back, quickly: a snapshot parses and writes tens of thousands of documents."""

from __future__ import annotations

import json
from typing import Any

import orjson


def parsed(text: str) -> Any:
    """The value of a JSON text. Raises :class:`ValueError` where it is none.

    Whole numbers of more than 64 bits, which no Octopus Server serves, are read as floating point.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)  # what serialisers write though the standard does not: NaN, halves of a character


def written(value: Any) -> str:
    """A value made of what JSON knows, as text in one line."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value)
