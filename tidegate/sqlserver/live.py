"""The database behind an instance, as a snapshot asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, final

from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.counts import count_rows
from tidegate.sqlserver.facts import database_facts
from tidegate.sqlserver.history import schema_journal
from tidegate.sqlserver.schema import query_view, view_names


@final
class LiveDatabase:
    """Reads one database and nothing else (`tidegate.observation.scope.DatabaseView`)."""

    def __init__(self, database: DatabaseAddress) -> None:
        self._server = SqlServer(database.server, database.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._server.close()

    def row_counts(self) -> Mapping[str, int]:
        return count_rows(self._server)

    def views(self) -> Sequence[str]:
        return view_names(self._server)

    def query_view(self, view: str) -> str:
        return query_view(self._server, view)

    def facts(self) -> Mapping[str, str]:
        return database_facts(self._server)

    def journal(self) -> Sequence[str]:
        return schema_journal(self._server)
