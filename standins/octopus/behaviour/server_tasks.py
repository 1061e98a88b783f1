"""Tasks the server does for itself: health checks, retention, the package index, deletions, ad-hoc scripts.

Names and arguments: the task types of OctopusClients' BuiltInTasks and of the server's own pages.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from standins.octopus.behaviour import actions, auto_deploy, health, package_store, releases, retention_task, shell
from standins.octopus.behaviour.activity import Activity
from standins.octopus.behaviour.dispatcher import Runner, Running, TaskFailed
from standins.octopus.behaviour.documents import comma_list, mapped, text_of, texts
from standins.octopus.contract import Document
from standins.octopus.schema.integrity import differences


def _integrity_check(running: Running) -> None:
    """Compares the database with the schema of this version; the differences are the failure."""
    running.log.info("Checking the database schema")
    found = differences(running.server)
    for difference in found:
        running.log.error(difference)
    if found:
        raise TaskFailed(f"The system integrity check found {len(found)} problem(s). See the log for details.")
    running.log.info("The database schema is as expected")


def _synchronise_index(running: Running) -> None:
    """Makes the index of the built-in repository say what lies in its folder."""
    server = running.server
    with server.store.transaction() as transaction:
        spaces: list[str | None] = [None]
        if server.at_least("2019.1"):
            spaces = [space["Id"] for space in transaction.query("Space")]
        added = removed = 0
        for space in spaces:
            feed = package_store.built_in_feed_id(server, transaction, space)
            known = {entry["Id"]: entry for entry in transaction.query("NuGetPackage", space=space)}
            for entry in known.values():
                if not package_store.path_of(server, entry, feed).is_file():
                    running.log.warning(f"The file of {entry['PackageId']} {entry['Version']} is missing")
                    transaction.delete("NuGetPackage", entry["Id"])
                    removed += 1
            for path in sorted(package_store.folder(server, space, feed).glob("*/*")):
                try:
                    name = package_store.parse_name(path.name)
                except package_store.NotAPackage:
                    running.log.verbose(f"{path.name} is not a package")
                    continue
                if name.document_id not in known and path.parent.name == name.id:
                    transaction.insert(
                        "NuGetPackage", package_store.index_document(server, name, path.read_bytes(), space)
                    )
                    added += 1
    running.log.info(f"Added {added} packages to the index and removed {removed}")


def _test_email(running: Running) -> None:
    with running.server.store.transaction() as transaction:
        configured = transaction.load("Configuration", "smtp") or {}
    if not configured.get("SmtpHost"):
        raise TaskFailed("SMTP is not configured, so no test email can be sent.")
    raise TaskFailed(f"The mail server {configured['SmtpHost']} could not be contacted.")


def _ad_hoc_script(running: Running) -> None:
    """Scripts run on the server; on targets only where the server plays them."""
    arguments = running.task["Arguments"]
    if text_of(arguments.get("Syntax")) != "Bash":
        raise TaskFailed(f"There is no interpreter for {arguments.get('Syntax') or 'PowerShell'} on this server.")
    machines = _machines_asked_for(running, arguments)
    failed = 0
    for machine in machines:
        log = running.log.child(f"Run script on: {machine['Name'] if machine else 'Octopus Server'}")
        try:
            if machine is not None:
                actions.reach(machine, log)
            _run_once(running, text_of(arguments.get("ScriptBody")), machine, log)
        except actions.ActionFailed as problem:
            log.fatal(str(problem))
            failed += 1
        log.finish("Failed" if log.warned and failed else "")
    if failed:
        raise TaskFailed(f"The script failed on {failed} of {len(machines)} machines.")


def _run_once(running: Running, body: str, machine: Document | None, log: Activity) -> None:
    values = {"Octopus.Task.Id": running.task["Id"]}
    if machine is not None:
        values["Octopus.Machine.Name"] = machine["Name"]
    with tempfile.TemporaryDirectory(prefix="octopus-work-") as folder:
        result = shell.run_bash(body, values, Path(folder), log.line, cancelled=running.cancelled)
    running.check_cancelled()
    if result.exit_code:
        raise actions.ActionFailed(result.message or f"The remote script failed with exit code {result.exit_code}")


def _machines_asked_for(running: Running, arguments: dict[str, Any]) -> list[Document | None]:
    ids = texts(arguments, "MachineIds")
    roles, environments = set(texts(arguments, "TargetRoles")), set(texts(arguments, "EnvironmentIds"))
    if not (ids or roles or environments):
        return [None]
    with running.server.store.transaction() as transaction:
        machines = transaction.query("Machine", space=running.task.get("SpaceId"), order_by="Name")
    return [
        machine
        for machine in machines
        if not machine["IsDisabled"]
        and (not ids or machine["Id"] in ids)
        and (not roles or not roles.isdisjoint(texts(machine, "Roles")))
        and (not environments or not environments.isdisjoint(texts(machine, "EnvironmentIds")))
    ]


def _delete(running: Running) -> None:
    document_id = text_of(running.task["Arguments"].get("DocumentId"))
    with running.server.store.transaction() as transaction:
        if not releases.delete_document(running.server, transaction, document_id):
            raise TaskFailed(f"Documents such as {document_id} cannot be deleted by a task.")
    running.log.info(f"Deleted {document_id}")


def _refuse_outside(running: Running) -> None:
    """Tasks that would reach out to targets, clouds or octopus.com: there is nothing outside a stand-in."""
    what = mapped(running.task, "Arguments")
    detail = comma_list(",".join(str(value) for value in what.values() if isinstance(value, str)))
    raise TaskFailed(f"{running.task['Name']} needs a connection this server does not have {' '.join(detail)}".strip())


RUNNERS: dict[str, Runner] = {
    "AutoDeploy": auto_deploy.run,
    "Health": health.check,
    "SystemIntegrityCheck": _integrity_check,
    "Retention": retention_task.run,
    "SynchronizeBuiltInPackageRepositoryIndex": _synchronise_index,
    "TestEmail": _test_email,
    "AdHocScript": _ad_hoc_script,
    "Delete": _delete,
    "Upgrade": _refuse_outside,
    "UpdateCalamari": _refuse_outside,
    "TestAccount": _refuse_outside,
    "TestAzureAccount": _refuse_outside,
    "SyncCommunityActionTemplates": _refuse_outside,
    "ConfigureLetsEncrypt": _refuse_outside,
}
