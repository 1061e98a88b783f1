"""Where a resource points at another one, and what it might point at instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from tidegate.checks.live.context import LiveContext
from tidegate.observation.documents import id_of, is_frozen

#: An id as Octopus makes them: the collection's name and a number.
_ID: Final = re.compile(r"([A-Za-z]+)-\d+")

#: What a resource is tied to for life, and what the server itself puts there.
_TIED: Final = frozenset(
    {
        "Id", "SpaceId", "ProjectId", "OwnerId", "TaskId", "RunbookId", "ChannelId", "Links", "VariableSetId",
        "DeploymentProcessId", "RunbookProcessId", "LastSnapshotId", "ProjectVariableSetSnapshotId",
        "ProjectDeploymentProcessSnapshotId",
    }
)  # fmt: skip

Path = tuple[str | int, ...]


def references(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where ids stand that whoever edits may change, at whatever depth; the first of each place in a list of alike."""
    found: dict[Path, Path] = {}
    for where in _references(value, path):
        found.setdefault(tuple(step for step in where if isinstance(step, str)), where)
    yield from found.values()


def _references(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            if name not in _TIED:
                yield from _references(inner, (*path, name))
    elif isinstance(value, list):
        for position, inner in enumerate(cast("list[Any]", value)):
            yield from _references(inner, (*path, position))
    elif isinstance(value, str) and _ID.fullmatch(value):
        yield path


class Others:
    """Other things of a collection; each collection is read once."""

    def __init__(self, context: LiveContext) -> None:
        self._context = context
        self._ids: dict[str, list[str]] = {}

    def instead_of(self, reference: str) -> str:
        """The first other one of the same collection, the same before and after an upgrade; "" when there is none."""
        shape = _ID.fullmatch(reference)
        if shape is None:
            return ""
        return next((one for one in self._all(shape[1]) if one != reference), "")

    def _all(self, collection: str) -> list[str]:
        if collection not in self._ids:
            path = self._context.path(collection.lower())
            names = [id_of(one) for one in self._context.shown(path, take=200)]
            self._ids[collection] = sorted(name for name in names if name and not is_frozen(name))
        return self._ids[collection]
