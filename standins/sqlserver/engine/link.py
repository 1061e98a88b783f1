"""A session's SQLite connection: attached databases, transactions, write locks.

T-SQL's READ COMMITTED lets a transaction read what others commit while it runs, up to its own first write. So a T-SQL
transaction opens a SQLite transaction only when it writes first (or asks for a stronger isolation level), and holds the
database's write lock from then on; SQLite's snapshot conflicts cannot arise that way.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import apsw

from standins.sqlserver.engine import messages
from standins.sqlserver.engine.database import Database, load_model
from standins.sqlserver.engine.functions import register
from standins.sqlserver.engine.model import Model
from standins.sqlserver.engine.sqlite import Cursor, connect
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.locks import LockManager, Waiter

#: A statement is looked at for cancellation every so many virtual machine steps.
_PROGRESS_STEPS = 20_000


class Link:
    """One SQLite connection."""

    def __init__(self, locks: LockManager, owner: Waiter, progress: Callable[[], bool]) -> None:
        self.raw = connect(":memory:", statements=400)
        self.raw.execute("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA recursive_triggers = OFF")
        self.raw.set_progress_handler(progress, _PROGRESS_STEPS)
        register(self.raw)
        self._locks = locks
        self._owner = owner
        self._attached: dict[str, Database] = {}
        self._written: list[Database] = []
        self._models: dict[str, Model] = {}
        self._savepoints: list[str] = []
        self.open = False

    # --- databases -----------------------------------------------------------------------------------------------

    def attach(self, database: Database) -> str:
        """Make the database usable; the name under which SQL refers to it."""
        known = self._attached.get(database.alias)
        if known is database:
            return database.alias
        if known is not None:
            self._detach(known)
        self.raw.execute(f"ATTACH DATABASE ? AS {database.alias}", (str(database.path),))
        # within a transaction SQLite keeps its own, stricter default: every commit reaches the disk
        synchronous = "" if self.raw.in_transaction else f"PRAGMA {database.alias}.synchronous = NORMAL; "
        self.raw.execute(
            f"{synchronous}PRAGMA {database.alias}.wal_autocheckpoint = 2000; "
            f"PRAGMA {database.alias}.cache_size = -16000"
        )
        self._attached[database.alias] = database
        database.users.add(self._owner.spid)
        return database.alias

    def keep_only(self, database: Database | None) -> None:
        """Let go of every database but the current one, so that it counts as unused; not inside a transaction."""
        if database is not None and len(self._attached) == 1 and self._attached.get(database.alias) is database:
            return
        for known in [found for found in self._attached.values() if found is not database]:
            self._detach(known)

    def _detach(self, database: Database) -> None:
        try:
            self.raw.execute(f"DETACH DATABASE {database.alias}")
        except apsw.SQLError:  # a reader is still open on it; the next statement tries again
            return
        del self._attached[database.alias]
        database.users.discard(self._owner.spid)

    def uses(self, database: Database) -> bool:
        return self._attached.get(database.alias) is database

    # --- models --------------------------------------------------------------------------------------------------

    def model(self, database: Database) -> Model:
        """The database's model; inside a transaction that changed it, the changed one."""
        return self._models.get(database.alias, database.model)

    def set_model(self, database: Database, model: Model) -> None:
        self._models[database.alias] = model

    # --- transactions --------------------------------------------------------------------------------------------

    def begin_write(self, database: Database) -> None:
        """Take the write lock and open the SQLite transaction, unless that is done."""
        if database not in self._written:
            if database.settings.read_only:
                text = f'Failed to update database "{database.name}" because the database is read-only.'
                raise messages.SqlServerError(3906, text, 16, 1)
            if not self._locks.acquire(database.writer, self._owner, "X", self._owner.lock_timeout):
                raise messages.lock_timeout()
            self._written.append(database)
        self.begin()

    def holds_anything(self) -> bool:
        return self.open or bool(self._written)

    def begin(self) -> None:
        if not self.open:
            self.raw.execute("BEGIN")
            self.open = True
            for name in self._savepoints:
                self.raw.execute(f"SAVEPOINT {quote(name)}")

    def commit(self) -> None:
        if self.open:
            self.raw.execute("COMMIT")
            self.open = False
        for database in self._written:
            model = self._models.get(database.alias)
            if model is not None:
                database.model = model
        self._end()

    def rollback(self) -> None:
        if self.open:
            self.open = False
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK")
        self._end()

    def _end(self) -> None:
        self._models.clear()
        self._savepoints.clear()
        written, self._written = self._written, []
        for database in written:
            self._locks.release_fully(database.writer, self._owner.spid)

    def savepoint(self, name: str) -> None:
        self._savepoints.append(name)
        if self.open:
            self.raw.execute(f"SAVEPOINT {quote(name)}")

    def rollback_to(self, name: str) -> bool:
        """False when there is no such savepoint."""
        wanted = [place for place, known in enumerate(self._savepoints) if known.lower() == name.lower()]
        if not wanted:
            return False
        del self._savepoints[wanted[-1] + 1 :]
        if self.open:
            self.raw.execute(f"ROLLBACK TO {quote(self._savepoints[-1])}")
            for database in self._written:
                if database.alias in self._models:
                    self._models[database.alias] = load_model(self.raw, database.alias)
        return True

    @contextmanager
    def atomic(self) -> Generator[None]:
        """All or nothing for a statement that takes several SQLite statements."""
        self.raw.execute("SAVEPOINT statement")
        models = dict(self._models)
        try:
            yield
        except BaseException:
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK TO statement; RELEASE statement")
            self._models = models
            raise
        self.raw.execute("RELEASE statement")

    # --- statements ----------------------------------------------------------------------------------------------

    def execute(self, sql: str, bindings: Sequence[Any] = ()) -> Cursor:
        return self.raw.execute(sql, bindings)

    def close(self) -> None:
        self.rollback()
        for database in list(self._attached.values()):
            database.users.discard(self._owner.spid)
        self._attached.clear()
        self.raw.close(True)
