"""What else changes when somebody makes, edits and removes a thing: nothing that others of its kind hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tidegate.checks.differences import differences
from tidegate.checks.live.context import LiveContext
from tidegate.checks.noise import GENERAL, nature
from tidegate.observation.documents import id_of

Document = dict[str, Any]
Things = Mapping[str, Document]

#: Things of each kind that are held against themselves.
_EACH: Final = 1000
#: What every save gives another value, that of a neighbour's order included.
_OWN: Final = frozenset({"Version", "LastModifiedOn", "LastModifiedBy", "LastSnapshotId", "Links"})

GONE: Final = "gone with others"
TOUCHED: Final = "changed with others"


def things_of(context: LiveContext, paths: Iterable[tuple[str, str]]) -> dict[str, Document]:
    """All things of these kinds by place; ``paths`` are kinds and where they are listed."""
    return {
        f"{kind}/{id_of(one)}": {name: value for name, value in one.items() if name not in _OWN}
        for kind, path in paths
        for one in context.shown(path, take=_EACH)
    }


def touched(before: Things, after: Things) -> dict[str, str]:
    """What became of things that nobody meant, by "place: property". Clocks and counters go on by themselves."""
    found: dict[str, str] = {}
    for place, thing in before.items():
        if place not in after:
            found[place] = GONE
            continue
        for change in differences(thing, after[place]):
            if nature(change) not in GENERAL:
                found[f"{place}: {change.where}"] = TOUCHED
    return found
