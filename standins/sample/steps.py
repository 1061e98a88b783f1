"""Steps and actions of deployment processes, as the web portal would save them.

Action types and property names: OctopusClients' step builders, go-octopusdeploy's action constants and processes in
public configuration-as-code repositories.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from standins.sample.instance import Resource

#: The feed of releases, for steps that deploy another project ("octopus-releases-built-in" in configuration as code).
RELEASES_FEED = "feeds-builtin-releases"

_NAMESPACE = uuid.UUID("6f1d3c0a-7b52-4b7e-9a1c-0d6a5f2b8e11")


def stable_id(*parts: str) -> str:
    """Ids that the portal makes in the browser: the same for the same names."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def action(
    project: str,
    name: str,
    kind: str,
    properties: Mapping[str, str] | None = None,
    *,
    package: tuple[str, str] | None = None,
    references: Sequence[Resource] = (),
    **more: Any,
) -> Resource:
    """``package``: (feed, package id) of the primary package.

    ``more``: Environments, Channels, TenantTags, IsDisabled …
    """
    values = dict(properties or {})
    packages = list(references)
    if package is not None:
        feed, package_id = package
        values["Octopus.Action.Package.PackageId"] = package_id
        values["Octopus.Action.Package.FeedId"] = feed
        values.setdefault("Octopus.Action.Package.DownloadOnTentacle", "False")
        packages.insert(0, package_reference(project, name, "", feed, package_id))
    return {
        "Id": stable_id(project, "action", name),
        "Name": name,
        "ActionType": kind,
        "IsDisabled": False,
        "IsRequired": False,
        "CanBeUsedForProjectVersioning": package is not None,
        "Environments": [],
        "ExcludedEnvironments": [],
        "Channels": [],
        "TenantTags": [],
        "Packages": packages,
        "Properties": values,
        **more,
    }


def package_reference(project: str, owner: str, name: str, feed: str, package_id: str) -> Resource:
    return {
        "Id": stable_id(project, "package", owner, name),
        "Name": name,
        "PackageId": package_id,
        "FeedId": feed,
        "AcquisitionLocation": "Server",
        "Properties": {"Extract": "True", "SelectionMode": "immediate"} if name else {"SelectionMode": "immediate"},
    }


def step(
    project: str,
    actions: Sequence[Resource],
    *,
    name: str = "",
    roles: Sequence[str] = (),
    condition: str = "Success",
    properties: Mapping[str, str] | None = None,
    start: str = "StartAfterPrevious",
) -> Resource:
    values = dict(properties or {})
    if roles:
        values["Octopus.Action.TargetRoles"] = ",".join(roles)
    title = name or actions[0]["Name"]
    return {
        "Id": stable_id(project, "step", title),
        "Name": title,
        "PackageRequirement": "LetOctopusDecide",
        "Properties": values,
        "Condition": condition,
        "StartTrigger": start,
        "Actions": list(actions),
    }


def bash(project: str, name: str, body: str, **more: Any) -> Resource:
    """A Bash script on the server."""
    return action(
        project,
        name,
        "Octopus.Script",
        {
            "Octopus.Action.RunOnServer": "true",
            "Octopus.Action.Script.ScriptSource": "Inline",
            "Octopus.Action.Script.Syntax": "Bash",
            "Octopus.Action.Script.ScriptBody": body,
        },
        **more,
    )


def bash_on_targets(project: str, name: str, body: str, **more: Any) -> Resource:
    made = bash(project, name, body, **more)
    made["Properties"]["Octopus.Action.RunOnServer"] = "false"
    return made


def deploy_package(project: str, name: str, feed: str, package_id: str, **more: Any) -> Resource:
    return action(
        project,
        name,
        "Octopus.TentaclePackage",
        {
            "Octopus.Action.EnabledFeatures": "Octopus.Features.CustomScripts,Octopus.Features.SubstituteInFiles",
            "Octopus.Action.SubstituteInFiles.Enabled": "True",
            "Octopus.Action.SubstituteInFiles.TargetFiles": "appsettings.json",
        },
        package=(feed, package_id),
        **more,
    )


def manual(project: str, name: str, instructions: str, teams: Sequence[str] = (), **more: Any) -> Resource:
    return action(
        project,
        name,
        "Octopus.Manual",
        {
            "Octopus.Action.Manual.Instructions": instructions,
            "Octopus.Action.Manual.BlockConcurrentDeployments": "False",
            "Octopus.Action.Manual.ResponsibleTeamIds": ",".join(teams),
        },
        **more,
    )


def deploy_release(project: str, name: str, child: Resource, **more: Any) -> Resource:
    return action(
        project,
        name,
        "Octopus.DeployRelease",
        {
            "Octopus.Action.RunOnServer": "true",
            "Octopus.Action.DeployRelease.ProjectId": child["Id"],
            "Octopus.Action.DeployRelease.DeploymentCondition": "Always",
        },
        package=(RELEASES_FEED, child["Id"]),
        **more,
    )
