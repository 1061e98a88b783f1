"""What a rollback left different, and whether it was quick enough: findings of the check ROLL."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from tidegate.checks.differences import differences
from tidegate.checks.finding import Finding, Severity
from tidegate.checks.noise import Nature, nature
from tidegate.checks.normalise import documents
from tidegate.errors import HarnessError, UpgradeFailed
from tidegate.observation.documents import list_shape, safe
from tidegate.observation.store import ITEM, LIST, Seen, Snapshot
from tidegate.octopus.client import OctopusClient

CHECK: Final = "ROLL"
#: Differences that become findings of their own; the others are counted in one more.
_TOLD: Final = 20
#: What these show comes from the running server and from the rollback itself: heartbeats, uptime, its own tasks, and
#: the audit of maintenance mode.
_LIVING: Final = frozenset({"events", "tasks", "octopusservernodes", "serverstatus", "scheduler", "(probe)"})
_CLOCKS: Final = frozenset({Nature.TIME, Nature.DURATION})
_WORKERS: Final = 6


@dataclass(frozen=True, slots=True)
class Shown:
    """What an instance shows after its rollback: ``differences`` are sentences, one a place."""

    asked: int
    differences: tuple[str, ...]


def shown_as_before(client: OctopusClient, first: Snapshot, second: Snapshot) -> Shown:
    """Ask the rolled-back instance for one place of each family that showed the same in both snapshots before the
    upgrade, and for the length of one list of each family.

    Database and server folders are compared byte by byte elsewhere; this shows that the previous version serves them.
    """
    chosen: list[Seen] = [*_one_of_each_family(first, second, ITEM), *_lists(first, second)]
    counts = second.counts()
    with ThreadPoolExecutor(_WORKERS) as pool:
        numbers = [counts.get((seen.user, seen.place), (0, False))[0] for seen in chosen]
        told = pool.map(_ask, [client] * len(chosen), chosen, numbers)
        return Shown(len(chosen), tuple(one for one in told if one))


def judge_state(unequal: Sequence[str], versions: tuple[str, str]) -> list[Finding]:
    """Findings about database and server folders that are not what they were; ``unequal`` is what differs, a sentence
    a place, ``versions`` are from where to where the rollback led."""
    return _different(unequal, versions, "after a rollback the main instance would not be what it was")


def judge_shown(differences: Sequence[str], versions: tuple[str, str]) -> list[Finding]:
    """Findings about places that show something else than before the upgrade."""
    return _different(differences, versions, "after a rollback users would find something other than before")


def judge_time(seconds: float, objective: int | None) -> list[Finding]:
    """A finding when the rollback took longer than the ``objective``, in minutes; without one nothing is demanded."""
    if objective is None or seconds <= objective * 60:
        return []
    return [
        Finding(
            check=CHECK,
            severity=Severity.DEGRADED,
            place="time of the rollback",
            before=f"at most {objective} min",
            after=f"{seconds / 60:.1f} min",
            consequence="after a failed cut-over the main instance would be down for longer than is allowed",
        )
    ]


def failed_rollback(error: UpgradeFailed | HarnessError, versions: tuple[str, str]) -> Finding:
    """A rollback that did not come to its end."""
    return Finding(
        check=CHECK,
        severity=Severity.BREAKING,
        place=f"rollback to {versions[1]}",
        before=versions[0],
        after=error.what.splitlines()[0][:500],
        consequence="after a failed cut-over the main instance could not be brought back in this way",
    )


def _different(found: Sequence[str], versions: tuple[str, str], consequence: str) -> list[Finding]:
    told = list(found[:_TOLD])
    if len(found) > _TOLD:
        told.append(f"other places: {len(found) - _TOLD} more differ")
    split = [sentence.rpartition(": ") for sentence in told]
    return [
        Finding(
            check=CHECK,
            severity=Severity.BREAKING,
            place=place,
            before=f"as it was at {versions[1]}",
            after=what,
            consequence=consequence,
        )
        for place, _, what in split
    ]


def _lists(first: Snapshot, second: Snapshot) -> list[Seen]:
    one, other = first.counts(), second.counts()
    return [
        seen
        for seen in _one_of_each_family(first, second, LIST)
        if (key := (seen.user, seen.place)) in other and one.get(key) == other[key]
    ]


def _one_of_each_family(first: Snapshot, second: Snapshot, form: str) -> list[Seen]:
    condition, parameters = "user = ? AND form = ? AND status = 200", (second.administrator, form)
    stable = {seen.place: seen.digest for seen in first.rows(condition, parameters)}
    chosen: dict[str, Seen] = {}
    for seen in second.rows(condition, parameters):
        if seen.family.partition("/")[0].partition("?")[0] not in _LIVING and stable.get(seen.place) == seen.digest:
            chosen.setdefault(seen.family, seen)
    return list(chosen.values())


def _ask(client: OctopusClient, seen: Seen, number: int) -> str:
    """What is different at one place; "" when nothing is."""
    answer = client.send("GET", seen.path)
    name = seen.place or "root document"
    if answer.status != seen.status:
        return f"{name}: status {seen.status} → {answer.status}"
    if seen.form == LIST:
        shape = list_shape(answer.json)
        total = shape.total if shape else 0
        return "" if total == number else f"{name}: {number} → {total} entries"
    if hashlib.blake2b(answer.content, digest_size=16).hexdigest() == seen.digest:
        return ""
    if seen.body is None or answer.json is None:
        return f"{name}: content changed"
    before, after = documents(seen.body, "", safe(answer.content.decode("utf-8", "replace")), "")
    changes = [change for change in differences(before, after) if nature(change) not in _CLOCKS]
    return f"{name}: {', '.join(change.where for change in changes[:5])} changed" if changes else ""
