"""What SQL can ask about its surroundings: @@variables, the clock, the server and its databases, who is asking."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import moments
from standins.sqlserver.engine.metadata import Metadata
from standins.sqlserver.engine.security.functions import SecurityFunctions
from standins.sqlserver.tsql import collations, types

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.session import EngineSession


class Environment:
    """One per session."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._server = session.server
        self._ticks = 0
        self._constants: dict[str, Callable[[], Any]] = {
            "GETDATE": lambda: moments.moment_text(moments.to_datetime_precision(self._now())),
            "SYSDATETIME": lambda: moments.moment_text(self._now()),
            "SYSDATETIMEOFFSET": lambda: moments.offset_text(self._now(), 0),
            "SCOPE_IDENTITY": lambda: _text(session.scope_identity),
            "@@IDENTITY": lambda: _text(session.last_identity),
            "APP_NAME": lambda: session.request.application,
            "HOST_NAME": lambda: session.request.host_name,
            "HOST_ID": lambda: str(session.request.client_pid),
            "USER_NAME": session.user_name,
            "LOGIN_NAME": lambda: session.login,
            "XACT_STATE": lambda: -1 if session.transactions.doomed else int(session.transactions.count > 0),
            "ERROR_NUMBER": lambda: session.caught.number if session.caught else None,
            "ERROR_MESSAGE": lambda: session.caught.message if session.caught else None,
            "ERROR_SEVERITY": lambda: session.caught.severity if session.caught else None,
            "ERROR_STATE": lambda: session.caught.state if session.caught else None,
            "ERROR_LINE": lambda: session.caught.line if session.caught else None,
            "ERROR_PROCEDURE": lambda: (session.caught.procedure or None) if session.caught else None,
            "CONTEXT_INFO": lambda: session.context_info,
            "@@ROWCOUNT": lambda: session.row_count,
            "@@ERROR": lambda: session.last_error,
            "@@TRANCOUNT": lambda: session.transactions.count,
            "@@SPID": lambda: session.spid,
            "@@VERSION": lambda: self._server.product.banner,
            "@@SERVERNAME": lambda: self._server.name,
            "@@SERVICENAME": lambda: "MSSQLSERVER",
            "@@LANGUAGE": lambda: "us_english",
            "@@LANGID": lambda: 0,
            "@@DATEFIRST": lambda: 7,
            "@@LOCK_TIMEOUT": lambda: -1 if session.lock_timeout is None else round(session.lock_timeout * 1000),
            "@@MAX_PRECISION": lambda: 38,
            "@@MAX_CONNECTIONS": lambda: 32767,
            "@@MICROSOFTVERSION": self._microsoft_version,
            "@@NESTLEVEL": lambda: session.frame.nest,
            "@@OPTIONS": session.options_mask,
            "@@PROCID": lambda: session.frame.procedure_id,
            "@@TEXTSIZE": lambda: -1,
            "@@DBTS": lambda: session.current.rowversion.to_bytes(8, "big"),
            "@@FETCH_STATUS": lambda: -1,
            "@@CURSOR_ROWS": lambda: 0,
            "@@CPU_BUSY": lambda: int(os.times().user * 1000),
            "@@CONNECTIONS": lambda: self._server.connections,
        }

    def new_statement(self) -> None:
        """The clock stands still while a statement runs."""
        self._ticks = 0

    def constant(self, name: str) -> Any:
        return self._constants[name]()

    def _now(self) -> int:
        if not self._ticks:
            self._ticks = moments.now_ticks()
        return self._ticks

    def _microsoft_version(self) -> int:
        major, _, build = self._server.product.version
        return (major << 24) | build

    # --- functions of SQLite -------------------------------------------------------------------------------------

    def register(self) -> None:
        raw = self._session.link.raw
        functions: dict[str, Callable[..., Any]] = {
            "t_identity": self._identity, "t_rowversion": self._rowversion, "t_serverproperty": self._server_property,
            "t_databasepropertyex": self._database_property, "t_db_id": self._db_id, "t_db_name": self._db_name,
            "t_collationproperty": self._collation_property,
            "t_connectionproperty": self._connection_property, "t_fulltextserviceproperty": _zero,
            "t_applock_mode": self._session.applock_mode, "t_applock_test": self._session.applock_test,
            "t_assign": self._assign, "t_variable": self._variable,
            "t_session_context": self._session.session_context.get, "t_udf": self._session.calls.scalar_function,
            "t_table_udf": self._session.calls.table_function, **Metadata(self._session).functions(),
            **SecurityFunctions(self._session).functions(),
        }  # fmt: skip
        for name, function in functions.items():
            raw.create_scalar_function(name, function, -1)

    def _variable(self, name: str) -> Any:
        return self._session.frame.get(name).value

    def _assign(self, name: str, value: Any) -> Any:
        self._session.frame.get(name).value = value
        return value

    def _identity(self, database: str, object_id: int) -> int:
        table, owner = self._session.counted_table(database, object_id)
        value = owner.next_identity(table)
        assert table.identity is not None
        limits = types.INTEGER_RANGE.get(table.identity.type.name)
        if limits is not None and not limits[0] <= value <= limits[1]:
            text = f"Arithmetic overflow error converting IDENTITY to data type {table.identity.type.name}."
            raise SqlServerError(8115, text, 16, 1)
        self._session.transactions.note_identity(database, object_id, value)
        return value

    def _database(self, name: str) -> Database:
        found = self._server.find(name)
        assert found is not None
        return found

    def _rowversion(self, database: str) -> bytes:
        owner = self._session.tempdb if database == "tempdb" else self._database(database)
        self._session.transactions.note_rowversion(database)
        return owner.next_rowversion()

    # --- server and databases ------------------------------------------------------------------------------------

    def _server_property(self, name: str | None) -> Any:
        product = self._server.product
        major, minor, build = product.version
        return {
            "productversion": product.number, "productmajorversion": major, "productminorversion": minor,
            "productbuild": str(build), "productlevel": product.level, "productupdatelevel": product.update,
            "edition": "Developer Edition (64-bit)", "engineedition": 3, "collation": self._server.collation,
            "servername": self._server.name, "machinename": platform.node(), "instancename": None,
            "computernamephysicalnetbios": platform.node(), "isclustered": 0, "ishadrenabled": 0,
            "isfulltextinstalled": 0, "isintegratedsecurityonly": 0, "issingleuser": 0, "isxtpsupported": 0,
            "isadvancedanalyticsinstalled": 0, "ispolybaseinstalled": 0, "islocaldb": 0, "lcid": 1033,
            "sqlcharset": 1, "sqlcharsetname": "iso_1", "sqlsortorder": 52, "sqlsortordername": "nocase_iso",
            "processid": os.getpid(), "licensetype": "DISABLED", "resourceversion": product.number,
            "buildclrversion": "v4.0.30319", "comparisonstyle": 196_609, "hadrmanagerstatus": 2,
            "instancedefaultdatapath": str(self._server.root) + os.sep,
            "instancedefaultlogpath": str(self._server.root) + os.sep,
            "instancedefaultbackuppath": str(self._server.backups) + os.sep,
        }.get((name or "").lower())  # fmt: skip

    def _database_property(self, database: str | None, name: str | None) -> Any:
        found = self._server.find(database or "")
        if found is None:
            return None
        s = found.settings
        online = s.state == "ONLINE"
        return {
            "status": s.state, "useraccess": s.access, "recovery": s.recovery,
            "collation": s.collation if online else None, "updateability": "READ_ONLY" if s.read_only else "READ_WRITE",
            "version": self._server.product.database_version if online else None, "isautoclose": 0, "isautoshrink": 0,
            "isautocreatestatistics": 1, "isautoupdatestatistics": 1, "isfulltextenabled": 0, "isinstandby": 0,
            "issyncwithbackup": 0, "istornpagedetectionenabled": 0, "lcid": 1033, "comparisonstyle": 196_609,
            "sqlsortorder": 52, "lastgoodcheckdbtime": s.options.get("LASTGOODCHECKDB", "1900-01-01 00:00:00.000"),
            "edition": None, "serviceobjective": None,
        }.get((name or "").lower())  # fmt: skip

    def _db_id(self, name: str | None = "") -> int | None:
        if name is None:
            return None
        found = self._server.find(name) if name else self._session.current
        return found.id if found is not None else None

    def _db_name(self, number: int | None = 0) -> str | None:
        if number is None:
            return None
        if number == 0:
            return self._session.current.name
        return next((known.name for known in self._server.all_databases() if known.id == number), None)

    def _connection_property(self, name: str | None) -> str | None:
        address = self._session.request.client_address
        return {
            "net_transport": "TCP", "protocol_type": "TSQL", "auth_scheme": "SQL", "client_net_address": address,
        }.get((name or "").lower())  # fmt: skip

    @staticmethod
    def _collation_property(collation: str | None, name: str | None) -> int | None:
        try:
            collations.sqlite_name(collation or "")
        except SqlServerError:
            return None
        return {"codepage": 1252, "lcid": 1033, "version": 0, "comparisonstyle": 196_609}.get((name or "").lower())


def _zero(*_: Any) -> int:
    return 0


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
