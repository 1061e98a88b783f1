"""What a running server does by the clock: triggers, notifications, retention and its own integrity check."""

from __future__ import annotations

from datetime import datetime, timedelta

from standins.octopus.behaviour import scheduled_logs, subscriptions, tasks, triggers
from standins.octopus.contract import Document, Server, Transaction

#: How often the clock is looked at. A scheduled trigger fires at most this late.
_SECONDS = 2.0

#: task → (interval, whether the first time is at the start, scheduled log). The integrity check runs at start-up and
#: about every 24 hours (Octopus docs, "System integrity check"); retention every four hours (Octopus docs, "Retention
#: policies").
_PERIODIC = {
    "SystemIntegrityCheck": (timedelta(hours=24), True, "CheckSystemIntegrity"),
    "Retention": (timedelta(hours=4), False, "ApplyRetentionPolicies"),
}


class Chores:
    """Remembers what it has seen: history fires nothing, and what happens from ``begin`` on is not missed."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._triggers = triggers.Watch(server)
        self._last_event = 0
        now = server.now()
        self._next: dict[str, datetime] = {
            name: now if at_start else now + interval for name, (interval, at_start, _) in _PERIODIC.items()
        }

    def begin(self) -> None:
        """Take what is there for known. Before the first request: what that does must count as new."""
        with self._server.store.transaction() as transaction:
            self._last_event = int(transaction.execute("SELECT COALESCE(MAX([AutoId]), 0) FROM dbo.[Event]")[0][0])
            self._triggers.begin(transaction)

    def due(self) -> float:
        """Do what is due; the seconds until the next look."""
        server = self._server
        marks = self._triggers.marks(), self._last_event, dict(self._next)
        try:
            with server.store.transaction() as transaction:
                new_events = self._new_events(transaction)
                fired = self._triggers.fire(transaction, new_events)
                queued = self._periodic(transaction)
                waiting = subscriptions.collect(server, transaction, new_events)
        except Exception:
            # What was queued is rolled back; without its old marks the next look would take it for done.
            self._triggers.reset(marks[0])
            self._last_event, self._next = marks[1:]
            raise
        for log, task_id in queued:
            scheduled_logs.note(server, log, f"Queued {task_id}")
        if fired:
            scheduled_logs.note(server, "ProcessProjectTriggers", "Triggers fired and queued tasks")
        if waiting:
            scheduled_logs.note(server, "ProcessSubscriptions", f"Sending {len(waiting)} notifications")
        if (fired or queued) and server.tasks:
            server.tasks.wake()
        subscriptions.send(waiting)
        return _SECONDS

    def _periodic(self, transaction: Transaction) -> list[tuple[str, str]]:
        """(scheduled log, task) of everything queued."""
        now = self._server.now()
        queued: list[tuple[str, str]] = []
        for name, (interval, _, log) in _PERIODIC.items():
            if now < self._next[name]:
                continue
            self._next[name] = now + interval
            subject = tasks.Subject(concurrency_tag=name)
            task = tasks.queue(
                self._server, transaction, name, scheduled_logs.NAMES[log], arguments={}, subject=subject
            )
            queued.append((log, task["Id"]))
        return queued

    def _new_events(self, transaction: Transaction) -> list[Document]:
        rows = transaction.execute(
            "SELECT [Id], [AutoId] FROM dbo.[Event] WHERE [AutoId] > ? ORDER BY [AutoId]", self._last_event
        )
        if not rows:
            return []
        self._last_event = int(rows[-1][1])
        return transaction.load_many("Event", [row[0] for row in rows])
