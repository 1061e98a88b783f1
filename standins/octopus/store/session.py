"""One database connection with its prepared statements, and the few connections a store keeps open."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import pyodbc

from standins.octopus.store.connection import connect
from standins.octopus.store.documents import LONG_TEXT, TEXT, InputSize

_KEPT_STATEMENTS: Final = 120
_IDLE_CONNECTIONS: Final = 16
_DEADLOCK: Final = 1205  # "Transaction (Process ID n) was deadlocked … and has been chosen as the deadlock victim."


class Session:
    """A connection in autocommit mode. Statements stay prepared: pyodbc prepares once per cursor and text."""

    def __init__(self, connection_string: str) -> None:
        self._connection = connect(connection_string)
        self._cursors: OrderedDict[tuple[str, tuple[InputSize | None, ...]], pyodbc.Cursor] = OrderedDict()

    def run(self, sql: str, values: Sequence[Any], sizes: Sequence[InputSize | None] | None = None) -> pyodbc.Cursor:
        chosen = tuple(sizes) if sizes is not None else tuple(map(_size_of, values))
        key = (sql, chosen)
        cursor = self._cursors.get(key)
        if cursor is None:
            cursor = self._connection.cursor()
            if chosen:
                cursor.setinputsizes(list(chosen))  # pyright: ignore[reportArgumentType] - None is taken
            self._cursors[key] = cursor
            if len(self._cursors) > _KEPT_STATEMENTS:
                self._cursors.popitem(last=False)[1].close()
        else:
            self._cursors.move_to_end(key)
        try:
            return cursor.execute(sql, list(values)) if values else cursor.execute(sql)
        except pyodbc.Error:
            # A failed batch leaves results behind that would keep the connection busy for every other cursor.
            self._cursors.pop(key, None)
            cursor.close()
            raise

    def rows(
        self, sql: str, values: Sequence[Any], sizes: Sequence[InputSize | None] | None = None
    ) -> list[tuple[Any, ...]]:
        cursor = self.run(sql, values, sizes)
        result: list[tuple[Any, ...]] = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        while cursor.nextset():  # an error after the first result surfaces only when the rest is read
            pass
        return result

    def close(self) -> None:
        # The connection first: a cursor that is closed before it tells the server to forget its prepared statement, and
        # a hundred cursors on each connection made every stop of a server take a second.
        with contextlib.suppress(pyodbc.Error):  # already gone
            self._connection.close()
        self._cursors.clear()


def _size_of(value: object) -> InputSize | None:
    if value is None:
        return TEXT
    if isinstance(value, str):
        return TEXT if len(value) <= TEXT[1] else LONG_TEXT
    return None


def is_deadlock(error: pyodbc.Error) -> bool:
    return len(error.args) > 1 and (error.args[0] == "40001" or f"({_DEADLOCK})" in str(error.args[1]))


def is_gone(error: pyodbc.Error) -> bool:
    """The connection is dead, or its session was killed (596)."""
    return bool(error.args) and (error.args[0] in {"08S01", "08003", "08007"} or "(596)" in str(error))


class Pool:
    """Idle sessions, newest first. Nothing limits how many are in use: the server's thread pool does."""

    def __init__(self, connection_string: str) -> None:
        self._connection_string = connection_string
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._closed = False

    def take(self) -> tuple[Session, bool]:
        """A session, and whether it is a used one (which may have died meanwhile)."""
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        return Session(self._connection_string), False

    def give(self, session: Session) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(session)
                return
        session.close()

    def fresh(self) -> Session:
        """After a dead session: the other idle ones are as old, so forget them all."""
        with self._lock:
            stale, self._idle = self._idle, []
        for session in stale:
            session.close()
        return Session(self._connection_string)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            stale, self._idle = self._idle, []
        for session in stale:
            session.close()
