"""The database behind an instance, as a snapshot asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, final

from tidegate.octopus.master_key import MasterKey
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.counts import count_rows
from tidegate.sqlserver.facts import database_facts
from tidegate.sqlserver.history import schema_journal
from tidegate.sqlserver.schema import query_view, view_names
from tidegate.sqlserver.secrets_at_rest import secret_facts


@final
class LiveDatabase:
    """Reads one database and nothing else (`tidegate.observation.scope.DatabaseView`). With the ``master_key`` its
    secrets are known by their digests."""

    def __init__(self, database: DatabaseAddress, master_key: Secret | None = None) -> None:
        self._key = MasterKey(master_key) if master_key is not None else None
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
        secrets = secret_facts(self._server, self._key) if self._key is not None else {}
        return {**database_facts(self._server), **secrets}

    def journal(self) -> Sequence[str]:
        return schema_journal(self._server)
