"""The Retention task: applies the policies of lifecycles, runbooks and the built-in feed."""

from __future__ import annotations

from standins.octopus.behaviour import (
    events,
    lifecycles,
    package_store,
    progress,
    releases,
    task_logs,
    task_types,
    tasks,
)
from standins.octopus.behaviour.activity import Activity
from standins.octopus.behaviour.dispatcher import Running
from standins.octopus.behaviour.documents import listed
from standins.octopus.behaviour.moments import moment
from standins.octopus.behaviour.plan import process_packages
from standins.octopus.behaviour.retention import (
    Deployed,
    Done,
    Phase,
    Policy,
    Stored,
    build_information_to_delete,
    packages_to_delete,
    policies_of_phases,
    policy_for,
    releases_to_delete,
    tasks_to_delete,
)
from standins.octopus.contract import Document, Server, Transaction
from standins.octopus.portions import portions
from standins.octopus.regressions import hooks

#: Tasks that go by themselves. Those of deployments and runs go with these (Octopus docs, "Retention policies"); there
#: are as many as the instance is large, so that they are not even read.
_BY_THEMSELVES = sorted(task_types.EVER - {"Deploy", "RunbookRun"})


def run(running: Running) -> None:
    server = running.server
    with server.store.transaction() as transaction:
        projects = transaction.query("Project", order_by="Name")
        for project in projects:
            running.check_cancelled()
            log = running.log.child(f"Apply retention policy of project {project['Name']}")
            _project(server, transaction, project, log)
            log.finish()
        log = running.log.child("Apply built-in package repository retention policy")
        for space in _spaces(server, transaction):
            # Before the packages: a record is kept as long as its package is.
            if server.at_least("2019.4"):
                _build_information(server, transaction, space, log)
            _packages(server, transaction, space, log)
        log.finish()
        log = running.log.child("Apply task retention policy")
        _tasks(server, transaction, log)
        log.finish()


def _spaces(server: Server, transaction: Transaction) -> list[str | None]:
    return [space["Id"] for space in transaction.query("Space")] if server.at_least("2019.1") else [None]


def _project(server: Server, transaction: Transaction, project: Document, log: Activity) -> None:
    environments = progress.environments(transaction, project.get("SpaceId"))
    default = _space_default(transaction, project.get("SpaceId"))
    for channel in transaction.query("Channel", where={"ProjectId": project["Id"]}):
        lifecycle = progress.lifecycle_of(transaction, project, channel)
        documents = {
            entry["Id"]: entry
            for entry in transaction.query("Release", where={"ProjectId": project["Id"], "ChannelId": channel["Id"]})
        }
        doomed = releases_to_delete(
            {entry["Id"]: moment(entry["Assembled"]) or server.now() for entry in documents.values()},
            _deployed(transaction, documents),
            _phases(lifecycle, environments, default),
            policy_for(lifecycle, None, default),
            server.now(),
        )
        for release_id in hooks.adjust("releases to delete", doomed, list(documents)):
            log.info(f"Deleting release {documents[release_id]['Version']} of {project['Name']}")
            releases.delete(server, transaction, documents[release_id])


def _space_default(transaction: Transaction, space: str | None) -> Policy:
    """What lifecycles keep that leave it to their space (2025.3)."""
    kept = transaction.load("Configuration", f"retentionpolicy-LifecycleRelease-{space}")
    return Policy.of(kept)


def _phases(lifecycle: Document, environments: list[Document], default: Policy) -> list[Phase]:
    given = {phase.get("Name"): phase for phase in listed(lifecycle, "Phases")}
    phases = lifecycles.phases_of(lifecycle, environments)
    policies = policies_of_phases(lifecycle, [given.get(phase.name) for phase in phases], default)
    return [Phase(frozenset(phase.environments), policy) for phase, policy in zip(phases, policies, strict=True)]


def _deployed(transaction: Transaction, documents: dict[str, Document]) -> list[Deployed]:
    if not documents:
        return []
    entries = [
        entry
        for some in portions(list(documents))
        for entry in transaction.query("Deployment", where={"ReleaseId": some})
    ]
    tasks = {task["Id"]: task for task in transaction.load_many("ServerTask", [entry["TaskId"] for entry in entries])}
    found: list[Deployed] = []
    for entry in entries:
        created = moment(entry["Created"])
        task = tasks.get(entry["TaskId"])
        if created is not None:
            running = task is not None and task["State"] in {"Queued", "Executing", "Cancelling"}
            found.append(Deployed(entry["ReleaseId"], entry["EnvironmentId"], entry.get("TenantId"), created, running))
    return found


