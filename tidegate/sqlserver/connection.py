"""One connection to a SQL Server: statements in, rows and messages out, and one kind of error."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from types import ModuleType, TracebackType
from typing import Any, Final, Self, final

from tidegate import trail
from tidegate.errors import DriverMissing, HarnessError, Refused, SqlServerFailure, Unreachable
from tidegate.rehearsal.instances import SqlServerAddress
from tidegate.secrets import redact
from tidegate.sqlserver.driver import DriverFamily, OdbcDriver, find_driver, load_pyodbc

#: What the harness calls itself to SQL Server, so that its own sessions can be told from others.
APPLICATION: Final = "tidegate"
#: SQL_SS_TIMESTAMPOFFSET of Microsoft's drivers, which pyodbc does not convert by itself.
_DATETIMEOFFSET: Final = -155
_DIAGNOSTIC: Final = re.compile(r"\((-?\d+)\) \(SQL\w+\)")
_PREFIXES: Final = re.compile(
    r"\[[0-9A-Z]{5}\] |\[(?:Microsoft|FreeTDS|unixODBC|Driver Manager|SQL Server)\]|\[ODBC [^\]]*\]"
)
#: ODBC states of a connection that could not be made or was lost.
_NO_CONNECTION: Final = frozenset({"08001", "08S01", "08004", "08007", "HYT01", "01002"})
_LOGIN_REFUSED: Final = frozenset({"28000"})
_TIMED_OUT: Final = frozenset({"HYT00"})
#: SQL Server's numbers for "you may not log in" and "this database cannot be opened".
_LOGIN_NUMBERS: Final = frozenset({18456, 18452, 18470, 18486, 18487, 18488})

Row = tuple[Any, ...]
Messages = Callable[[str], None]


@final
class SqlServer:
    """A connection with autocommit. Use it as a context manager, from one thread.

    Every trouble of the driver or the server leaves as :class:`SqlServerFailure` (with SQL Server's number),
    :class:`Unreachable` or :class:`Refused`; texts are redacted.
    """

    def __init__(
        self,
        address: SqlServerAddress,
        database: str = "master",
        *,
        driver: OdbcDriver | None = None,
        query_timeout: int = 0,
    ) -> None:
        """``query_timeout`` in seconds; 0 waits for ever, which BACKUP, RESTORE and DBCC need."""
        self.address = address
        self.database = database
        self._driver = driver or find_driver(address.odbc_driver)
        self._odbc: ModuleType = load_pyodbc()
        with _border(self._odbc, f"connecting to {address.server}", address.server):
            self._connection: Any = self._odbc.connect(
                # Never a local variable: a traceback that shows locals would show the password.
                connection_string(address, database, self._driver),
                autocommit=True,
                timeout=address.login_timeout,
            )
        self._connection.timeout = query_timeout
        self._connection.add_output_converter(_DATETIMEOFFSET, decode_datetimeoffset)

    def __repr__(self) -> str:
        return f"SqlServer({self.address.server}, {self.database})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Safe to call twice, and on a connection that the server has dropped."""
        try:
            self._connection.close()
        except self._odbc.Error as error:
            # pyodbc refuses to close twice, and a lost connection is closed already.
            if _state(error) not in _NO_CONNECTION and not isinstance(error, self._odbc.ProgrammingError):
                raise mapped_error(error, f"closing {self!r}", self.address.server) from None

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        """Every row of the first result set; statements after it are run to their end as well."""
        with self._border(sql):
            cursor = self._connection.cursor()
            try:
                cursor.execute(sql, *parameters)
                while cursor.description is None and cursor.nextset():
                    pass
                rows = [tuple(row) for row in cursor.fetchall()] if cursor.description is not None else []
                while cursor.nextset():
                    pass
                return rows
            finally:
                cursor.close()

    def table(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """As :meth:`rows`, each row with its columns' names; for RESTORE …ONLY, whose columns vary by version."""
        with self._border(sql):
            cursor = self._connection.cursor()
            try:
                cursor.execute(sql, *parameters)
                names = [str(column[0]) for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []
            finally:
                cursor.close()

    def value(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row; None where there is no row."""
        rows = self.rows(sql, *parameters)
        return rows[0][0] if rows else None

    def execute(self, sql: str, *parameters: Any, messages: Messages | None = None) -> int:
        """Run a batch to its very end; returns the rows changed by all its statements.

        ``messages`` gets what the server prints while it works (PRINT, progress of BACKUP and RESTORE). An error of
        any statement is raised, not only of the first one.
        """
        changed = 0
        trail.statement(self.address.server, self.database, sql)
        with self._border(sql):
            cursor = self._connection.cursor()
            try:
                cursor.execute(sql, *parameters)
                while True:
                    changed += max(cursor.rowcount, 0)
                    for _, text in cursor.messages or ():
                        if messages is not None:
                            messages(redact(_plain(str(text))))
                    # BACKUP and RESTORE only go on while their messages are fetched.
                    if not cursor.nextset():
                        return changed
            finally:
                cursor.close()

    @contextmanager
    def using(self, database: str) -> Generator[Self]:
        """Inside the block this connection works in ``database``; afterwards in the one it was in before."""
        before = self.database
        self.execute(f"USE {quoted(database)}")
        self.database = database
        try:
            yield self
        finally:
            self.database = before
            self.execute(f"USE {quoted(before)}")

    @contextmanager
    def transaction(self) -> Generator[Self]:
        """Everything inside is committed together, or not at all when an exception leaves the block."""
        self._connection.autocommit = False
        try:
            yield self
            with self._border("COMMIT"):
                self._connection.commit()
        except BaseException:
            with self._border("ROLLBACK"):
                self._connection.rollback()
            raise
        finally:
            self._connection.autocommit = True

    @contextmanager
    def _border(self, sql: str) -> Generator[None]:
        with _border(self._odbc, f"running {_shortened(sql)}", f"{self.address.server}, database {self.database}"):
            yield


def connection_string(address: SqlServerAddress, database: str, driver: OdbcDriver) -> str:
    """The ODBC connection string; holds the password, so it is never kept, shown or raised."""
    if driver.family is DriverFamily.FREETDS:
        if address.encrypt and not address.trust_server_certificate:
            raise DriverMissing(
                "FreeTDS does not check the server's certificate, which the settings demand",
                where=address.server,
                next_step="`pip install mssql-python-odbc` for Microsoft's driver, or set trust_server_certificate",
            )
        host, port = split_server(address.server)
        # FreeTDS takes TCP port and encryption by other words, and finds a closing brace only before a semicolon.
        parts = {
            "DRIVER": _braced(driver.name),
            "SERVER": host,
            **({"PORT": str(port)} if port else {}),
            "DATABASE": f"{{{database}}}",
            "UID": f"{{{address.user}}}",
            "PWD": f"{{{address.password.reveal()}}}",
            "TDS_Version": "7.4",
            "ClientCharset": "UTF-8",
            "Encryption": "require" if address.encrypt else "off",
            "APP": APPLICATION,
        }
    else:
        parts = {
            "DRIVER": _braced(driver.name),
            "SERVER": _braced(address.server),
            "DATABASE": _braced(database),
            "UID": _braced(address.user),
            "PWD": _braced(address.password.reveal()),
            "Encrypt": "yes" if address.encrypt else "no",
            "TrustServerCertificate": "yes" if address.trust_server_certificate else "no",
            "APP": APPLICATION,
        }
    return ";".join(f"{key}={value}" for key, value in parts.items()) + ";"


def split_server(server: str) -> tuple[str, int]:
    """Host (or ``host\\instance``) and TCP port of "tcp:host,port"; 0 where none is given."""
    host, comma, port = server.removeprefix("tcp:").partition(",")
    return host.strip(), int(port) if comma else 0


def decode_datetimeoffset(raw: bytes) -> datetime:
    """SQL_SS_TIMESTAMPOFFSET_STRUCT: six 16-bit numbers, nanoseconds, and the offset's hours and minutes."""
    year, month, day, hour, minute, second, nanoseconds, hours, minutes = struct.unpack("<6hI2h", raw)
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    return datetime(year, month, day, hour, minute, second, nanoseconds // 1000, zone)


def quoted(name: str) -> str:
    """A name as a T-SQL identifier."""
    return "[" + name.replace("]", "]]") + "]"


def literal(text: str) -> str:
    """A text as a T-SQL literal, for statements that take no parameters (BACKUP, RESTORE)."""
    return "N'" + text.replace("'", "''") + "'"


@contextmanager
def _border(odbc: ModuleType, doing: str, where: str) -> Generator[None]:
    """The one place where the driver's exceptions become the harness's."""
    try:
        yield
    except odbc.Error as error:
        raise mapped_error(error, doing, where) from None


def mapped_error(error: Exception, doing: str, where: str) -> HarnessError:
    """What the driver raised while ``doing`` something, as an error of the harness, without secrets."""
    state, text = _state(error), str(error.args[1]) if len(error.args) > 1 else str(error)
    number = _number(text)
    said = redact(_plain(text))
    if state in _LOGIN_REFUSED or number in _LOGIN_NUMBERS:
        return Refused(
            f"SQL Server refused the login while {doing}: {said}",
            where=where,
            next_step="check user and password, and that SQL Server allows SQL logins",
        )
    if state in _NO_CONNECTION or (state in _TIMED_OUT and doing.startswith("connecting")):
        return Unreachable(
            f"SQL Server did not answer while {doing}: {said}",
            where=where,
            next_step="check server name, port, firewall, and whether its certificate is trusted "
            "([main.database] trust_server_certificate)",
        )
    return SqlServerFailure(f"SQL Server error {number} while {doing}: {said}", number=number, where=where)


def _state(error: Exception) -> str:
    return str(error.args[0]) if error.args else ""


def _number(text: str) -> int:
    """SQL Server's number of the first diagnostic: the cause; later ones say only that the statement ended."""
    return next((int(number) for number in _DIAGNOSTIC.findall(text) if int(number)), 0)


def _plain(text: str) -> str:
    """A diagnostic without the names of the layers it passed."""
    return _DIAGNOSTIC.sub("", _PREFIXES.sub("", text)).strip().replace(" ;", ";")


def _shortened(sql: str, length: int = 80) -> str:
    line = " ".join(sql.split())
    return redact(line if len(line) <= length else line[: length - 1] + "…")


def _braced(text: str) -> str:
    return "{" + text.replace("}", "}}") + "}"
