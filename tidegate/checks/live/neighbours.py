"""SAVE: what else changes while people make, edit and remove things: nothing that nobody asked for.

Harm to a neighbour may be done once, by whichever save or removal comes first, and may lie in a thing of another kind.
So all configuration is held against itself around everything that writes, and not around each write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from tidegate.checks.differences import Change, Kind, differences
from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.refusals import SYSTEM
from tidegate.checks.live.saving import EVERY, ONE
from tidegate.checks.noise import GENERAL, nature
from tidegate.checks.normalise import document
from tidegate.json_text import written
from tidegate.observation.documents import id_of, is_frozen, safe
from tidegate.observation.places import space_of
from tidegate.observation.routes import route_knowledge
from tidegate.observation.store import LISTED, Snapshot

Document = dict[str, Any]
#: What there is by kind, and of each kind by id.
Things = Mapping[str, Mapping[str, Document]]

#: Things of each kind that are held against themselves.
_EACH: Final = 1000
#: What every save gives another value, and what follows from other things (the names that a variable may be scoped to).
_OWN: Final = frozenset({"Version", "LastModifiedOn", "LastModifiedBy", "LastSnapshotId", "Links", "ScopeValues"})
#: A thing that is gone, as a change of its kind.
_GONE: Final = Change(Kind.REMOVED, "", "")


def things_of(context: LiveContext) -> Things:
    """All configuration of the default space, and what belongs to no space, as it is listed now."""
    found: dict[str, Mapping[str, Document]] = {}
    queries: Mapping[str, str] = route_knowledge().queries if context.server.spaces else {}
    for kind in (*EVERY, *ONE):
        path = f"/api/{kind}" if kind in SYSTEM else context.path(kind)
        items = context.shown(path, **dict(parse_qsl(queries.get(kind, ""))), take=_EACH)
        if len(items) < _EACH:  # of more than that a page tells nothing about what is missing
            found[kind] = dict(_kept((written(one) for one in items), context.space))
    return found


def things_seen(snapshot: Snapshot, space: str) -> Things:
    """The same, as a snapshot has it."""
    found: dict[str, Mapping[str, Document]] = {}
    for kind in (*EVERY, *ONE):
        rows = snapshot.rows("user = ? AND form = ?", (snapshot.administrator, f"{LISTED}{kind}"))
        found[kind] = dict(_kept((row.body or "{}" for row in rows if not space_of(row.place)), space))
    return found


def _kept(texts: Iterable[str], space: str) -> Iterator[tuple[str, Document]]:
    for text in texts:
        thing = cast("Document", document(safe(text), space))
        identity = id_of(thing)
        if identity and not is_frozen(identity):
            yield identity, {name: value for name, value in thing.items() if name not in _OWN}


def touched(before: Things, after: Things) -> Iterator[tuple[str, str, Change]]:
    """What became of things that were there: kind, id and change. Clocks and counters go on by themselves."""
    for kind in sorted(before.keys() & after.keys()):
        for identity, thing in before[kind].items():
            now = after[kind].get(identity)
            if now is None:
                yield kind, identity, _GONE
                continue
            for change in differences(thing, now):
                if nature(change) not in GENERAL:
                    yield kind, identity, change


def habits(changes: Iterable[tuple[str, str, Change]]) -> frozenset[str]:
    """Where the harness's own doings leave something changed: health of targets, steps brought to their template."""
    return frozenset(_habit(kind, change) for kind, _, change in changes)


def check_neighbours(context: LiveContext, before: Things, known: Collection[str]) -> LiveResult:
    """``before`` is how everything was when nothing had been written yet, ``known`` the habits before the upgrade."""

    def body(notes: Notes) -> None:
        after = things_of(context)
        for kind, identity, change in touched(before, after):
            if _habit(kind, change) in known:
                continue
            where = f": {change.where}" if change.where else ""
            notes.find(
                f"{kind}/{identity}{where}",
                "making, editing or removing one thing changes another, which nobody asked for",
                before="there" if change is _GONE else change.before,
                after="gone with others" if change is _GONE else change.after,
            )
        both = [kind for kind in before if kind in after]
        notes.covered.append(f"{sum(len(before[kind]) for kind in both)} things of {len(both)} kinds")
        too_many = [kind for kind in before if kind not in after]
        notes.uncovered.extend(f"{kind}: too many to be held against themselves" for kind in too_many)

    return run_check("SAVE", context, body)


def _habit(kind: str, change: Change) -> str:
    return f"{kind}: {change.path}" if change.path else kind
