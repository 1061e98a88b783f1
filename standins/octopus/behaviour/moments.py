"""Moments and durations as the documents, the API and the task logs write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from standins.octopus.contract import ApiError


def moment(value: Any) -> datetime | None:
    """A document's date (ISO text) as a datetime; one without an offset is UTC."""
    if value is None or value == "":
        return None
    read = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def asked_moment(value: Any, name: str) -> datetime | None:
    """A moment out of a request; what is none is refused with 400."""
    try:
        read = moment(value)
        if read is not None:
            read.astimezone(UTC)  # a moment that has none in UTC cannot be stored either
    except (ValueError, OverflowError):
        raise ApiError(400, "There was a problem with your request.", [f"{name}: this is not a date."]) from None
    return read


def iso(value: datetime) -> str:
    """``2024-08-02T05:07:42.445+00:00``: milliseconds and an offset, as recorded replies have them."""
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="milliseconds")


def duration_text(seconds: float) -> str:
    """The task page's wording: "1 second", "32 seconds", "2 minutes", "1 hour"."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    whole = max(1, round(seconds))
    return "1 second" if whole == 1 else f"{whole} seconds"


def long_text(value: datetime) -> str:
    """``Monday, 3 June 2024 10:00:32 AM +00:00``: how a finished task says when it completed."""
    offset = value.strftime("%z")
    clock = value.strftime("%I:%M:%S %p").lstrip("0")
    return f"{value.strftime('%A')}, {value.day} {value.strftime('%B %Y')} {clock} {offset[:3]}:{offset[3:5]}"


def timespan(text: str) -> timedelta:
    """A .NET time span: ``HH:mm:ss``, ``d.HH:mm:ss``, with optional fractions."""
    clock = text
    days = 0
    if "." in text.split(":", 1)[0]:
        head, clock = text.split(".", 1)
        days = int(head)
    hours, minutes, seconds = clock.split(":")
    return timedelta(days=days, hours=int(hours), minutes=int(minutes), seconds=float(seconds))
