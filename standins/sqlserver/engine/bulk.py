"""INSERT BULK: rows that come as a stream after their announcement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import Column, Sink, SqlServerError, Value
from standins.sqlserver.engine.lookup import Lookup
from standins.sqlserver.engine.values import Stored, store
from standins.sqlserver.tsql import statements, types
from standins.sqlserver.tsql.translate.merge import StatementTranslator
from standins.sqlserver.tsql.translate.values import Sql

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


class BulkLoads:
    """One announced load at a time."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._announced: statements.InsertBulk | None = None

    def announce(self, statement: statements.InsertBulk) -> None:
        lookup = Lookup(self._session, self._session.frame, self._session.current)
        lookup.relation(statement.table)
        self._announced = statement

    def load(self, columns: Sequence[Column], rows: Iterable[Sequence[Value]], sink: Sink) -> None:
        session, statement = self._session, self._announced
        self._announced = None
        if statement is None:
            text = "Bulk load data was expected but not sent. The batch will be terminated."
            raise SqlServerError(4002, text, 16, 1)
        lookup = Lookup(session, session.frame, session.current)
        relation = lookup.relation(statement.table)
        translator = StatementTranslator(lookup)
        keep = "KEEP_IDENTITY" in statement.options or "KEEPIDENTITY" in statement.options
        targets = tuple(translator.find_column(relation, column.name) for column in statement.columns)
        if any(column.identity for column in targets) and not keep:
            targets = tuple(replace(column, identity=False) for column in targets)
        sources = tuple(
            Sql("", column.type, lookup.collation if column.type.name in types.STRINGS else "") for column in columns
        )
        command = translator.insert_parameters(relation, targets, sources)
        database = session.server.find(relation.database) if relation.database != "tempdb" else None
        session.transactions.before_write(database)
        with session.transactions.statement():
            count = session.changing.insert_rows(relation, command, self._stored(columns, rows))
            session.transactions.save_counters()
        session.row_count = count
        sink.done(count)

    @staticmethod
    def _stored(columns: Sequence[Column], rows: Iterable[Sequence[Value]]) -> Iterator[Sequence[Stored]]:
        kinds: list[Any] = [column.type for column in columns]
        for row in rows:
            yield [store(value, kind) for value, kind in zip(row, kinds, strict=True)]
