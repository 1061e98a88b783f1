"""Locks of the engine: one writer per database, application locks, and the search for deadlocks among their waiters.

SQLite has one writer per file, so a transaction that has written holds its database until it ends; readers are never
blocked and see what was committed last, as under READ_COMMITTED_SNAPSHOT.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from standins.sqlserver.contract import Cancelled
from standins.sqlserver.engine import messages

#: A wait that nothing ends would hang a rehearsal for ever, so the longest wait is bounded.
LONGEST_WAIT = 120.0


class Waiter(Protocol):
    """A session as the locks see it."""

    spid: int
    lock_timeout: float | None

    def interrupted(self) -> bool: ...


@dataclass(slots=True, eq=False)
class Resource:
    """Something at most one session writes, or several share."""

    name: str
    holders: dict[int, str] = field(default_factory=dict[int, str])
    counts: dict[int, int] = field(default_factory=dict[int, int])


class LockManager:
    """All locks share one condition: they are few and waits are rare."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[int, tuple[Resource, str]] = {}

    def acquire(self, resource: Resource, session: Waiter, mode: str = "X", timeout: float | None = None) -> bool:
        """Take the lock; False after the time-out, 1205 when waiting would close a circle."""
        with self._changed:
            if self._compatible(resource, session.spid, mode):
                self._take(resource, session.spid, mode)
                return True
            limit = LONGEST_WAIT if timeout is None else timeout
            if limit <= 0:
                return False
            if self._closes_circle(resource, session.spid, mode):
                raise messages.deadlock(session.spid)
            return self._wait(resource, session, mode, time.monotonic() + limit)

    def _wait(self, resource: Resource, session: Waiter, mode: str, deadline: float) -> bool:
        self._waiting[session.spid] = (resource, mode)
        try:
            while not self._compatible(resource, session.spid, mode):
                rest = deadline - time.monotonic()
                if rest <= 0:
                    return False
                self._changed.wait(min(rest, 0.1))
                if session.interrupted():
                    raise Cancelled
            self._take(resource, session.spid, mode)
            return True
        finally:
            self._waiting.pop(session.spid, None)

    def release(self, resource: Resource, spid: int) -> bool:
        with self._changed:
            if spid not in resource.holders:
                return False
            resource.counts[spid] -= 1
            if resource.counts[spid] == 0:
                del resource.holders[spid], resource.counts[spid]
            self._changed.notify_all()
            return True

    def release_fully(self, resource: Resource, spid: int) -> None:
        with self._changed:
            resource.holders.pop(spid, None)
            resource.counts.pop(spid, None)
            self._changed.notify_all()

    def wake(self) -> None:
        """Let waiters look whether they were interrupted."""
        with self._changed:
            self._changed.notify_all()

    def blocker(self, spid: int) -> int:
        """The session that ``spid`` waits for, or 0."""
        with self._changed:
            waiting = self._waiting.get(spid)
            if waiting is None:
                return 0
            resource, mode = waiting
            return next((holder for holder in self._conflicting(resource, spid, mode)), 0)

    def available(self, resource: Resource, spid: int, mode: str) -> bool:
        with self._changed:
            return self._compatible(resource, spid, mode)

    # --- inside the condition ------------------------------------------------------------------------------------

    @staticmethod
    def _conflicting(resource: Resource, spid: int, mode: str) -> list[int]:
        return [
            holder for holder, held in resource.holders.items() if holder != spid and not (mode == "S" and held == "S")
        ]

    def _compatible(self, resource: Resource, spid: int, mode: str) -> bool:
        return not self._conflicting(resource, spid, mode)

    @staticmethod
    def _take(resource: Resource, spid: int, mode: str) -> None:
        if resource.holders.get(spid) != "X":
            resource.holders[spid] = mode
        resource.counts[spid] = resource.counts.get(spid, 0) + 1

    def _closes_circle(self, resource: Resource, spid: int, mode: str) -> bool:
        """Follow who waits for whom, starting at those who hold what ``spid`` wants."""
        todo = self._conflicting(resource, spid, mode)
        seen: set[int] = set()
        while todo:
            holder = todo.pop()
            if holder == spid:
                return True
            if holder in seen:
                continue
            seen.add(holder)
            waiting = self._waiting.get(holder)
            if waiting is not None:
                todo += self._conflicting(waiting[0], holder, waiting[1])
        return False
