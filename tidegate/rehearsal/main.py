"""Describe the main instance by reading it: nothing here changes it."""

from __future__ import annotations

from tidegate.errors import Refused, SettingsError
from tidegate.octopus.client import Access, OctopusClient, ServerInfo
from tidegate.rehearsal.instances import (
    DatabaseAddress,
    Identity,
    MainInstance,
    ServerFolders,
    SharedFolder,
    SqlServerAddress,
)
from tidegate.settings.model import MainSettings, SqlServerSettings
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.identity import database_identity
from tidegate.sqlserver.sanitise import installation_id


def describe_main(settings: MainSettings, sql_server: SqlServerSettings | None = None) -> MainInstance:
    """The main instance as its API and its database describe it.

    Raises :class:`Refused` when URL and database do not belong together: a backup of another instance's database is
    worse than none.
    """
    address = database_address(settings, sql_server or SqlServerSettings())
    with OctopusClient(settings.url, settings.api_key, access=Access.READ_ONLY) as client:
        server = client.server()
        client.get("/api/users/me")  # the key must be valid now, not at the first write
    with SqlServer(address.server, address.name) as database:
        _assert_together(settings, server, installation_id(database))
        identity = database_identity(database)
    folders = ServerFolders(
        packages=settings.folders.packages,
        artifacts=settings.folders.artifacts,
        task_logs=settings.folders.task_logs,
        imports=settings.folders.imports,
        event_exports=settings.folders.event_exports,
    )
    _assert_readable(folders)
    return MainInstance(
        url=settings.url,
        api_key=settings.api_key,
        version=server.version,
        database=address,
        folders=folders,
        backup_folder=SharedFolder(settings.backup_folder.on_server, settings.backup_folder.local),
        master_key=settings.master_key,
        license=settings.license,
        identity=Identity(
            url=settings.url,
            installation_id=server.installation_id,
            sql_server=address.server.server,
            database=address.name,
            database_guid=identity.guid,
        ),
    )


def database_address(settings: MainSettings, sql_server: SqlServerSettings) -> DatabaseAddress:
    """The main instance's database as the settings name it."""
    database = settings.database
    return DatabaseAddress(
        SqlServerAddress(
            server=database.server,
            user=database.user,
            password=database.password,
            encrypt=database.encrypt,
            trust_server_certificate=database.trust_server_certificate,
            odbc_driver=sql_server.odbc_driver,
            login_timeout=sql_server.login_timeout,
        ),
        database.name,
    )


def _assert_together(settings: MainSettings, server: ServerInfo, in_database: str) -> None:
    if server.installation_id and in_database and server.installation_id.lower() != in_database.lower():
        raise Refused(
            f"the server's installation id is {server.installation_id}, but its database says {in_database}",
            where=f"{settings.url} and database {settings.database.name} on {settings.database.server}",
            next_step="correct [main] url or [main.database]: they belong to different instances",
        )


def _assert_readable(folders: ServerFolders) -> None:
    missing = [f"{name} ({path})" for name, path in folders.named().items() if not path.is_dir()]
    if missing:
        raise SettingsError(
            f"server folders of the main instance cannot be read from this machine: {', '.join(missing)}",
            where="[main.folders]",
            next_step="share or mount them here, read-only is enough",
        )
