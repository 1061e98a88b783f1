"""Releases: making one from the project as it stands, choosing versions, taking new snapshots, deleting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standins.octopus.behaviour import artifacts, package_store, snapshots, task_logs, version_rules
from standins.octopus.behaviour.documents import listed, mapped, text_of, texts
from standins.octopus.behaviour.moments import iso
from standins.octopus.behaviour.plan import PackageUse, process_packages
from standins.octopus.contract import ApiError, Document, Server, Transaction

BAD_REQUEST = "There was a problem with your request."


@dataclass(frozen=True, slots=True)
class Draft:
    """What the caller says about the release to be."""

    project: Document
    version: str
    channel: Document
    notes: str | None = None
    packages: Sequence[Mapping[str, Any]] = ()
    ignore_channel_rules: bool = False


def process_of(transaction: Transaction, project: Document) -> Document:
    process = transaction.load("DeploymentProcess", project["DeploymentProcessId"])
    if process is None:
        raise LookupError(f"The deployment process of {project['Name']} is missing.")
    return process


def default_channel(transaction: Transaction, project: Document) -> Document:
    channels = transaction.query("Channel", where={"ProjectId": project["Id"]}, order_by="Name")
    if not channels:
        raise ApiError(400, BAD_REQUEST, [f"The project {project['Name']} has no channel."])
    return next((channel for channel in channels if channel.get("IsDefault")), channels[0])


def create(server: Server, transaction: Transaction, draft: Draft) -> Document:
    """Insert a release with its frozen process and variables. Clashing versions raise ``Conflict``."""
    process = process_of(transaction, draft.project)
    _refuse(draft, process)
    document: Document = {
        "Version": draft.version,
        "Assembled": iso(server.now()),
        "ProjectId": draft.project["Id"],
        "ChannelId": draft.channel["Id"],
        "ReleaseNotes": draft.notes,
        "IgnoreChannelRules": draft.ignore_channel_rules,
        "SelectedPackages": [dict(entry) for entry in draft.packages],
        "ProjectVariableSetSnapshotId": snapshots.freeze_project_variables(transaction, draft.project),
        "LibraryVariableSetSnapshotIds": snapshots.freeze_library_variables(transaction, draft.project),
        "ProjectDeploymentProcessSnapshotId": snapshots.freeze(transaction, "DeploymentProcess", process),
    }
    if server.at_least("2019.1"):
        document["SpaceId"] = draft.project.get("SpaceId")
    if server.at_least("2019.4"):
        information = _build_information(transaction, draft, process)
        document["BuildInformation" if server.at_least("2019.9") else "PackageMetadata"] = information
    return transaction.insert("Release", document)


def _refuse(draft: Draft, process: Document) -> None:
    problems: list[str] = []
    if not draft.version or any(character in draft.version for character in " /\\"):
        problems.append("Please provide a version number for the release.")
    if draft.channel["ProjectId"] != draft.project["Id"]:
        problems.append(f"The channel {draft.channel['Name']} does not belong to the project {draft.project['Name']}.")
    chosen = {_key(entry): str(entry.get("Version") or "") for entry in draft.packages}
    problems.extend(
        f"No package version was specified for the step '{use.action['Name']}'."
        for use in process_packages(process, draft.channel["Id"])
        if use.action["ActionType"] != "Octopus.DeployRelease" and not chosen.get((use.action["Name"], use.reference))
    )
    if not draft.ignore_channel_rules:
        problems.extend(rule_violations(draft.channel, chosen))
    if problems:
        raise ApiError(400, BAD_REQUEST, problems)


def _key(selected: Mapping[str, Any]) -> tuple[str, str]:
    return str(selected.get("ActionName") or selected.get("StepName") or ""), str(
        selected.get("PackageReferenceName") or ""
    )


def rule_violations(channel: Document, chosen: Mapping[tuple[str, str], str]) -> list[str]:
    """Which selected versions the channel's rules forbid."""
    problems: list[str] = []
    for rule in listed(channel, "Rules"):
        for action, reference in _actions_of(rule):
            version = chosen.get((action, reference))
            if not version:
                continue
            tested = version_rules.test_rule(version, rule.get("VersionRange") or "", rule.get("Tag") or "")
            if not tested.satisfied:
                problems.append(
                    f"The package version {version} of the step '{action}' does not satisfy the rules of the channel "
                    f"'{channel['Name']}'."
                )
    return problems


def _actions_of(rule: Mapping[str, Any]) -> list[tuple[str, str]]:
    """``ActionPackages`` since 2018.8 (several packages a step); ``Actions`` before, and in old documents."""
    pairs = [
        (text_of(entry.get("DeploymentAction")), text_of(entry.get("PackageReference")))
        for entry in listed(rule, "ActionPackages")
    ]
    return pairs or [(action, "") for action in texts(rule, "Actions")]


def _build_information(transaction: Transaction, draft: Draft, process: Document) -> list[Document]:
    """What build servers said about the selected packages (PackageMetadata until 2019.9)."""
    packages = {(use.action["Name"], use.reference): use.package_id for use in process_packages(process)}
    found: list[Document] = []
    for selected in draft.packages:
        package = packages.get(_key(selected))
        if package is None:
            continue
        where = {"PackageId": package, "Version": selected["Version"]}
        space = draft.project.get("SpaceId")
        found.extend(
            {name: value for name, value in entry.items() if name not in {"Id", "SpaceId"}}
            for entry in transaction.query("BuildInformation", where=where, space=space, take=1)
        )
    return found


