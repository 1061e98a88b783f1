"""The removal of what rehearsals left on a host, in the shared folders and on the clone's SQL Server."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tidegate.errors import HarnessError
from tidegate.providers.hosts.ownership import OwnedFolder
from tidegate.providers.hosts.quoting import literally
from tidegate.providers.hosts.reach import Reach, must
from tidegate.providers.hosts.reaching import reached
from tidegate.providers.hosts.service import InstalledService
from tidegate.providers.hosts.sql_server import clone_address, drop_databases_of
from tidegate.providers.hosts.systems import System, read_facts, system_of
from tidegate.settings.hosts import HostSettings
from tidegate.settings.model import SqlServerSettings
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.reaper import reap_databases

_WHILE: Final = 300.0
#: Where Octopus's MSI installs to (Octopus docs, installation).
MSI_FOLDER: Final = r"C:\Program Files\Octopus Deploy\Octopus"


def remove_described(described: Mapping[str, Any]) -> list[str]:
    """Remove what a run wrote down about itself; see :func:`described_run`."""
    wanted = HostSettings.model_validate(described["host"])
    how = SqlServerSettings.model_validate(described["sql_server"])
    owned = OwnedFolder.parse(str(described["name"]))
    return remove_run(wanted, how, owned) if owned else []


def described_run(wanted: HostSettings, how: SqlServerSettings, owned: OwnedFolder) -> dict[str, Any]:
    """What a later process must know to remove what this run leaves; secrets are references in it."""
    return {
        "host": wanted.model_dump(mode="json"),
        "sql_server": how.model_dump(mode="json"),
        "name": owned.name,
    }


def remove_run(wanted: HostSettings, how: SqlServerSettings, owned: OwnedFolder) -> list[str]:
    """Processes, folders and databases of one run; a sentence for each thing that was there."""
    with reached(wanted) as reach:
        removed = _remove_from_host(reach, system_of(wanted.system), wanted, owned)
    removed += [f"folder {folder}" for folder in (_here(wanted, owned.name)) if _remove_here(folder)]
    dropped = drop_databases_of(owned.run, clone_address(wanted.sql_server, how))
    return removed + [f"database {name} on {wanted.sql_server.server}" for name in dropped]


def remove_expired(wanted: HostSettings, how: SqlServerSettings, now: datetime) -> list[str]:
    """Whatever rehearsals made whose time is over; nothing else is ever touched."""
    with reached(wanted) as reach:
        line = system_of(wanted.system).entries(wanted.folder)
        listed = must(reach, "listing a folder", line, timeout=_WHILE).splitlines()
    for parent in (wanted.server_folders.local, wanted.sql_server.backups.local):
        listed += [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
    found = {one for one in map(OwnedFolder.parse, map(str.strip, listed)) if one is not None and one.expires <= now}
    removed = [told for one in sorted(found, key=lambda one: one.name) for told in remove_run(wanted, how, one)]
    with SqlServer(clone_address(wanted.sql_server, how)) as server:
        dropped = reap_databases(server, now, lambda _: None)
    return removed + [f"database {one.name} on {wanted.sql_server.server}" for one in dropped]


def _remove_from_host(reach: Reach, system: System, wanted: HostSettings, owned: OwnedFolder) -> list[str]:
    root = system.path(wanted.folder, owned.name)
    if not reach.run("looking for a folder", system.exists(root), timeout=_WHILE).ok:
        return []
    for instance in _services(reach, system, wanted, owned):
        InstalledService(reach, system, wanted.install_folder or MSI_FOLDER, instance).uninstall()
    # Each process of a run has its instance's configuration file as an argument.
    mine = rf"(--config=)?{literally(root)}[/\\].*".encode()
    must(reach, "ending processes", system.end_processes(), timeout=_WHILE, stdin=mine)
    must(reach, "removing a folder", system.remove(root), timeout=_WHILE)
    return [f"folder {root} on {reach.where}, with its server"]


def _services(reach: Reach, system: System, wanted: HostSettings, owned: OwnedFolder) -> Sequence[str]:
    """Instances of the run that are registered on a Windows host."""
    facts = read_facts(must(reach, "looking at the host", system.facts(wanted.folder), timeout=_WHILE))
    return [name for name in facts.get("instance", ()) if name.startswith(owned.name)]


def _here(wanted: HostSettings, name: str) -> tuple[Path, Path]:
    return wanted.server_folders.local / name, wanted.sql_server.backups.local / name


def _remove_here(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    try:
        shutil.rmtree(folder)
    except PermissionError as error:  # the server writes as a user of its own
        raise HarnessError(
            f"{error.filename} may not be deleted by this user",
            where=str(folder),
            next_step="delete the folder as somebody who may",
        ) from None
    return True
