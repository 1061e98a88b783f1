"""What killed runs left behind, removed or undone: by the next run before anything else, or by `tidegate reap`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tidegate.cutover.journal import unfinished_cut_overs
from tidegate.errors import HarnessError, TidegateError
from tidegate.gate.evidence import LEDGER, read_entries
from tidegate.providers.leftovers import dead_runs, remove_leftovers
from tidegate.providers.provision import remove_expired
from tidegate.rehearsal.main import database_address, describe_main
from tidegate.rehearsal.maintenance import recover, unfinished_writes
from tidegate.settings import Settings
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.reaper import reap_databases

#: The journal of writes to the main instance, in each run folder.
WRITES: Final = "main-writes.jsonl"


@dataclass(slots=True)
class Recovery:
    """A sentence for each thing that was cleaned up, and for each that could not be."""

    done: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])


def clean_up_after_dead_runs(reports: Path, settings: Settings) -> Recovery:
    """End processes, delete folders, and undo writes to the main instance of ``settings`` (maintenance mode, unfinished
    backup files, scratch databases). Runs that live, and other main instances, are left alone; an unfinished cut-over
    of this one is told, and only running it again ends it."""
    recovery = Recovery()
    for dead in list(dead_runs(reports)):
        try:
            recovery.done += [f"{removed.run} was killed: {removed.what} removed" for removed in remove_leftovers(dead)]
        except TidegateError as error:
            recovery.failed.append(f"{dead.name} was killed, and not everything it left could be removed: {error}")
    for journal in sorted(reports.glob(f"*/{WRITES}")):
        if journal.parent.is_symlink():
            continue  # `latest` is a link to one of them
        try:
            recovery.done += [f"{journal.parent.name} was killed: {undone}" for undone in _undo(journal, settings)]
        except HarnessError as error:
            recovery.failed.append(f"{journal.parent.name} was killed, and this could not be undone: {error}")
    if settings.main is not None:
        recovery.failed += unfinished_cut_overs(reports, settings.main.url)
    return recovery


def reap(settings: Settings, now: datetime) -> Recovery:
    """What dead runs left, and what rehearsals made that has expired: containers, and databases on the main instance's
    SQL Server, which only a verification without a SQL Server of its own makes. Nothing else is ever touched."""
    recovery = clean_up_after_dead_runs(settings.reports.folder, settings)
    try:
        recovery.done += [f"expired: {what} removed" for what in remove_expired(settings, now)]
        if settings.main is not None:
            address = database_address(settings.main, settings.sql_server).server
            with SqlServer(address) as server:
                dropped = reap_databases(server, now, lambda _: None)
            recovery.done += [f"expired: database {one.name} dropped on {address.server}" for one in dropped]
    except TidegateError as error:
        recovery.failed.append(f"what has expired could not all be removed: {error}")
    return recovery


def _undo(journal: Path, settings: Settings) -> Iterator[str]:
    if not unfinished_writes(journal):
        return
    started = _settings_of(journal.parent)
    if started.get("main") is None:
        journal.unlink()  # its main instance was an embedded one, which ended with it
    elif settings.main is not None and started["main"].get("url") == settings.main.url:
        yield from recover(journal, describe_main(settings.main, settings.sql_server))


def _settings_of(folder: Path) -> dict[str, Any]:
    for entry in read_entries(folder / LEDGER):
        if entry.kind == "run.started":
            return dict(entry.details["settings"])
    return {}
