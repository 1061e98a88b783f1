"""The moment before an upgrade, kept so that one can go back to it and prove that one is there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tidegate.digests import sha256_of
from tidegate.errors import HarnessError
from tidegate.rehearsal.folders import copy_folder, describe_folder
from tidegate.rehearsal.instances import DatabaseAddress, FileEntry, ServerFolders, SharedFolder
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import schema_journal
from tidegate.sqlserver.image import DatabaseImage, database_image
from tidegate.versions import Version

Report = Callable[[str], None]
#: The description of the point, in its folder, beside the copies of the server folders.
DESCRIPTION: Final = "rollback-point.json"


@dataclass(frozen=True, slots=True)
class RollbackPoint:
    """What leads back (the backup, perhaps copies of the server folders) and what proves it (image and manifests).

    ``folder`` holds a copy of each server folder under its name, or nothing but the description when the server
    folders were not copied; ``manifests`` describe them either way.
    """

    version: Version
    database: str
    file: SharedFolder
    sha256: str
    image: DatabaseImage
    journal: tuple[str, ...]  # names of the schema scripts that had run
    folder: Path
    copied: bool
    manifests: Mapping[str, tuple[FileEntry, ...]]

    @property
    def files(self) -> int:
        """Files in all server folders together."""
        return sum(len(entries) for entries in self.manifests.values())


def take_rollback_point(
    version: Version,
    database: DatabaseAddress,
    folders: ServerFolders,
    *,
    backup: SharedFolder,
    folder: Path,
    report: Report,
    copy_folders: bool = True,
) -> RollbackPoint:
    """Describe database and server folders as they are, beside the ``backup`` that was just taken of them.

    The server must be stopped: what it writes between backup and description would look like a bad rollback.
    """
    with SqlServer(database.server, database.name) as server:
        report("taking the database's fingerprints")
        image = database_image(server)
        journal = tuple(schema_journal(server))
    manifests = {
        name: copy_folder(source, folder / name, report) if copy_folders else describe_folder(source)
        for name, source in folders.named().items()
        if source.is_dir()  # older versions have neither Imports (2021.1) nor EventExports (2023.3)
    }
    point = RollbackPoint(
        version, database.name, backup, sha256_of(backup.here), image, journal, folder, copy_folders, manifests
    )
    save_point(point)
    return point


def save_point(point: RollbackPoint) -> None:
    """Write the description; it is there completely or not at all."""
    point.folder.mkdir(parents=True, exist_ok=True)
    partial = point.folder / f"{DESCRIPTION}.partial"
    with partial.open("w", encoding="utf-8") as stream:
        json.dump(_as_json(point), stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(point.folder / DESCRIPTION)


def load_point(folder: Path) -> RollbackPoint:
    """The point that was described in ``folder``; raises :class:`HarnessError` when there is none."""
    try:
        raw: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        return RollbackPoint(
            version=Version.parse(raw["version"]),
            database=raw["database"],
            file=SharedFolder(raw["file"]["onServer"], Path(raw["file"]["here"])),
            sha256=raw["sha256"],
            image=DatabaseImage(raw["tables"], raw["schema"]),
            journal=tuple(raw["journal"]),
            folder=folder,
            copied=bool(raw["copied"]),
            manifests={name: tuple(FileEntry(**one) for one in entries) for name, entries in raw["folders"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HarnessError(
            f"there is no description of the state before the upgrade: {error}",
            where=str(folder / DESCRIPTION),
            next_step="roll back by hand from the backup that was taken before the upgrade",
        ) from None


def _as_json(point: RollbackPoint) -> dict[str, Any]:
    return {
        "version": str(point.version),
        "database": point.database,
        "file": {"onServer": point.file.on_server, "here": str(point.file.here)},
        "sha256": point.sha256,
        "tables": dict(point.image.tables),
        "schema": dict(point.image.schema),
        "journal": list(point.journal),
        "copied": point.copied,
        "folders": {name: [asdict(entry) for entry in entries] for name, entries in point.manifests.items()},
    }