def template(transaction: Transaction, project: Document, process: Document, channel: Document | None) -> Document:
    """What a release form starts from: the next version and the packages to choose."""
    earlier = transaction.query("Release", where={"ProjectId": project["Id"]}, order_by="Assembled DESC", take=30)
    last = earlier[0] if earlier else None
    strategy = mapped(project, "VersioningStrategy")
    donor = mapped(strategy, "DonorPackage")
    versions = {_key(entry): entry["Version"] for entry in listed(last or {}, "SelectedPackages")}
    feeds = {feed["Id"]: feed for feed in transaction.query("Feed", space=project.get("SpaceId"))}
    uses = process_packages(process, channel["Id"] if channel else None)
    mask = text_of(strategy.get("Template"))
    increment = version_rules.next_version(last["Version"] if last else None, mask)
    return {
        "DeploymentProcessId": process["Id"],
        "LastReleaseVersion": last["Version"] if last else None,
        "NextVersionIncrement": increment,
        "VersioningPackageStepName": donor.get("DeploymentAction") or _donor_step(process, strategy),
        "VersioningPackageReferenceName": donor.get("PackageReference"),
        "Packages": [_template_package(use, feeds, versions) for use in uses],
    }


def _donor_step(process: Document, strategy: Mapping[str, Any]) -> str | None:
    wanted = strategy.get("DonorPackageStepId")
    return next(
        (
            action["Name"]
            for step in listed(process, "Steps")
            for action in listed(step, "Actions")
            if wanted and wanted in {action["Id"], step["Id"]}
        ),
        None,
    )


def _template_package(use: PackageUse, feeds: Mapping[str, Document], last: Mapping[tuple[str, str], str]) -> Document:
    feed = feeds.get(use.feed_id)
    name = feed["Name"] if feed else None
    return {
        "ActionName": use.action["Name"],
        "StepName": use.action["Name"],
        "PackageId": use.package_id,
        "NuGetPackageId": use.package_id,
        "PackageReferenceName": use.reference,
        "FeedId": use.feed_id,
        "NuGetFeedId": use.feed_id,
        "FeedName": name,
        "NuGetFeedName": name,
        "ProjectName": None,
        "VersionSelectedLastRelease": last.get((use.action["Name"], use.reference)),
        "IsResolvable": use.resolvable,
    }


def latest_packages(transaction: Transaction, process: Document, channel: Document) -> list[Document]:
    """The newest built-in version of every package that the channel's rules allow: what automatic releases choose."""
    selected: list[Document] = []
    for use in process_packages(process, channel["Id"]):
        stored = transaction.query("NuGetPackage", where={"PackageId": use.package_id}, space=channel.get("SpaceId"))
        key = (use.action["Name"], use.reference)
        allowed = [entry["Version"] for entry in stored if not rule_violations(channel, {key: entry["Version"]})]
        version = version_rules.latest(allowed)
        if version is None:
            raise ApiError(
                400, BAD_REQUEST, [f"No version of package {use.package_id} can be used for the step '{key[0]}'."]
            )
        selected.append({"ActionName": key[0], "StepName": key[0], "PackageReferenceName": key[1], "Version": version})
    return selected


def snapshot_variables(transaction: Transaction, project: Document, release: Document) -> None:
    """Replace the release's frozen variables by the project's present ones."""
    release["ProjectVariableSetSnapshotId"] = snapshots.freeze_project_variables(transaction, project)
    release["LibraryVariableSetSnapshotIds"] = snapshots.freeze_library_variables(transaction, project)
    transaction.update("Release", release)


def delete(server: Server, transaction: Transaction, release: Document) -> None:
    """A release goes with its deployments, their tasks, logs, artifacts and manifests."""
    for deployment in transaction.query("Deployment", where={"ReleaseId": release["Id"]}):
        delete_run(server, transaction, "Deployment", deployment)
    transaction.delete("Release", release["Id"])


def delete_run(server: Server, transaction: Transaction, kind: str, run: Document) -> None:
    """A deployment or runbook run and everything that belongs to it alone."""
    task = transaction.load("ServerTask", run["TaskId"])
    if kind == "Deployment":
        transaction.execute("DELETE FROM dbo.[DeploymentRelatedMachine] WHERE [DeploymentId] = ?", run["Id"])
        transaction.execute("DELETE FROM dbo.[DeploymentHistory] WHERE [DeploymentId] = ?", run["Id"])
    if run.get("ManifestVariableSetId"):
        transaction.delete("VariableSet", run["ManifestVariableSetId"])
    for interruption in transaction.query("Interruption", where={"TaskId": run["TaskId"]}):
        transaction.delete("Interruption", interruption["Id"])
    if server.at_least("2019.1"):
        attached = transaction.query("Artifact", where={"ServerTaskId": run["TaskId"]})
    else:
        attached = transaction.query("Artifact", contains={"RelatedDocumentIds": run["TaskId"]})
    for artifact in attached:
        artifacts.delete(server, transaction, artifact["Id"])
    transaction.delete(kind, run["Id"])
    if task is not None:
        task_logs.delete(server, task)
        transaction.delete("ServerTask", task["Id"])


def delete_document(server: Server, transaction: Transaction, document_id: str) -> bool:
    """What a Delete task is asked for; False when such documents are not deleted by tasks here."""
    kind = {"Releases": "Release", "Deployments": "Deployment", "RunbookRuns": "RunbookRun"}.get(
        document_id.split("-", maxsplit=1)[0]
    )
    if document_id.startswith("packages-"):
        package = transaction.load("NuGetPackage", document_id)
        if package is not None:
            feed = package_store.built_in_feed_id(server, transaction, package.get("SpaceId"))
            package_store.path_of(server, package, feed).unlink(missing_ok=True)
            transaction.delete("NuGetPackage", document_id)
        return True
    if kind is None:
        return False
    document = transaction.load(kind, document_id)
    if document is not None and kind == "Release":
        delete(server, transaction, document)
    elif document is not None:
        delete_run(server, transaction, kind, document)
    return True
