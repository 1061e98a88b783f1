"""The transaction of a session: what begins and ends it, and what each statement does about it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError, TransactionRequest
from standins.sqlserver.engine import messages
from standins.sqlserver.engine.database import Database, save_counter

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_descriptors = count(1)


class Transactions:
    """``count`` is @@TRANCOUNT; a ``doomed`` transaction can only be rolled back."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._link = session.link
        self.clear()

    def clear(self) -> None:
        """The state of a fresh login."""
        self.count = 0
        self.descriptor = 0
        self.doomed = False
        self.implicit = False
        self.isolation = "READ COMMITTED"
        self._in_statement = False
        self._touched: dict[tuple[str, int], int] = {}
        self._touched_rowversion: set[str] = set()

    # --- beginning and ending ------------------------------------------------------------------------------------

    def request(self, request: TransactionRequest, name: str, isolation: int, sink: Sink) -> None:
        """A request of TDS's transaction manager."""
        levels = {1: "READ UNCOMMITTED", 2: "READ COMMITTED", 3: "REPEATABLE READ", 4: "SERIALIZABLE", 5: "SNAPSHOT"}
        if isolation in levels:
            self.isolation = levels[isolation]
        match request:
            case TransactionRequest.BEGIN:
                self.begin(sink)
            case TransactionRequest.COMMIT:
                self.commit(sink)
            case TransactionRequest.ROLLBACK:
                self.rollback(sink, name)
            case TransactionRequest.SAVE:
                self.save(name)

    def begin(self, sink: Sink) -> None:
        if self.count == 0:
            self.descriptor = next(_descriptors)
            self.doomed = False
            sink.transaction_began(self.descriptor)
            if self.isolation == "SNAPSHOT":
                self._begin_snapshot()
        self.count += 1

    def _begin_snapshot(self) -> None:
        if not self._session.current.settings.snapshot_isolation:
            return
        self._link.begin()
        self._link.execute(f"SELECT count(*) FROM {self._session.current.alias}.sqlite_schema").fetchall()

    def commit(self, sink: Sink) -> None:
        if not self.count:
            text = "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."
            raise SqlServerError(3902, text, 16, 1)
        if self.doomed:
            raise messages.doomed_transaction()
        if self.count == 1:
            self._link.commit()
            self._touched.clear()
        self.count -= 1
        if self.count == 0:
            self._ended(sink, committed=True)

    def rollback(self, sink: Sink, name: str = "") -> None:
        if not self.count:
            text = "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."
            raise SqlServerError(3903, text, 16, 1)
        if name:
            kept = self._session.definitions.temporaries.table_variable_rows()
            if self._link.rollback_to(name):
                self._after_rollback()
                self._session.definitions.temporaries.restore_table_variables(kept)
                return
        self.abandon(sink)

    def abandon(self, sink: Sink | None) -> None:
        """Roll everything back, if there is anything."""
        active = self.count > 0
        kept = self._session.definitions.temporaries.table_variable_rows() if active else []
        self.count = 0
        self.doomed = False
        self._link.rollback()
        self._touched.clear()
        if active:
            self._after_rollback()
            self._session.definitions.temporaries.restore_table_variables(kept)
            self._ended(sink, committed=False)

    def let_go(self) -> None:
        """A statement that failed before its own transaction was under way must not keep the write lock."""
        if not self.count and not self._in_statement and self._link.holds_anything():
            self._link.rollback()
            self._touched.clear()

    def _after_rollback(self) -> None:
        """Temporary tables made in the transaction are gone."""
        self._session.querying.forget()
        existing = {str(row[0]) for row in self._link.raw.execute("SELECT name FROM temp.sqlite_schema").fetchall()}
        for name, table in list(self._session.temporaries.items()):
            if table.name not in existing:
                del self._session.temporaries[name]
        self._session.temporary_version += 1

    def _ended(self, sink: Sink | None, *, committed: bool) -> None:
        self._session.applocks.release_transaction()
        if sink is not None:
            sink.transaction_ended(self.descriptor, committed=committed)
        self.descriptor = 0

    def save(self, name: str) -> None:
        if not self.count:
            text = "Cannot issue SAVE TRANSACTION when there is no active transaction."
            raise SqlServerError(628, text, 16, 0)
        if self.doomed:
            raise messages.doomed_transaction()
        self._link.savepoint(name)

    def refuse_inside(self, statement: str) -> None:
        """For statements that a transaction must not hold."""
        if self.count:
            raise messages.not_in_transaction(statement)

    # --- around statements ---------------------------------------------------------------------------------------

    def before_read(self, *, locking: bool, reads: bool) -> None:
        """Implicit transactions begin with the first statement on a table; UPDLOCK and stronger levels lock first."""
        self._session.environment.new_statement()
        if not reads:
            return
        if self.implicit and not self.count:
            assert self._session.sink is not None
            self.begin(self._session.sink)
        if self.count and (locking or self.isolation in ("REPEATABLE READ", "SERIALIZABLE")):
            self._link.begin_write(self._session.current)

    def before_write(self, database: Database | None) -> None:
        """``database`` is None for temporary tables."""
        self._session.environment.new_statement()
        if self.implicit and not self.count:
            assert self._session.sink is not None
            self.begin(self._session.sink)
        if self.doomed:
            raise messages.doomed_transaction()
        if database is not None:
            self._link.attach(database)
            self._link.begin_write(database)
        elif self.count:
            self._link.begin_write(self._session.current)

    @contextmanager
    def statement(self) -> Generator[None]:
        """Outside a transaction a statement is one of its own."""
        if self.count or self._in_statement:
            yield
            return
        self._link.begin()
        self._in_statement = True
        try:
            yield
        except BaseException:
            self._in_statement = False
            self._link.rollback()
            self._touched.clear()
            raise
        self._in_statement = False
        self._link.commit()
        self._touched.clear()

    # --- counters ------------------------------------------------------------------------------------------------

    def note_identity(self, database: str, object_id: int, value: int) -> None:
        self._touched[database, object_id] = value
        self._session.scope_identity = self._session.last_identity = value

    def note_rowversion(self, database: str) -> None:
        self._touched_rowversion.add(database)

    def save_counters(self) -> None:
        """Identity and rowversion counters go into the file with the rows that used them."""
        for (name, object_id), value in self._touched.items():
            database = self._session.server.find(name) if name != "tempdb" else None
            if database is not None:
                save_counter(self._link.raw, database.alias, f"identity:{object_id}", value)
        self._touched.clear()
        for name in self._touched_rowversion:
            database = self._session.server.find(name) if name != "tempdb" else None
            if database is not None:
                save_counter(self._link.raw, database.alias, "rowversion", database.rowversion)
        self._touched_rowversion.clear()
