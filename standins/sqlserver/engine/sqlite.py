"""The part of APSW that the engine uses, with types: APSW's own stubs leave rows and callbacks open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

import apsw

Row = tuple[Any, ...]


class Cursor(Protocol):
    def __iter__(self) -> Iterator[Row]: ...

    def __next__(self) -> Row: ...

    def fetchall(self) -> list[Row]: ...

    def fetchone(self) -> Row | None: ...

    def close(self, force: bool = False) -> None: ...


class Copying(Protocol):
    """A backup under way."""

    @property
    def done(self) -> bool: ...

    def step(self, pages: int) -> bool: ...


class Connection(Protocol):
    @property
    def in_transaction(self) -> bool: ...

    def execute(self, statements: str, bindings: Sequence[Any] = ...) -> Cursor: ...

    def executemany(self, statements: str, sequence: Sequence[Sequence[Any]]) -> Cursor: ...

    def changes(self) -> int: ...

    def total_changes(self) -> int: ...

    def interrupt(self) -> None: ...

    def set_progress_handler(self, callable: Callable[[], bool], nsteps: int) -> None: ...

    def create_scalar_function(
        self, name: str, callable: Callable[..., Any], numargs: int = -1, *, deterministic: bool = False
    ) -> None: ...

    def create_aggregate_function(self, name: str, factory: Callable[[], Any], numargs: int = -1) -> None: ...

    def create_window_function(self, name: str, factory: Callable[[], Any], numargs: int = -1) -> None: ...

    def create_collation(self, name: str, callback: Callable[[str, str], int]) -> None: ...

    def backup(self, name: str, source: Connection, source_name: str) -> AbstractContextManager[Copying]: ...

    def serialize(self, name: str) -> bytes: ...

    def close(self, force: bool = False) -> None: ...


def connect(path: str, *, statements: int = 100, create: bool = True) -> Connection:
    """``statements`` is how many prepared statements are kept."""
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    return cast("Connection", apsw.Connection(path, flags=flags, statementcachesize=statements))
