"""A TDS server without SQL: its "statements" say what the protocol layer is to do.

    rows N            N rows of (int, nvarchar)
    wide N SIZE       N rows of one nvarchar(max) of SIZE characters
    slow              one row every few milliseconds until cancelled
    wait              no row at all until cancelled
    error N           error N of severity 16
    rows-then-error N rows, then an error
    print TEXT        a message
    progress          three messages with work in between
    types             one row of every data type, and one of NULLs
    count N           a statement without rows
    several           two results and a count
    use NAME          a change of database
    begin / commit    transaction tokens
    spid              the session's number
    kill SPID         marks another session as killed
    crash             a defect of the engine

A procedure call answers with its own parameters as one row (sp_executesql without any runs its text); sp_prepare and
sp_prepexec give handles.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from standins.sqlserver.command import main
from standins.sqlserver.contract import (
    Cancelled,
    Column,
    LoginRequest,
    Parameter,
    ProcedureCall,
    Sink,
    SqlServerError,
    SqlType,
    Ticks,
    TransactionRequest,
    Value,
)
from standins.sqlserver.listener import Limits

MOMENT = datetime(2021, 3, 28, 13, 14, 15, 123456)
ZONE = timezone(timedelta(hours=5, minutes=30))
#: Every type once: column type and a value.
EVERY_TYPE: Sequence[tuple[SqlType, Value]] = (
    (SqlType("tinyint"), 255),
    (SqlType("smallint"), -32768),
    (SqlType("int"), -2147483648),
    (SqlType("bigint"), 2**63 - 1),
    (SqlType("bit"), True),
    (SqlType("real"), 1.5),
    (SqlType("float"), 0.1),
    (SqlType("decimal", precision=38, scale=10), Decimal("-1234567890123456789.0123456789")),
    (SqlType("numeric", precision=5, scale=2), Decimal("12.34")),
    (SqlType("money"), Decimal("-922337203685477.5808")),
    (SqlType("smallmoney"), Decimal("214748.3647")),
    (SqlType("char", 3), "abc"),
    (SqlType("varchar", 20), "Grüße €"),
    (SqlType("varchar", None), "x" * 9000),
    (SqlType("nchar", 2), "né"),
    (SqlType("nvarchar", 20), "Ж😀"),
    (SqlType("nvarchar", None), "long " * 3000),
    (SqlType("text"), "old text"),
    (SqlType("ntext"), "old Ж"),
    (SqlType("binary", 3), b"\x00\x01\xff"),
    (SqlType("varbinary", 10), b"\x00"),
    (SqlType("varbinary", None), bytes(range(256)) * 40),
    (SqlType("image"), b"picture"),
    (SqlType("rowversion"), b"\0\0\0\0\0\0\x07\xd1"),
    (SqlType("uniqueidentifier"), UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")),
    (SqlType("datetime"), MOMENT.replace(microsecond=123000)),
    (SqlType("smalldatetime"), MOMENT.replace(second=0, microsecond=0)),
    (SqlType("date"), date(1, 1, 1)),
    (SqlType("datetime2", scale=7), MOMENT),
    (SqlType("datetime2", scale=3), MOMENT.replace(microsecond=123000)),
    (SqlType("xml"), "<a>Ж</a>"),
)
#: Types some drivers give as something of their own.
MOMENT_TYPES: Sequence[tuple[SqlType, Value]] = (
    (SqlType("time", scale=7), MOMENT.time()),
    (SqlType("datetimeoffset", scale=7), MOMENT.replace(tzinfo=ZONE)),
    (SqlType("datetimeoffset", scale=7), Ticks(MOMENT.replace(tzinfo=UTC), 7)),
)


class FakeSession:
    def __init__(self, engine: FakeEngine, spid: int, request: LoginRequest) -> None:
        self.engine = engine
        self.spid = spid
        self.database = request.database or "master"
        self.login_database = self.database
        self.killed = False
        self.resets = 0
        self._stop = threading.Event()
        self._handles = itertools.count(1)
        self._columns_of_load: Sequence[Column] = ()

    def batch(self, text: str, sink: Sink) -> None:
        word, _, rest = text.strip().partition(" ")
        statement: Callable[[str, Sink], None] | None = getattr(self, "do_" + word.replace("-", "_"), None)
        if text.startswith("SELECT 1"):
            self.table(sink, [Column("", SqlType("int"), nullable=False)], iter([(1,)]))
        elif statement is not None:
            statement(rest, sink)
        else:  # what drivers send of their own accord (SET ...) and tests do not care about
            sink.done(None)

    def table(self, sink: Sink, columns: Sequence[Column], rows: Iterator[Sequence[Value]]) -> None:
        sink.columns(columns)
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 -- the last number is the count
            sink.row(row)
        sink.done(count, select=True)

    def do_rows(self, rest: str, sink: Sink) -> None:
        columns = [Column("id", SqlType("int"), nullable=False), Column("name", SqlType("nvarchar", 20))]
        self.table(sink, columns, ((i, f"row {i}") for i in range(int(rest))))

    def do_wide(self, rest: str, sink: Sink) -> None:
        count, size = map(int, rest.split())
        document = "d" * size
        self.table(sink, [Column("document", SqlType("nvarchar", None))], ((document,) for _ in range(count)))

    def do_slow(self, _: str, sink: Sink) -> None:
        sink.columns([Column("text", SqlType("nvarchar", 4000))])
        while not sink.cancelled():
            sink.row(["x" * 2000])
            self._stop.wait(0.002)
        raise Cancelled

    def do_wait(self, _: str, sink: Sink) -> None:
        while not sink.cancelled() and not self._stop.wait(0.01):
            pass
        raise Cancelled

    def do_error(self, rest: str, sink: Sink) -> None:
        sink.error(SqlServerError(int(rest), f"Error number {rest}.", 16, 3, 7))

    def do_rows_then_error(self, rest: str, sink: Sink) -> None:
        sink.columns([Column("id", SqlType("int"))])
        for i in range(int(rest)):
            sink.row([i])
        sink.error(SqlServerError(8134, "Divide by zero error encountered."))

    def do_print(self, rest: str, sink: Sink) -> None:
        sink.info(SqlServerError(0, rest, 0))
        sink.done(None)

    def do_progress(self, _: str, sink: Sink) -> None:
        for percent in (10, 50, 100):
            sink.info(SqlServerError(3211, f"{percent} percent processed.", 0))
            time.sleep(0.15)  # the work itself
        sink.done(None)

    def do_types(self, rest: str, sink: Sink) -> None:
        table = [*EVERY_TYPE, *MOMENT_TYPES] if rest == "all" else MOMENT_TYPES if rest else EVERY_TYPE
        columns = [Column(f"c{i}_{sql_type.name}", sql_type) for i, (sql_type, _) in enumerate(table)]
        rows = [[value for _, value in table], [None for _ in table]]
        self.table(sink, columns, iter(rows))

    def do_count(self, rest: str, sink: Sink) -> None:
        sink.done(int(rest))

    def do_several(self, _: str, sink: Sink) -> None:
        self.do_rows("2", sink)
        sink.done(5)
        self.do_rows("3", sink)

    def do_use(self, rest: str, sink: Sink) -> None:
        sink.database_changed(self.database, rest)
        self.database = rest
        sink.info(SqlServerError(5701, f"Changed database context to '{rest}'.", 0))
        sink.done(None)

    def do_begin(self, _: str, sink: Sink) -> None:
        sink.transaction_began(1)
        sink.done(None)

    def do_commit(self, _: str, sink: Sink) -> None:
        sink.transaction_ended(1, committed=True)
        sink.done(None)

    def do_spid(self, _: str, sink: Sink) -> None:
        columns = [Column(name, SqlType("int")) for name in ("spid", "resets")]
        columns.append(Column("database", SqlType("nvarchar", 128)))
        self.table(sink, columns, iter([(self.spid, self.resets, self.database)]))

    def do_kill(self, rest: str, sink: Sink) -> None:
        self.engine.sessions[int(rest)].killed = True
        sink.done(None)

    def do_crash(self, _: str, sink: Sink) -> None:
        raise KeyError("the engine's own mistake")

    def do_leak(self, _: str, sink: Sink) -> None:
        """A value its column cannot hold, after one that it can."""
        sink.columns([Column("id", SqlType("int"))])
        sink.row([1])
        try:
            sink.row(["no number"])
        except SqlServerError as error:
            sink.error(error)

    def call(self, call: ProcedureCall, sink: Sink) -> None:
        name = call.procedure.lower().removeprefix("[sys].")
        values = [p for p in call.parameters if not p.output]
        if name in ("sp_prepexec", "sp_prepare"):
            handle = call.parameters[0]
            if name == "sp_prepexec":
                self.echo(values[2:], sink)
            sink.return_status(0)
            sink.return_value(handle.name, SqlType("int"), next(self._handles))
        elif name == "sp_executesql" and len(values) == 1:
            self.batch(str(values[0].value), sink)
            sink.return_status(0)
        elif name in ("sp_executesql", "sp_execute"):
            self.echo(values[2:] if name == "sp_executesql" else values[1:], sink)
            sink.return_status(0)
        elif name == "sp_failing":
            sink.error(SqlServerError(50001, "The procedure failed."))
            sink.return_status(-6)
        elif name == "sp_datatype_info_100":
            self.datatypes(int(call.parameters[0].value), sink)
            sink.return_status(0)
        else:
            sink.return_status(0)

    def datatypes(self, code: int, sink: Sink) -> None:
        """The first columns of SQLGetTypeInfo; pyodbc asks for the longest text, binary and moment."""
        columns = [
            Column("TYPE_NAME", SqlType("nvarchar", 128)),
            Column("DATA_TYPE", SqlType("smallint")),
            Column("PRECISION", SqlType("int")),
        ]
        known = {12: ("varchar", 8000), -9: ("nvarchar", 4000), -3: ("varbinary", 8000), 93: ("datetime2", 27)}
        self.table(sink, columns, iter([(known[code][0], code, known[code][1])] if code in known else []))

    def do_sp_datatype_info_100(self, rest: str, sink: Sink) -> None:
        self.datatypes(int(rest.split(",", maxsplit=1)[0]), sink)

    def echo(self, parameters: Sequence[Parameter], sink: Sink) -> None:
        columns = [Column(p.name.lstrip("@"), p.type) for p in parameters]
        if columns:
            self.table(sink, columns, iter([[p.value for p in parameters]]))
        else:
            sink.done(0)

    def bulk_load(self, columns: Sequence[Column], rows: Any, sink: Sink) -> None:
        self.engine.loaded.extend(rows)
        sink.done(len(self.engine.loaded))

    def do_loaded(self, _: str, sink: Sink) -> None:
        self.table(sink, [Column("n", SqlType("int"))], iter([(len(self.engine.loaded),)]))

    def transaction(self, request: TransactionRequest, name: str, isolation: int, sink: Sink) -> None:
        if request is TransactionRequest.BEGIN:
            sink.transaction_began(7)
        elif request is not TransactionRequest.SAVE:
            sink.transaction_ended(7, committed=request is TransactionRequest.COMMIT)

    def reset(self) -> None:
        self.resets += 1
        self.database = self.login_database

    def cancel(self) -> None:
        self._stop.set()

    def close(self) -> None:
        self.engine.sessions.pop(self.spid, None)


class FakeEngine:
    def __init__(self, data: Path, sa_password: str, product_version: str) -> None:
        self._password = sa_password
        self._spids = itertools.count(51)
        self.sessions: dict[int, FakeSession] = {}
        self.loaded: list[Sequence[Value]] = []

    @property
    def version(self) -> tuple[int, int, int]:
        return 15, 0, 2000

    def login(self, request: LoginRequest) -> FakeSession:
        if (request.user, request.password) != ("sa", self._password):
            raise SqlServerError(18456, f"Login failed for user '{request.user}'.", 14)
        if request.database == "absent":
            raise SqlServerError(4060, 'Cannot open database "absent" requested by the login. The login failed.', 11)
        session = FakeSession(self, next(self._spids), request)
        self.sessions[session.spid] = session
        return session

    def close(self) -> None:
        self.sessions.clear()


if __name__ == "__main__":
    sys.exit(main(make_engine=FakeEngine, limits=Limits(login_seconds=2)))
