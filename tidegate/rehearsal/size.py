"""How big an instance is: what backups, schema scripts and copies take grows with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tidegate.rehearsal.instances import DatabaseAddress, ServerFolders
from tidegate.sqlserver.connection import SqlServer


@dataclass(frozen=True, slots=True)
class InstanceSize:
    """Bytes of data files in the database, and of everything in the server folders."""

    database: int
    folders: int

    def as_json(self) -> dict[str, int]:
        return {"database": self.database, "folders": self.folders}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(int(value["database"]), int(value["folders"]))


def size_of(database: DatabaseAddress, folders: ServerFolders) -> InstanceSize:
    """Reads file sizes only; files that vanish meanwhile (retention) are left out."""
    with SqlServer(database.server, database.name) as server:
        pages = database_bytes(server)
    return InstanceSize(pages, sum(_bytes(folder) for folder in folders.named().values()))


def database_bytes(server: SqlServer) -> int:
    """The size of the data files of the connection's database; its log is left out, it says nothing about the data."""
    pages = server.value("SELECT SUM(CONVERT(bigint, size)) FROM sys.database_files WHERE type_desc = 'ROWS'")
    return int(pages or 0) * 8192


def _bytes(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).stat().st_size
            except FileNotFoundError:
                continue
    return total
