"""Functions about the server, the session, the database and its objects; the engine answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.translate.functions.base import (
    Arguments,
    Function,
    Handler,
    call,
    constant,
    string,
)
from standins.sqlserver.tsql.translate.values import Sql

if TYPE_CHECKING:
    from standins.sqlserver.tsql.translate.expression import ExpressionTranslator

_NAME = types.SYSNAME

#: SERVERPROPERTY and DATABASEPROPERTYEX return sql_variant; a constant property name decides the base type.
_INTEGER_PROPERTIES = frozenset(
    [
        "productmajorversion",
        "productminorversion",
        "engineedition",
        "processid",
        "isclustered",
        "ishadrenabled",
        "isfulltextinstalled",
        "isintegratedsecurityonly",
        "issingleuser",
        "isxtpsupported",
        "isadvancedanalyticsinstalled",
        "ispolybaseinstalled",
        "lcid",
        "comparisonstyle",
        "collationid",
        "sqlcharset",
        "sqlsortorder",
        "filestreamconfiguredlevel",
        "filestreameffectivelevel",
        "isbigdatacluster",
        "islocaldb",
        "numlicenses",
        "hadrmanagerstatus",
        "version",
        "isansinulldefault",
        "isautoclose",
        "isautoshrink",
        "isautocreatestatistics",
        "isautoupdatestatistics",
        "isfulltextenabled",
        "isinstandby",
        "isparameterizationforced",
        "isrecursivetriggersenabled",
        "issyncwithbackup",
        "istornpagedetectionenabled",
        "isansinullsenabled",
        "isansipaddingenabled",
        "isansiwarningsenabled",
        "isarithmeticabortenabled",
        "isclosecursorsoncommitenabled",
        "islocalcursorsdefault",
        "isnullconcat",
        "isnumericroundabortenabled",
        "isquotedidentifiersenabled",
        "isclone",
        "isverifiedclone",
        "ismergepublished",
        "ispublished",
        "issubscribed",
        "isfulltextpopulated",
        "ismemoryoptimizedelevatetosnapshotenabled",
    ]
)


def _property(sql_name: str) -> Handler:
    def handler(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
        name = arguments[-1]
        constant_name = str(name.literal.value).lower() if name.literal is not None else ""
        texts = ", ".join(string(translator, argument).text for argument in arguments)
        if constant_name in _INTEGER_PROPERTIES:
            return Sql(f"{sql_name}({texts})", types.INT)
        return Sql(f"CAST({sql_name}({texts}) AS TEXT)", _NAME, translator.names.collation)

    return handler


def _error(name: str, type: SqlType) -> Function:
    return Function(constant(name, type), 0, 0)


def _variable(name: str, type: SqlType, *, nullable: bool = False) -> Function:
    return Function(constant(name, type, nullable=nullable), 0, 0)


def _names(sql_name: str, least: int, most: int, *kinds: str) -> Function:
    return Function(call(sql_name, _NAME, *kinds), least, most)


def _numbers(sql_name: str, least: int, most: int, *kinds: str) -> Function:
    return Function(call(sql_name, types.INT, *kinds), least, most)


FUNCTIONS: dict[str, Function] = {
    "SERVERPROPERTY": Function(_property("t_serverproperty"), 1, 1),
    "DATABASEPROPERTYEX": Function(_property("t_databasepropertyex"), 2, 2),
    "DB_ID": Function(call("t_db_id", types.SMALLINT, "s"), 0, 1),
    "DB_NAME": _names("t_db_name", 0, 1, "i"),
    "OBJECT_ID": _numbers("t_object_id", 1, 2, "s"),
    "OBJECT_NAME": _names("t_object_name", 1, 2, "i"),
    "OBJECT_SCHEMA_NAME": _names("t_object_schema_name", 1, 2, "i"),
    "OBJECT_DEFINITION": Function(call("t_object_definition", types.NVARCHAR_MAX, "i"), 1, 1),
    "SCHEMA_ID": _numbers("t_schema_id", 0, 1, "s"),
    "SCHEMA_NAME": _names("t_schema_name", 0, 1, "i"),
    "TYPE_ID": _numbers("t_type_id", 1, 1, "s"),
    "TYPE_NAME": _names("t_type_name", 1, 1, "i"),
    "COL_NAME": _names("t_col_name", 2, 2, "i"),
    "COL_LENGTH": Function(call("t_col_length", types.SMALLINT, "s"), 2, 2),
    "COLUMNPROPERTY": _numbers("t_columnproperty", 3, 3, "i", "s", "s"),
    "OBJECTPROPERTY": _numbers("t_objectproperty", 2, 2, "i", "s"),
    "OBJECTPROPERTYEX": _numbers("t_objectproperty", 2, 2, "i", "s"),
    "INDEXPROPERTY": _numbers("t_indexproperty", 3, 3, "i", "s", "s"),
    "INDEX_COL": _names("t_index_col", 3, 3, "s", "i", "i"),
    "COLLATIONPROPERTY": _numbers("t_collationproperty", 2, 2, "s"),
    "SCOPE_IDENTITY": _variable("SCOPE_IDENTITY", types.decimal(38, 0), nullable=True),
    "IDENT_CURRENT": Function(call("t_ident_current", types.decimal(38, 0), "s"), 1, 1),
    "IDENT_SEED": Function(call("t_ident_seed", types.decimal(38, 0), "s"), 1, 1),
    "IDENT_INCR": Function(call("t_ident_incr", types.decimal(38, 0), "s"), 1, 1),
    "APP_NAME": _variable("APP_NAME", _NAME, nullable=True),
    "HOST_NAME": _variable("HOST_NAME", _NAME, nullable=True),
    "HOST_ID": _variable("HOST_ID", SqlType("char", 10), nullable=True),
    "CURRENT_USER": _variable("USER_NAME", _NAME),
    "SESSION_USER": _variable("USER_NAME", _NAME),
    "USER": _variable("USER_NAME", _NAME),
    "SYSTEM_USER": _variable("LOGIN_NAME", _NAME),
    "ORIGINAL_LOGIN": _variable("LOGIN_NAME", _NAME),
    "USER_NAME": _names("t_user_name", 0, 1, "i"),
    "USER_ID": _numbers("t_user_id", 0, 1, "s"),
    "DATABASE_PRINCIPAL_ID": _numbers("t_user_id", 0, 1, "s"),
    "SUSER_NAME": _names("t_suser_name", 0, 1, "i"),
    "SUSER_SNAME": _names("t_suser_sname", 0, 1, ""),
    "SUSER_ID": _numbers("t_suser_id", 0, 1, "s"),
    "SUSER_SID": Function(call("t_suser_sid", SqlType("varbinary", 85), "s"), 0, 1),
    "IS_SRVROLEMEMBER": _numbers("t_is_srvrolemember", 1, 2, "s"),
    "IS_ROLEMEMBER": _numbers("t_is_member", 1, 2, "s"),
    "IS_MEMBER": _numbers("t_is_member", 1, 1, "s"),
    "HAS_PERMS_BY_NAME": _numbers("t_has_perms", 3, 5, "s"),
    "HAS_DBACCESS": _numbers("t_has_dbaccess", 1, 1, "s"),
    "PERMISSIONS": _numbers("t_has_perms", 0, 2, ""),
    "CONNECTIONPROPERTY": _names("t_connectionproperty", 1, 1, "s"),
    "FULLTEXTSERVICEPROPERTY": _numbers("t_fulltextserviceproperty", 1, 1, "s"),
    "APPLOCK_MODE": _names("t_applock_mode", 3, 3, "s"),
    "APPLOCK_TEST": _numbers("t_applock_test", 4, 4, "s"),
    "SESSION_CONTEXT": Function(call("t_session_context", types.nvarchar(4000), "s"), 1, 1, 2016),
    "CONTEXT_INFO": _variable("CONTEXT_INFO", SqlType("varbinary", 128), nullable=True),
    "XACT_STATE": _variable("XACT_STATE", types.SMALLINT),
    "ERROR_NUMBER": _error("ERROR_NUMBER", types.INT),
    "ERROR_MESSAGE": _error("ERROR_MESSAGE", types.nvarchar(4000)),
    "ERROR_SEVERITY": _error("ERROR_SEVERITY", types.INT),
    "ERROR_STATE": _error("ERROR_STATE", types.INT),
    "ERROR_LINE": _error("ERROR_LINE", types.INT),
    "ERROR_PROCEDURE": _error("ERROR_PROCEDURE", types.SYSNAME),
    "ROWCOUNT_BIG": _variable("@@ROWCOUNT", types.BIGINT),
    "@@ROWCOUNT": _variable("@@ROWCOUNT", types.INT),
    "@@ERROR": _variable("@@ERROR", types.INT),
    "@@TRANCOUNT": _variable("@@TRANCOUNT", types.INT),
    "@@IDENTITY": _variable("@@IDENTITY", types.decimal(38, 0), nullable=True),
    "@@SPID": _variable("@@SPID", types.SMALLINT),
    "@@VERSION": _variable("@@VERSION", types.nvarchar(300)),
    "@@SERVERNAME": _variable("@@SERVERNAME", types.SYSNAME),
    "@@SERVICENAME": _variable("@@SERVICENAME", types.SYSNAME),
    "@@LANGUAGE": _variable("@@LANGUAGE", types.SYSNAME),
    "@@LANGID": _variable("@@LANGID", types.SMALLINT),
    "@@DATEFIRST": _variable("@@DATEFIRST", types.TINYINT),
    "@@LOCK_TIMEOUT": _variable("@@LOCK_TIMEOUT", types.INT),
    "@@MAX_PRECISION": _variable("@@MAX_PRECISION", types.TINYINT),
    "@@MAX_CONNECTIONS": _variable("@@MAX_CONNECTIONS", types.INT),
    "@@MICROSOFTVERSION": _variable("@@MICROSOFTVERSION", types.INT),
    "@@NESTLEVEL": _variable("@@NESTLEVEL", types.INT),
    "@@OPTIONS": _variable("@@OPTIONS", types.INT),
    "@@PROCID": _variable("@@PROCID", types.INT),
    "@@TEXTSIZE": _variable("@@TEXTSIZE", types.INT),
    "@@DBTS": _variable("@@DBTS", SqlType("varbinary", 8)),
    "@@FETCH_STATUS": _variable("@@FETCH_STATUS", types.INT),
    "@@CURSOR_ROWS": _variable("@@CURSOR_ROWS", types.INT),
    "@@CPU_BUSY": _variable("@@CPU_BUSY", types.INT),
    "@@CONNECTIONS": _variable("@@CONNECTIONS", types.INT),
}
