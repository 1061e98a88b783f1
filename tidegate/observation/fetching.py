"""Asking many things at once: worker threads that repeat what a starting or flaky server refused."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, Protocol

from tidegate.errors import Unreachable
from tidegate.json_text import parsed
from tidegate.observation.documents import NOT_JSON, safe
from tidegate.observation.files import FileDigest
from tidegate.observation.scope import SnapshotScope
from tidegate.octopus.client import Answer, OctopusClient

#: Statuses that say "not now": the server starts, migrates, or limits the rate (429 since 2026.3).
NOT_NOW: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Job:
    """One request to make: who asks, where, and what is done with the answer."""

    user: str
    path: str
    place: str
    family: str
    form: str
    file: bool = False
    #: Whether the links of what comes are followed.
    follow: bool = True
    #: For a page of a list: what the earlier pages held.
    pages: Pages | None = None
    #: Whether only the manner of the answer counts (`tidegate.observation.manners`).
    manner: bool = False


@dataclass(slots=True)
class Pages:
    """A list being read page by page."""

    root: bool
    ids: list[str]
    links: frozenset[str] = frozenset()
    bound: int = 0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. ``answer`` is None when no answer came at all; ``trouble`` says why."""

    job: Job
    answer: Answer | None
    text: str = ""
    json: Any = None
    size: int = 0
    digest: str = ""
    trouble: str = ""
    #: Said to be JSON and is none: cut off on its way, perhaps.
    garbled: bool = False


class KeptAnswers(Protocol):
    """Answers that are on disk already (`tidegate.observation.kept`)."""

    def found(self, job: Job) -> Fetched | None: ...

    def keep(self, fetched: Fetched) -> None: ...


class Fetcher:
    """Runs jobs on a few threads; results come back in the order they finish. Used by one thread."""

    def __init__(
        self, clients: Mapping[str, OctopusClient], scope: SnapshotScope, kept: KeptAnswers | None = None
    ) -> None:
        self._clients = clients
        self._scope = scope
        self._kept = kept
        self._waiting: deque[Job] = deque()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._results: SimpleQueue[Fetched | BaseException] = SimpleQueue()
        self._flying = 0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._away = threading.Lock()
        self._returns = 0  # how often the server was away and came back
        self.requests = 0
        self.put_off: Counter[int] = Counter()  # answers that said "not now", by status

    def __enter__(self) -> Fetcher:
        for number in range(self._scope.workers):
            thread = threading.Thread(target=self._work, name=f"snapshot-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(timeout=5)

    def add(self, job: Job) -> None:
        self._waiting.append(job)

    def results(self) -> Iterator[Fetched]:
        """Answers until nothing is left to ask; more jobs may be added meanwhile."""
        while self._waiting or self._flying:
            # Few answers lie around unread, however many jobs wait: memory stays bounded.
            while self._waiting and self._flying < self._scope.workers * 2:
                self._jobs.put(self._waiting.popleft())
                self._flying += 1
            result = self._results.get()
            self._flying -= 1
            if isinstance(result, BaseException):
                raise result
            yield result

    def now(self, job: Job) -> Fetched:
        """One answer in the caller's thread, with nothing else under way."""
        return self._fetch(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._results.put(self._fetch_once(job))
            except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, which raises it
                self._results.put(error)

    def _fetch_once(self, job: Job) -> Fetched:
        """The answer that was kept by an earlier attempt, or the server's, which is kept for a later one."""
        if self._kept is None:
            return self._fetch(job)
        fetched = self._kept.found(job)
        if fetched is None:
            fetched = self._fetch(job)
            self._kept.keep(fetched)
        return fetched

    def _fetch(self, job: Job) -> Fetched:
        while True:
            returns = self._returns
            fetched = self._patiently(job)
            if fetched.answer is not None or self._stop.is_set() or not self._came_back(job.user, returns):
                return fetched

    def _came_back(self, user: str, returns: int) -> bool:
        """Whether the whole server was away and is back, so that it is worth asking again.

        False when it answers other requests: then it is the one place that gives no answer. Raises
        :class:`tidegate.errors.Unreachable` when it stays away.
        """
        with self._away:
            if self._returns != returns:
                return True  # another thread has waited for it
            deadline = time.monotonic() + self._scope.outage
            waited = False
            while not self._stop.is_set():
                try:
                    self._clients[user].send("GET", "/api")
                except Unreachable as error:
                    if time.monotonic() > deadline:
                        raise Unreachable(
                            f"the server went away while it was looked at, and did not come back: {error.what}",
                            where=self._clients[user].url,
                            next_step="start it again and begin the rehearsal anew",
                        ) from None
                    waited = True
                    self._stop.wait(min(1.0, self._scope.outage / 10))
                else:
                    self._returns += waited
                    return waited
            return False

    def _patiently(self, job: Job) -> Fetched:
        deadline = time.monotonic() + self._scope.patience
        pause = 0.1
        while True:
            self.requests += 1
            try:
                fetched = self._download(job) if job.file else self._read(job)
            except Unreachable as error:
                fetched = Fetched(job, None, trouble=error.what)
            again = fetched.answer is None or fetched.answer.status in NOT_NOW or fetched.garbled
            if fetched.answer is not None and fetched.answer.status in NOT_NOW:
                self.put_off[fetched.answer.status] += 1
            if not again or time.monotonic() + pause > deadline or self._stop.is_set():
                return fetched
            self._stop.wait(_asked_for(fetched.answer, pause))
            pause = min(pause * 2, 2.0)

    def _read(self, job: Job) -> Fetched:
        answer = self._clients[job.user].send("GET", job.path)
        digest = hashlib.blake2b(answer.content, digest_size=16).hexdigest()
        if "json" not in answer.headers.get("content-type", ""):
            return Fetched(job, answer, size=len(answer.content), digest=digest)
        text = safe(answer.content.decode("utf-8-sig", "replace"))
        try:
            document = parsed(text)
        except ValueError:
            # If it stays so, it is kept as text and the comparison shows it.
            kept = json.dumps({NOT_JSON: text[:2000]})
            return Fetched(job, answer, text=kept, size=len(text), digest=digest, garbled=True)
        return Fetched(job, answer, text, document, len(answer.content), digest)

    def _download(self, job: Job) -> Fetched:
        file = FileDigest(job.family)
        answer = self._clients[job.user].download(job.path, file.take)
        digest = file.finish()
        return Fetched(job, answer, size=file.size, digest=digest)


def _asked_for(answer: Answer | None, pause: float) -> float:
    """Seconds to wait before the next attempt: the server's `Retry-After` when it gives one."""
    stated = answer.headers.get("retry-after", "") if answer is not None else ""
    return float(stated) if stated.isdigit() else pause


#: Told how far a snapshot is.
Report = Callable[[str], None]
