"""RELEASE: a release made after the upgrade freezes what one made before it froze."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, cast

from tidegate.checks.differences import differences
from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.errors import HarnessError
from tidegate.observation.documents import property_of
from tidegate.side_by_side import side_by_side

#: Releases of the harness are told from people's by this pre-release tag.
TAG: Final = "tidegate"

Document = dict[str, Any]
Packages = tuple[tuple[str, str, str], ...]  # action, package reference, version

#: Properties of a frozen copy that are its own.
_OWN: Final = frozenset({"Id", "Version", "Links", "LastModifiedOn", "LastModifiedBy", "LastSnapshotId", "ScopeValues"})


def packages_of(context: LiveContext, project: Document, channel: str) -> Packages:
    """The versions of the last release, else the newest of the built-in feed, as a build server would choose them.

    Feeds outside are not asked: a clone must not reach them.
    """
    process = context.path(f"deploymentprocesses/{project['DeploymentProcessId']}")
    template = cast("Document", context.client.get(f"{process}/template", channel=channel))
    chosen: list[tuple[str, str, str]] = []
    for package in cast("list[Document]", template.get("Packages") or []):
        version = str(package.get("VersionSelectedLastRelease") or "")
        if not version:
            feed = context.path(f"feeds/{package['FeedId']}")
            if property_of(context.client.get(feed), "FeedType") not in ("BuiltIn", None):
                raise HarnessError(f"the package {package['PackageId']} comes from outside and was never released")
            versions = f"{feed}/packages/versions"
            found = cast("Document", context.client.get(versions, packageId=str(package["PackageId"]), take=1))
            if not found.get("Items"):
                raise HarnessError(f"no version of the package {package['PackageId']} is found")
            version = str(found["Items"][0]["Version"])
        chosen.append((str(package["ActionName"]), str(package.get("PackageReferenceName") or ""), version))
    return tuple(chosen)


def default_channel(context: LiveContext, project_id: str) -> str:
    channels = list(context.client.items(context.path(f"projects/{project_id}/channels")))
    return str(next((one["Id"] for one in channels if one.get("IsDefault")), channels[0]["Id"]))


def create_release(context: LiveContext, project_id: str, channel: str, packages: Packages) -> tuple[str, str]:
    """The id and version of a new release."""
    number = 1
    releases = context.client.items(context.path(f"projects/{project_id}/releases"))
    existing = {str(release["Version"]) for release in releases}
    while f"0.0.{number}-{TAG}" in existing:
        number += 1
    version = f"0.0.{number}-{TAG}"
    body = {
        "ProjectId": project_id,
        "ChannelId": channel,
        "Version": version,
        "SelectedPackages": [
            {"ActionName": action, "StepName": action, "PackageReferenceName": reference, "Version": package}
            for action, reference, package in packages
        ],
    }
    created = cast("Document", context.client.post(context.path("releases"), body, ignoreChannelRules=True))
    context.client.get(context.path(f"releases/{created['Id']}"))  # what was made is heard of
    return str(created["Id"]), version


def make_releases(context: LiveContext, *, most: int = 25) -> dict[str, str]:
    """A release of every project that can have one, by project: its id, or why there is none."""
    projects = [project for project in context.client.items(context.path("projects")) if releasable(project)][:most]
    made = side_by_side(partial(_release, context), projects)
    return {str(project["Id"]): release for project, release in zip(projects, made, strict=True)}


def releasable(project: Document) -> bool:
    """Whether releases are made of it here: one whose process is in Git needs a commit as well."""
    persistence = cast("Document", project.get("PersistenceSettings") or {})
    return not project.get("IsDisabled") and persistence.get("Type") != "VersionControlled"


def check_releases(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Make another release of each project and compare what both froze: process, variables, library sets.

    Nothing was edited in between, so both hold the same (values were missing from new releases in
    OctopusDeploy/Issues#1276).
    """

    def body(notes: Notes) -> None:
        for noted in side_by_side(partial(_again, context), before.items()):
            notes.add(noted)

    return run_check("RELEASE", context, body)


def _again(context: LiveContext, made_before: tuple[str, str]) -> Notes:
    project, earlier = made_before
    notes = Notes("RELEASE")
    if not earlier.startswith("Releases-"):
        notes.uncovered.append(f"{project}: {earlier}")
        return notes
    document = cast("Document", context.client.get(context.path(f"projects/{project}")))
    made = _release(context, document)
    place = f"a new release of {document.get('Name')} ({project})"
    if not made.startswith("Releases-"):
        notes.find(place, "no release of this project can be created any more", before="created", after=made)
        return notes
    for where, was, now in _differing(context, earlier, made):
        notes.find(f"{place}: {where}", "new releases hold something else than old ones", before=was, after=now)
    notes.covered.append(f"{document.get('Name')}: {made} holds what {earlier} holds")
    return notes


def _release(context: LiveContext, project: Document) -> str:
    try:
        channel = default_channel(context, str(project["Id"]))
        return create_release(context, str(project["Id"]), channel, packages_of(context, project, channel))[0]
    except HarnessError as error:
        return error.what


def _differing(context: LiveContext, one: str, other: str) -> Iterator[tuple[str, Any, Any]]:
    frozen = [_frozen(context, release) for release in (one, other)]
    for part in sorted({*frozen[0], *frozen[1]}):
        for change in differences(frozen[0].get(part), frozen[1].get(part)):
            yield f"{part}: {change.where}" if change.where else part, change.before, change.after


def _frozen(context: LiveContext, release_id: str) -> dict[str, Any]:
    """What a release holds, by the name of the part; ids of frozen copies are their own and are left out."""
    release = cast("Document", context.client.get(context.path(f"releases/{release_id}")))
    parts: dict[str, Any] = {
        "process": _part(context, "deploymentprocesses", release.get("ProjectDeploymentProcessSnapshotId")),
        "project variables": _part(context, "variables", release.get("ProjectVariableSetSnapshotId")),
        "packages": release.get("SelectedPackages"),
    }
    for snapshot in cast("list[str]", release.get("LibraryVariableSetSnapshotIds") or []):
        part = _part(context, "variables", snapshot)
        parts[f"library set {property_of(part, 'OwnerId') or snapshot}"] = part
    return parts


def _part(context: LiveContext, route: str, snapshot: Any) -> Any:
    if not snapshot:
        return None
    body = context.client.get(context.path(f"{route}/{snapshot}"))
    return {name: value for name, value in cast("Document", body).items() if name not in _OWN}
