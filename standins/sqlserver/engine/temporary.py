"""Counters of one session's temporary tables."""

from __future__ import annotations

from standins.sqlserver.engine.model import TableModel


class TemporaryDatabase:
    """The part of ``Database`` that identity columns and rowversions of temporary tables need."""

    def __init__(self) -> None:
        self.identities: dict[int, int] = {}
        self.rowversion = 2000

    def next_identity(self, table: TableModel) -> int:
        column = table.identity
        assert column is not None
        assert column.identity is not None
        seed, increment = column.identity
        current = self.identities.get(table.object_id)
        self.identities[table.object_id] = seed if current is None else current + increment
        return self.identities[table.object_id]

    def raise_identity(self, table: TableModel, value: int) -> None:
        current = self.identities.get(table.object_id)
        if current is None or value > current:
            self.identities[table.object_id] = value

    def next_rowversion(self) -> bytes:
        self.rowversion += 1
        return self.rowversion.to_bytes(8, "big")
