"""One logged-in connection: its settings, its transaction, its temporary objects, and the entry points of the seam."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import apsw

from standins.sqlserver.contract import (
    Cancelled,
    Column,
    LoginRequest,
    ProcedureCall,
    Sink,
    SqlServerError,
    SqlType,
    TransactionRequest,
)
from standins.sqlserver.engine import messages, moments
from standins.sqlserver.engine.administering import Administering
from standins.sqlserver.engine.applocks import ApplicationLocks
from standins.sqlserver.engine.bulk import BulkLoads
from standins.sqlserver.engine.calling import Calling
from standins.sqlserver.engine.changing import Changing
from standins.sqlserver.engine.convert import between
from standins.sqlserver.engine.database import Database, save_counter
from standins.sqlserver.engine.defining import Defining
from standins.sqlserver.engine.environment import Environment
from standins.sqlserver.engine.interpreter import Interpreter
from standins.sqlserver.engine.link import Link
from standins.sqlserver.engine.model import TableModel
from standins.sqlserver.engine.querying import Querying
from standins.sqlserver.engine.remote import RemoteCalls
from standins.sqlserver.engine.values import Stored
from standins.sqlserver.engine.variables import Frame
from standins.sqlserver.tsql.translate.conversion import fits

if TYPE_CHECKING:
    from standins.sqlserver.engine.server import SqlServerEngine

_descriptors = count(1)
#: SET options of which the stand-in only remembers that they were set.
_OPTION_BITS = {
    "ANSI_WARNINGS": 8, "ANSI_PADDING": 16, "ANSI_NULLS": 32, "ARITHABORT": 64, "QUOTED_IDENTIFIER": 256,
    "ANSI_NULL_DFLT_ON": 1024, "CONCAT_NULL_YIELDS_NULL": 4096,
}  # fmt: skip


class EngineSession:
    """Implements ``contract.Session``."""

    def __init__(
        self, server: SqlServerEngine, spid: int, request: LoginRequest, login: str, current: Database
    ) -> None:
        self.server = server
        self.spid = spid
        self.request = request
        self.login = login
        self.login_time = moments.moment_text(moments.now_ticks())
        self.home = current
        self.current = current
        self.execution = threading.RLock()
        self._cancelled = threading.Event()
        self._killed = False
        self._closed = False
        self._polling = True
        self.lock_timeout: float | None = None
        self.link = Link(server.locks, self, self.interrupted)
        self.tempdb = server.new_tempdb()
        self.frame = Frame()
        self.session_context: dict[str, Any] = {}
        self.environment = Environment(self)
        self.querying = Querying(self)
        self.changing = Changing(self)
        self.definitions = Defining(self)
        self.administration = Administering(self)
        self.calls = Calling(self)
        self.interpreter = Interpreter(self)
        self.applocks = ApplicationLocks(self)
        self.remote = RemoteCalls(self)
        self.bulk = BulkLoads(self)
        self.sink: Sink | None = None
        self._clear()
        self._statistics()
        self.environment.register()
        self.link.attach(current)
        self.link.raw.execute("PRAGMA temp.user_version")

    def _clear(self) -> None:
        """The state of a fresh login."""
        self.transaction_count = 0
        self.descriptor = 0
        self.doomed = False
        self.implicit = False
        self.no_count = False
        self.format_only = False
        self.xact_abort = False
        self.isolation = "READ COMMITTED"
        self.row_limit = -1
        self.row_count = 0
        self.last_error = 0
        self.scope_identity: int | None = None
        self.last_identity: int | None = None
        self.identity_insert: tuple[str, int] | None = None
        self.caught: SqlServerError | None = None
        self.context_info: bytes | None = None
        self.options: set[str] = {"ANSI_WARNINGS", "ANSI_PADDING", "ANSI_NULLS", "QUOTED_IDENTIFIER",
                                  "CONCAT_NULL_YIELDS_NULL", "ANSI_NULL_DFLT_ON"}  # fmt: skip
        self._in_statement = False
        self.temporaries: dict[str, TableModel] = {}
        self.temporary_version = 0
        self._touched: dict[tuple[str, int], int] = {}
        self._touched_rowversion: set[str] = set()
        self.lock_timeout = None
        self.session_context.clear()

    def _statistics(self) -> None:
        self.running: Sink | None = None
        self.command = ""
        self.cpu_ms = 0
        self.elapsed_ms = 0
        self.percent_complete = 0.0
        self.last_started = time.time()
        self.last_finished = self.last_started
        self._started = 0.0

    @property
    def database(self) -> str:
        return self.current.name

    @property
    def killed(self) -> bool:
        return self._killed

    # --- entry points --------------------------------------------------------------------------------------------

    def batch(self, text: str, sink: Sink) -> None:
        with self._request(sink, "BATCH"):
            self.interpreter.batch(text, sink)

    def call(self, call: ProcedureCall, sink: Sink) -> None:
        with self._request(sink, "EXECUTE"):
            self.remote.call(call, sink)

    def bulk_load(self, columns: Sequence[Column], rows: Any, sink: Sink) -> None:
        with self._request(sink, "BULK INSERT"):
            self._polling = False  # what comes in on the connection now are rows
            self.interpreter.guarded(lambda: self.bulk.load(columns, rows, sink), sink)

    def transaction(self, request: TransactionRequest, name: str, isolation: int, sink: Sink) -> None:
        with self._request(sink, "TRANSACTION"):
            self.interpreter.guarded(lambda: self._transaction(request, name, isolation, sink), sink)

    @contextmanager
    def own_request(self, sink: Sink) -> Generator[None]:
        """A request of the server itself."""
        with self._request(sink, "INTERNAL"):
            yield

    def _transaction(self, request: TransactionRequest, name: str, isolation: int, sink: Sink) -> None:
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

    @contextmanager
    def _request(self, sink: Sink, command: str) -> Generator[None]:
        """One request at a time; afterwards nothing is kept open that need not be."""
        with self.execution:
            self._cancelled.clear()
            self._polling = True
            self.sink, self.running, self.command = sink, sink, command
            self.last_started = time.time()
            self._started = time.monotonic()
            try:
                self._refuse_when_killed()
                yield
            except Cancelled:
                if self.xact_abort and self.transaction_count:
                    self.abandon(sink)
                raise
            finally:
                self._finish()

    def _finish(self) -> None:
        self.running, self.sink = None, None
        self.elapsed_ms += round((time.monotonic() - self._started) * 1000)
        self.cpu_ms = self.elapsed_ms
        self.last_finished = time.time()
        self.let_go()
        self.definitions.temporaries.drop_deferred()
        self.percent_complete = 0.0
        if self._killed and not self._closed:
            self.abandon(None)
            self.link.keep_only(None)
        elif not self.link.open:
            self.link.keep_only(self.current)

    def _refuse_when_killed(self) -> None:
        if self._killed:
            raise Cancelled

    def elapsed_now(self) -> int:
        return round((time.monotonic() - self._started) * 1000)

    def reset(self) -> None:
        with self.execution:
            self.abandon(None)
            self.applocks.release_all()
            for table in list(self.temporaries.values()):
                self.definitions.temporaries.drop(table)
            self.querying.forget()
            self.remote.forget()
            self._clear()
            self.frame = Frame()
            if self.home.settings.state == "ONLINE" and self.server.find(self.home.name) is self.home:
                self.current = self.home
            else:
                self.current = self.server.master
            self.link.attach(self.current)
            self.link.keep_only(self.current)

    def cancel(self) -> None:
        self._cancelled.set()
        with suppress(apsw.ConnectionClosedError):  # the session ended by itself meanwhile
            self.link.raw.interrupt()
        self.server.locks.wake()

    def kill(self) -> None:
        """Called from another session's thread: roll back at once when idle, else as soon as the statement notices."""
        self._killed = True
        self.cancel()
        if self.execution.acquire(timeout=30):
            try:
                if not self._closed:
                    self.abandon(None)
                    self.applocks.release_all()
                    self.link.keep_only(None)
            finally:
                self.execution.release()
        self.server.forget(self)

    def close(self) -> None:
        with self.execution:
            if self._closed:
                return
            self._closed = True
            self.applocks.release_all()
            self.link.close()
        self.server.forget(self)

    def interrupted(self) -> bool:
        """Asked by long work, by waits for locks, and by SQLite every few thousand steps."""
        if self._killed or self._cancelled.is_set():
            return True
        return self._polling and self.running is not None and self.running.cancelled()

    # --- databases -----------------------------------------------------------------------------------------------

    def use(self, name: str, sink: Sink) -> None:
        database = self.server.find(name)
        if database is None:
            raise messages.database_missing(name)
        self.check_access(database)
        old = self.current.name
        self.link.attach(database)
        self.current = database
        if not self.link.open:
            self.link.keep_only(database)
        sink.database_changed(old, database.name)
        text = f"Changed database context to '{database.name}'."
        sink.info(SqlServerError(5701, text, 10, 2))

    def check_access(self, database: Database) -> None:
        """Raise unless this session may use the database now."""
        self.server.check_access(database, self)

    # --- transactions --------------------------------------------------------------------------------------------

    def begin(self, sink: Sink) -> None:
        if self.transaction_count == 0:
            self.descriptor = next(_descriptors)
            self.doomed = False
            sink.transaction_began(self.descriptor)
            if self.isolation == "SNAPSHOT":
                self._begin_snapshot()
        self.transaction_count += 1

    def _begin_snapshot(self) -> None:
        if not self.current.settings.snapshot_isolation:
            return
        self.link.begin()
        self.link.execute(f"SELECT count(*) FROM {self.current.alias}.sqlite_schema").fetchall()

    def commit(self, sink: Sink) -> None:
        if not self.transaction_count:
            text = "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."
            raise SqlServerError(3902, text, 16, 1)
        if self.doomed:
            raise messages.doomed_transaction()
        if self.transaction_count == 1:
            self.link.commit()
            self._touched.clear()
        self.transaction_count -= 1
        if self.transaction_count == 0:
            self._ended(sink, committed=True)

    def rollback(self, sink: Sink, name: str = "") -> None:
        if not self.transaction_count:
            text = "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."
            raise SqlServerError(3903, text, 16, 1)
        if name:
            kept = self.definitions.temporaries.table_variable_rows()
            if self.link.rollback_to(name):
                self._after_rollback()
                self.definitions.temporaries.restore_table_variables(kept)
                return
        self.abandon(sink)

    def abandon(self, sink: Sink | None) -> None:
        """Roll everything back, if there is anything."""
        active = self.transaction_count > 0
        kept = self.definitions.temporaries.table_variable_rows() if active else []
        self.transaction_count = 0
        self.doomed = False
        self.link.rollback()
        self._touched.clear()
        if active:
            self._after_rollback()
            self.definitions.temporaries.restore_table_variables(kept)
            self._ended(sink, committed=False)

    def let_go(self) -> None:
        """A statement that failed before its own transaction was under way must not keep the write lock."""
        if not self.transaction_count and not self._in_statement and self.link.holds_anything():
            self.link.rollback()
            self._touched.clear()

    def _after_rollback(self) -> None:
        """Temporary tables made in the transaction are gone."""
        self.querying.forget()
        existing = {str(row[0]) for row in self.link.raw.execute("SELECT name FROM temp.sqlite_schema").fetchall()}
        for name, table in list(self.temporaries.items()):
            if table.name not in existing:
                del self.temporaries[name]
        self.temporary_version += 1

    def _ended(self, sink: Sink | None, *, committed: bool) -> None:
        self.applocks.release_transaction()
        if sink is not None:
            sink.transaction_ended(self.descriptor, committed=committed)
        self.descriptor = 0

    def save(self, name: str) -> None:
        if not self.transaction_count:
            text = "Cannot issue SAVE TRANSACTION when there is no active transaction."
            raise SqlServerError(628, text, 16, 0)
        if self.doomed:
            raise messages.doomed_transaction()
        self.link.savepoint(name)

    def before_read(self, *, locking: bool, reads: bool) -> None:
        """Implicit transactions begin with the first statement on a table; UPDLOCK and stronger levels lock first."""
        self.environment.new_statement()
        if not reads:
            return
        if self.implicit and not self.transaction_count:
            assert self.sink is not None
            self.begin(self.sink)
        if self.transaction_count and (locking or self.isolation in ("REPEATABLE READ", "SERIALIZABLE")):
            self.link.begin_write(self.current)

    def before_write(self, database: Database | None) -> None:
        """``database`` is None for temporary tables."""
        self.environment.new_statement()
        if self.implicit and not self.transaction_count:
            assert self.sink is not None
            self.begin(self.sink)
        if self.doomed:
            raise messages.doomed_transaction()
        if database is not None:
            self.link.attach(database)
            self.link.begin_write(database)
        elif self.transaction_count:
            self.link.begin_write(self.current)

    @contextmanager
    def statement_transaction(self) -> Generator[None]:
        """Outside a transaction a statement is one of its own."""
        if self.transaction_count or self._in_statement:
            yield
            return
        self.link.begin()
        self._in_statement = True
        try:
            yield
        except BaseException:
            self._in_statement = False
            self.link.rollback()
            self._touched.clear()
            raise
        self._in_statement = False
        self.link.commit()
        self._touched.clear()

    # --- counters ------------------------------------------------------------------------------------------------

    def note_identity(self, database: str, object_id: int, value: int) -> None:
        self._touched[database, object_id] = value
        self.scope_identity = self.last_identity = value

    def note_rowversion(self, database: str) -> None:
        self._touched_rowversion.add(database)

    def save_counters(self) -> None:
        """Identity and rowversion counters go into the file with the rows that used them."""
        for (name, object_id), value in self._touched.items():
            database = self.server.find(name) if name != "tempdb" else None
            if database is not None:
                save_counter(self.link.raw, database.alias, f"identity:{object_id}", value)
        self._touched.clear()
        for name in self._touched_rowversion:
            database = self.server.find(name) if name != "tempdb" else None
            if database is not None:
                save_counter(self.link.raw, database.alias, "rowversion", database.rowversion)
        self._touched_rowversion.clear()

    # --- variables -----------------------------------------------------------------------------------------------

    def assign(self, name: str, value: Stored, type: SqlType) -> None:
        """Give a variable a value that has another type, perhaps."""
        variable = self.frame.get(name)
        if value is not None and type.name != "null" and not fits(type, variable.type):
            value = between(type, variable.type)(value, 0)
        variable.value = value

    def options_mask(self) -> int:
        mask = sum(bit for option, bit in _OPTION_BITS.items() if option in self.options)
        return mask | (512 if self.no_count else 0) | (16384 if self.xact_abort else 0) | (2 if self.implicit else 0)

    # --- temporary objects ---------------------------------------------------------------------------------------

    def temporary(self, name: str) -> TableModel | None:
        return self.temporaries.get(name.lower())

    def temporary_by_id(self, object_id: int) -> TableModel:
        for table in (*self.temporaries.values(), *self.frame.tables.values()):
            if table.object_id == object_id:
                return table
        raise KeyError(object_id)

    # --- application locks ---------------------------------------------------------------------------------------

    def applock_mode(self, _principal: str, resource: str, owner: str) -> str:
        return self.applocks.mode(resource, owner)

    def applock_test(self, _principal: str, resource: str, mode: str, _owner: str) -> int:
        return int(self.applocks.available(resource, mode))
