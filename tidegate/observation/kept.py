"""The answers of a snapshot that is being taken, on disk as they come: whoever takes it again need not ask for them.

They may be used only for the same moment of the same instance, which is what the audit log and the queue of tasks say:
Octopus writes an audit event for whatever is changed (Octopus docs, security/users-and-teams/auditing).
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from tidegate.errors import Refused
from tidegate.json_text import parsed, written
from tidegate.observation.documents import id_of, list_shape, property_of
from tidegate.observation.fetching import Fetched, Job, Report
from tidegate.observation.routes import route_knowledge
from tidegate.observation.scope import SnapshotSource
from tidegate.observation.store import ACTED_ON, Snapshot
from tidegate.octopus.client import Answer, OctopusClient, ServerInfo
from tidegate.process_identity import identity_of, still_runs

Moment = Mapping[str, Any]

#: Statuses that may be others the next time: not logged in, and whatever 5xx a server in trouble gives.
_PASSING: Final = frozenset({401, 408, 429})
_SERVER_IN_TROUBLE: Final = 500

#: What a moment is made of, and why a snapshot is begun anew where it differs. The first one that differs is told.
_REASONS: Final = {
    "installation": "it was of another instance",
    "version": "the instance has another version now",
    "event": "the audit log has gone on since",
    "task": "tasks were queued or have gone on since",
    "asked": "something else was asked for, or by other users",
}


def moment_of(source: SnapshotSource, server: ServerInfo) -> Moment:
    """Which instance is looked at, in which state, and what it is asked for."""
    administrator = source.clients[source.administrator]
    asked = {
        "users": list(source.clients),
        "administrator": source.administrator,
        "scope": asdict(source.scope),
        "thorough": source.thorough,
        "like": Snapshot(source.like).about["taken"] if source.like is not None else "",
        "traffic": [(call.path, call.times) for call in source.traffic],
    }
    return {
        "installation": [server.installation_id, administrator.url],
        "version": str(server.version),
        "event": _newest(administrator, "events", spaces=server.spaces),
        "task": _newest(administrator, "tasks", spaces=server.spaces),
        "asked": hashlib.blake2b(written(asked).encode(), digest_size=16).hexdigest(),
    }


def _newest(client: OctopusClient, collection: str, *, spaces: bool) -> list[Any] | None:
    """The newest entry of a log with its state, and how many there are; None where that cannot be read."""
    query = f"&{route_knowledge().queries[collection]}" if spaces else ""
    with suppress(Refused):
        shape = list_shape(client.get(f"/api/{collection}?skip=0&take=1{query}"))
        if shape is not None:
            return [shape.total, *([id_of(item), property_of(item, "State")] for item in shape.items)]
    return None


def why_not(kept: Moment, now: Moment) -> str:
    """Why answers of the moment ``kept`` cannot be used ``now``; "" when they can."""
    if now["event"] is None or now["task"] is None:
        return "the audit log or the tasks cannot be read, so nothing tells whether the instance has changed"
    return next((reason for part, reason in _REASONS.items() if kept.get(part) != now[part]), "")


@contextmanager
def kept_answers(file: Path | None, moment: Callable[[], Moment], report: Report) -> Generator[KeptAnswers | None]:
    """The answers that ``file`` holds and will hold; None without a file, or while another process writes to it. The
    file is removed when the snapshot is whole, and stays when it was cut short."""
    if file is None:
        yield None
        return
    there = _Kept.read(file)
    if there.in_use:
        report(f"snapshot: its answers are not kept, because another process keeps its own in {file.name}")
        yield None
        return
    kept = KeptAnswers(file, there, moment())
    if kept.begun_anew:
        report(f"snapshot: one was cut short and is begun anew: {kept.begun_anew}")
    elif kept.number:
        report(f"snapshot: one was cut short and goes on: {kept.number} answers are there already")
    try:
        yield kept
    except BaseException:
        kept.close()
        raise
    kept.close()
    file.unlink()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a file holds: the moments at which it was written to, the last one who did, where each answer's line begins
    and its length, and the length of all lines that are whole, in bytes."""

    moments: tuple[Moment, ...]
    owner: dict[str, Any] | None
    places: Mapping[tuple[str, str, bool], tuple[int, int]]
    whole: int

    @classmethod
    def read(cls, file: Path) -> Self:
        moments: list[Moment] = []
        owner: dict[str, Any] | None = None
        places: dict[tuple[str, str, bool], tuple[int, int]] = {}
        end = 0
        for start, length, entry in _lines(file):
            end = start + length
            if "moment" in entry:
                moments.append(entry["moment"])
                owner = entry["owner"]
            else:
                places[entry["user"], entry["path"], entry["file"]] = (start, length)
        return cls(tuple(moments), owner, places, end)

    @property
    def in_use(self) -> bool:
        """Whether another process that still runs writes to the file."""
        return self.owner is not None and self.owner["pid"] != os.getpid() and still_runs(self.owner)


