"""Make a test instance from a backup set: restored, harmless before its server starts, proven to be itself."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from tidegate.digests import sha256_of
from tidegate.errors import HarnessError, ProvisioningFailed
from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.maintenance import set_maintenance_mode
from tidegate.octopus.server_folders import other_folders, path_options
from tidegate.providers.contract import TestHost
from tidegate.rehearsal.backup_set import bring_backup
from tidegate.rehearsal.folders import assert_matches, copy_folder
from tidegate.rehearsal.guard import (
    assert_database_is_not_main,
    assert_folders_are_not_main,
    assert_not_main,
    assert_server_is_not_main,
)
from tidegate.rehearsal.instances import (
    BackupSet,
    DatabaseAddress,
    Identity,
    MainInstance,
    SharedFolder,
    TestInstance,
)
from tidegate.rehearsal.making import dropped_on_failure, server_command, started
from tidegate.rehearsal.place import assert_clone_may_be_replaced
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.identity import database_identity
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.restore import drop_database, restore_database
from tidegate.sqlserver.sanitise import (
    SanitisePolicy,
    give_installation_id,
    prove_sanitised,
    sanitise_database,
    summary,
)

Report = Callable[[str], None]
#: The product's default for a node (Octopus docs, `TASK_CAP`); the clone gets it back once it is proven harmless.
_TASK_CAP: Final = 5
#: Statements that no longer hold once the clone's own server has run: it registers its node, and it has tasks.
BY_ITSELF: Final = ("nodes", "node-status", "tasks", "tentacle-messages")


def clone_test_instance(
    backup_set: BackupSet,
    main: MainInstance,
    host: TestHost,
    report: Report,
    *,
    policy: SanitisePolicy | None = None,
    run: str = "",
) -> TestInstance:
    """Restore under a new name, sanitise and prove it, give a new installation id, copy the folders, install the same
    version, configure, set paths and task cap 0, start, prove version, identity and folders over the API, allow tasks.

    The clone carries the main instance's API keys, so its key opens the clone. Nothing is left when this fails, except
    what ``host.remove()`` deletes.
    """
    database = DatabaseAddress(host.sql_server.address, OwnedDatabase.make("clone", run).name)
    assert_not_main(main.identity, database)
    assert_folders_are_not_main(main.folders, host.folders)
    installation = str(uuid.uuid4())
    file = _verified_backup(backup_set, host)
    with dropped_on_failure(main, host, database):
        with SqlServer(database.server) as server:
            restore_database(server, file.on_server, database.name, host.sql_server.data_folder, report=report)
        with SqlServer(database.server, database.name) as server:
            assert_database_is_not_main(main.identity, server)
            report(summary(sanitise_database(server, policy)))
            give_installation_id(server, installation)
        _fill_folders(backup_set, host, report)
        report(f"installing Octopus Server {backup_set.version}")
        host.install(backup_set.version)
        host.configure(database, main.master_key)
        server_command(host, "path", path_options(host.server_paths, backup_set.version))
        server_command(host, "node", ["--taskCap=0"])
        report("starting the clone")
        url = started(host, "the clone")
        with SqlServer(database.server, database.name) as server:
            guid = database_identity(server).guid
        instance = TestInstance(
            url=url,
            api_key=main.api_key,
            version=backup_set.version,
            database=database,
            folders=host.folders,
            master_key=main.master_key,
            identity=Identity(url, installation, database.server.server, database.name, guid),
        )
        assert_not_main(main.identity, instance.identity)
        prove_clone(instance, main, host, policy, report)
    return instance


def remove_test_instance(instance: TestInstance, main: MainInstance, host: TestHost) -> None:
    """Stop the clone's server, drop its database, delete its host."""
    assert_clone_may_be_replaced(instance, main)
    host.stop()
    with SqlServer(instance.database.server) as server:
        drop_database(server, instance.database.name)
    host.remove()


def _verified_backup(backup_set: BackupSet, host: TestHost) -> SharedFolder:
    """The database's backup in the test host's backup folder, still the one that was verified."""
    file = bring_backup(backup_set.database.file, host.sql_server)
    digest = sha256_of(file.here)
    if digest != backup_set.database.sha256:
        raise ProvisioningFailed(
            "the backup file is not the one that was verified: its digest changed",
            where=str(file.here),
            next_step="take a new backup set",
        )
    return file


def _fill_folders(backup_set: BackupSet, host: TestHost, report: Report) -> None:
    targets = host.folders.named()
    for name, manifest in backup_set.manifests.items():
        target = targets.get(name)
        if target is None:
            raise ProvisioningFailed(f"the test host has no folder for {name}", where=host.node_name)
        copy_folder(backup_set.folder / name, target, report)
        assert_matches(target, manifest)


def prove_clone(
    instance: TestInstance, main: MainInstance, host: TestHost, policy: SanitisePolicy | None, report: Report
) -> None:
    """Ask the running clone whether it is what was meant; only then may it run tasks."""
    with OctopusClient(instance.url, instance.api_key, access=Access.FULL) as client:
        assert_server_is_not_main(main.identity, client)
        server = client.server()
        if server.version != instance.version:
            raise ProvisioningFailed(
                f"the clone runs {server.version}, expected {instance.version}", where=instance.url
            )
        if server.installation_id.lower() != instance.identity.installation_id.lower():
            raise ProvisioningFailed(
                f"the clone calls itself {server.installation_id}, expected {instance.identity.installation_id}",
                where=instance.url,
            )
        folders = other_folders(client, host.server_paths)
        if folders:
            wrong = "; ".join(f"{name}: {found}, expected {expected}" for name, (found, expected) in folders.items())
            raise ProvisioningFailed(f"the clone uses other server folders: {wrong}", where=instance.url)
        with SqlServer(instance.database.server, instance.database.name) as database:
            proven = prove_sanitised(database, policy, besides=BY_ITSELF)
        status = client.get("/api/serverstatus")
        sign = (
            f", it calls itself a potential clone: {status['IsPotentialClone']}" if "IsPotentialClone" in status else ""
        )
        report(f"the clone is {server.version} with its own identity and folders; {len(proven)} proofs hold{sign}")
        # The backup was taken in maintenance mode, so the clone wakes up in it.
        set_maintenance_mode(client, False)
        _allow_tasks(client, host.node_names)


def _allow_tasks(client: OctopusClient, node_names: Sequence[str]) -> None:
    nodes: list[dict[str, Any]] = list(client.items("/api/octopusservernodes"))
    ours = {name.lower() for name in node_names}
    strangers = [str(node["Name"]) for node in nodes if str(node["Name"]).lower() not in ours]
    if strangers:
        raise HarnessError(f"the clone has nodes besides its own: {', '.join(strangers)}", where=client.url)
    for node in nodes:
        client.put(f"/api/octopusservernodes/{node['Id']}", {**node, "MaxConcurrentTasks": _TASK_CAP})
