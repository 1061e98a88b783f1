"""The statements BACKUP and RESTORE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink
from standins.sqlserver.tsql import statements
from standins.sqlserver.tsql.errors import unsupported

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


class BackupStatements:
    def __init__(self, session: EngineSession) -> None:
        self._session = session

    def backup(self, statement: statements.Backup, sink: Sink) -> None:
        raise unsupported("BACKUP", statement.line)

    def restore(self, statement: statements.Restore, sink: Sink) -> None:
        raise unsupported("RESTORE", statement.line)
