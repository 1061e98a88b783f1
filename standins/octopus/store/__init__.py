"""The document store: Octopus's documents as rows of a SQL Server database, reached over ODBC."""

from __future__ import annotations

from standins.octopus.store.kinds import UnknownKind
from standins.octopus.store.store import Deadlock, OctopusStore, Work, open_store

__all__ = ["Deadlock", "OctopusStore", "UnknownKind", "Work", "open_store"]
