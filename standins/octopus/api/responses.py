"""From a handler's reply to the bytes of an HTTP response."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from starlette.responses import FileResponse, Response

from standins.octopus.contract import Reply


def _other(value: Any) -> Any:
    """Dates with milliseconds and offset (recorded), whatever the driver returned."""
    if isinstance(value, datetime):
        return (
            value.isoformat(timespec="milliseconds")
            if value.tzinfo
            else value.isoformat(timespec="milliseconds") + "+00:00"
        )
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID | Path):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    raise TypeError(f"{type(value).__name__} cannot be part of a reply")


def to_json(body: Any) -> bytes:
    return orjson.dumps(body, default=_other, option=orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS)


def to_response(reply: Reply, headers: Mapping[str, str]) -> Response:
    """A file is streamed from disk; everything else is one block."""
    together = {**headers, **reply.headers}
    match reply.body:
        case Path() as path:
            return FileResponse(path, reply.status, together, reply.media_type)
        case bytes() as content:
            return _response(content, reply.status, reply.media_type, together)
        case str() as text:
            media_type = "text/plain; charset=utf-8" if reply.media_type == "application/json" else reply.media_type
            return _response(text.encode(), reply.status, media_type, together)
        case None if reply.status in (204, 304) or "Location" in reply.headers:
            return _response(b"", reply.status, None, together)
        case body:
            return _response(to_json(body), reply.status, "application/json; charset=utf-8", together)


def _response(content: bytes, status: int, media_type: str | None, headers: Mapping[str, str]) -> Response:
    response = Response(content, status, media_type=media_type)
    for name, value in headers.items():
        # A cookie header may come several times, one a line.
        for line in value.split("\n"):
            response.headers.append(name, line)
    return response
