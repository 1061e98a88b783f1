"""SAVE: new things of each kind can be made and removed, by those who could and by nobody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.errors import Unreachable
from tidegate.observation.documents import id_of
from tidegate.octopus.client import Answer, OctopusClient

NAME: Final = "Tidegate rehearsal"

Outcomes = dict[str, str]

#: How steps begin that say what the audit trail tells.
AUDITED: Final = "what is audited of"


@dataclass(frozen=True, slots=True)
class Making:
    """One kind of thing: its route, whether it belongs to a space, and the smallest document that makes one."""

    route: str
    body: Callable[[Mapping[str, str]], dict[str, Any]]
    in_space: bool = True

    def path(self, context: LiveContext) -> str:
        return context.path(self.route) if self.in_space else f"/api/{self.route}"

    def document(self, context: LiveContext, ids: Mapping[str, str]) -> dict[str, Any]:
        """What makes one in the default space; ``ids`` as :func:`first_ids` tells them."""
        return self.body(ids) | ({"SpaceId": context.space} if self.in_space and context.space else {})


#: Required properties: swagger documents of 2019.6 and 2020.5, and the official clients' tests.
MAKINGS: Final = (
    Making("environments", lambda _: {"Name": NAME, "Description": NAME, "UseGuidedFailure": True}),
    Making("projectgroups", lambda _: {"Name": NAME, "Description": NAME}),
    Making("lifecycles", lambda _: {"Name": NAME, "Description": NAME, "Phases": []}),
    Making("libraryvariablesets", lambda _: {"Name": NAME, "Description": NAME, "ContentType": "Variables"}),
    Making("tagsets", lambda _: {"Name": NAME, "Description": NAME, "Tags": [{"Name": "One", "Color": "#333333"}]}),
    Making("tenants", lambda _: {"Name": NAME, "TenantTags": [], "ProjectEnvironments": {}}),
    Making(
        "projects",
        lambda ids: {
            "Name": NAME, "Description": NAME, "ProjectGroupId": ids["projectgroups"],
            "LifecycleId": ids["lifecycles"],
        },
    ),
    Making(
        "accounts",
        lambda _: {"Name": NAME, "AccountType": "Token", "Token": {"HasValue": True, "NewValue": "x" * 20}},
    ),
    Making("feeds", lambda _: {"Name": NAME, "FeedType": "NuGet", "FeedUri": "https://tidegate.invalid/index.json"}),
    Making("workerpools", lambda _: {"Name": NAME, "Description": NAME, "WorkerPoolType": "StaticWorkerPool"}),
    Making("userroles", lambda _: {"Name": NAME, "Description": NAME, "SupportedRestrictions": []}, in_space=False),
    Making("teams", lambda _: {"Name": NAME, "MemberUserIds": []}, in_space=False),
)  # fmt: skip


def creation_outcomes(context: LiveContext) -> Outcomes:
    """Make one of each kind as each user, and remove it again: what came of it, by "kind as user"."""
    outcomes: Outcomes = {}
    ids = first_ids(context)
    for making in MAKINGS:
        outcomes |= _make(context, context.client, "administrator", making, ids)
        for observer in context.observers:
            with context.as_user(observer) as client:
                outcomes |= _make(context, client, observer.name, making, ids)
    return outcomes


def check_creating(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Make them again after the upgrade: what worked must work, what was refused must still be refused."""

    def body(notes: Notes) -> None:
        after = creation_outcomes(context)
        for step, outcome in before.items():
            now = after.get(step, "not tried")
            if step.startswith(AUDITED):
                if lost := sorted(set(outcome.split(", ")) - set(now.split(", "))):
                    notes.find(
                        step, "the audit trail does not tell any more who did this",
                        before=outcome, after=now or f"nothing, {' and '.join(lost)} are gone", check="DIFF",
                    )  # fmt: skip
                continue
            if outcome[:3] == now[:3] and not step.startswith("what is kept"):
                continue
            if step.startswith("what is kept") and set(outcome.split(", ")) <= set(now.split(", ")):
                continue
            refused = {outcome[:3], now[:3]} & {"401", "403"}
            notes.find(
                step, "people may make less, or more, than before" if refused else "nobody can make one any more",
                before=outcome, after=now, check="PERM" if refused else "SAVE",
            )  # fmt: skip
        notes.covered.append(f"{len(before)} attempts to make and remove something")

    return run_check("SAVE", context, body)


def _make(context: LiveContext, client: OctopusClient, user: str, making: Making, ids: Mapping[str, str]) -> Outcomes:
    path, body = making.path(context), making.document(context, ids)
    made = _attempt(lambda: client.send("POST", path, json=body))
    outcomes = {f"making one of {making.route} as {user}": made[0]}
    identity = id_of(made[1].json) if made[1] is not None and made[1].ok else ""
    if identity:
        outcomes[f"what is kept of one of {making.route} as {user}"] = _kept(context, f"{path}/{identity}", body)
        removed = _attempt(lambda: client.send("DELETE", f"{path}/{identity}"))
        outcomes[f"removing one of {making.route} as {user}"] = removed[0]
        if not removed[0].startswith("2"):
            context.client.send("DELETE", f"{path}/{identity}")
        settle(context, removed[1])
        if client is context.client:
            outcomes[f"{AUDITED} one of {making.route}"] = _audited(context, identity)
    return outcomes


def _audited(context: LiveContext, identity: str) -> str:
    """What the audit trail says of a thing that was made and removed; how often says nothing."""
    everywhere = {"spaces": "all", "includeSystem": True} if context.space else {}
    events = context.shown("/api/events", regarding=identity, **everywhere)
    return ", ".join(sorted({str(event.get("Category")) for event in events}))


def _kept(context: LiveContext, path: str, sent: Mapping[str, Any]) -> str:
    """The properties that are what was sent; secrets cannot be read back."""
    read = context.client.send("GET", path)
    if not read.ok:
        return f"it cannot be read: {read.status}"
    there = cast("dict[str, Any]", read.json)
    return ", ".join(
        sorted(name for name, value in sent.items() if name != "SpaceId" and _holds(there.get(name), value))
    )


def _holds(stored: Any, sent: Any) -> bool:
    """Whether everything that was sent is stored; the server may add to it."""
    if isinstance(sent, dict):
        known = cast("dict[str, Any]", stored) if isinstance(stored, dict) else {}
        return all(_holds(known.get(name), value) for name, value in cast("dict[str, Any]", sent).items())
    if isinstance(sent, list):
        found = cast("list[Any]", stored) if isinstance(stored, list) else []
        wanted = cast("list[Any]", sent)
        return len(found) == len(wanted) and all(map(_holds, found, wanted))
    return stored == sent


def first_ids(context: LiveContext) -> dict[str, str]:
    """What new things are put into: the first project group and the first lifecycle."""
    return {route: _first(context, route) for route in ("projectgroups", "lifecycles")}


def settle(context: LiveContext, removed: Answer | None) -> None:
    """Some things are removed by a task; the name is free only after it."""
    task = id_of(removed.json) if removed is not None and removed.ok else ""
    if task.startswith("ServerTasks-"):
        context.task_ended(task)


def _attempt(call: Callable[[], Answer]) -> tuple[str, Answer | None]:
    try:
        answer = call()
    except Unreachable as error:
        return f"no answer: {error.what}", None
    return (str(answer.status) if answer.ok else f"{answer.status} {answer.error_message}".strip()), answer


def _first(context: LiveContext, route: str) -> str:
    page = cast("dict[str, Any]", context.client.get(context.path(route), take=1))
    return str(page["Items"][0]["Id"]) if page.get("Items") else ""
