"""What SQL can ask about its surroundings: @@variables, the clock, names and ids, properties."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import moments
from standins.sqlserver.engine.catalog.base import TYPE_IDS
from standins.sqlserver.engine.catalog.objects import object_rows, schema_id
from standins.sqlserver.tsql import collations, types
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.script import parse_name

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.model import TableModel
    from standins.sqlserver.engine.session import EngineSession
    from standins.sqlserver.engine.temporary import TemporaryDatabase


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
            "USER_NAME": lambda: "dbo",
            "LOGIN_NAME": lambda: session.login,
            "XACT_STATE": lambda: -1 if session.doomed else int(session.transaction_count > 0),
            "ERROR_NUMBER": lambda: session.caught.number if session.caught else None,
            "ERROR_MESSAGE": lambda: session.caught.message if session.caught else None,
            "ERROR_SEVERITY": lambda: session.caught.severity if session.caught else None,
            "ERROR_STATE": lambda: session.caught.state if session.caught else None,
            "ERROR_LINE": lambda: session.caught.line if session.caught else None,
            "ERROR_PROCEDURE": lambda: (session.caught.procedure or None) if session.caught else None,
            "CONTEXT_INFO": lambda: session.context_info,
            "@@ROWCOUNT": lambda: session.row_count,
            "@@ERROR": lambda: session.last_error,
            "@@TRANCOUNT": lambda: session.transaction_count,
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
            "t_object_id": self._object_id, "t_object_name": self._object_name,
            "t_object_schema_name": self._object_schema_name, "t_object_definition": self._object_definition,
            "t_schema_id": self._schema_id, "t_schema_name": self._schema_name, "t_type_id": self._type_id,
            "t_type_name": self._type_name, "t_col_name": self._col_name, "t_col_length": self._col_length,
            "t_columnproperty": self._column_property, "t_objectproperty": self._object_property,
            "t_indexproperty": self._index_property, "t_index_col": self._index_col,
            "t_collationproperty": self._collation_property, "t_ident_current": self._ident_current,
            "t_ident_seed": self._ident_seed, "t_ident_incr": self._ident_increment, "t_user_name": self._user_name,
            "t_user_id": self._user_id, "t_suser_name": self._login_name, "t_suser_sname": self._login_name,
            "t_suser_id": _one, "t_suser_sid": self._login_sid,
            "t_is_srvrolemember": self._is_server_role_member, "t_is_member": self._is_member,
            "t_has_perms": _one, "t_has_dbaccess": self._has_dbaccess,
            "t_connectionproperty": self._connection_property, "t_fulltextserviceproperty": _zero,
            "t_applock_mode": self._session.applock_mode, "t_applock_test": self._session.applock_test,
            "t_assign": self._assign,
            "t_variable": self._variable,
            "t_session_context": self._session.session_context.get, "t_udf": self._session.calls.scalar_function,
            "t_table_udf": self._session.calls.table_function,
        }  # fmt: skip
        for name, function in functions.items():
            raw.create_scalar_function(name, function, -1)

    @staticmethod
    def _user_name(number: int | None = 1) -> str | None:
        return "dbo" if number == 1 else None

    @staticmethod
    def _user_id(name: str | None = "dbo") -> int | None:
        return 1 if name is not None and name.lower() == "dbo" else None

    def _login_name(self, principal: int | bytes | None = 1) -> str | None:
        """By number or by security identifier."""
        return self._session.login if principal in (1, b"\x01") else None

    @staticmethod
    def _login_sid(_name: str | None = None) -> bytes:
        return b"\x01"

    def _variable(self, name: str) -> Any:
        return self._session.frame.get(name).value

    def _assign(self, name: str, value: Any) -> Any:
        self._session.frame.get(name).value = value
        return value

    def _table(self, database: str, object_id: int) -> TableModel:
        if database == "tempdb":
            return self._session.temporary_by_id(object_id)
        found = self._server.find(database)
        assert found is not None
        table = self._session.link.model(found).table_by_id(object_id)
        assert table is not None
        return table

    def _identity(self, database: str, object_id: int) -> int:
        table = self._table(database, object_id)
        owner = self._session.tempdb if database == "tempdb" else self._database(database)
        value = owner.next_identity(table)
        assert table.identity is not None
        limits = types.INTEGER_RANGE.get(table.identity.type.name)
        if limits is not None and not limits[0] <= value <= limits[1]:
            text = f"Arithmetic overflow error converting IDENTITY to data type {table.identity.type.name}."
            raise SqlServerError(8115, text, 16, 1)
        self._session.note_identity(database, object_id, value)
        return value

    def _database(self, name: str) -> Database:
        found = self._server.find(name)
        assert found is not None
        return found

    def _rowversion(self, database: str) -> bytes:
        owner = self._session.tempdb if database == "tempdb" else self._database(database)
        self._session.note_rowversion(database)
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

    def _has_dbaccess(self, name: str | None) -> int | None:
        found = self._server.find(name or "")
        return None if found is None else int(found.settings.state == "ONLINE")

    def _is_server_role_member(self, role: str | None, _login: str | None = None) -> int | None:
        known = {"sysadmin", "public", "serveradmin", "securityadmin", "dbcreator", "diskadmin", "bulkadmin",
                 "setupadmin", "processadmin"}  # fmt: skip
        return 1 if (role or "").lower() in known else None

    @staticmethod
    def _is_member(role: str | None, _user: str | None = None) -> int | None:
        known = {"db_owner", "public", "db_datareader", "db_datawriter", "db_ddladmin", "db_backupoperator",
                 "db_accessadmin", "db_securityadmin"}  # fmt: skip
        return 1 if (role or "").lower() in known else None

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

    # --- objects -------------------------------------------------------------------------------------------------

    def _parsed(self, text: str | None) -> tuple[ObjectName, Database] | None:
        if text is None:
            return None
        try:
            name = parse_name(text)
        except SqlServerError:
            return None
        database = self._server.find(name.database) if name.database else self._session.current
        return (name, database) if database is not None else None

    def _object_id(self, text: str | None, kind: str | None = None) -> int | None:
        found = self._parsed(text)
        if found is None:
            return None
        name, database = found
        if name.temporary:
            table = self._session.temporary(name.name)
            return table.object_id if table is not None else None
        if database.name.lower() == "tempdb" and name.name.startswith("#"):
            return None
        self._session.link.attach(database)
        model = self._session.link.model(database)
        wanted = schema_id(model, name.schema or "dbo")
        code = kind.strip().upper() if kind else ""
        for row in object_rows(model):
            if (
                str(row[0]).lower() == name.name.lower()
                and row[3] == wanted
                and (not code or str(row[5]).strip() == code)
            ):
                return int(row[1])
        return None

    def _row_of(self, object_id: int | None, database_id: int | None = None) -> tuple[Any, ...] | None:
        database = self._session.current
        if database_id is not None:
            database = next((d for d in self._server.all_databases() if d.id == database_id), database)
        self._session.link.attach(database)
        return next((row for row in object_rows(self._session.link.model(database)) if row[1] == object_id), None)

    def _object_name(self, object_id: int | None, database_id: int | None = None) -> str | None:
        row = self._row_of(object_id, database_id)
        return row[0] if row is not None else None

    def _object_schema_name(self, object_id: int | None, database_id: int | None = None) -> str | None:
        row = self._row_of(object_id, database_id)
        return self._schema_name(row[3]) if row is not None else None

    def _object_definition(self, object_id: int | None) -> str | None:
        model = self._session.link.model(self._session.current)
        return next((module.text for module in model.modules if module.object_id == object_id), None)

    def _schema_id(self, name: str | None = "dbo") -> int | None:
        found = self._session.link.model(self._session.current).schema(name or "")
        return found.schema_id if found is not None else None

    def _schema_name(self, number: int | None = 1) -> str | None:
        schemas = self._session.link.model(self._session.current).schemas
        return next((schema.name for schema in schemas if schema.schema_id == number), None)

    @staticmethod
    def _type_id(name: str | None) -> int | None:
        return TYPE_IDS.get((name or "").lower().removeprefix("sys."))

    @staticmethod
    def _type_name(number: int | None) -> str | None:
        return next((name for name, known in TYPE_IDS.items() if known == number), None)

    def _table_of(self, object_id: int | None) -> TableModel | None:
        return self._session.link.model(self._session.current).table_by_id(object_id or 0)

    def _named_table(self, text: str | None) -> tuple[TableModel, Database | TemporaryDatabase] | None:
        found = self._parsed(text)
        if found is None:
            return None
        name, database = found
        if name.temporary:
            table = self._session.temporary(name.name)
            return (table, self._session.tempdb) if table is not None else None
        self._session.link.attach(database)
        table = self._session.link.model(database).table(name.schema, name.name)
        return (table, database) if table is not None else None

    def _col_name(self, object_id: int | None, number: int | None) -> str | None:
        table = self._table_of(object_id)
        return next((c.name for c in table.columns if c.column_id == number), None) if table else None

    def _col_length(self, table_name: str | None, column: str | None) -> int | None:
        found = self._named_table(table_name)
        known = found[0].column(column or "") if found else None
        return types.max_bytes(known.type) if known is not None else None

    def _column_property(self, object_id: int | None, column: str | None, name: str | None) -> int | None:
        table = self._table_of(object_id)
        known = table.column(column or "") if table else None
        if known is None:
            return None
        length = known.type.length
        return {
            "allowsnull": int(known.nullable), "isidentity": int(known.identity is not None), "iscomputed": 0,
            "columnid": known.column_id, "precision": length if length and known.type.name in types.STRINGS else
            types.precision(known.type), "scale": known.type.scale, "isrowguidcol": int(known.rowguid),
            "issparse": 0, "ishidden": 0, "charmaxlen": -1 if length is None else length,
        }.get((name or "").lower())  # fmt: skip

    def _object_property(self, object_id: int | None, name: str | None) -> int | None:
        row = self._row_of(object_id)
        if row is None:
            return None
        code = str(row[5]).strip()
        table = self._table_of(object_id)
        return {
            "istable": int(code == "U"), "isusertable": int(code == "U"), "isview": int(code == "V"),
            "isprocedure": int(code == "P"), "isscalarfunction": int(code == "FN"),
            "istablefunction": int(code in ("IF", "TF")), "isinlinefunction": int(code == "IF"),
            "isprimarykey": int(code == "PK"), "isforeignkey": int(code == "F"), "isconstraint": int(code in
            ("PK", "UQ", "F", "C", "D")), "ismsshipped": 0, "schemaid": row[3], "ownerid": 1, "isschemabound": 0,
            "tablehasprimarykey": int(bool(table and table.primary_key)),
            "tablehasidentity": int(bool(table and table.identity)),
            "tablehasclustindex": int(bool(table and any(i.clustered for i in table.indexes))),
        }.get((name or "").lower())  # fmt: skip

    def _index_property(self, object_id: int | None, index: str | None, name: str | None) -> int | None:
        table = self._table_of(object_id)
        known = table.index(index or "") if table else None
        if known is None:
            return None
        return {
            "isunique": int(known.unique), "isclustered": int(known.clustered), "indexid": known.index_id,
            "isdisabled": 0, "ispadindex": 0, "indexfillfactor": 0,
        }.get((name or "").lower())  # fmt: skip

    def _index_col(self, table_name: str | None, index_id: int | None, key: int | None) -> str | None:
        found = self._named_table(table_name)
        index = next((i for i in found[0].indexes if i.index_id == index_id), None) if found else None
        if index is None or key is None or not 1 <= key <= len(index.columns):
            return None
        return index.columns[key - 1].name

    def _ident_seed(self, table_name: str | None) -> str | None:
        return self._ident(table_name, 0)

    def _ident_increment(self, table_name: str | None) -> str | None:
        return self._ident(table_name, 1)

    def _ident(self, table_name: str | None, part: int) -> str | None:
        found = self._named_table(table_name)
        if found is None or found[0].identity is None or found[0].identity.identity is None:
            return None
        return str(found[0].identity.identity[part])

    def _ident_current(self, table_name: str | None) -> str | None:
        found = self._named_table(table_name)
        if found is None or found[0].identity is None:
            return None
        table, database = found
        current = database.identities.get(table.object_id)
        return str(current) if current is not None else self._ident(table_name, 0)


def _one(*_: Any) -> int:
    """Permissions are not kept: the answer is yes."""
    return 1


def _zero(*_: Any) -> int:
    return 0


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
