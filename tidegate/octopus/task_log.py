"""The log of a server task as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast


def readable(details: Mapping[str, Any]) -> str:
    """A reply of `/api/tasks/{id}/details` as text: each activity with how it ended, its lines, then its children."""
    roots = cast("Sequence[Mapping[str, Any]]", details.get("ActivityLogs") or ())
    return "\n".join(line for root in roots for line in _lines(root, ""))


def _lines(activity: Mapping[str, Any], indent: str) -> Iterator[str]:
    yield f"{indent}{activity.get('Status')}: {activity.get('Name')}"
    for element in cast("Sequence[Mapping[str, Any]]", activity.get("LogElements") or ()):
        moment = str(element.get("OccurredAt") or "")[11:19]
        told = str(element.get("MessageText") or "").replace("\n", f"\n{indent}{' ' * 22}")
        yield f"{indent}  {moment:8}  {element.get('Category') or '':9} {told}"
    for child in cast("Sequence[Mapping[str, Any]]", activity.get("Children") or ()):
        yield from _lines(child, f"{indent}  ")
