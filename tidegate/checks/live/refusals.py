"""PERM and API: who is refused what, asked in ways that change nothing, and how refusals are told.

Removing or saving what is not there is refused to everybody: to those without the permission because of that, to
others because there is nothing. Making something of nothing is refused, too. So the answers tell who may write where.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.saving import EVERY, ONE
from tidegate.observation.documents import id_of
from tidegate.octopus.client import Access, OctopusClient
from tidegate.side_by_side import side_by_side

#: Kinds that are written to besides those that people save (routes with POST or DELETE in the swagger of 2020.5).
MORE: Final = (
    "releases",
    "deployments",
    "artifacts",
    "packages",
    "runbooksnapshots",
    "runbookruns",
    "build-information",
)
#: Kinds that belong to no space.
SYSTEM: Final = frozenset({"userroles", "teams", "users", "scopeduserroles", "spaces"})
NOBODY: Final = "nobody"

_UNKNOWN: Final = "Tidegate-99999999"

#: What came of each attempt, by "kind: METHOD … as user".
Outcomes = dict[str, str]


def refusal_outcomes(context: LiveContext) -> Outcomes:
    """Try to write, as each kind of user and as nobody, what cannot be written."""
    clients: dict[str, OctopusClient] = {"administrator": context.client}
    clients |= {one.name: context.as_user(one) for one in context.observers}
    clients[NOBODY] = OctopusClient(context.client.url, None, access=Access.FULL)
    try:
        found = side_by_side(lambda name: _as_user(context, clients[name], name), clients)
    finally:
        for name, client in clients.items():
            if name != "administrator":
                client.close()
    return {attempt: outcome for outcomes in found for attempt, outcome in outcomes.items()}


def check_refusals(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Do it again after the upgrade: whoever was refused must be refused, for the same sort of reason."""

    def body(notes: Notes) -> None:
        after = refusal_outcomes(context)
        unknown = {kind for kind in (*EVERY, *ONE, *MORE) if before.get(_made(kind), "404")[:3] in ("404", "405")}
        for attempt, outcome in before.items():
            now = after.get(attempt, "not tried")
            if _same(outcome, now) or attempt.partition(":")[0] in unknown:
                continue
            permission = {outcome[:3], now[:3]} & {"401", "403"}
            notes.find(
                attempt,
                "people may write here less, or more, than before" if permission else
                "clients that know the old refusal take this for something else", before=outcome, after=now,
                check="PERM" if permission else "API",
            )  # fmt: skip
        notes.covered.append(f"{len(before)} attempts to write what cannot be written")
        notes.uncovered.extend(f"{kind}: the old version has no route to make one" for kind in sorted(unknown))

    return run_check("PERM", context, body)


def _as_user(context: LiveContext, client: OctopusClient, user: str) -> Outcomes:
    outcomes: Outcomes = {}
    for kind in (*EVERY, *ONE, *MORE):
        path = f"/api/{kind}" if kind in SYSTEM else context.path(kind)
        attempts = {
            "DELETE of one that is not there": partial(client.send, "DELETE", f"{path}/{_UNKNOWN}"),
            "PUT of one that is not there": partial(client.send, "PUT", f"{path}/{_UNKNOWN}", json={"Id": _UNKNOWN}),
            "POST of nothing": partial(client.send, "POST", path, json={}),
        }
        for name, attempt in attempts.items():
            answer = attempt()
            silent = "" if answer.ok or answer.error_message else " without a word"
            outcomes[f"{kind}: {name} as {user}"] = f"{answer.status}{silent}"
            if answer.ok and name.startswith("POST") and id_of(answer.json):
                context.client.send("DELETE", f"{path}/{id_of(answer.json)}")
    return outcomes


def _made(kind: str) -> str:
    return f"{kind}: POST of nothing as administrator"


def _same(before: str, after: str) -> bool:
    """Whether two refusals are of the same sort: which of these it is, has changed without anybody minding."""
    loose = {"400", "404", "405", "409"}
    return before == after or (before[:3] in loose and after[:3] in loose and before[3:] == after[3:])
