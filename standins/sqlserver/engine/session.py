"""One logged-in connection: its settings, its temporary objects, and the entry points of the seam."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
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
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.databases import Databases
from standins.sqlserver.engine.defining import Defining
from standins.sqlserver.engine.environment import Environment
from standins.sqlserver.engine.interpreter import Interpreter
from standins.sqlserver.engine.link import Link
from standins.sqlserver.engine.model import TableModel
from standins.sqlserver.engine.querying import Querying
from standins.sqlserver.engine.remote import RemoteCalls
from standins.sqlserver.engine.security.checks import Checks
from standins.sqlserver.engine.security.failures import no_access
from standins.sqlserver.engine.security.rights import Rights
from standins.sqlserver.engine.securitymodel import DBO, GUEST
from standins.sqlserver.engine.temporary import TemporaryDatabase
from standins.sqlserver.engine.transactions import Transactions
from standins.sqlserver.engine.values import Stored
from standins.sqlserver.engine.variables import Frame
from standins.sqlserver.tsql.translate.conversion import fits

if TYPE_CHECKING:
    from standins.sqlserver.engine.server import SqlServerEngine

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
        self._cancelled = False  # one thread sets it and another looks at it: no more is needed
        self._killed = False
        self._closed = False
        self._polling = True
        self.lock_timeout: float | None = None
        self.link = Link(server.locks, self, self.interrupted)
        self.tempdb = server.new_tempdb()
        self.transactions = Transactions(self)
        self.frame = Frame()
        self.session_context: dict[str, Any] = {}
        self.rights = Rights(server.security, login)
        self.checks = Checks(self)
        self.environment = Environment(self)
        self.querying = Querying(self)
        self.changing = Changing(self)
        self.definitions = Defining(self)
        self.administration = Administering(self)
        self.databases = Databases(self)
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
        self.no_count = False
        self.format_only = False
        self.xact_abort = False
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
        self.temporaries: dict[str, TableModel] = {}
        self.temporary_version = 0
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
        self._request(sink, "BATCH", lambda: self.interpreter.batch(text, sink))

    def call(self, call: ProcedureCall, sink: Sink) -> None:
        self._request(sink, "EXECUTE", lambda: self.remote.call(call, sink))

    def bulk_load(self, columns: Sequence[Column], rows: Any, sink: Sink) -> None:
        def load() -> None:
            self._polling = False  # what comes in on the connection now are rows
            self.interpreter.guarded(lambda: self.bulk.load(columns, rows, sink), sink)

        self._request(sink, "BULK INSERT", load)

    def transaction(self, request: TransactionRequest, name: str, isolation: int, sink: Sink) -> None:
        def run() -> None:
            self.interpreter.guarded(lambda: self.transactions.request(request, name, isolation, sink), sink)

        self._request(sink, "TRANSACTION", run)

    def own_request(self, sink: Sink, work: Callable[[], None]) -> None:
        """A request of the server itself."""
        self._request(sink, "INTERNAL", work)

    def _request(self, sink: Sink, command: str, work: Callable[[], None]) -> None:
        """One request at a time; afterwards nothing is kept open that need not be."""
        with self.execution:
            self._cancelled = False
            self._polling = True
            self.sink, self.running, self.command = sink, sink, command
            self.last_started = time.time()
            self._started = time.monotonic()
            try:
                self._refuse_when_killed()
                work()
            except Cancelled:
                if self.xact_abort and self.transactions.count:
                    self.transactions.abandon(sink)
                raise
            finally:
                self._finish()

    def _refuse_when_killed(self) -> None:
        if self._killed:
            raise Cancelled

    def _finish(self) -> None:
        self.running, self.sink = None, None
        self.elapsed_ms += round((time.monotonic() - self._started) * 1000)
        self.cpu_ms = self.elapsed_ms
        self.last_finished = time.time()
        self.transactions.let_go()
        self.definitions.temporaries.drop_deferred()
        self.percent_complete = 0.0
        if self._killed and not self._closed:
            self.transactions.abandon(None)
            self.link.keep_only(None)
        elif not self.link.open:
            self.link.keep_only(self.current)

    def elapsed_now(self) -> int:
        return round((time.monotonic() - self._started) * 1000)

    def reset(self) -> None:
        with self.execution:
            self.transactions.abandon(None)
            self.applocks.release_all()
            for table in list(self.temporaries.values()):
                self.definitions.temporaries.drop(table)
            self.querying.forget()
            self.remote.forget()
            self.transactions.clear()
            self._clear()
            self.frame = Frame()
            if self.home.settings.state == "ONLINE" and self.server.find(self.home.name) is self.home:
                self.current = self.home
            else:
                self.current = self.server.master
            self.link.attach(self.current)
            self.link.keep_only(self.current)

    def cancel(self) -> None:
        self._cancelled = True
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
                    self.transactions.abandon(None)
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
        if self._killed or self._cancelled:
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
        if self.rights.restricted and self.rights.user(database, self.link.model(database)) is None:
            raise no_access(self.login, database.name)
        self.server.check_access(database, self)

    def user_name(self) -> str:
        """The name of the login's user in the current database."""
        security = self.link.model(self.current).security
        number = self.rights.user(self.current, self.link.model(self.current))
        fixed = {DBO: "dbo", GUEST: "guest", None: "guest"}
        if number in fixed:
            return fixed[number]
        return next(found.name for found in security.principals if found.principal_id == number)

    # --- variables -----------------------------------------------------------------------------------------------

    def assign(self, name: str, value: Stored, type: SqlType) -> None:
        """Give a variable a value that has another type, perhaps."""
        variable = self.frame.get(name)
        if value is not None and type.name != "null" and not fits(type, variable.type):
            value = between(type, variable.type)(value, 0)
        variable.value = value

    def options_mask(self) -> int:
        mask = sum(bit for option, bit in _OPTION_BITS.items() if option in self.options)
        implicit = 2 if self.transactions.implicit else 0
        return mask | (512 if self.no_count else 0) | (16384 if self.xact_abort else 0) | implicit

    # --- temporary objects ---------------------------------------------------------------------------------------

    def temporary(self, name: str) -> TableModel | None:
        return self.temporaries.get(name.lower())

    def temporary_by_id(self, object_id: int) -> TableModel:
        for table in (*self.temporaries.values(), *self.frame.tables.values()):
            if table.object_id == object_id:
                return table
        raise KeyError(object_id)

    def counted_table(self, database: str, object_id: int) -> tuple[TableModel, Database | TemporaryDatabase]:
        """A table a plan writes to, and the database whose counters it uses."""
        if database == "tempdb":
            return self.temporary_by_id(object_id), self.tempdb
        owner = self.server.find(database)
        assert owner is not None
        table = self.link.model(owner).table_by_id(object_id)
        assert table is not None
        return table, owner

    # --- application locks ---------------------------------------------------------------------------------------

    def applock_mode(self, _principal: str, resource: str, owner: str) -> str:
        return self.applocks.mode(resource, owner)

    def applock_test(self, _principal: str, resource: str, mode: str, _owner: str) -> int:
        return int(self.applocks.available(resource, mode))
