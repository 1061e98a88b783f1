"""SAVE: what can be read can be saved unchanged, and stays unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from tidegate.checks.differences import differences
from tidegate.checks.expected import Hop, expected_changes
from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.checks.live.sorts import sort_of
from tidegate.checks.normalise import document
from tidegate.observation.documents import id_of, is_frozen, links_of, renewed
from tidegate.observation.places import place_of
from tidegate.observation.snapshot import version_of
from tidegate.observation.store import LISTED, Snapshot

#: Kinds of resources that people save, as routes with PUT in the swagger documents of 2019.6 and 2020.5: all of EVERY,
#: some of ONE. The chosen single documents reach nothing outside when saved.
EVERY: Final = ("userroles", "lifecycles")
ONE: Final = (
    "projects", "environments", "projectgroups", "channels", "projecttriggers", "libraryvariablesets", "variables",
    "deploymentprocesses", "machines", "machinepolicies", "workers", "workerpools", "accounts", "certificates", "feeds",
    "tenants", "tagsets", "actiontemplates", "subscriptions", "teams", "scopeduserroles", "users", "proxies",
    "runbooks", "runbookprocesses", "spaces",
)  # fmt: skip
SINGLE: Final = ("featuresconfiguration", "dashboardconfiguration", "performanceconfiguration", "upgradeconfiguration")

#: Properties that a save is meant to change.
_MOVING: Final = frozenset({"LastModifiedOn", "LastModifiedBy", "Version", "LastSnapshotId"})


def check_saving(context: LiveContext, seen: Snapshot, *, most: int = 2) -> LiveResult:
    """GET, PUT of the very same document, GET again: ``most`` of each kind, and every role and lifecycle.

    ``seen`` is a snapshot of this instance; it says what there is.
    """

    def body(notes: Notes) -> None:
        for kind in (*EVERY, *ONE):
            items = list(_items(seen, kind))
            chosen = items if kind in EVERY else _varied(items, most)
            for path, _ in chosen:
                _round_trip(context, notes, path)
            if chosen:
                notes.covered.append(f"{kind}: {len(chosen)} of {len(items)}")
            else:
                notes.uncovered.append(f"{kind}: there are none")
        tenants = [path for path, _ in _items(seen, "tenants")][:most]
        for path in tenants:
            _round_trip(context, notes, f"{path}/variables")
        for name in SINGLE:
            path = context.path(name) if name == "dashboardconfiguration" else f"/api/{name}"
            _round_trip(context, notes, path, optional=True)

    with context.hearing.deaf():  # before the upgrade only few of these are saved
        return run_check("SAVE", context, body)


def check_saving_as_before(context: LiveContext, before: Snapshot, after: Snapshot) -> LiveResult:
    """Save one of each kind with the properties that clients of the old version know, and put everything back.

    Requests of older clients leave out what is new, and have been refused for it (OctopusDeploy/Issues#8187). Kinds
    that a release reshaped are left out: for them, official clients demand the new version.
    """

    def body(notes: Notes) -> None:
        hop = Hop(expected_changes(), version_of(before), version_of(after))
        for kind in (*EVERY, *ONE):
            if hop.reshapes(f"{kind}/*"):
                notes.uncovered.append(f"{kind}: old clients cannot save them in the new version")
                continue
            known = {str(item.get("Id")): item for _, item in _items(before, kind)}
            both = [(path, item) for path, item in _items(after, kind) if str(item.get("Id")) in known]
            for path, item in _varied(both, 1)[:2]:
                _save_as_before(context, notes, path, known[str(item["Id"])])
                notes.covered.append(f"{kind}: {path}")

    with context.hearing.deaf():
        return run_check("INTEG", context, body)


def _save_as_before(context: LiveContext, notes: Notes, path: str, known: dict[str, Any]) -> None:
    read = context.client.send("GET", path)
    if not read.ok:
        return  # told by the round trip of the same kind
    full = cast("dict[str, Any]", read.json)
    sparse = {name: value for name, value in full.items() if name in known and name != "Links" and value is not None}
    saved = context.client.send("PUT", path, json=sparse)
    if not saved.ok:
        left_out = sorted(name for name in full if name not in sparse)
        notes.find(
            f"{_name(path)} without {', '.join(left_out)}",
            "scripts and tools made for the old version can no longer save it",
            before="saved", after=told(saved),
        )  # fmt: skip
        return
    now = context.client.send("GET", path)
    # What the old client left out may have been emptied by its save.
    context.client.send("PUT", path, json=renewed(full, now.json if now.ok else None))


def _items(seen: Snapshot, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = seen.rows("user = ? AND form = ?", (seen.administrator, f"{LISTED}{kind}"))
    for row in rows:
        body = cast("dict[str, Any]", row.json)
        path = links_of(body).get("Self", "")
        if path.startswith("/api") and not is_frozen(id_of(body)) and body.get("IsEditable") is not False:
            yield path, body


def _varied(items: list[tuple[str, dict[str, Any]]], most: int) -> list[tuple[str, dict[str, Any]]]:
    """Some of each sort of item: feeds, accounts, targets and triggers come in sorts that are saved differently."""
    sorts: dict[str, int] = {}
    chosen: list[tuple[str, dict[str, Any]]] = []
    # The fullest documents first: an empty process or set shows nothing.
    for path, body in sorted(items, key=lambda item: -len(str(item[1]))):
        sort = sort_of(body)
        if sorts.get(sort, 0) < (most if len(items) <= most * 4 else 1) or sort not in sorts:
            sorts[sort] = sorts.get(sort, 0) + 1
            chosen.append((path, body))
    return chosen


def _round_trip(context: LiveContext, notes: Notes, path: str, *, optional: bool = False) -> None:
    read = context.client.send("GET", path)
    if not read.ok:
        if not optional:
            notes.find(_name(path), "it cannot be read, so nobody can edit it", before=200, after=told(read))
        return
    saved = context.client.send("PUT", path, json=read.json)
    if not saved.ok:
        if optional and saved.status in (404, 405):
            return
        notes.find(
            _name(path),
            "it can be read and not be saved: whoever edits it gets an error",
            before="saved",
            after=told(saved),
        )
        return
    again = context.client.send("GET", path)
    if not again.ok:
        notes.find(_name(path), "it cannot be read any more after saving it", before=200, after=told(again))
        return
    first, second = (document(answer.content.decode("utf-8", "replace"), context.space) for answer in (read, again))
    for change in differences(first, second):
        if change.path not in _MOVING:
            notes.find(
                f"{_name(path)}: {change.where}",
                "saving it without a change changes it",
                before=change.before,
                after=change.after,
            )


def _name(path: str) -> str:
    return place_of(path)
