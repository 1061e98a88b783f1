"""What happened in a run, one line an event, each line bound to the one before by its digest.

The ledger is written by every process of a run (controller and workers of pytest-xdist), one line at a time under a
file lock. Nothing is ever changed or removed; :mod:`tidegate.gate.integrity` recomputes all of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from io import BufferedRandom
from pathlib import Path
from typing import Any, Final, cast, final

from pydantic import BaseModel

from tidegate.checks.finding import Finding
from tidegate.digests import sha256_of
from tidegate.secrets import redact

LEDGER: Final = "evidence.jsonl"
ATTACHMENTS: Final = "attachments"

#: What the first line calls the digest of the line before it.
GENESIS: Final = "0" * 64

_TEXT: Final = re.compile(r"text/|application/(json|xml|sql|x-ndjson|toml)|image/svg")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. ``digest`` is that of its line, which the next line repeats as ``previous``."""

    number: int
    time: datetime
    kind: str
    details: Mapping[str, Any]
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that belongs to the evidence, known by its digest. ``path`` is relative to the run folder."""

    name: str
    path: str
    sha256: str
    size: int
    media_type: str


@final
class Evidence:
    """The ledger of one run folder, to append to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / LEDGER
        self._lock = threading.Lock()
        self._watchers: list[Callable[[Attachment, Path], None]] = []

    def on_attach(self, watcher: Callable[[Attachment, Path], None]) -> None:
        """Call ``watcher`` with each attachment and its file, once it is recorded."""
        self._watchers.append(watcher)

    def record(self, kind: str, /, **details: Any) -> Entry:
        """Append one event. What JSON does not know is written as text, and every known secret is masked."""
        plain = cast("dict[str, Any]", plain_value(details))
        with self._lock, self._exclusive() as ledger:
            number, previous = _last(ledger)
            entry = {
                "number": number + 1,
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "kind": kind,
                "details": plain,
                "previous": previous,
            }
            line = canonical(entry)
            ledger.write(line + b"\n")
            ledger.flush()
            os.fsync(ledger.fileno())
        return parse_line(line)

    def attach(self, name: str, content: bytes | str | Path, media_type: str) -> Attachment:
        """Keep ``content`` with the evidence. A file inside the run folder stays where it is and must not change."""
        if isinstance(content, Path) and content.resolve().is_relative_to(self.folder.resolve()):
            path = content.resolve()
        else:
            path = self._store(redact(name), _read(content), media_type)
        attachment = Attachment(
            name=redact(name),
            path=path.relative_to(self.folder.resolve()).as_posix(),
            sha256=sha256_of(path),
            size=path.stat().st_size,
            media_type=media_type,
        )
        self.record(
            "attachment",
            name=attachment.name,
            path=attachment.path,
            sha256=attachment.sha256,
            size=attachment.size,
            mediaType=attachment.media_type,
        )
        for watcher in self._watchers:
            watcher(attachment, path)
        return attachment

    def finding(self, finding: Finding) -> Entry:
        return self.record("finding", **finding.model_dump(mode="json"))

    def entries(self) -> tuple[Entry, ...]:
        """What was recorded so far, without checking the chain. A torn last line (a killed run) is left out."""
        return tuple(read_entries(self.file))

    def _store(self, name: str, content: bytes, media_type: str) -> Path:
        if _TEXT.match(media_type):
            content = redact(content.decode("utf-8", "replace")).encode()
        digest = hashlib.sha256(content).hexdigest()
        folder = self.folder.resolve() / ATTACHMENTS
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{digest[:16]}-{re.sub(r'[^A-Za-z0-9.]+', '-', name).strip('-')[:60]}"
        path.write_bytes(content)
        return path

    @contextmanager
    def _exclusive(self) -> Generator[BufferedRandom]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a+b") as ledger:
            _lock_file(ledger.fileno())
            try:
                yield ledger
            finally:
                ledger.flush()
                _unlock_file(ledger.fileno())


def read_entries(ledger: Path) -> Iterator[Entry]:
    """Every whole line of a ledger; nothing when there is no ledger. Raises ValueError for a line that is no event."""
    if not ledger.is_file():
        return
    with ledger.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield parse_line(line[:-1])


def parse_line(line: bytes) -> Entry:
    """One line of a ledger. Raises ValueError when it is not an event."""
    try:
        raw = json.loads(line)
        entry = Entry(
            number=int(raw["number"]),
            time=datetime.fromisoformat(raw["time"]),
            kind=str(raw["kind"]),
            details=cast("dict[str, Any]", raw["details"]),
            previous=str(raw["previous"]),
            digest=hashlib.sha256(line).hexdigest(),
        )
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no event: {type(error).__name__} {error}") from None
    if not isinstance(raw["details"], dict) or entry.time.tzinfo is None:
        raise ValueError("no event: its details are no object, or its time says nothing about its zone")
    return entry


def canonical(value: Any) -> bytes:
    """The one way this value is written as JSON, so that digests can be compared."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def plain_value(value: object) -> Any:
    """``value`` as plain JSON with every known secret masked; what JSON does not know becomes text."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value)
        return {redact(str(key)): plain_value(item) for key, item in items.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(item) for item in cast("list[object]", value)]
    return redact(value.isoformat() if isinstance(value, datetime) else str(value))


def _last(ledger: BufferedRandom) -> tuple[int, str]:
    """Number and digest of the last line. A torn line (its writer was killed) is closed and stays, as a broken one."""
    end = ledger.seek(0, os.SEEK_END)
    if end == 0:
        return 0, GENESIS
    size = 4096
    while True:
        start = max(0, end - size)
        ledger.seek(start)
        tail = ledger.read()
        lines = tail.rstrip(b"\n").rsplit(b"\n", 1)
        if len(lines) == 2 or start == 0:
            break
        size *= 4
    if not tail.endswith(b"\n"):
        ledger.write(b"\n")
    try:
        last = parse_line(lines[-1])
    except ValueError:
        return -1, hashlib.sha256(lines[-1]).hexdigest()
    return last.number, last.digest


def _read(content: bytes | str | Path) -> bytes:
    match content:
        case bytes():
            return content
        case str():
            return content.encode()
        case Path():
            return content.read_bytes()


if sys.platform == "win32":
    import msvcrt

    def _lock_file(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

    def _unlock_file(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock_file(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def _unlock_file(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
