"""API: what clients are answered when they write: the status of success, and the properties they go on with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidegate.checks.differences import Change, Kind
from tidegate.checks.expected import Hop
from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.hearing import Heard

#: From so many things on, a value that all of them have in the same form is a habit of their kind.
HABIT: Final = 3


def check_answers(context: LiveContext, before: Mapping[str, Heard], hop: Hop) -> LiveResult:
    """Compare the answers to everything that live checks wrote with those to the same before the upgrade.

    It looks at what the other checks did, so it comes after them. Statuses of success have changed between versions,
    and clients test them (octo takes nothing but 201 for a pushed package).
    """

    def body(notes: Notes) -> None:
        after = context.hearing.heard()
        for request, had in before.items():
            has = after.get(request)
            if has is None:
                continue
            if not has.statuses <= had.statuses:
                notes.find(
                    f"{request}: status", "clients that test the status take a success for a failure",
                    before=sorted(had.statuses), after=sorted(has.statuses), check="API",
                )  # fmt: skip
            _shape(notes, request, had, has, hop)
            _values(notes, request, had, has, hop)
        notes.covered.append(f"answers to {len(before.keys() & after.keys())} sorts of writes")

    return run_check("API", context, body)


def _shape(notes: Notes, request: str, had: Heard, has: Heard, hop: Hop) -> None:
    family = request.partition(" ")[2].partition(" ")[0]
    families = (family, f"{family}/*")
    for name, kind in had.properties.items():
        now = has.properties.get(name)
        change = Change(Kind.REMOVED if now is None else Kind.RETYPED, name, name, kind, now)
        if now == kind or "null" in (now, kind) or any(hop.explains("", one, change) for one in families):
            continue
        if any(hop.reshapes(one) for one in families):
            continue
        notes.find(
            f"{request}: {name}", "clients that go on with this part of the answer stop", before=kind,
            after=now or "not in the answer", check="API",
        )  # fmt: skip


def _values(notes: Notes, request: str, had: Heard, has: Heard, hop: Hop) -> None:
    """What the harness made before the upgrade always had in one form, what it makes now has in this form, too."""
    if had.documents < HABIT or not has.documents:
        return
    family = request.partition(" ")[2].partition(" ")[0]
    for path, forms in had.forms.items():
        now = has.forms.get(path, frozenset())
        if (
            len(forms) > 1
            or forms == now
            or (not now and path.partition(".")[0].partition("[")[0] not in has.properties)
        ):
            continue  # a property that is gone as a whole is told already
        [before] = forms
        after = sorted(now - forms)
        kind = Kind.CHANGED if now else Kind.REMOVED
        if hop.reshapes(family) or hop.explains("", family, Change(kind, path, path, before, ", ".join(after) or None)):
            continue
        notes.find(
            f"{request}: {path}", "what is made after the upgrade is not what was made in the same way before it",
            before=before, after=after or f"not in all {has.documents}, or now this and now that", check="DIFF",
        )  # fmt: skip
