"""Document ids: ``Projects-1``, counted per collection in ``dbo.KeyAllocation`` and handed out in blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

#: What the procedure dbo.GetNextKeyBlock does, in one statement: it is atomic, so several servers may share a database.
_NEXT_BLOCK: Final = (
    "UPDATE dbo.KeyAllocation SET Allocated = Allocated + ? OUTPUT inserted.Allocated WHERE CollectionName = ?"
)
_FIRST_BLOCK: Final = (
    "INSERT INTO dbo.KeyAllocation (CollectionName, Allocated) SELECT ?, 0 "
    "WHERE NOT EXISTS (SELECT 1 FROM dbo.KeyAllocation WHERE CollectionName = ?)"
)
BLOCK_SIZE: Final = 20  # Nevermore's default

Execute = Callable[..., list[tuple[Any, ...]]]


class KeyAllocator:
    """The ids this process may still give out without asking the database. Shared by all transactions of a store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: dict[str, list[int]] = {}

    def take(self, collection: str) -> int | None:
        with self._lock:
            free = self._free.get(collection)
            return free.pop() if free else None

    def give(self, collection: str, numbers: list[int]) -> None:
        """Keep numbers whose allocation is committed, in descending order: ``take`` pops the lowest."""
        with self._lock:
            kept = self._free.setdefault(collection, [])
            kept[:] = sorted([*kept, *numbers], reverse=True)


class PrivateKeys:
    """Blocks allocated inside an open transaction: they belong to nobody else until it commits.

    If the transaction rolls back, so does ``KeyAllocation``, and another server may be given the same block.
    """

    def __init__(self, shared: KeyAllocator) -> None:
        self._shared = shared
        self._own: dict[str, list[int]] = {}

    def next(self, collection: str, execute: Execute, *, inside: bool) -> int:
        own = self._own.get(collection)
        if own:
            return own.pop()
        number = self._shared.take(collection)
        if number is not None:
            return number
        block = allocate(execute, collection)
        first = block.pop()
        if inside:
            self._own.setdefault(collection, []).extend(block)
        else:
            self._shared.give(collection, block)
        return first

    def committed(self) -> None:
        for collection, numbers in self._own.items():
            self._shared.give(collection, numbers)
        self._own.clear()

    def rolled_back(self) -> None:
        self._own.clear()


def allocate(execute: Execute, collection: str, size: int = BLOCK_SIZE) -> list[int]:
    """A fresh block in descending order."""
    rows = execute(_NEXT_BLOCK, size, collection)
    if not rows:
        execute(_FIRST_BLOCK, collection, collection)
        rows = execute(_NEXT_BLOCK, size, collection)
    last = int(rows[0][0])
    return list(range(last, last - size, -1))