class KeptAnswers:
    """One file of answers, each on a line of its own, that grows while a snapshot is taken; safe to share between
    threads. ``begun_anew`` says why answers that were there are not used, ``taken_over`` counts those that were.

    What is kept is redacted like the snapshot itself. A line that a kill has cut off is dropped.
    """

    def __init__(self, file: Path, there: _Kept, moment: Moment) -> None:
        self._lock = threading.Lock()
        self.begun_anew = next(filter(None, (why_not(earlier, moment) for earlier in there.moments)), "")
        self.taken_over = 0
        self._places: Mapping[tuple[str, str, bool], tuple[int, int]] = {} if self.begun_anew else there.places
        whole = 0 if self.begun_anew else there.whole
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = file.open("r+b" if whole else "w+b")
        self._stream.truncate(whole)
        self._append({"moment": moment, "owner": identity_of()})

    def close(self) -> None:
        self._stream.close()

    @property
    def number(self) -> int:
        """Answers that were there when the file was opened and can be used."""
        return len(self._places)

    def found(self, job: Job) -> Fetched | None:
        """The answer to ``job`` that was there already."""
        place = self._places.get((job.user, job.path, job.file))
        if place is None:
            return None
        with self._lock:
            self.taken_over += 1
            self._stream.seek(place[0])
            line = self._stream.read(place[1])
        entry = parsed(line.decode())
        text = entry["text"]
        answer = Answer(entry["status"], entry["headers"], b"", entry["seconds"])
        return Fetched(job, answer, text, parsed(text) if text else None, entry["size"], entry["digest"])

    def keep(self, fetched: Fetched) -> None:
        """Write down an answer, unless another attempt may get a better one."""
        job, answer = fetched.job, fetched.answer
        if answer is None or fetched.garbled or answer.status in _PASSING or answer.status >= _SERVER_IN_TROUBLE:
            return
        self._append(
            {
                "user": job.user, "path": job.path, "file": job.file, "status": answer.status,
                "headers": {name: answer.headers[name] for name in ACTED_ON if name in answer.headers},
                "seconds": answer.seconds, "size": fetched.size, "digest": fetched.digest, "text": fetched.text,
            }
        )  # fmt: skip

    def _append(self, entry: Mapping[str, Any]) -> None:
        line = written(entry).encode() + b"\n"
        with self._lock:
            self._stream.seek(0, os.SEEK_END)
            self._stream.write(line)
            self._stream.flush()  # what a killed process has written stays; only a machine that fails loses it


def _lines(file: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Where each line begins, its length in bytes and what it says, up to the first one that is not whole."""
    if not file.exists():
        return
    with file.open("rb") as stream:
        start = 0
        for line in stream:
            if not line.endswith(b"\n"):
                return
            yield start, len(line), parsed(line.decode())
            start += len(line)
