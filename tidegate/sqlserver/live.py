"""The database behind an instance, as a snapshot asks it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self, final

from tidegate.octopus.master_key import MasterKey
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.counts import count_rows
from tidegate.sqlserver.facts import database_facts
from tidegate.sqlserver.fingerprints import HASHES_LONG_VALUES, Bucket, contents, table_shapes
from tidegate.sqlserver.history import schema_journal
from tidegate.sqlserver.product import product_version
from tidegate.sqlserver.schema import query_view, view_names
from tidegate.sqlserver.secrets_at_rest import secret_facts

#: Parts that the rows of a table are summed in: in a part to which nothing was added, values can be compared.
BUCKETS: Final = 64
_CONNECTIONS: Final = 3


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

    def contents(self, rows: Mapping[str, int]) -> Mapping[str, Mapping[int, Bucket]]:
        """Tables are read on a few connections of their own; on SQL Server 2014, which cannot hash long values, none
        is read."""
        if product_version(self._server)[1] < HASHES_LONG_VALUES:
            return {}
        shapes = table_shapes(self._server)
        waiting = deque(sorted((name for name in rows if name in shapes), key=lambda name: -rows[name]))
        found: dict[str, Mapping[int, Bucket]] = {}

        def read() -> None:
            with SqlServer(self._server.address, self._server.database) as server:
                while waiting:
                    try:
                        name = waiting.popleft()
                    except IndexError:
                        return  # another thread took the last one
                    found[name] = contents(server, shapes[name], BUCKETS)

        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            for done in [pool.submit(read) for _ in range(_CONNECTIONS)]:
                done.result()
        return found

    def journal(self) -> Sequence[str]:
        return schema_journal(self._server)
