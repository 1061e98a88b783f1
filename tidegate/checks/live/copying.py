"""SAVE: a copy of each kind of thing can be made, and holds what the original holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.creating import MAKINGS, NAME, settle
from tidegate.checks.live.sorts import sort_of
from tidegate.observation.documents import id_of

Document = dict[str, Any]

#: What came of each copy: the status, and the properties that it has in common with the original.
Outcomes = dict[str, str]

#: What a copy cannot share: its identity, what hangs on it, and who else uses the original.
_OWN: Final = frozenset({
    "Id", "Links", "LastModifiedOn", "LastModifiedBy", "Version", "Slug", "VariableSetId", "DeploymentProcessId",
    "ClonedFromProjectId", "MemberUserIds", "IsDefault", "ExternalSecurityGroups",
})  # fmt: skip


def copying_outcomes(context: LiveContext, originals: Collection[str] | None = None) -> Outcomes:
    """Make a copy of the fullest of each sort of each kind, hold it against the original, and remove it.

    Requests that make something out of nothing name few properties; scripts that clone name all of them. ``originals``
    (`feeds/Feeds-1`) are those to copy, where an earlier attempt chose them.
    """
    outcomes: Outcomes = {}
    for making in MAKINGS:
        path = making.path(context)
        items = context.shown(path, take=200)
        if originals is not None:
            items = [one for one in items if f"{making.route}/{id_of(one)}" in originals]
        for number, original in enumerate(fullest(items)):
            outcomes |= _copy(context, making.route, path, original)
            if not number:
                outcomes |= _copy(context, making.route, path, original, turned=True)
    return outcomes


def fullest(items: Iterable[Document]) -> Iterable[Document]:
    """The one of each sort that says most."""
    chosen: dict[str, Document] = {}
    for one in sorted(items, key=lambda one: (-len(str(one)), id_of(one))):
        chosen.setdefault(sort_of(one), one)
    return chosen.values()


def _copy(context: LiveContext, route: str, path: str, original: Document, *, turned: bool = False) -> Outcomes:
    """``turned``: with every switch the other way, since what is as it would be anyway may be ignored unnoticed."""
    name = f"{route}/{id_of(original)}"
    sent = {key: value for key, value in original.items() if key not in _OWN and value is not None}
    sent = {key: value for key, value in sent.items() if not key.startswith("Can")}  # what the server allows
    if turned:
        sent |= {key: not value for key, value in sent.items() if isinstance(value, bool)}
    copied = "a turned copy" if turned else "a copy"
    made = context.client.send("POST", path, json={**sent, "Name": f"{NAME}: a copy"})
    outcomes = {f"{name}: {copied} made": str(made.status)}
    if not made.ok or not id_of(made.json):
        return outcomes
    copy = context.client.send("GET", f"{path}/{id_of(made.json)}")
    held = cast("Document", copy.json) if copy.ok else {}
    for key, value in sent.items():
        if key != "Name" and (not turned or isinstance(value, bool)):
            outcomes[f"{name}: {key} of {copied}"] = "as sent" if held.get(key) == value else "another"
    settle(context, context.client.send("DELETE", f"{path}/{id_of(made.json)}"))
    return outcomes


def check_copying(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Do it again after the upgrade: what a copy had in common with its original it must have again."""

    def body(notes: Notes) -> None:
        originals = {what.partition(":")[0] for what in before}
        after = copying_outcomes(context, originals)
        for what, outcome in before.items():
            now = after.get(what, outcome)  # a property that the new version does not show is told elsewhere
            if outcome not in (now, "another") and not outcome[:1] == now[:1] == "4":
                notes.find(what, "what scripts make from a full description is incomplete", before=outcome, after=now)
        notes.covered.append(f"copies of {', '.join(sorted(originals))}")

    return run_check("SAVE", context, body)
