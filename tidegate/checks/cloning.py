"""CLONE: what cloning lost against the main instance, told apart from what the upgrade does later."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from tidegate.checks.comparison import Comparison, logged_out
from tidegate.checks.expected import Hop, clone_changes
from tidegate.checks.finding import Finding
from tidegate.checks.grading import Findings
from tidegate.checks.habits import Habits
from tidegate.observation.documents import property_of
from tidegate.observation.snapshot import version_of
from tidegate.observation.store import ITEM, Snapshot
from tidegate.rehearsal.instances import MainMark
from tidegate.rehearsal.main_mark import audited_at


def compare_clone(
    main: Snapshot, clone: Snapshot, sanitised: Iterable[str] | None = None, mark: MainMark | None = None
) -> list[Finding]:
    """Findings about what the clone does not show as the main instance does, and was not meant to change.

    ``sanitised`` names the statements of `knowledge/sanitise.toml` that acted; every one when left out. The two
    snapshots were taken minutes apart on different instances, so work done on the main instance meanwhile shows up
    here, too: its findings say what a rehearsal on this clone cannot speak about. What was only made on the main
    instance after the backup is drift, not a loss; ``mark`` says how far its audit log was then.
    """
    if unknown := logged_out(main, clone):
        return unknown
    acted = None if sanitised is None else set(sanitised)
    changes = [
        change for change in clone_changes() if not change.statement or acted is None or change.statement in acted
    ]
    hop = Hop(changes, version_of(main), version_of(clone))
    findings = Findings(kind="clone", administrator=clone.administrator)
    Comparison(main, clone, hop, Habits(), findings).run()
    observers = [re.compile(rf"\b{re.escape(user)}\b") for user in clone.about["observers"]]
    newest = _newest(clone)
    lost = [
        finding
        for finding in findings.graded()
        if not any(user.search(finding.place) for user in observers) and not _made_later(finding.place, newest)
    ]
    if mark is None:
        return lost
    later = _audited_since(main, mark, {one for finding in lost for one in _ids(finding.place)})
    return [finding for finding in lost if later.isdisjoint(_ids(finding.place))]


def _audited_since(main: Snapshot, mark: MainMark, named: set[str]) -> set[str]:
    """Those of the ids that are audit events which the main instance had when it was looked at, and not yet when it was
    backed up.

    Their numbers do not tell: the clone audits its own start, from the same numbers on.
    """
    later: set[str] = set()
    seen = main.rows("user = ? AND place LIKE 'events/%'", (main.administrator,)) if named else ()
    for event in seen:
        identity = event.place.rpartition("/")[2]
        occurred = property_of(event.json, "Occurred") if identity in named else None
        if not isinstance(occurred, str):
            continue
        moment = audited_at(occurred)
        if mark.audited is None or moment > mark.audited or (moment == mark.audited and identity not in mark.newest):
            later.add(identity)
    return later


def _ids(place: str) -> set[str]:
    return {"-".join(one) for one in _ID.findall(place)}


def _newest(clone: Snapshot) -> dict[str, int]:
    """The highest number of each collection's ids on the clone (`Events` of Events-300)."""
    newest: dict[str, int] = {}
    for seen in clone.rows("user = ? AND form = ?", (clone.administrator, ITEM)):
        for collection, number in _ID.findall(seen.place):
            newest[collection] = max(newest.get(collection, 0), int(number))
    return newest


def _made_later(place: str, newest: Mapping[str, int]) -> bool:
    """Whether a place is about something with a higher number than anything the clone has.

    Numbers are given in ascending order (KeyAllocation), so the main instance made it after the backup.
    """
    ids = _ID.findall(place)
    return bool(ids) and any(int(number) > newest.get(collection, int(number)) for collection, number in ids)


#: `Events-300`, but not `deploymentprocess-Projects-4`.
_ID: Final = re.compile(r"(?<![\w-])([A-Z][A-Za-z]+)-(\d+)\b")
