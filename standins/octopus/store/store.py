"""Transactions over documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import pyodbc

from standins.octopus.contract import Conflict, Document, Unfit, Version
from standins.octopus.portions import portions
from standins.octopus.store.documents import LONG_TEXT, InputSize, Mapper
from standins.octopus.store.ids import KeyAllocator, PrivateKeys
from standins.octopus.store.kinds import DocumentKind, UnknownKind, kinds_of
from standins.octopus.store.query import Conditions, order_clause
from standins.octopus.store.session import Pool, Session, is_deadlock, is_gone

T = TypeVar("T")
_DEADLOCK_RETRIES: Final = 2
_READS: Final = re.compile(r"\s*(SELECT|WITH)\b(?!.*\b(UPDLOCK|INTO|XLOCK)\b)", re.IGNORECASE | re.DOTALL)
_CONSTRAINT: Final = re.compile(r"(?:constraint|unique index) '([^']+)'", re.IGNORECASE)
_DUPLICATE: Final = ("(2627)", "(2601)")
#: SQLSTATE of the driver's refusals: a text that is too long, a value of another type than the parameter's.
_UNFIT: Final = frozenset({"22001", "22003", "HY104", "HY105"})

#: Nobody reads longer pages with a screen before them; the rest ask for everything.
_A_PAGE = 1000


class Deadlock(Exception):
    """SQL Server chose this transaction as a deadlock victim (1205) and rolled it back. Begin it anew."""


class Work:
    """One transaction (see ``contract.Transaction``).

    It begins in the database with the first write. Under READ COMMITTED, SQL Server's default, earlier reads keep
    no locks, so beginning later changes nothing but saves every read-only request two round trips.
    """

    def __init__(self, store: OctopusStore) -> None:
        self._store = store
        self._session, self._used = store.pool.take()
        self._begun = False
        self._written = False
        self._keys = PrivateKeys(store.keys)

    # ------------------------------------------------------------------ reading

    def load(self, kind: str, id: str) -> Document | None:
        mapper = self._store.mapper(kind)
        rows = self._rows(f"{mapper.select} WHERE [Id] = ?", (id,), mapper.id_sizes)
        return mapper.document(rows[0]) if rows else None

    def load_many(self, kind: str, ids: Iterable[str]) -> list[Document]:
        """In the order of ``ids``; unknown ids are left out."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Document] = {}
        for some in portions(wanted):
            for document in self.query(kind, where={"Id": some}):
                found[document["Id"].lower()] = document
        return [found[key.lower()] for key in wanted if key.lower() in found]

    def query(
        self,
        kind: str,
        *,
        where: Mapping[str, Any] | None = None,
        contains: Mapping[str, str] | None = None,
        space: str | Sequence[str | None] | None = None,
        order_by: str = "",
        skip: int = 0,
        take: int | None = None,
    ) -> list[Document]:
        mapper = self._store.mapper(kind)
        conditions = Conditions(mapper.kind).add(where, contains, space)
        if conditions.nothing or take == 0:
            return []
        sql = mapper.select + conditions.sql() + order_clause(mapper.kind, order_by)
        values, sizes = list(conditions.values), list(conditions.sizes)
        integer = (pyodbc.SQL_BIGINT, 19, 0)
        if skip or take is not None:
            sql += " OFFSET ? ROWS"
            values.append(skip)
            sizes.append(integer)
        if take is not None and take <= _A_PAGE:
            # The number itself tells the database that reading along the index of the order is cheaper than sorting.
            sql += f" FETCH NEXT {int(take)} ROWS ONLY"
        elif take is not None:
            sql += " FETCH NEXT ? ROWS ONLY"
            values.append(take)
            sizes.append(integer)
        return [mapper.document(row) for row in self._rows(sql, values, sizes)]

    def count(
        self,
        kind: str,
        *,
        where: Mapping[str, Any] | None = None,
        contains: Mapping[str, str] | None = None,
        space: str | Sequence[str | None] | None = None,
    ) -> int:
        mapper = self._store.mapper(kind)
        conditions = Conditions(mapper.kind).add(where, contains, space)
        if conditions.nothing:
            return 0
        sql = f"SELECT COUNT(*) FROM dbo.[{mapper.kind.table}]{conditions.sql()}"
        return int(self._rows(sql, conditions.values, conditions.sizes)[0][0])

    def execute(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._rows(sql, parameters) if _READS.match(sql) else self._write(sql, parameters)

    # ------------------------------------------------------------------ writing

    def insert(self, kind: str, document: Document) -> Document:
        mapper = self._store.mapper(kind)
        if not document.get("Id"):
            document["Id"] = self.new_id(kind)
        values = [document["Id"], *mapper.row(document)]
        with _conflicts(mapper):
            rows = self._write(mapper.insert, values, mapper.insert_sizes)
        if mapper.kind.identity:
            document[mapper.kind.identity] = int(rows[0][0])
        self._relate(mapper.kind, document)
        return document

    def update(self, kind: str, document: Document) -> None:
        mapper = self._store.mapper(kind)
        with _conflicts(mapper):
            self._write(mapper.update, [*mapper.row(document), document["Id"]], mapper.update_sizes, must_hit=kind)
        self._relate(mapper.kind, document, again=True)

    def claim(self, kind: str, id: str, version: int) -> bool:
        table = self._store.kind(kind).table
        sql = f"UPDATE dbo.[{table}] SET [Version] = [Version] WHERE [Id] = ? AND [Version] = ?"
        try:
            self._write(sql, (id, version), must_hit=kind)
        except LookupError:
            return False
        return True

    def delete(self, kind: str, id: str) -> None:
        mapper = self._store.mapper(kind)
        self._unrelate(mapper.kind, id)
        self._write(mapper.delete, (id,), mapper.id_sizes)

    def new_id(self, kind: str) -> str:
        """The next id of a kind. Numbers come in blocks, so ids of several servers are not in order of time."""
        prefix = self._store.kind(kind).id_prefix
        if not prefix:
            raise ValueError(f"a {kind} is stored under a fixed id: give it one")
        return f"{prefix}-{self._keys.next(prefix, self._allocate, inside=self._begun)}"

    # ------------------------------------------------------------------ the transaction itself

    def commit(self) -> None:
        if self._begun:
            try:
                self._session.rows("COMMIT TRANSACTION", ())
            except pyodbc.Error as error:  # whether it was committed is unknown: the session must not be used again
                self._session.close()
                raise self._failed(error) from error
            self._begun = False
        self._keys.committed()
        self._store.pool.give(self._session)

    def rollback(self) -> None:
        self._keys.rolled_back()
        if self._begun:
            self._begun = False
            try:
                self._session.rows("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", ())
            except pyodbc.Error:  # the connection is gone, and the transaction with it
                self._session.close()
                return
        self._store.pool.give(self._session)

    def _begin(self) -> None:
        if not self._begun:
            self._rows("BEGIN TRANSACTION", ())
            self._begun = True

    def _allocate(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """In our own transaction, once there is one: another connection would wait for our locks."""
        return self._rows(sql, values)

    def _rows(self, sql: str, values: Sequence[Any], sizes: Sequence[InputSize] | None = None) -> list[tuple[Any, ...]]:
        if sizes is not None:
            sizes = wide_enough(values, sizes)
        try:
            rows = self._session.rows(sql, values, sizes)
        except OverflowError as error:
            raise Unfit("A number is too large.") from error
        except pyodbc.Error as error:
            if self._begun:
                raise self._failed(error) from error
            if is_gone(error) and self._used:  # the server was restarted while the connection lay idle
                self._session.close()
                self._session = self._store.pool.fresh()
            elif not is_deadlock(error):
                raise
            rows = self._session.rows(sql, values, sizes)
        self._used = False
        return rows

    def _write(
        self, sql: str, values: Sequence[Any], sizes: Sequence[InputSize] | None = None, must_hit: str = ""
    ) -> list[tuple[Any, ...]]:
        self._begin()
        for left in range(_DEADLOCK_RETRIES, -1, -1):
            try:
                rows, count = self._run_write(sql, values, sizes)
                break
            except OverflowError as error:
                raise Unfit("A number is too large.") from error
            except pyodbc.Error as error:
                if not _UNFIT.isdisjoint(map(str, error.args)):  # pyodbc puts the SQLSTATE first or last
                    raise Unfit("A value is too long, or not of the kind that is stored.") from error
                if not is_deadlock(error) or self._written or not left:
                    raise self._failed(error) from error
                # Nothing was written, and SQL Server has rolled the empty transaction back: once more is safe.
                self._session.rows("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; BEGIN TRANSACTION", ())
        else:
            raise AssertionError("unreachable")
        self._written = True
        if must_hit and count == 0:
            raise LookupError(f"there is no {must_hit} {values[-1]}")
        return rows

    def _run_write(
        self, sql: str, values: Sequence[Any], sizes: Sequence[InputSize] | None
    ) -> tuple[list[tuple[Any, ...]], int]:
        cursor = self._session.run(sql, values, sizes)
        count = cursor.rowcount
        rows: list[tuple[Any, ...]] = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        while cursor.nextset():
            pass
        return rows, count

    def _failed(self, error: pyodbc.Error) -> Exception:
        return Deadlock(str(error)) if is_deadlock(error) else error

    def _relate(self, kind: DocumentKind, document: Document, *, again: bool = False) -> None:
        related = kind.related
        if related is None:
            return
        values = list(dict.fromkeys(document.get(related.source) or ()))
        parameters: list[Any] = [document["Id"]] if again else []
        statements = [f"DELETE FROM dbo.[{related.table}] WHERE [{related.owner}] = ?"] if again else []
        if values:
            rows = ", ".join(["(?, ?)"] * len(values))
            statements.append(f"INSERT INTO dbo.[{related.table}] ([{related.owner}], [{related.value}]) VALUES {rows}")
            parameters += [part for value in values for part in (document["Id"], value)]
        if statements:
            self._write("; ".join(statements), parameters)

    def _unrelate(self, kind: DocumentKind, id: str) -> None:
        if related := kind.related:
            self._write(f"DELETE FROM dbo.[{related.table}] WHERE [{related.owner}] = ?", (id,))


def wide_enough(values: Sequence[Any], sizes: Sequence[InputSize]) -> list[InputSize]:
    """To ask for a text that is longer than its column finds nothing; only storing it is an error."""
    return [
        LONG_TEXT
        if isinstance(value, str) and size[0] == pyodbc.SQL_WVARCHAR and 0 < size[1] < 2 * len(value)
        else size
        for value, size in zip(values, sizes, strict=True)
    ]


@contextmanager
def _conflicts(mapper: Mapper) -> Generator[None]:
    """A duplicate key becomes ``Conflict``. SQL Server's message names the constraint, not its columns."""
    try:
        yield
    except pyodbc.IntegrityError as error:
        if not any(number in str(error) for number in _DUPLICATE):
            raise
        named = _CONSTRAINT.search(str(error))
        by_name = {mapper.kind.constraint_name(columns): columns for columns in mapper.kind.unique}
        columns = by_name.get(named[1] if named else "", ("Id",))
        raise Conflict(mapper.kind.name, [column for column in columns if column != "SpaceId"]) from error


class OctopusStore:
    """See ``contract.Store``."""

    def __init__(self, connection_string: str, version: Version) -> None:
        self.version = version
        self.connection_string = connection_string
        self.pool = Pool(connection_string)
        self.keys = KeyAllocator()
        self._kinds = kinds_of(version)
        self._mappers: dict[str, Mapper] = {}

    def kind(self, name: str) -> DocumentKind:
        try:
            return self._kinds[name]
        except KeyError:
            raise UnknownKind(f"Octopus {self.version} has no document type {name}") from None

    def kinds(self) -> Mapping[str, DocumentKind]:
        return self._kinds

    def mapper(self, name: str) -> Mapper:
        mapper = self._mappers.get(name)
        if mapper is None:
            mapper = self._mappers[name] = Mapper(self.kind(name))
        return mapper

    @contextmanager
    def transaction(self) -> Generator[Work]:
        work = Work(self)
        try:
            yield work
        except BaseException:
            work.rollback()
            raise
        work.commit()

    def run(self, body: Callable[[Work], T], *, attempts: int = 3) -> T:
        """``body`` in a transaction, again from its beginning when it was a deadlock victim. It must be repeatable."""
        for attempt in range(1, attempts + 1):
            try:
                with self.transaction() as work:
                    return body(work)
            except Deadlock:
                if attempt == attempts:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        self.pool.close()

    def session(self) -> Session:
        """A connection of one's own for work that is not about documents (application locks, catalog queries)."""
        return Session(self.connection_string)


def open_store(connection_string: str, version: Version) -> OctopusStore:
    """Connects lazily: the first transaction does."""
    return OctopusStore(connection_string, version)
