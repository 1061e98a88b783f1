"""What a pair of answers says, in the form in which it is compared."""

from __future__ import annotations

from typing import Any

from tidegate.checks.normalise import documents
from tidegate.checks.pairs import Pair
from tidegate.observation.routes import RouteKnowledge
from tidegate.observation.store import LIST, RECORDED, UNSCOPED, Snapshot


def contents(pair: Pair, first: Snapshot, second: Snapshot, routes: RouteKnowledge) -> tuple[Any, Any]:
    """Both answers as they are compared: without what differs between spaces or instances, a list as its summary."""
    before, after = documents(pair.before_body, first.default_space, pair.after_body, second.default_space)
    if pair.form in (LIST, UNSCOPED, RECORDED) and _is_list(before) and _is_list(after):
        grows = routes.is_history(pair.family)
        return _list_summary(before, after, grows=grows), _list_summary(after, before, grows=grows)
    return _bare(before, after), _bare(after, before)


def _bare(body: Any, other: Any) -> Any:
    """An empty list tells nothing of its entries' shape: beside entries without ids it is an empty array."""
    if isinstance(other, list) and _is_list(body) and not body["Ids"]:
        return []
    return body


def _is_list(body: Any) -> bool:
    return isinstance(body, dict) and "TotalResults" in body and "Ids" in body


def _list_summary(body: dict[str, Any], other: dict[str, Any], *, grows: bool) -> dict[str, Any]:
    """A list's count and order. Which entries came and went is told by the entries themselves."""
    summary = {name: value for name, value in body.items() if name != "Ids"}
    common = set(other.get("Ids") or ())
    summary["Order"] = [entry for entry in body.get("Ids") or () if entry in common]
    if grows:
        # How many pages a history has is a matter of its length.
        summary.pop("Complete", None)
        summary.pop("Links", None)
        summary.pop("TotalCounts", None)
    return summary


def habit_family(pair: Pair) -> str:
    """What habits and known changes are kept under: a list and an item of one family have nothing in common."""
    return f"(list){pair.family}" if pair.form == LIST else pair.family
