"""The last question before anything destructive: is this the main instance?"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from tidegate.errors import MainInstanceProtected
from tidegate.host_names import one_spelling
from tidegate.octopus.client import OctopusClient
from tidegate.rehearsal.instances import DatabaseAddress, Identity, ServerFolders
from tidegate.sqlserver.connection import SqlServer, split_server
from tidegate.sqlserver.identity import database_identity
from tidegate.sqlserver.owned import OwnedDatabase

_PROTOCOL: Final = re.compile(r"^(?:tcp|np|lpc|admin):")
#: The instance that is reached without saying so.
_DEFAULT_INSTANCE: Final = "mssqlserver"
#: A named pipe tells host and instance in its own way (Microsoft: "Creating a valid connection string using named
#: pipes").
_PIPE: Final = re.compile(r"^\\\\(?P<host>[^\\]+)\\pipe\\(?:mssql\$(?P<instance>[^\\]+)\\)?sql\\query$")


def assert_not_main(main: Identity, target: Identity | DatabaseAddress) -> None:
    """Raise :class:`MainInstanceProtected` when anything says that ``target`` is the main instance.

    Names only: before a database or a server is changed, ask it itself as well (the other functions of this module).
    """
    if isinstance(target, DatabaseAddress):
        if same_database((main.sql_server, main.database), (target.server.server, target.name)):
            raise _refusal(f"the database {target.name}", target.server.server)
        return
    if main.installation_id and target.installation_id.lower() == main.installation_id.lower():
        raise _refusal("an instance with its installation id", target.url)
    if same_url(main.url, target.url):
        raise _refusal("its URL", target.url)
    if same_database((main.sql_server, main.database), (target.sql_server, target.database)):
        raise _refusal(f"the database {target.database}", target.sql_server)
    if main.database_guid and target.database_guid.lower() == main.database_guid.lower():
        raise _refusal("its database under another name", target.sql_server)


def assert_database_is_not_main(main: Identity, server: SqlServer) -> None:
    """Ask the connection's database who it is: an alias of the server's name deceives no one."""
    identity = database_identity(server)
    if main.database_guid and identity.guid == main.database_guid.lower():
        raise _refusal(f"its database (as {identity.database})", server.address.server)
    assert_not_main(main, DatabaseAddress(server.address, identity.database))


def assert_server_is_not_main(main: Identity, client: OctopusClient) -> None:
    """Ask the Octopus Server who it is."""
    found = client.server().installation_id
    if main.installation_id and found.lower() == main.installation_id.lower():
        raise _refusal("an instance with its installation id", client.url)
    if same_url(main.url, client.url):
        raise _refusal("its URL", client.url)


def assert_made_by_a_rehearsal(database: DatabaseAddress) -> None:
    """Raise :class:`MainInstanceProtected` unless the database's name is one that only a rehearsal gives: whatever else
    is mistaken, no organisation's own database is ever upgraded, replaced or dropped in place of a clone."""
    if OwnedDatabase.parse(database.name) is None:
        raise MainInstanceProtected(
            f"no rehearsal made the database {database.name}, so none may change it",
            where=database.server.server,
            next_step="clone the main instance again",
        )


def assert_folders_are_not_main(main: ServerFolders, target: ServerFolders) -> None:
    """Raise :class:`MainInstanceProtected` when a folder is one of the main instance's, is in one, or holds one, under
    whatever name."""
    for name, folder in target.named().items():
        for protected in main.named().values():
            if _within(folder, protected) or _within(protected, folder):
                raise _refusal(f"its server folder for {name}", str(folder))


def same_database(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two pairs of server and database name the same thing; SQL Server's names ignore case."""
    return one[1].strip().casefold() == other[1].strip().casefold() and _server(one[0]) == _server(other[0])


def same_url(one: str, other: str) -> bool:
    """Whether two URLs lead to the same server and base path."""
    return _address(one) == _address(other)


def _server(name: str) -> tuple[str, int]:
    name = _PROTOCOL.sub("", name.strip().lower())
    if pipe := _PIPE.match(name):
        name = f"{pipe['host']}\\{pipe['instance'] or ''}"
    host, port = split_server(name)
    host, _, instance = host.partition("\\")
    if port or instance in ("", _DEFAULT_INSTANCE):
        # With a port the name of an instance is not looked at (Microsoft: SqlConnection.ConnectionString, Data Source).
        return one_spelling(host), port or 1433
    return f"{one_spelling(host)}\\{instance}", 0


def _address(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    path = PurePosixPath("/" + unquote(parts.path).lower())
    return (
        one_spelling(parts.hostname or ""),
        parts.port or (443 if parts.scheme == "https" else 80),
        # The portal is below the base path; http.sys and the server ignore case.
        "/".join(part for part in path.parts[1:] if part != "app"),
    )


def _within(one: Path, other: Path) -> bool:
    """Whether ``one`` is ``other`` or lies in it, by name and by what the file system says: a second mount on this
    machine has another name and the same inode. A share of another server that is mounted twice is not seen through;
    there the identities of database and server must speak."""
    chain = [one.resolve(), *one.resolve().parents]
    if other.resolve() in chain:
        return True
    return other.exists() and any(folder.exists() and folder.samefile(other) for folder in chain)


def _refusal(what: str, where: str) -> MainInstanceProtected:
    return MainInstanceProtected(
        f"this would have changed the main instance: the target is {what}",
        where=where,
        next_step="point the test instance to a SQL Server and a host of its own",
    )
