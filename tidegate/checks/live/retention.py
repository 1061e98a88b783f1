"""RET: a retention run deletes nothing that a release, a runbook or an environment still needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.creating import MAKINGS
from tidegate.observation.documents import id_of, property_of

Document = dict[str, Any]

#: Kinds of things that no policy is about, besides those that the harness makes itself; so many of each are looked at.
_SET_UP: Final = ("machines", "workers", "channels", "projecttriggers", "certificates", "subscriptions", "runbooks")
_EACH: Final = 1000


def check_retention(context: LiveContext, *, most: int = 60) -> LiveResult:
    """Run retention on the test instance and look for packages that surviving releases and runbooks use.

    It deletes what the policies say, so it comes after everything that still wants to look at history. Versions have
    deleted packages of releases (OctopusDeploy/Issues#5294) and of published runbooks (#6150), and stopped at foreign
    keys (#8970).
    """

    def body(notes: Notes) -> None:
        needed = dict(_needed(context, most))
        existing = {place for place in needed if _exists(context, place)}
        current = _deployed(context)
        configured = _configured(context)
        request: Document = {"Name": "Retention", "Description": "Apply retention policies", "Arguments": {}}
        if context.server.spaces:
            request["SpaceId"] = context.space
        created = cast("Document", context.client.post("/api/tasks", request))
        ended = context.task_ended(str(created["Id"]))
        if ended.get("State") != "Success":
            notes.find(
                f"tasks/{created['Id']} (Retention)", "retention stops, so history and packages grow without end",
                before="Success", after=f"{ended.get('State')} {ended.get('ErrorMessage') or ''}".strip(),
            )  # fmt: skip
        _packages(context, notes, {place: needed[place] for place in existing})
        for place in sorted(current - _deployed(context)):
            notes.find(place, "retention forgets what is deployed in an environment", before="deployed", after="gone")
        for route, ids in _configured(context).items():
            for gone in sorted(configured[route] - ids):
                notes.find(
                    f"{route}/{gone}", "retention deletes what is no history at all", before="there", after="deleted"
                )
        notes.covered.append(f"{len(existing)} packages in use, {len(current)} current deployments")

    return run_check("RET", context, body)


def _configured(context: LiveContext) -> dict[str, set[str]]:
    """The ids of what people have set up, by route."""
    routes = {making.route: making.path(context) for making in MAKINGS} | {
        route: context.path(route) for route in _SET_UP
    }
    return {route: {id_of(one) for one in context.shown(path, take=_EACH)} for route, path in routes.items()}


def _packages(context: LiveContext, notes: Notes, needed: dict[str, tuple[str, str]]) -> None:
    for place, (owner, name) in needed.items():
        if _exists(context, place):
            continue
        if context.client.send("GET", context.path(owner)).ok:
            notes.find(
                place, "retention deleted a package in use: this cannot be deployed again", before=f"used by {name}",
                after="deleted",
            )  # fmt: skip


def _needed(context: LiveContext, most: int) -> Iterator[tuple[str, tuple[str, str]]]:
    """Packages of the built-in feed that releases and published runbook snapshots were made with, and by which."""
    built_in = _built_in_feeds(context)
    for route, process in (
        ("releases", "ProjectDeploymentProcessSnapshotId"),
        ("runbooksnapshots", "FrozenRunbookProcessId"),
    ):
        for owner in context.shown(context.path(route), take=most):
            kind = "deploymentprocesses" if route == "releases" else "runbookprocesses"
            frozen = context.client.send("GET", context.path(f"{kind}/{owner.get(process)}"))
            name = f"{route}/{owner['Id']} ({owner.get('Version') or owner.get('Name')})"
            for place in _selected(owner, frozen.json if frozen.ok else None, built_in):
                yield place, (f"{route}/{owner['Id']}", name)


def _selected(owner: Document, process: Any, built_in: set[str]) -> Iterator[str]:
    references = {
        (str(action.get("Name")), str(package.get("Name") or "")): package
        for step in cast("list[Document]", property_of(process, "Steps") or [])
        for action in cast("list[Document]", step.get("Actions") or [])
        for package in cast("list[Document]", action.get("Packages") or [])
    }
    for chosen in cast("list[Document]", owner.get("SelectedPackages") or []):
        key = (str(chosen.get("ActionName") or chosen.get("StepName")), str(chosen.get("PackageReferenceName") or ""))
        package = references.get(key)
        if package is not None and str(package.get("FeedId")) in built_in:
            yield f"packages/packages-{package['PackageId']}.{chosen['Version']}"


def _built_in_feeds(context: LiveContext) -> set[str]:
    feeds = context.client.items(context.path("feeds"))
    return {"feeds-builtin", *(str(feed["Id"]) for feed in feeds if feed.get("FeedType") == "BuiltIn")}


def _exists(context: LiveContext, place: str) -> bool:
    return context.client.send("GET", context.path(place)).ok


def _deployed(context: LiveContext) -> set[str]:
    """What the dashboard shows as being in the environments."""
    dashboard = cast("Document", context.client.get(context.path("dashboard"), showAll=True))
    return {
        f"dashboard: release {item.get('ReleaseVersion')} of {item.get('ProjectId')} in {item.get('EnvironmentId')}"
        for item in cast("list[Document]", dashboard.get("Items") or [])
        if item.get("State") == "Success"
    }
