"""API: what clients are answered when they write: the status of success, and the properties they go on with."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.checks.differences import Change, Kind
from tidegate.checks.expected import Hop
from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.hearing import Heard


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
