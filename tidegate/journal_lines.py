"""Lines of a journal that a kill at any moment leaves readable: each is on disk before what it announces begins."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def append_line(journal: Path, line: bytes) -> None:
    """Appended to the file, which is made where it is missing; on disk when this returns."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    fresh = not journal.exists()
    with journal.open("ab") as stream:
        # A leading line end closes a line that a kill has cut off.
        stream.write(b"\n" + line + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    if fresh:
        _sync_folder(journal.parent)


def append_entry(journal: Path, entry: dict[str, Any]) -> None:
    """One JSON object as one line; see `append_line`."""
    append_line(journal, json.dumps(entry).encode())


def whole_lines(journal: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Every JSON object of the file with the bytes of its line; none where there is no file.

    A line that a kill has cut off is passed over: what it announces had not begun.
    """
    if not journal.exists():
        return
    for line in filter(None, journal.read_bytes().split(b"\n")):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):  # the beginning of a line may be a whole number
            yield entry, line


def entries_of(journal: Path) -> list[dict[str, Any]]:
    """Every JSON object of the file, as `whole_lines` reads them."""
    return [entry for entry, _ in whole_lines(journal)]


def _sync_folder(folder: Path) -> None:
    """A new file is safe only when its folder is."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
