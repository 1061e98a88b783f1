"""What a run provisioned, written down before it is used, so that the next run can remove what a killed one left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import psutil

from tidegate.errors import HarnessError
from tidegate.journal_lines import append_entry, entries_of
from tidegate.process_identity import identity_of, still_runs
from tidegate.waiting import wait_until

_JOURNAL: Final = "provisioned.jsonl"


@dataclass(frozen=True, slots=True)
class Removed:
    """One thing a dead run had left and that is gone now."""

    run: str
    what: str


@final
class Leftovers:
    """The journal of one run: its own process, the processes it started, and the folders it works in.

    A process is known by its id and start time, so that a recycled id is never taken for it.
    """

    def __init__(self, run_folder: Path) -> None:
        self._file = run_folder / _JOURNAL
        if not self._file.exists():
            self._append(kind="owner", **identity_of())

    def process(self, pid: int, what: str) -> None:
        self._append(kind="process", what=what, **identity_of(pid))

    def folder(self, path: Path) -> None:
        self._append(kind="folder", path=str(path.resolve()))

    def containers(self, run: str) -> None:
        """Containers, networks and volumes that are labelled with this run."""
        self._append(kind="containers", run=run)

    def host(self, described: Mapping[str, Any]) -> None:
        """What is put on another machine, into shared folders and on a SQL Server; secrets are references in it."""
        self._append(kind="host", **described)

    def finished(self) -> None:
        """Everything was removed in the orderly way; nothing is left for a later run."""
        self._file.unlink(missing_ok=True)

    def _append(self, **entry: Any) -> None:
        append_entry(self._file, entry)


def dead_runs(reports: Path) -> Iterator[Path]:
    """Run folders whose process is gone and which did not finish."""
    if not reports.is_dir():
        return
    for journal in sorted(reports.glob(f"*/{_JOURNAL}")):
        entries = entries_of(journal)
        # `latest` is a link to one of them.
        if entries and not still_runs(entries[0]) and not journal.parent.is_symlink():
            yield journal.parent


def remove_leftovers(run_folder: Path) -> list[Removed]:
    """Stop the processes and delete the folders that a dead run left; returns what there was.

    Only folders inside the run folder are deleted, whatever the journal says. Raises
    :class:`tidegate.errors.TidegateError` when a Docker engine or another machine is needed for it and cannot be used:
    the journal stays.
    """
    removed: list[Removed] = []
    inside = run_folder.resolve()
    for entry in entries_of(run_folder / _JOURNAL):
        match entry.get("kind"):
            case "process" if still_runs(entry):
                process = psutil.Process(entry["pid"])
                process.kill()
                # A zombie is gone as well: in a container there may be nobody to reap it.
                wait_until(lambda entry=entry: not still_runs(entry), timeout=10, what=f"process {entry['pid']} to end")
                with suppress(psutil.TimeoutExpired):
                    process.wait(timeout=0)  # reaps it where it is a child of ours
                removed.append(Removed(run_folder.name, f"process {entry['pid']} ({entry['what']})"))
            case "folder":
                folder = Path(entry["path"])
                if folder.is_dir() and inside in folder.resolve().parents:
                    try:
                        shutil.rmtree(folder)
                    except PermissionError as error:  # servers in containers write as root
                        raise HarnessError(
                            f"{error.filename} may not be deleted by this user", next_step=f"sudo rm -r {folder}"
                        ) from None
                    removed.append(Removed(run_folder.name, f"folder {folder}"))
            case "containers":
                removed += [Removed(run_folder.name, what) for what in _remove_containers(str(entry["run"]))]
            case "host":
                from tidegate.providers.hosts.reaper import remove_described  # noqa: PLC0415 -- only where it was used

                removed += [Removed(run_folder.name, what) for what in remove_described(entry)]
            case _:
                continue
    (run_folder / _JOURNAL).unlink(missing_ok=True)
    return removed


def _remove_containers(run: str) -> list[str]:
    from tidegate.providers.containers.engine import Engine  # noqa: PLC0415 -- Docker's client, only where it was used
    from tidegate.providers.containers.reaper import remove_run  # noqa: PLC0415

    engine = Engine()
    try:
        return remove_run(engine.client, run)
    finally:
        engine.close()
