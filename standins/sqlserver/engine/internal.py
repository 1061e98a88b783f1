"""Sessions of the server's own, for msdb's history: not listed, not counted, errors raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import LoginRequest
from standins.sqlserver.engine.collecting import Collector
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.session import EngineSession
from standins.sqlserver.engine.variables import Frame
from standins.sqlserver.tsql import types

if TYPE_CHECKING:
    from standins.sqlserver.engine.server import SqlServerEngine

_SPID = 5


class InternalSession:
    """Runs T-SQL and hands back rows."""

    def __init__(self, server: SqlServerEngine, database: Database) -> None:
        self._session = EngineSession(server, _SPID, LoginRequest("sa", "", database.name), "sa", database)

    def run(self, text: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """``values`` are variables by name; they are bit, int or nvarchar by their Python type."""
        frame = Frame()
        for name, value in values.items():
            if isinstance(value, bool):
                frame.declare(name, types.BIT, int(value))
            elif isinstance(value, int):
                frame.declare(name, types.BIGINT, value)
            else:
                frame.declare(name, types.nvarchar(4000), value)
        collector = Collector()
        self._session.own_request(collector, lambda: self._session.interpreter.batch(text, collector, frame))
        if collector.errors:
            raise collector.errors[0]
        return [tuple(row) for _, rows in collector.results for row in rows]

    def close(self) -> None:
        self._session.close()
