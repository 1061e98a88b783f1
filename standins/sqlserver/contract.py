"""The seam between the TDS layer, which knows nothing of SQL, and the engine, which knows nothing of packets.

The TDS layer turns packets into calls on :class:`Session` and hands it a :class:`Sink`; the engine writes
result sets, counts, messages and errors into the sink while it works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import Enum
from typing import Any, NamedTuple, Protocol

#: One value as the engine holds it: int, float, Decimal, str, bytes, bool (bit), UUID, or one of the
#: ``datetime`` types; ``None`` is NULL. datetime2/datetimeoffset/time with more than microseconds use :class:`Ticks`.
Value = Any


@dataclass(frozen=True, slots=True)
class Ticks:
    """A time, datetime2 or datetimeoffset whose seventh decimal is not zero (Python's own types end at the sixth).

    A value whose ``digit`` would be 0 travels as the plain ``moment``.
    """

    moment: datetime | time
    digit: int


@dataclass(frozen=True, slots=True)
class SqlType:
    """A SQL Server data type as it stands in a column description.

    ``name`` is SQL Server's own ("nvarchar", "datetimeoffset", …). ``length`` is in characters for
    n(var)char, in bytes for (var)char/(var)binary, and ``None`` means ``max``.
    """

    name: str
    length: int | None = 0
    precision: int = 0
    scale: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result set."""

    name: str
    type: SqlType
    nullable: bool = True
    identity: bool = False


class SqlServerError(Exception):
    """An error as SQL Server reports it; the texts follow ``sys.messages``."""

    def __init__(self, number: int, message: str, severity: int = 16, state: int = 1, line: int = 1) -> None:
        super().__init__(message)
        self.number = number
        self.message = message
        self.severity = severity
        self.state = state
        self.line = line
        self.procedure = ""
        #: Errors of the same statement that come with this one, such as 3013 after a failed BACKUP.
        self.following: tuple[SqlServerError, ...] = ()


class Cancelled(Exception):
    """The client sent an attention signal or the session was killed."""


class Sink(Protocol):
    """Where the engine writes its answer, in order. Every method may raise :class:`Cancelled`."""

    def columns(self, columns: Sequence[Column]) -> None:
        """Begin a result set."""
        ...

    def row(self, values: Sequence[Value]) -> None:
        """One row of the result set that was begun last. Rows are streamed: nothing is collected."""
        ...

    def done(self, count: int | None, *, select: bool = False) -> None:
        """A statement ended; ``count`` is its row count, or None where SQL Server sends none (or NOCOUNT is on)."""
        ...

    def info(self, message: SqlServerError) -> None:
        """PRINT, BACKUP progress, `changed database context` … (severity ≤ 10)."""
        ...

    def error(self, error: SqlServerError) -> None:
        """An error token; the batch may go on after it when the statement's error does not end it."""
        ...

    def database_changed(self, old: str, new: str) -> None: ...

    def transaction_began(self, descriptor: int) -> None: ...

    def transaction_ended(self, descriptor: int, *, committed: bool) -> None: ...

    def return_value(self, name: str, type: SqlType, value: Value) -> None:
        """An OUTPUT parameter of an RPC."""
        ...

    def return_status(self, status: int) -> None: ...

    def cancelled(self) -> bool:
        """True once the client asked to cancel; long work polls it (or is interrupted by ``Session.cancel``)."""
        ...


class Parameter(NamedTuple):
    """One parameter of a remote procedure call, decoded."""

    name: str
    type: SqlType
    value: Value
    output: bool = False


class ProcedureCall(NamedTuple):
    """A TDS RPC request. ``procedure`` is a name: the TDS layer translates well-known ids (``sp_executesql`` …)."""

    procedure: str
    parameters: Sequence[Parameter]


class TransactionRequest(Enum):
    """Transaction manager requests of TDS [MS-TDS 2.2.7.17]."""

    BEGIN = 5
    COMMIT = 7
    ROLLBACK = 8
    SAVE = 9


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """What LOGIN7 carried."""

    user: str
    password: str = field(repr=False)
    database: str = ""
    host_name: str = ""
    application: str = ""
    server_name: str = ""
    library: str = ""
    language: str = ""
    client_pid: int = 0
    client_address: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Session(Protocol):
    """One logged-in connection. All calls come from the connection's thread, except :meth:`cancel` and ``kill``."""

    @property
    def spid(self) -> int: ...

    @property
    def database(self) -> str:
        """The current database."""
        ...

    def batch(self, text: str, sink: Sink) -> None:
        """Run a SQL batch. Errors are written to the sink, never raised, except :class:`Cancelled`."""
        ...

    def call(self, call: ProcedureCall, sink: Sink) -> None:
        """Run an RPC: sp_executesql, sp_prepare, sp_execute, sp_prepexec, sp_unprepare,
        sp_describe_undeclared_parameters, sp_describe_first_result_set, catalog procedures, user procedures …"""
        ...

    def bulk_load(self, columns: Sequence[Column], rows: Any, sink: Sink) -> None:
        """Rows of an INSERT BULK that the previous batch announced; ``rows`` is an iterator of value sequences."""
        ...

    def transaction(self, request: TransactionRequest, name: str, isolation: int, sink: Sink) -> None: ...

    def reset(self) -> None:
        """RESETCONNECTION: roll back, drop temporary objects and settings, return to the login's database."""
        ...

    def cancel(self) -> None:
        """Interrupt whatever runs; called from another thread."""
        ...

    @property
    def killed(self) -> bool:
        """True once another session has killed this one: the connection must be closed."""
        ...

    def close(self) -> None: ...


class Engine(Protocol):
    """The database server behind the protocol."""

    def login(self, request: LoginRequest) -> Session:
        """Raises :class:`SqlServerError` 18456 for bad credentials, 4060 for a database that cannot be opened."""
        ...

    @property
    def version(self) -> tuple[int, int, int]:
        """Product version, for the LOGINACK token: (major, minor, build)."""
        ...

    def close(self) -> None: ...
