"""Automatic release creation: a project with ``AutoCreateRelease`` gets a release when its package is pushed."""

from __future__ import annotations

from standins.octopus.behaviour import deployments, events, releases, version_rules
from standins.octopus.behaviour.documents import listed, mapped, space_of
from standins.octopus.behaviour.package_store import PackageName
from standins.octopus.behaviour.plan import packages_of
from standins.octopus.contract import ApiError, Call, Document


def package_pushed(call: Call, name: PackageName) -> None:
    """Runs inside the push's transaction; a release that cannot be made is told to the audit log, not to the pusher.

    Errors here once made pushes fail (OctopusDeploy/Issues 5571 and 5572, 2019.3.2); the fixed behaviour is modelled.
    """
    for project in call.transaction.query("Project", where={"AutoCreateRelease": True}, space=space_of(call)):
        if project["IsDisabled"]:
            continue
        process = releases.process_of(call.transaction, project)
        if _chosen_package(project, process) == name.id:
            _create(call, project, process, name)


def _chosen_package(project: Document, process: Document) -> str | None:
    strategy = mapped(project, "ReleaseCreationStrategy")
    wanted = mapped(strategy, "ReleaseCreationPackage")
    for step in listed(process, "Steps"):
        for action in listed(step, "Actions"):
            by_name = wanted.get("DeploymentAction") == action["Name"]
            by_id = strategy.get("ReleaseCreationPackageStepId") in {action["Id"], step.get("Id")}
            if by_name or (by_id and strategy.get("ReleaseCreationPackageStepId")):
                uses = [use for use in packages_of(action) if use.reference == (wanted.get("PackageReference") or "")]
                return uses[0].package_id if uses else None
    return None


def _create(call: Call, project: Document, process: Document, name: PackageName) -> None:
    source = events.Source.of(call)
    try:
        channel = _channel(call, project)
        template = releases.template(call.transaction, project, process, channel)
        versioning = mapped(project, "VersioningStrategy")
        # A release is versioned as a package (the donor) or by the project's template.
        by_package = bool(versioning.get("DonorPackage") or versioning.get("DonorPackageStepId"))
        version = name.version if by_package else template["NextVersionIncrement"]
        if call.transaction.count("Release", where={"ProjectId": project["Id"], "Version": version}):
            version = version_rules.next_version(template["LastReleaseVersion"])
        selected = releases.latest_packages(call.transaction, process, channel)
        release = releases.create(
            call.server, call.transaction, releases.Draft(project, version, channel, None, selected)
        )
    except ApiError as refused:
        events.record(
            call.server,
            call.transaction,
            "AutoDeployBlocked",
            f"A release of {project['Name']} could not be created for package {name.id} {name.version}",
            references={project["Name"]: project["Id"]},
            source=source,
            space=project.get("SpaceId"),
            project=project["Id"],
            details="; ".join(refused.errors) or refused.message,
        )
        return
    events.record(
        call.server,
        call.transaction,
        "Created",
        f"Release {release['Version']} was created automatically for {project['Name']}",
        references={f"Release {release['Version']}": release["Id"], project["Name"]: project["Id"]},
        source=source,
        space=release.get("SpaceId"),
        project=project["Id"],
    )
    deployments.deploy_automatically(call.server, call.transaction, release, source)


def _channel(call: Call, project: Document) -> Document:
    wanted = mapped(project, "ReleaseCreationStrategy").get("ChannelId")
    if not wanted:
        return releases.default_channel(call.transaction, project)
    channel = call.transaction.load("Channel", wanted)
    if channel is None:
        raise ApiError(400, f"The channel {wanted} no longer exists.")
    return channel