def used_packages(server: Server, transaction: Transaction, space: str | None) -> set[tuple[str, str]]:
    """(package, version) of everything a release or a runbook snapshot selected."""
    by_kind: dict[str, set[tuple[str, str]]] = {}
    sources = [("Release", "ProjectDeploymentProcessSnapshotId", "DeploymentProcess")]
    if server.at_least("2019.11"):
        sources.append(("RunbookSnapshot", "FrozenRunbookProcessId", "RunbookProcess"))
    for kind, column, process_kind in sources:
        used = by_kind.setdefault(kind, set())
        documents = [entry for entry in transaction.query(kind, space=space) if listed(entry, "SelectedPackages")]
        processes = {
            entry["Id"]: entry
            for entry in transaction.load_many(process_kind, {entry[column] for entry in documents if entry[column]})
        }
        for document in documents:
            process = processes.get(document[column])
            packages = {(use.action["Name"], use.reference): use.package_id for use in process_packages(process or {})}
            for selected in listed(document, "SelectedPackages"):
                key = (
                    selected.get("ActionName") or selected.get("StepName"),
                    selected.get("PackageReferenceName") or "",
                )
                if key in packages:
                    used.add((packages[key], selected["Version"]))
    every = {use for found in by_kind.values() for use in found}
    return hooks.adjust("packages in use", every, by_kind)


def _build_information(server: Server, transaction: Transaction, space: str | None, log: Activity) -> None:
    records = {entry["Id"]: entry for entry in transaction.query("BuildInformation", space=space)}
    if not records:
        return
    doomed = build_information_to_delete(
        [
            Stored(entry["Id"], entry["PackageId"], entry["Version"], moment(entry.get("Created")) or server.now())
            for entry in records.values()
        ],
        [(entry["PackageId"], entry["Version"]) for entry in transaction.query("NuGetPackage", space=space)],
        used_packages(server, transaction, space),
        _days(server, transaction, package_store.built_in_feed_id(server, transaction, space)),
        server.now(),
    )
    for record_id in doomed:
        log.info(f"Deleting build information of {records[record_id]['PackageId']} {records[record_id]['Version']}")
        transaction.delete("BuildInformation", record_id)


def _tasks(server: Server, transaction: Transaction, log: Activity) -> None:
    where = {"State": list(tasks.COMPLETED), "Name": _BY_THEMSELVES}
    ended = {task["Id"]: task for task in transaction.query("ServerTask", where=where)}
    done = [
        Done(task["Id"], task["Name"], at)
        for task in ended.values()
        if (at := moment(task.get("CompletedTime"))) is not None
    ]
    for task_id in tasks_to_delete(done, server.now()):
        log.info(f"Deleting task {task_id}")
        task_logs.delete(server, ended[task_id])
        transaction.delete("ServerTask", task_id)


def _packages(server: Server, transaction: Transaction, space: str | None, log: Activity) -> None:
    feed_id = package_store.built_in_feed_id(server, transaction, space)
    stored = {entry["Id"]: entry for entry in transaction.query("NuGetPackage", space=space)}
    used = used_packages(server, transaction, space)
    doomed = packages_to_delete(
        [
            Stored(entry["Id"], entry["PackageId"], entry["Version"], moment(entry["Published"]) or server.now())
            for entry in stored.values()
        ],
        used,
        _days(server, transaction, feed_id),
        server.now(),
    )
    for package_id in hooks.adjust("packages to delete", doomed, stored, used):
        package = stored[package_id]
        log.info(f"Deleting package {package['PackageId']} {package['Version']}")
        transaction.delete("NuGetPackage", package_id)
        package_store.path_of(server, package, feed_id).unlink(missing_ok=True)
        events.record(
            server,
            transaction,
            "Deleted",
            f"Package {package['PackageId']} version {package['Version']} was deleted by the retention policy",
            related=[package_id],
            space=space,
        )


def _days(server: Server, transaction: Transaction, feed_id: str) -> int:
    """A property of the built-in feed since 2019.1; before, the repository's configuration.

    OctopusClients 4.45 to 6.0.2.
    """
    if server.at_least("2019.1"):
        holder = transaction.load("Feed", feed_id)
    else:
        holder = transaction.load("Configuration", "repository")
    return int((holder or {}).get("DeleteUnreleasedPackagesAfterDays") or 0)
