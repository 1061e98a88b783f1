"""The only writes a rehearsal makes to the main instance, each written down before it happens and undone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, final

from tidegate.errors import HarnessError, Unreachable
from tidegate.journal_lines import append_entry, entries_of
from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.maintenance import in_maintenance_mode, set_maintenance_mode
from tidegate.octopus.migration import MigrationPackage, delete_migration_package, end_migrations
from tidegate.octopus.project_transfer import delete_export
from tidegate.process_identity import identity_of, still_runs
from tidegate.rehearsal.instances import MainInstance
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.restore import drop_database
from tidegate.waiting import wait_until

#: How long an undo is tried again when the server does not answer.
_UNDO_PATIENCE: Final = 120.0
_MAINTENANCE: Final = "maintenance-mode"
_BACKUP_FILE: Final = "backup-file"
_SCRATCH: Final = "scratch-database"
_EXPORT: Final = "project-export"
_MIGRATION: Final = "migration-export"

Entry = dict[str, Any]


@final
class MainWrites:
    """Writes to one main instance. The journal's lines are on disk before the main instance knows of anything."""

    def __init__(self, journal: Path, main: MainInstance) -> None:
        self._journal = journal
        self._main = main
        self._count = len(entries_of(journal))
        self._append(kind="owner", **identity_of())

    @contextmanager
    def maintenance_mode(self) -> Generator[None]:
        """Maintenance mode on the main instance inside the block; afterwards the state that was found.

        Raises :class:`HarnessError` when somebody switched it off in the meantime: what was copied then may be torn.
        """
        with OctopusClient(self._main.url, self._main.api_key, access=Access.FULL) as client:
            if in_maintenance_mode(client):
                yield
                _assert_still_on(client)
                return
            with self._undoing(_MAINTENANCE, lambda: _switch_off(client), url=self._main.url):
                set_maintenance_mode(client, True)
                yield
                _assert_still_on(client)

    @contextmanager
    def backup_file(self, here: Path) -> Generator[None]:
        """A backup file that is being written: kept when the block succeeds, deleted when it does not."""
        number = self._intend(_BACKUP_FILE, path=str(here))
        try:
            yield
        except BaseException:
            here.unlink(missing_ok=True)
            raise
        finally:
            self._append(kind="done", number=number)

    @contextmanager
    def project_export(self, space: str) -> Generator[tuple[OctopusClient, Callable[[str], None]]]:
        """A client that may export projects of a space, and whom to tell the task that does; at the end of the block
        the file that the task left is deleted. The task and its audit events stay.
        """
        number = self._intend(_EXPORT, url=self._main.url, space=space)
        tasks: list[str] = []

        def started(task: str) -> None:
            tasks.append(task)
            self._append(kind="task", number=number, task=task)

        with OctopusClient(self._main.url, self._main.api_key, access=Access.FULL) as client:
            try:
                yield client, started
            finally:
                for task in tasks:
                    delete_export(client, space, task)
                self._append(kind="done", number=number)

    @contextmanager
    def migration_export(
        self, space: str, package: MigrationPackage
    ) -> Generator[tuple[OctopusClient, Callable[[str], None]]]:
        """A client that may have projects of a space packed, and whom to tell the task that does.

        The server switches its maintenance mode on and off for that by itself. At the end of the block no such task
        runs any more, the package is deleted, and maintenance mode is what it was before.
        """
        with OctopusClient(self._main.url, self._main.api_key, access=Access.FULL) as client:
            before = in_maintenance_mode(client)
            number = self._intend(
                _MIGRATION,
                url=self._main.url,
                space=space,
                package=package.id,
                version=package.version,
                maintenance="on" if before else "off",
            )
            tasks: list[str] = []

            def started(task: str) -> None:
                tasks.append(task)
                self._append(kind="task", number=number, task=task)

            try:
                yield client, started
            finally:
                _undo_migration(client, space, package, tasks, maintenance=before)
                self._append(kind="done", number=number)

    @contextmanager
    def scratch_database(self, name: str) -> Generator[None]:
        """A database that exists inside the block only, on the main instance's SQL Server."""

        def drop() -> None:
            with SqlServer(self._main.database.server) as server:
                drop_database(server, name)

        with self._undoing(_SCRATCH, drop, name=name):
            yield

    @contextmanager
    def _undoing(self, write: str, undo: Callable[[], None], **details: str) -> Generator[None]:
        number = self._intend(write, **details)
        try:
            yield
        finally:
            undo()
            self._append(kind="done", number=number)

    def _intend(self, write: str, **details: str) -> int:
        self._count += 1
        self._append(
            kind="intent",
            number=self._count,
            write=write,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            **details,
        )
        return self._count

    def _append(self, **entry: Any) -> None:
        append_entry(self._journal, entry)


