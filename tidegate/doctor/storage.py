"""Folders and room: what is read must be readable here, what is written must fit."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tidegate.doctor.examined import Examined, bad, good
from tidegate.settings import MainSettings

_GIB: Final = 1024**3

#: A rehearsal of the embedded sample leaves about a quarter of this.
LEAST: Final = _GIB


def examine_room(name: str, folder: Path, needed: int, why: str) -> Examined:
    """Whether ``folder`` (or where it will be made) can be written to and has that many bytes free."""
    there = next((one for one in (folder, *folder.resolve().parents) if one.exists()), Path(folder.anchor or "."))
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"tidegate")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return bad(
            name, f"{folder} cannot be written to: {error.strerror}", "give this user the right, or name another"
        )
    free = shutil.disk_usage(there).free
    told = f"{folder} has {free / _GIB:.1f} GiB free"
    if free < needed:
        return bad(name, f"{told}; {needed / _GIB:.1f} GiB are needed: {why}", "make room, or name another folder")
    return good(name, f"{told}; {needed / _GIB:.1f} GiB are needed")


def examine_folders(main: MainSettings) -> Iterator[Examined]:
    """The server folders of the main instance, as this machine reads them."""
    for name, folder in main.folders.model_dump(exclude_none=True).items():
        told = f"[main.folders] {name}"
        try:
            number = sum(1 for _ in os.scandir(folder))
        except OSError as error:
            yield bad(told, f"{folder} cannot be read here: {error.strerror}", "share or mount it, read-only is enough")
            continue
        yield good(told, f"{folder} can be read, {number} entries")


def size_of(main: MainSettings) -> int:
    """Bytes in the server folders, which a backup set copies. Unreadable ones are told elsewhere and count nothing."""
    total = 0
    for folder in main.folders.model_dump(exclude_none=True).values():
        for root, _, names in os.walk(folder):
            for name in names:
                try:
                    total += (Path(root) / name).stat().st_size
                except OSError:  # deleted while it was counted, or not ours to read
                    continue
    return total
