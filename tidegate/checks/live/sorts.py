"""The sorts in which resources of one kind come: feeds, accounts, targets and triggers have properties of their own."""

from __future__ import annotations

from typing import Any, cast

_OWN = ("FeedType", "AccountType", "ContentType", "WorkerPoolType", "Type")


def sort_of(body: dict[str, Any]) -> str:
    """The sort of a document, "" where its kind has none."""
    parts: list[Any] = [body.get(name) for name in _OWN]
    parts += [_inner(body, "Endpoint", "CommunicationStyle"), _inner(body, "Filter", "FilterType")]
    parts += [_inner(body, "Action", "ActionType")]
    return "/".join(str(part) for part in parts if part)


def _inner(body: dict[str, Any], name: str, inner: str) -> Any:
    value = body.get(name)
    return cast("dict[str, Any]", value).get(inner) if isinstance(value, dict) else None
