"""The SQL Server of a clone that was there before the rehearsal: one folder and some databases on it are the run's."""

from __future__ import annotations

import re
from pathlib import Path

from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.instances import SharedFolder, SqlServerAddress
from tidegate.settings.hosts import CloneSqlServerSettings
from tidegate.settings.model import SqlServerSettings
from tidegate.sqlserver.backup import join_on_server
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.reaper import owned_databases
from tidegate.sqlserver.restore import default_data_folder, drop_database


def clone_address(wanted: CloneSqlServerSettings, how: SqlServerSettings) -> SqlServerAddress:
    return SqlServerAddress(
        wanted.server,
        wanted.user,
        wanted.password,
        encrypt=wanted.encrypt,
        trust_server_certificate=wanted.trust_server_certificate,
        odbc_driver=how.odbc_driver,
        login_timeout=how.login_timeout,
    )


def provide_sql_server(wanted: CloneSqlServerSettings, how: SqlServerSettings, name: str) -> SqlServerHost:
    """The server, with a folder called ``name`` for the run's backups; ``how`` is how this machine talks to it."""
    address = clone_address(wanted, how)
    data_folder = wanted.data_folder
    if data_folder is None:
        with SqlServer(address) as server:
            data_folder = default_data_folder(server)
    here = open_folder(wanted.backups.local / name)
    return SqlServerHost(address, SharedFolder(join_on_server(wanted.backups.on_server, name), here), data_folder)


def drop_databases_of(run: str, address: SqlServerAddress) -> list[str]:
    """What the run of this name left; the names of what was dropped."""
    with SqlServer(address) as server:
        left = [one.name for one in owned_databases(server) if belongs_to(one.run, run)]
        for name in left:
            drop_database(server, name)
    return left


def belongs_to(word: str, run: str) -> bool:
    """Whether the word for a run in a database's name (see :class:`OwnedDatabase`) is that of ``run``."""
    own = re.sub(r"[^a-z0-9]", "", run.lower())[:31]
    return bool(own) and re.fullmatch(rf"{own}x[0-9a-f]{{8}}", word) is not None


def open_folder(folder: Path) -> Path:
    """The folder, as open as the one it is in: others must write to it who may write there."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(folder.parent.stat().st_mode & 0o7777)
    return folder