def unfinished_writes(journal: Path) -> list[Entry]:
    """Writes that a dead run announced and did not undo, newest first; empty while the run is alive."""
    entries = entries_of(journal)
    owners = [entry for entry in entries if entry["kind"] == "owner"]
    if owners and still_runs(owners[-1]):
        return []
    return open_writes(journal)


def open_writes(journal: Path) -> list[Entry]:
    """Writes that were announced and are not undone yet, newest first, whether or not their run is alive."""
    entries = entries_of(journal)
    done = {entry["number"] for entry in entries if entry["kind"] == "done"}
    return [entry for entry in reversed(entries) if entry["kind"] == "intent" and entry["number"] not in done]


def recover(journal: Path, main: MainInstance) -> list[str]:
    """Undo what a dead run left on the main instance; one sentence for each undo.

    Nothing happens while that run is alive. Maintenance mode is switched off only where the dead run switched it on.
    """
    undone: list[str] = []
    for entry in unfinished_writes(journal):
        match entry["write"]:
            case "maintenance-mode" if entry["url"] == main.url:
                with OctopusClient(main.url, main.api_key, access=Access.FULL) as client:
                    _switch_off(client)
                undone.append(f"maintenance mode of {main.url} switched off")
            case "project-export" if entry["url"] == main.url:
                undone.append(_delete_exports(journal, entry, main))
            case "migration-export" if entry["url"] == main.url:
                undone.append(_undo_dead_migration(journal, entry, main))
            case "backup-file":
                Path(entry["path"]).unlink(missing_ok=True)
                undone.append(f"unfinished backup file {entry['path']} deleted")
            case "scratch-database" if OwnedDatabase.parse(entry["name"]) is not None:
                with SqlServer(main.database.server) as server:
                    drop_database(server, entry["name"])
                undone.append(f"scratch database {entry['name']} dropped")
            case _:
                # Another main instance, or a line that no version of this program wrote: its owner must look.
                raise HarnessError(
                    f"an earlier run left a write that cannot be undone from here: {entry['write']} of {entry['at']}",
                    where=str(journal),
                    next_step=f"check {entry.get('url', main.url)} by hand, then delete this file",
                )
        append_entry(journal, {"kind": "done", "number": entry["number"], "by": "recovery"})
    return undone


def _tasks_of(journal: Path, entry: Entry) -> list[str]:
    return [
        str(one["task"]) for one in entries_of(journal) if one["kind"] == "task" and one["number"] == entry["number"]
    ]


def _undo_dead_migration(journal: Path, entry: Entry, main: MainInstance) -> str:
    package = MigrationPackage(entry["package"], entry["version"])
    was_on = entry["maintenance"] == "on"
    with OctopusClient(main.url, main.api_key, access=Access.FULL) as client:
        _undo_migration(client, entry["space"], package, _tasks_of(journal, entry), maintenance=was_on)
    state = "on, as it was before" if was_on else "off"
    return f"the exported package {package.file} deleted from {main.url}, maintenance mode is {state}"


def _undo_migration(
    client: OctopusClient, space: str, package: MigrationPackage, tasks: Sequence[str], *, maintenance: bool
) -> None:
    """No task, no package, and maintenance mode as it was: a task that died leaves the server in it."""

    def undo() -> None:
        end_migrations(client, tasks, package)
        delete_migration_package(client, space, package)
        if in_maintenance_mode(client) is not maintenance:
            set_maintenance_mode(client, maintenance)

    _until_reached(client, undo, "the main instance to be as it was before its projects were exported")


def _delete_exports(journal: Path, entry: Entry, main: MainInstance) -> str:
    tasks = _tasks_of(journal, entry)
    if not tasks:
        return f"no export of projects was known to run on {main.url} (one was about to, {entry['at']})"
    with OctopusClient(main.url, main.api_key, access=Access.FULL) as client:
        for task in tasks:
            delete_export(client, entry["space"], task)
    return f"the exported file of {', '.join(tasks)} deleted from {main.url}"


def _switch_off(client: OctopusClient) -> None:
    _until_reached(client, lambda: set_maintenance_mode(client, False), "the main instance to leave maintenance mode")


def _until_reached(client: OctopusClient, undo: Callable[[], None], what: str) -> None:
    """Try again while the server cannot be reached: an undo is not given up because of a restart."""

    def attempt() -> bool:
        try:
            undo()
        except Unreachable:
            return False
        return True

    wait_until(attempt, timeout=_UNDO_PATIENCE, poll=2.0, what=what, where=client.url)


def _assert_still_on(client: OctopusClient) -> None:
    if not in_maintenance_mode(client):
        raise HarnessError(
            "somebody switched maintenance mode off while the backup was being taken",
            where=client.url,
            next_step="agree on a time with the people who run the main instance and repeat the rehearsal",
        )
