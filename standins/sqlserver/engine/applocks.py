"""sp_getapplock and sp_releaseapplock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine.locks import Resource

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_MODES = {"shared": "S", "intentshared": "S", "update": "X", "intentexclusive": "X", "exclusive": "X"}
_NAMES = {"S": "Shared", "X": "Exclusive"}


class ApplicationLocks:
    """Those held by one session, by owner (Session or Transaction)."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._held: list[tuple[str, Resource]] = []

    def _resource(self, name: str) -> Resource:
        return self._session.server.application_resource(self._session.current, name)

    def acquire(self, name: str, mode: str, owner: str, timeout: int) -> int:
        """The procedure's return code: 0 granted, 1 granted after waiting, -1 time-out, -3 deadlock."""
        kind = _MODES.get(mode.lower())
        if kind is None:
            raise SqlServerError(1401, f"Invalid lock mode '{mode}' for sp_getapplock.", 16, 1)
        if owner.lower() == "transaction" and not self._session.transactions.count:
            text = "You attempted to acquire a transactional application lock without an active transaction."
            raise SqlServerError(15_001, text, 16, 1)
        resource = self._resource(name)
        locks = self._session.server.locks
        free = locks.available(resource, self._session.spid, kind)
        limit = None if timeout < 0 else timeout / 1000
        try:
            granted = locks.acquire(resource, self._session, kind, limit)
        except SqlServerError as error:
            if error.number != 1205:
                raise
            return -3
        if not granted:
            return -1
        self._held.append((owner.lower(), resource))
        return 0 if free else 1

    def release(self, name: str, owner: str) -> int:
        resource = self._resource(name)
        entry = (owner.lower(), resource)
        if entry not in self._held:
            text = (
                f"Cannot release the application lock (Database Principal: 'public', Resource: '{name}') because it is "
                "not currently held."
            )
            raise SqlServerError(1223, text, 16, 1)
        self._held.remove(entry)
        self._session.server.locks.release(resource, self._session.spid)
        return 0

    def release_transaction(self) -> None:
        self._release({"transaction"})

    def release_all(self) -> None:
        self._release({"transaction", "session"})

    def _release(self, owners: set[str]) -> None:
        for entry in [held for held in self._held if held[0] in owners]:
            self._held.remove(entry)
            self._session.server.locks.release(entry[1], self._session.spid)

    def mode(self, name: str, owner: str) -> str:
        resource = self._resource(name)
        if (owner.lower(), resource) not in self._held:
            return "NoLock"
        return _NAMES[resource.holders[self._session.spid]]

    def available(self, name: str, mode: str) -> bool:
        kind = _MODES.get(mode.lower(), "X")
        return self._session.server.locks.available(self._resource(name), self._session.spid, kind)
