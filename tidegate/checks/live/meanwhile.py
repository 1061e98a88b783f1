"""SAVE: what somebody saves over what somebody else saved meanwhile is answered as before, and ends as before.

A variable set or a process that was read before somebody else saved it is refused (its `Version` must be the stored
one: OctopusDeploy/OctopusClients, DeploymentProcessResource and VariableSetResource); of other kinds the last save
wins. Which of the two a server does is learnt before the upgrade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.observation.documents import id_of, is_frozen, property_of, renewed

Document = dict[str, Any]

#: What came of it, by "kind/id".
Outcomes = dict[str, str]

#: Kinds of which two people may have one open at the same time, and that have no side effects when they are saved.
KINDS: Final = (
    "variables", "deploymentprocesses", "runbookprocesses", "projects", "environments", "lifecycles", "tenants",
    "libraryvariablesets",
)  # fmt: skip
#: How servers tell one state of a document from the next (`ConcurrencyToken` of tenants' variables since 2022.2).
_STATES: Final = frozenset({"Version", "ConcurrencyToken"})


def meanwhile_outcomes(context: LiveContext) -> Outcomes:
    """Of one thing of each kind: read it, save it as somebody else would, and then what was read, without a change."""
    return {place: outcome for kind in KINDS for place, outcome in _kind(context, kind)}


def _kind(context: LiveContext, kind: str) -> Iterator[tuple[str, str]]:
    listed = sorted(
        (one for one in context.shown(context.path(kind), take=200) if not is_frozen(id_of(one))), key=id_of
    )
    # Read-only ones (of projects in git) tell nothing.
    chosen = next((id_of(one) for one in listed if one.get("IsEditable") is not False), "")
    if not chosen:
        return
    path = context.path(f"{kind}/{chosen}")
    read = context.client.send("GET", path)
    first: Any = read.json
    if not read.ok or not isinstance(first, dict):
        return
    document = cast("Document", first)
    theirs = context.client.send("PUT", path, json=document)
    ours = context.client.send("PUT", path, json=document)
    now = context.client.send("GET", path)
    yield f"{kind}/{chosen}: saved by somebody else", str(theirs.status)
    yield f"{kind}/{chosen}: saved over that", _told(ours.status, ok=ours.ok)
    for state in sorted(_STATES & document.keys()):
        moved = property_of(theirs.json, state) != document.get(state)
        yield f"{kind}/{chosen}: {state} after a save", "another" if moved else "the same"
    if now.ok:
        context.client.send("PUT", path, json=renewed(document, now.json))


def _told(status: int, *, ok: bool) -> str:
    # Which status a stale save is refused with has changed without anybody minding.
    return "saved" if ok else "refused" if 400 <= status < 500 else str(status)


def check_meanwhile(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Do it again after the upgrade."""

    def body(notes: Notes) -> None:
        after = meanwhile_outcomes(context)
        for place, outcome in before.items():
            now = after.get(place, "not tried")
            if now != outcome:
                notes.find(
                    place, "who saves after somebody else undoes the other's work, or cannot save any more",
                    before=outcome, after=now,
                )  # fmt: skip
        notes.covered.append(f"saves of something stale: {', '.join(sorted(before))}")

    return run_check("SAVE", context, body)
