"""The changes that releases are known to make, from `knowledge/expected_changes.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final, cast

from tidegate.checks.differences import Change, Kind
from tidegate.checks.noise import Nature, nature
from tidegate.checks.transformations import BY_NAME, Transformation
from tidegate.versions import Version


class What(StrEnum):
    """What a release does at a place."""

    ADDED = "added"  # a property appears
    REMOVED = "removed"  # a property goes
    RENAMED = "renamed"  # a top-level property gets another name (`to`), its value stays
    RESHAPED = "reshaped"  # a named transformation tells the new shape from the old one
    VARIES = "varies"  # a value differs with version or time: `natures` limits which sort of change
    APPEARS = "appears"  # a resource appears by itself
    DISAPPEARS = "disappears"  # a route or resource goes


_KINDS: Final = {
    What.ADDED: {Kind.ADDED, Kind.FILLED},
    What.REMOVED: {Kind.REMOVED, Kind.EMPTIED},
}


_LOST: Final = {Kind.REMOVED, Kind.EMPTIED, Kind.RETYPED}


@dataclass(frozen=True, slots=True)
class ExpectedChange:
    """One known change. It came between ``since`` and ``by``; an empty ``since`` means: with any upgrade."""

    what: What
    families: tuple[re.Pattern[str], ...]
    paths: tuple[re.Pattern[str], ...]
    since: str
    by: str
    source: str
    values: tuple[Any, ...] | None = None
    natures: frozenset[Nature] = frozenset()
    rename: tuple[str, str] | None = None
    transformation: Transformation | None = None
    where: dict[str, Any] = field(default_factory=dict[str, Any])
    statement: str = ""
    only: frozenset[str] = frozenset()
    becomes: re.Pattern[str] | None = None
    entries: frozenset[str] = frozenset()

    def crosses(self, origin: Version, target: Version) -> bool:
        if not self.since:
            return True
        return origin < Version.parse(self.by) and Version.parse(self.since) <= target

    def concerns(self, family: str) -> bool:
        return any(pattern.fullmatch(family) for pattern in self.families)

    def explains(self, change: Change) -> bool:
        """Whether ``change``, in a family this rule concerns, is the known one."""
        if not any(pattern.fullmatch(change.path) for pattern in self.paths):
            return False
        if self.entries and not any(f"[{entry}]" in change.where for entry in self.entries):
            return False
        if self.what is What.VARIES:
            if change.kind in _LOST and Nature.PRESENCE not in self.natures and self.becomes is None:
                return False  # what varies is there
            if self.becomes is not None and not self.becomes.fullmatch(str(change.after)):
                return False
            return not self.natures or nature(change) in self.natures
        if change.kind not in _KINDS.get(self.what, set()):
            return False
        return self.what is What.REMOVED or self.values is None or change.after in self.values


class Hop:
    """The known changes between two versions, ready for use. ``before`` documents are carried forward in place."""

    def __init__(self, changes: Sequence[ExpectedChange], origin: Version, target: Version) -> None:
        self.origin = origin
        self.target = target
        self._changes = [change for change in changes if change.crosses(origin, target)]
        self._concerning = lru_cache(maxsize=None)(self._concerning_uncached)

    def carry_forward(self, family: str, before: Any) -> Any:
        """The document as the target version is known to show it, as far as it follows from the old one."""
        if isinstance(before, dict):
            for change in self._concerning(family):
                if change.rename is not None and change.rename[0] in before:
                    before[change.rename[1]] = cast("dict[str, Any]", before).pop(change.rename[0])
                elif change.transformation is not None:
                    change.transformation(cast("dict[str, Any]", before))
        return cast("Any", before)

    def explains(self, place: str, family: str, change: Change) -> bool:
        return any(
            known.explains(change) for known in self._concerning(family) if not known.only or place in known.only
        )

    def appears(self, family: str, document: Any) -> bool:
        """Whether a resource that was not there before is known to come with the upgrade."""
        return any(
            change.what is What.APPEARS and _holds(change.where, document) for change in self._concerning(family)
        )

    def reshapes(self, family: str) -> bool:
        """Whether documents of a family lose or change properties on the way, so that old ones are no model for new."""
        taken = {What.REMOVED, What.RENAMED, What.RESHAPED}
        return any(change.what in taken for change in self._concerning(family))

    def disappears(self, family: str) -> bool:
        return any(change.what is What.DISAPPEARS for change in self._concerning(family))

    def _concerning_uncached(self, family: str) -> tuple[ExpectedChange, ...]:
        return tuple(change for change in self._changes if change.concerns(family))


@cache
def expected_changes() -> tuple[ExpectedChange, ...]:
    """What releases are known to change: the knowledge that ships with Tidegate."""
    return _read("expected_changes.toml")


@cache
def clone_changes() -> tuple[ExpectedChange, ...]:
    """What cloning is meant to change."""
    return _read("clone_changes.toml")


@cache
def subset_changes() -> tuple[ExpectedChange, ...]:
    """What moving projects into another instance is meant to change, besides what cloning is."""
    return _read("subset_changes.toml")


def _read(file: str) -> tuple[ExpectedChange, ...]:
    text = resources.files("tidegate.knowledge").joinpath(file).read_text(encoding="utf-8")
    return tuple(_expected(row) for row in tomllib.loads(text)["change"])


def _expected(row: dict[str, Any]) -> ExpectedChange:
    what = What(row["what"])
    paths = _listed(row.get("path", "**"))
    rename = (paths[0], str(row["to"])) if what is What.RENAMED else None
    return ExpectedChange(
        what=what,
        families=tuple(_pattern(family) for family in _listed(row["family"])),
        paths=tuple(_pattern(path) for path in paths),
        since=row.get("since", ""),
        by=row.get("by", row.get("since", "")),
        source=row["source"],
        values=tuple(row["values"]) if "values" in row else None,
        natures=frozenset(Nature(name) for name in row.get("natures", ())),
        rename=rename,
        transformation=BY_NAME[row["with"]] if "with" in row else None,
        where=row.get("where", {}),
        statement=row.get("statement", ""),
        only=frozenset(row.get("only", ())),
        becomes=_pattern(row["becomes"]) if "becomes" in row else None,
        entries=frozenset(row.get("entries", ())),
    )


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _pattern(text: str) -> re.Pattern[str]:
    """`**` stands for anything; everything else, `*` included (an open id in a family), for itself."""
    return re.compile(".*".join(re.escape(part) for part in text.split("**")))


def _holds(conditions: dict[str, Any], document: Any) -> bool:
    if not conditions:
        return True
    return isinstance(document, dict) and all(
        cast("dict[str, Any]", document).get(name) == value for name, value in conditions.items()
    )
