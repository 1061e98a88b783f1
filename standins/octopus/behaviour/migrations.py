"""The tasks of the migration API: what `Octopus.Migrator partial-export` and `import` do, in maintenance mode.

The server goes into maintenance mode while such a task runs and is taken out of it at its end; source and target have
the same version; things are matched by name, what is there is skipped unless it is overwritten; all of an import is
one SQL transaction; a package that is sent nowhere else is in the built-in feed (octopus.com/docs: octopus-rest-api/
migration-api, administration/data/data-migration). The log's lines about the package are recorded
(OctopusDeploy/Issues 5568); the others, and what a package looks like inside, are not published.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from standins.octopus.behaviour import package_store
from standins.octopus.behaviour.dispatcher import Runner, Running, TaskFailed
from standins.octopus.behaviour.documents import texts
from standins.octopus.behaviour.package_store import PackageName
from standins.octopus.contract import Document, Transaction
from standins.octopus.schema.configuration import MAINTENANCE
from standins.octopus.transfer.arriving import Arrival
from standins.octopus.transfer.bundle import Bundle, NotAnExport, pack
from standins.octopus.transfer.migration_package import Migration, NotAMigration, open_migration, pack_migration
from standins.octopus.transfer.reach import Reach

EXPORT: Final = "MigrationPartialExport"
IMPORT: Final = "MigrationImport"
SECRET: Final = "SealedPassword"  # noqa: S105 - the name of a property of the stored task that the API does not show
PACKAGE_ID: Final = "Octopus.Space.Migration"
#: What this stand-in's exports never hold, and what the request has to say about it.
_NEVER: Final = (("IgnoreMachines", True), ("IgnoreDeployments", True), ("IncludeTaskLogs", False))
_ALWAYS: Final = (("IgnoreTenants", False), ("IgnoreCertificates", False))


class _DryRun(Exception):
    """Ends the transaction of a dry run: nothing of it stays."""


def random_version() -> str:
    """``1.0.0-{RandomStringGenerator.Generate(8)}``."""
    return "1.0.0-" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))


@contextmanager
def _in_maintenance_mode(running: Running) -> Generator[None]:
    """Off at the end, whatever it was before: that is how the documents put it."""
    _switch(running, on=True)
    try:
        yield
    finally:
        _switch(running, on=False)


def _switch(running: Running, *, on: bool) -> None:
    with running.server.store.transaction() as transaction:
        stored = transaction.load("Configuration", MAINTENANCE)
        if stored is None:
            transaction.insert("Configuration", {"Id": MAINTENANCE, "IsInMaintenanceMode": on})
        else:
            transaction.update("Configuration", {**stored, "IsInMaintenanceMode": on})
    running.log.info(f"Maintenance mode is {'on' if on else 'off'}")


def _export(running: Running) -> None:
    with _in_maintenance_mode(running):
        try:
            _export_projects(running)
        except TaskFailed as failure:
            running.log.error("Failed to perform the space-partial-export migration.")  # noqa: TRY400 - a task log
            raise TaskFailed(str(failure)) from failure


def _export_projects(running: Running) -> None:
    server, task, asked = running.server, running.task, running.task["Arguments"]
    other = [name for name, value in (*_NEVER, *_ALWAYS) if bool(asked.get(name)) is not value]
    if other:
        raise TaskFailed(f"This stand-in for Octopus Server exports one way only; change {', '.join(other)}.")
    space = asked.get("SpaceId") or (server.at_least("2019.1") and "Spaces-1") or None
    running.log.info("Looking for projects to export...")
    with server.store.transaction() as transaction:
        projects = _named(transaction, texts(asked, "Projects"), space)
        documents = Reach(server, transaction, space).collect(projects)
        there = transaction.load("Space", space) if space else None
        feed = package_store.built_in_feed_id(server, transaction, space)
    running.check_cancelled()
    password = server.master_key.decrypt(task[SECRET])
    names = sorted(project["Name"] for project in documents.get("Project", {}).values())
    bundle = pack(documents, version=server.version, password=password, key=server.master_key, projects=names)
    encrypt = bool(asked.get("EncryptPackage"))
    content = pack_migration(Migration(str(there["Name"]) if there else "", bundle), password, encrypt=encrypt)
    name = PackageName(asked["PackageId"], asked["PackageVersion"], ".zip")
    running.log.verbose(f"Created package {name.file}")
    running.log.info("Pushing the package to the built-in feed.")
    with server.store.transaction() as transaction:
        if package_store.find(transaction, name.id, name.version, space) is not None:
            raise TaskFailed("A package with the same ID and version already exists.")
        package_store.write(server, name, content, space, feed)
        transaction.insert("NuGetPackage", package_store.index_document(server, name, content, space))
    running.log.info(f"Exported {len(names)} projects")


def _named(transaction: Transaction, names: list[str], space: str | None) -> list[str]:
    there = {project["Name"].lower(): project["Id"] for project in transaction.query("Project", space=space)}
    missing = [name for name in names if name.lower() not in there]
    if missing:
        raise TaskFailed(f"Could not find the projects {', '.join(missing)}.")
    return [there[name.lower()] for name in names]


def _import(running: Running) -> None:
    with _in_maintenance_mode(running):
        server, task, asked = running.server, running.task, running.task["Arguments"]
        if asked.get("OverwriteExisting"):
            raise TaskFailed("This stand-in for Octopus Server skips what is there already: do not overwrite.")
        feed_space = asked.get("PackageFeedSpaceId") or (server.at_least("2019.1") and "Spaces-1") or None
        with server.store.transaction() as transaction:
            package = package_store.find(transaction, asked["PackageId"], asked["PackageVersion"], feed_space)
            feed = package_store.built_in_feed_id(server, transaction, feed_space)
        if package is None:
            raise TaskFailed(f"The package {asked['PackageId']} {asked['PackageVersion']} is not in the feed.")
        path = package_store.path_of(server, package, feed)
        password = server.master_key.decrypt(task[SECRET])
        try:
            migration = open_migration(path.read_bytes(), password, encrypted=bool(asked["IsEncryptedPackage"]))
            bundle = Bundle(migration.documents, password)
        except (NotAMigration, NotAnExport) as problem:
            raise TaskFailed(str(problem)) from problem
        if bundle.version != server.version:
            raise TaskFailed(
                f"The export was made by Octopus Server {bundle.version}, and this is {server.version}. "
                "They must be the same."
            )
        try:
            with server.store.transaction() as transaction:
                _arrive(running, transaction, migration.space, bundle)
                if asked.get("DeletePackageOnCompletion"):
                    transaction.delete("NuGetPackage", package["Id"])
        except _DryRun:
            running.log.info("This was a dry run: the transaction was rolled back")
            return
        if asked.get("DeletePackageOnCompletion"):
            path.unlink(missing_ok=True)


def _arrive(running: Running, transaction: Transaction, space_name: str, bundle: Bundle) -> None:
    server = running.server
    space: str | None = None
    if server.at_least("2019.1"):
        found: list[Document] = transaction.query("Space", where={"Name": space_name}, take=1)
        if not found:
            raise TaskFailed(f"There is no space '{space_name}', which the export is of.")
        space = found[0]["Id"]
    arrival = Arrival(server, transaction, space, bundle, running.log.info)
    projects = arrival.run()
    running.check_cancelled()
    for name in arrival.skipped:
        running.log.info(f"The project '{name}' is there already and is skipped")
    if running.task["Arguments"].get("IsDryRun"):
        raise _DryRun
    running.log.info(f"Imported {len(projects)} projects")


RUNNERS: dict[str, Runner] = {EXPORT: _export, IMPORT: _import}
