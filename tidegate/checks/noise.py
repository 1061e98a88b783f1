"""Differences that come by themselves: learnt from two snapshots of the same instance at the same version."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tidegate.checks.differences import Change, Kind


class Nature(StrEnum):
    """What sort of values a change went between."""

    TIME = "time"
    DURATION = "duration"
    NUMBER = "number"
    TOKEN = "token"  # noqa: S105 - an id or hash that is made anew each time
    VALUE = "value"
    PRESENCE = "presence"
    ORDER = "order"


#: Natures that hold for every item of a collection when they were seen on one of them: clocks, counters and tokens.
GENERAL: Final = frozenset({Nature.TIME, Nature.DURATION, Nature.NUMBER, Nature.TOKEN})

#: From this many items on, other changes are taken for a habit of the whole collection, too.
HABIT: Final = 3

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*|\w+day, \d{1,2}(st|nd|rd|th)? \w+ \d{4}.*|\d+ \w+ ago")
_DURATION: Final = re.compile(
    r"-?(\d+\.)?\d\d:\d\d:\d\d(\.\d+)?|(less than )?(a|an|\d+) (milli)?(second|minute|hour|day)s?.*"
)
_TOKEN: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}", re.IGNORECASE)


def nature(change: Change) -> Nature:
    """What sort of change this is."""
    if change.kind is Kind.REORDERED:
        return Nature.ORDER
    if change.kind in {Kind.ADDED, Kind.REMOVED, Kind.EMPTIED, Kind.FILLED}:
        return Nature.PRESENCE
    before, after = change.before, change.after
    for pattern, found in ((_TIME, Nature.TIME), (_DURATION, Nature.DURATION), (_TOKEN, Nature.TOKEN)):
        if _matches(pattern, before) and _matches(pattern, after):
            return found
    if _number(before) and _number(after):
        return Nature.NUMBER
    return Nature.VALUE


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(slots=True)
class Noise:
    """What was seen to change by itself."""

    _exact: set[tuple[str, str, Nature]] = field(default_factory=set[tuple[str, str, Nature]])
    _places: defaultdict[tuple[str, str, Nature], set[str]] = field(
        default_factory=lambda: defaultdict[tuple[str, str, Nature], set[str]](set)
    )

    def learn(self, place: str, family: str, change: Change) -> None:
        kind = nature(change)
        self._exact.add((place, change.where, kind))
        self._places[(family, change.path, kind)].add(place)

    def covers(self, place: str, family: str, change: Change) -> bool:
        """Whether a change is of a sort that happens by itself at this place."""
        kind = nature(change)
        if (place, change.where, kind) in self._exact:
            return True
        seen = self._places.get((family, change.path, kind))
        return seen is not None and (kind in GENERAL or len(seen) >= HABIT)

    def __len__(self) -> int:
        return len(self._exact)
