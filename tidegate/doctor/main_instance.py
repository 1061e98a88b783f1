"""The main instance: does it answer, may the API key's user see everything, are its secrets there, is there room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from tidegate.doctor.database import database_size, examine_database
from tidegate.doctor.examined import Examined, bad, good, of_error, unknown
from tidegate.doctor.machine import examine_looks
from tidegate.doctor.storage import LEAST, examine_folders, examine_room, size_of
from tidegate.errors import TidegateError
from tidegate.octopus.client import Access, OctopusClient
from tidegate.providers.looks import looks_at_main_machine
from tidegate.rehearsal.main import database_address
from tidegate.rehearsal.subset import assert_exports_projects, exports_in_maintenance_mode, find_projects
from tidegate.settings import MainSettings, Settings
from tidegate.versions import Version

#: Maintenance mode, and reading everything in every space (Octopus: user roles and permissions).
_ADMINISTERS: Final = "AdministerSystem"


def examine_main(settings: Settings, main: MainSettings) -> Iterator[Examined]:
    """Everything about the configured main instance; it is read and nothing else."""
    yield from _secrets(main)
    yield from examine_looks(looks_at_main_machine(main))
    version: Version | None = None
    try:
        with OctopusClient(main.url, main.api_key, access=Access.READ_ONLY) as client:
            server = client.server()
            version = server.version
            yield good("main instance", f"{main.url} is Octopus Server {version}")
            yield _user(client)
            if settings.test_instance.approach == "subset":
                yield examine_subset(client, version, settings.test_instance.projects)
    except TidegateError as error:
        yield of_error("main instance", error)
    try:
        address = database_address(main, settings.sql_server)
    except TidegateError as error:
        yield of_error("SQL Server", error)
        return
    yield from examine_database(address, settings, version)
    yield from examine_folders(main)
    database, folders = database_size(address), size_of(main)
    # The backup, and the copy that proves it by being restored, both beside SQL Server.
    yield examine_room("backup folder", main.backup_folder.local, max(LEAST, database), "a backup of the database")
    reports, why = settings.reports.folder, "a backup set, and the copy of the server folders that the clone works on"
    yield examine_room("reports folder", reports, LEAST + database + 2 * folders, why)


def examine_subset(client: OctopusClient, version: Version, projects: Sequence[str]) -> Examined:
    """Whether the projects of a subset are there and can be exported."""
    try:
        assert_exports_projects(version)
        found = find_projects(client, projects)
    except TidegateError as error:
        return of_error("subset", error)
    how = ", in maintenance mode" if exports_in_maintenance_mode(version) else ""
    return good("subset", f"{sum(map(len, found.values()))} projects of {len(found)} spaces can be exported{how}")


def _secrets(main: MainSettings) -> Iterator[Examined]:
    """Whether each reference leads to something; never what."""
    named = {
        "[main] api_key": main.api_key,
        "[main] master_key": main.master_key,
        "[main.database] password": main.database.password,
        **({"[main] license": main.license} if main.license else {}),
    }
    for name, secret in named.items():
        try:
            secret.reveal()
        except TidegateError as error:
            yield of_error(name, error)
        else:
            yield good(name, "can be read")


def _user(client: OctopusClient) -> Examined:
    """Whether the key's user administers the system, by what the server says about its permissions."""
    name = "API key"
    try:
        me = cast("Mapping[str, Any]", client.get("/api/users/me"))
        answer = client.send("GET", f"/api/users/{me.get('Id')}/permissions")
    except TidegateError as error:
        return of_error(name, error)
    user = str(me.get("Username") or me.get("Id"))
    if not answer.ok:
        return unknown(name, f"{user} can log in; the server does not tell its permissions (HTTP {answer.status})")
    if _ADMINISTERS in _permissions(answer.json):
        return good(name, f"{user} administers the system")
    return bad(
        name,
        f"{user} can log in, and does not have {_ADMINISTERS}: what it cannot see would be missing from the rehearsal",
        "use a key of a user in the team Octopus Administrators",
    )


def _permissions(told: Any) -> set[str]:
    """Names of permissions: a list for the system and a mapping for spaces from 2019.1, one mapping before."""
    if not isinstance(told, Mapping):
        return set()
    document = cast("Mapping[str, Any]", told)
    found: set[str] = set()
    for name in ("SystemPermissions", "SpacePermissions", "Permissions"):
        found |= set(cast("Any", document.get(name) or ()))
    return found
