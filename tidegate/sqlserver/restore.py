"""Restore a backup: as a new database with its files moved, or over the very database it was taken of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from tidegate.errors import MainInstanceProtected, ProvisioningFailed, SqlServerFailure
from tidegate.sqlserver.connection import SqlServer, literal, quoted
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.progress import percentages

#: FILELISTONLY's types: D rows, L log, S file stream, F full text (Microsoft: RESTORE FILELISTONLY).
_EXTENSIONS: Final = {"L": "ldf", "D": "mdf"}


def restore_database(
    server: SqlServer, file_on_server: str, name: str, data_folder: str, *, report: Callable[[str], None]
) -> None:
    """Make the database ``name`` from the backup; its files get new names in ``data_folder``.

    Raises :class:`ProvisioningFailed` when a database of that name exists: nothing is ever replaced.
    """
    if server.value("SELECT DB_ID(?)", name) is not None:
        raise ProvisioningFailed(f"a database {name} exists already", where=server.address.server)
    separator = "\\" if "\\" in data_folder or re.match(r"[A-Za-z]:", data_folder) else "/"
    files = server.table(f"RESTORE FILELISTONLY FROM DISK = {literal(file_on_server)}")
    moves = [
        f"MOVE {literal(str(file['LogicalName']))} TO "
        + literal(f"{data_folder.rstrip(separator)}{separator}{name}{_suffix(number, file)}")
        for number, file in enumerate(files)
    ]
    server.execute(
        # Docs' sample says FILE = 2, which is wrong for a file written WITH FORMAT: there is one backup set in it.
        f"RESTORE DATABASE {quoted(name)} FROM DISK = {literal(file_on_server)} "
        f"WITH FILE = 1, {', '.join(moves)}, CHECKSUM, RECOVERY, NOUNLOAD, STATS = 5",
        messages=percentages(f"restoring as {name}", report),
    )
    state = server.value("SELECT state_desc FROM sys.databases WHERE name = ?", name)
    if state != "ONLINE":
        raise ProvisioningFailed(f"the restored database is {state}, not ONLINE", where=name)


def replace_database(
    server: SqlServer,
    file_on_server: str,
    name: str,
    *,
    permission: Callable[[], None],
    report: Callable[[str], None],
) -> None:
    """Restore the database ``name`` from a backup of itself, whoever is connected to it; ``server`` is in master.

    ``permission`` raises :class:`tidegate.errors.MainInstanceProtected` unless exactly this database may be replaced;
    it is asked last. Raises :class:`ProvisioningFailed` for a backup of another database. Can be repeated after a
    crash, which leaves the database in single-user mode or restoring.
    """
    held = {
        str(row["DatabaseName"]) for row in server.table(f"RESTORE HEADERONLY FROM DISK = {literal(file_on_server)}")
    }
    if {one.lower() for one in held} != {name.lower()}:
        raise ProvisioningFailed(
            f"the backup holds {', '.join(sorted(held)) or 'nothing'}, expected database {name}", where=file_on_server
        )
    permission()
    if server.value("SELECT state_desc FROM sys.databases WHERE name = ?", name) == "ONLINE":
        server.execute(f"ALTER DATABASE {quoted(name)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    server.execute(
        # Without MOVE every file goes back to where it was.
        f"RESTORE DATABASE {quoted(name)} FROM DISK = {literal(file_on_server)} "
        "WITH FILE = 1, REPLACE, CHECKSUM, RECOVERY, NOUNLOAD, STATS = 5",
        messages=percentages(f"restoring {name}", report),
    )
    state = server.value("SELECT state_desc FROM sys.databases WHERE name = ?", name)
    if state != "ONLINE":
        raise ProvisioningFailed(f"the restored database is {state}, not ONLINE", where=name)
    server.execute(f"ALTER DATABASE {quoted(name)} SET MULTI_USER")


def drop_database(server: SqlServer, name: str) -> bool:
    """Drop the database with its files, whoever is connected to it; False when there is none.

    Raises :class:`MainInstanceProtected` for a name that no rehearsal gives, whoever asks.
    """
    if OwnedDatabase.parse(name) is None:
        raise MainInstanceProtected(
            f"no rehearsal made the database {name}, so none may drop it",
            where=server.address.server,
            next_step="if it is to go, its owner must drop it",
        )
    if server.value("SELECT DB_ID(?)", name) is None:
        return False
    state = server.value("SELECT state_desc FROM sys.databases WHERE name = ?", name)
    if state == "ONLINE":  # a half-restored database knows no users and can only be dropped
        server.execute(f"ALTER DATABASE {quoted(name)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    server.execute(f"DROP DATABASE {quoted(name)}")
    return True


def default_data_folder(server: SqlServer) -> str:
    """Where this SQL Server keeps new database files."""
    folder = server.value("SELECT CONVERT(nvarchar(512), SERVERPROPERTY('InstanceDefaultDataPath'))")
    if folder:
        return str(folder)
    try:  # SERVERPROPERTY knows the path only from SQL Server 2012 on: take the folder of master's file
        path: Any = server.value("SELECT physical_name FROM sys.master_files WHERE database_id = 1 AND file_id = 1")
    except SqlServerFailure:
        path = None
    if not path:
        raise ProvisioningFailed("SQL Server does not say where it keeps its files", where=server.address.server)
    return re.sub(r"[\\/][^\\/]*$", "", str(path))


def _suffix(number: int, file: dict[str, Any]) -> str:
    kind = str(file["Type"]).strip()
    if kind == "S":
        return f"_{number}"  # a file-stream container is a folder
    extension = _EXTENSIONS.get(kind, "ndf")
    return f".{extension}" if number == 0 else f"_{number}.{extension}"
