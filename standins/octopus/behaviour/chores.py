"""What a running server does by the clock: fires triggers and sends notifications."""

from __future__ import annotations

from standins.octopus.behaviour import subscriptions, triggers
from standins.octopus.contract import Document, Server, Transaction

#: How often the clock is looked at. A scheduled trigger fires at most this late.
_SECONDS = 2.0


class Chores:
    """Remembers up to which event it has looked; starts at the newest, so that history fires nothing."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._triggers = triggers.Watch(server)
        self._last_event: int | None = None

    def due(self) -> float:
        """Do what is due; the seconds until the next look."""
        server = self._server
        with server.store.transaction() as transaction:
            new_events = self._new_events(transaction)
            queued = self._triggers.fire(transaction, new_events)
            waiting = subscriptions.collect(server, transaction, new_events)
        if queued and server.tasks:
            server.tasks.wake()
        subscriptions.send(waiting)
        return _SECONDS

    def _new_events(self, transaction: Transaction) -> list[Document]:
        if self._last_event is None:
            self._last_event = int(transaction.execute("SELECT COALESCE(MAX([AutoId]), 0) FROM dbo.[Event]")[0][0])
            return []
        rows = transaction.execute(
            "SELECT [Id], [AutoId] FROM dbo.[Event] WHERE [AutoId] > ? ORDER BY [AutoId]", self._last_event
        )
        if not rows:
            return []
        self._last_event = int(rows[-1][1])
        return transaction.load_many("Event", [row[0] for row in rows])
