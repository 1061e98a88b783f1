"""Whether the evidence of a run is still what was recorded: no line or file changed, missing or added."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tidegate.digests import sha256_of
from tidegate.gate.evidence import ATTACHMENTS, GENESIS, LEDGER, parse_line

#: Folders whose every file must be in the ledger.
RECORDED_FOLDERS: Final = (ATTACHMENTS, "snapshots", "logs")


@dataclass(frozen=True, slots=True)
class Damage:
    """One way in which the evidence is not what was recorded."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """What recomputing found: the digest of the last line, the number of lines, the damage, and the digest of each
    file by its path as the ledger tells it."""

    head: str
    length: int
    damage: tuple[Damage, ...]
    recorded: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def sound(self) -> bool:
        return not self.damage


def verify(folder: Path) -> Ledger:
    """Recompute the chain and every attachment's digest; memory does not grow with the evidence."""
    head, length = GENESIS, 0
    damage: list[Damage] = []
    recorded: dict[str, str] = {}
    ledger = folder / LEDGER
    if not ledger.is_file() or ledger.is_symlink():
        return Ledger(head, 0, (Damage(LEDGER, "is missing"),))
    with ledger.open("rb") as lines:
        for length, line in enumerate(lines, start=1):
            place = f"{LEDGER}:{length}"
            if not line.endswith(b"\n"):
                damage.append(Damage(place, "the line is torn: its writer was stopped in the middle"))
            try:
                entry = parse_line(line.rstrip(b"\n"))
            except ValueError:
                damage.append(Damage(place, "the line is not an event"))
                head = ""
                continue
            if entry.previous != head:
                damage.append(Damage(place, "a line before it was changed, removed or added"))
            if entry.number != length:
                damage.append(Damage(place, f"is numbered {entry.number}"))
            head = entry.digest
            if entry.kind == "attachment":
                path, digest = str(entry.details.get("path")), str(entry.details.get("sha256"))
                if recorded.setdefault(path, digest) != digest:
                    damage.append(Damage(place, f"records {path} again, with another content"))
    if length == 0:
        damage.append(Damage(LEDGER, "is empty"))
    damage.extend(_attachments(folder, recorded))
    return Ledger(head, length, tuple(damage), recorded)


def _attachments(folder: Path, recorded: dict[str, str]) -> Iterator[Damage]:
    inside = folder.resolve()
    for path, digest in recorded.items():
        try:
            file = (folder / path).resolve()
            if not file.is_relative_to(inside):
                yield Damage(path, "lies outside the run folder")
            elif not file.is_file():
                yield Damage(path, "is missing")
            elif sha256_of(file) != digest:
                yield Damage(path, "was changed after it was recorded")
        except (OSError, ValueError) as error:  # unreadable, or no name of a file at all
            yield Damage(path, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    for name in RECORDED_FOLDERS:
        for path in files_below(folder, folder / name):
            if path not in recorded:
                yield Damage(path, "was added: the ledger does not know it")
            elif (folder / path).is_symlink():
                yield Damage(path, "is a link: what it leads to can change unnoticed")


def files_below(folder: Path, top: Path) -> list[str]:
    """Everything at or below ``top`` that is no folder, as paths relative to ``folder``; links are not followed, so
    that nothing hides behind one."""
    if top.is_symlink() or not top.is_dir():
        return [top.relative_to(folder).as_posix()] if top.is_symlink() or top.exists() else []
    found: list[str] = []
    for here, folders, files in os.walk(top):
        linked = [name for name in folders if Path(here, name).is_symlink()]
        found += [Path(here, name).relative_to(folder).as_posix() for name in (*files, *linked)]
    return sorted(found)
