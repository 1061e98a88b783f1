"""Make a test instance of chosen projects: exported from the main instance, imported into a fresh instance.

The second approach of the vendor's guide (Octopus docs, administration/upgrading/guide/creating-test-instance). It is
easier to get and says less: whatever is not in the export is not rehearsed.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tidegate.errors import ProvisioningFailed, SettingsError
from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.migration import FIRST, MigrationPackage, export_migration, import_migration
from tidegate.octopus.project_transfer import FIRST as FIRST_WITHOUT_MAINTENANCE
from tidegate.octopus.project_transfer import export_projects, import_projects
from tidegate.octopus.server_folders import path_options
from tidegate.octopus.spaces import in_space
from tidegate.providers.contract import CreatesInstances, TestHost
from tidegate.rehearsal.clone import prove_clone
from tidegate.rehearsal.guard import (
    assert_database_is_not_main,
    assert_folders_are_not_main,
    assert_not_main,
    assert_server_is_not_main,
)
from tidegate.rehearsal.instances import DatabaseAddress, Identity, MainInstance, TestInstance
from tidegate.rehearsal.maintenance import MainWrites
from tidegate.rehearsal.making import dropped_on_failure, server_command, started
from tidegate.rehearsal.subset_packages import copy_packages
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.identity import database_identity
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.sanitise import SanitisePolicy, sanitise_database, summary
from tidegate.versions import Version

_RUNBOOKS: Final = Version(2019, 11, 0)

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Export:
    """The exported projects of one space of the main instance."""

    space_id: str  # empty before there were spaces
    space: str  # its name
    default: bool  # whether it is the default space of its instance
    projects: tuple[str, ...]  # names, as asked for
    content: bytes
    password: Secret
    package: MigrationPackage | None = None  # where the migration API made it


def assert_subset_is_possible(main: MainInstance, projects: Sequence[str]) -> None:
    """Raise :class:`SettingsError` before anything happens where the main instance cannot export these projects."""
    assert_exports_projects(main.version)
    with OctopusClient(main.url, main.api_key) as client:
        find_projects(client, projects)


def assert_exports_projects(version: Version) -> None:
    """Raise :class:`SettingsError` for a version that cannot be asked for an export of projects."""
    if version < FIRST:
        raise SettingsError(
            f"Octopus Server {version} cannot be asked to export projects: its API does so from "
            f"{FIRST.major}.{FIRST.minor} on. Before that there is only the command Octopus.Migrator, which takes the "
            "export's password on its command line, where others can read it",
            where='[test_instance] approach = "subset"',
            next_step='use approach = "clone"',
        )


def exports_in_maintenance_mode(version: Version) -> bool:
    """Whether a server of this version is in maintenance mode while it exports: the migration API, before 2021.1."""
    return version < FIRST_WITHOUT_MAINTENANCE


def export_subset(main: MainInstance, writes: MainWrites, projects: Sequence[str], report: Report) -> list[Export]:
    """Export the projects, named ``Project`` (in the default space) or ``Space/Project``.

    On the main instance this leaves a server task and its audit events in each space; the exported file is deleted
    there as soon as it is here. Before 2021.1 the main instance is in maintenance mode meanwhile.
    """
    with OctopusClient(main.url, main.api_key) as client:
        chosen = find_projects(client, projects)
    exports: list[Export] = []
    for space, ids in chosen.items():
        report(f"exporting {len(ids)} projects of {space.name}")
        password = Secret.generated("the password of an export", secrets.token_urlsafe(24))
        if exports_in_maintenance_mode(main.version):
            report("the main instance is in maintenance mode while it exports")
            package = MigrationPackage.fresh()
            with writes.migration_export(space.id, package) as (client, started):
                content = export_migration(client, space.id, list(ids), package, password, started)
            exports.append(Export(space.id, space.name, space.default, tuple(ids), content, password, package))
            continue
        with writes.project_export(space.id) as (client, started):
            content = export_projects(client, space.id, list(ids.values()), password, started)
        exports.append(Export(space.id, space.name, space.default, tuple(ids), content, password))
    return exports


def make_subset_instance(
    exports: Sequence[Export],
    main: MainInstance,
    host: TestHost,
    report: Report,
    *,
    policy: SanitisePolicy | None = None,
    run: str = "",
) -> TestInstance:
    """A fresh instance of the main instance's version with the exported projects in it, sanitised as a clone is.

    While it imports nothing can act on a target: targets and subscriptions are no part of an export, and triggers, if
    any came (the migration API's documents do not say), are off once it is sanitised. Its master key, administrator
    and installation id are its own.
    """
    if not isinstance(host, CreatesInstances):
        raise ProvisioningFailed(
            "this kind of host cannot make an instance out of nothing: its first administrator's key would have to "
            "be given on a command line",
            where=host.node_name,
            next_step='use [test_instance] provider = "embedded" or "containers", or approach = "clone"',
        )
    database = DatabaseAddress(host.sql_server.address, OwnedDatabase.make("subset", run).name)
    assert_not_main(main.identity, database)
    assert_folders_are_not_main(main.folders, host.folders)
    master_key = Secret.generated("the test instance's master key", b64encode(secrets.token_bytes(16)).decode("ascii"))
    api_key = Secret.generated("the test administrator's API key", f"API-{secrets.token_hex(14).upper()}")
    with dropped_on_failure(main, host, database):
        report(f"installing Octopus Server {main.version}")
        host.install(main.version)
        report("creating an instance")
        host.create_instance(database, master_key, api_key)
        server_command(host, "path", path_options(host.server_paths, main.version))
        url = started(host, "the test instance")
        with OctopusClient(url, api_key, access=Access.FULL) as client:
            assert_server_is_not_main(main.identity, client)
            if main.license is not None:
                client.put("/api/licenses/licenses-current", {"LicenseText": main.license.reveal()})
            for export in exports:
                report(f"importing {len(export.projects)} projects into {export.space}")
                space = _space(client, export)
                if export.package is None:
                    import_projects(client, space, export.content, export.password)
                else:
                    import_migration(client, space, export.content, export.package, export.password)
                with OctopusClient(main.url, main.api_key) as source:
                    runbooks = main.version >= _RUNBOOKS
                    copy_packages(source, export.space_id, client, space, report, runbooks=runbooks)
        host.stop()
        with SqlServer(database.server, database.name) as server:
            assert_database_is_not_main(main.identity, server)
            report(summary(sanitise_database(server, policy)))
            guid = database_identity(server).guid
        server_command(host, "node", ["--taskCap=0"])
        url = started(host, "the test instance")
        with OctopusClient(url, api_key) as client:
            installation = client.server().installation_id
        instance = TestInstance(
            url=url,
            api_key=api_key,
            version=main.version,
            database=database,
            folders=host.folders,
            master_key=master_key,
            identity=Identity(url, installation, database.server.server, database.name, guid),
        )
        assert_not_main(main.identity, instance.identity)
        prove_clone(instance, main, host, policy, report)
    return instance


@dataclass(frozen=True, slots=True)
class Space:
    """A space of the main instance; before there were any, all of it."""

    id: str  # empty before there were spaces
    name: str
    default: bool


def find_projects(client: OctopusClient, projects: Sequence[str]) -> Mapping[Space, dict[str, str]]:
    """Ids of the projects by name, by their space. Raises :class:`SettingsError` for those that are not there."""
    spaces = [Space("", "", True)]
    if client.server().spaces:
        found_spaces = client.items("/api/spaces")
        spaces = [Space(str(one["Id"]), str(one["Name"]), bool(one.get("IsDefault"))) for one in found_spaces]
    known = {
        space: {str(one["Name"]): str(one["Id"]) for one in client.items(in_space(space.id, "projects"))}
        for space in spaces
    }
    chosen: dict[Space, dict[str, str]] = {}
    missing: list[str] = []
    for wanted in projects:
        named, slash, name = wanted.partition("/")
        # A project's name may contain a slash itself.
        places = [(space, name) for space in spaces if slash and space.name == named]
        places += [(space, wanted) for space in spaces if space.default]
        found = next(((space, text) for space, text in places if text in known[space]), None)
        if found is None:
            missing.append(wanted)
        else:
            chosen.setdefault(found[0], {})[found[1]] = known[found[0]][found[1]]
    if missing:
        raise SettingsError(
            f"the main instance has no project {', '.join(repr(one) for one in missing)}",
            where="[test_instance] projects",
            next_step='name projects of the default space as "Project", others as "Space/Project"',
        )
    return chosen


def _space(client: OctopusClient, export: Export) -> str:
    """The default space for what comes from one, whatever its name; else the space of this name, made if needed.

    A migration finds its space by name and by nothing else, so the default one is given the name it has at home.
    """
    if not export.space_id:
        return ""
    for one in client.items("/api/spaces"):
        if one.get("IsDefault") if export.default else one["Name"] == export.space:
            if export.package is not None and one["Name"] != export.space:
                client.put(f"/api/spaces/{one['Id']}", {**one, "Name": export.space})
            return str(one["Id"])
    me = str(client.get("/api/users/me")["Id"])
    body = {"Name": export.space, "SpaceManagersTeamMembers": [me], "SpaceManagersTeams": [], "TaskQueueStopped": False}
    return str(client.post("/api/spaces", body)["Id"])
