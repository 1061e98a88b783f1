"""The catalog procedures that ODBC and JDBC drivers call: sp_tables, sp_columns, sp_pkeys, sp_datatype_info …"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import Sink, SqlType
from standins.sqlserver.engine.arguments import Arguments, Given, send
from standins.sqlserver.engine.functions.text import like_pattern
from standins.sqlserver.engine.model import ColumnModel, TableModel, ViewColumn
from standins.sqlserver.engine.procedures import SystemProcedure
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.script import parse_name

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_N, _S, _I = types.SYSNAME, types.SMALLINT, types.INT

#: name: (ODBC type, column size or None for the column's own, literal prefix, suffix, create params, searchable)
_ODBC: dict[str, tuple[int, int | None, str | None, str | None, str | None, int]] = {
    "datetimeoffset": (-155, 34, "'", "'", "scale", 3), "time": (-154, 16, "'", "'", "scale", 3),
    "xml": (-152, 0, "N'", "'", None, 0), "uniqueidentifier": (-11, 36, "'", "'", None, 2),
    "ntext": (-10, 1_073_741_823, "N'", "'", None, 1), "nvarchar": (-9, 4000, "N'", "'", "max length", 3),
    "nchar": (-8, 4000, "N'", "'", "length", 3), "bit": (-7, 1, None, None, None, 2),
    "tinyint": (-6, 3, None, None, None, 2), "bigint": (-5, 19, None, None, None, 2),
    "image": (-4, 2_147_483_647, "0x", None, None, 0), "varbinary": (-3, 8000, "0x", None, "max length", 2),
    "binary": (-2, 8000, "0x", None, "length", 2), "timestamp": (-2, 8, "0x", None, None, 2),
    "text": (-1, 2_147_483_647, "'", "'", None, 1), "char": (1, 8000, "'", "'", "length", 3),
    "numeric": (2, 38, None, None, "precision,scale", 2), "decimal": (3, 38, None, None, "precision,scale", 2),
    "money": (3, 19, "$", None, None, 2), "smallmoney": (3, 10, "$", None, None, 2), "int": (4, 10, None, None, None,
    2),
    "smallint": (5, 5, None, None, None, 2), "float": (6, 53, None, None, None, 2), "real": (7, 24, None, None, None,
    2),
    "varchar": (12, 8000, "'", "'", "max length", 3), "date": (91, 10, "'", "'", None, 3),
    "datetime2": (93, 27, "'", "'", "scale", 3), "datetime": (93, 23, "'", "'", None, 3),
    "smalldatetime": (93, 16, "'", "'", None, 3),
}  # fmt: skip
#: SS_DATA_TYPE of sp_columns.
_SS_TYPES = {"bit": 50, "tinyint": 38, "smallint": 38, "int": 38, "bigint": 63, "decimal": 106, "numeric": 108}


def _matches(pattern: str, value: str) -> bool:
    return not pattern or like_pattern(pattern, "\\", 1).fullmatch(value) is not None


def _send(sink: Sink, columns: list[tuple[str, SqlType]], rows: list[tuple[Any, ...]]) -> int:
    send(sink, columns, rows)
    return 0


def _datatype_info(_session: EngineSession, given: list[Given], sink: Sink) -> int:
    wanted = Arguments(given, "data_type ODBCVer").number("data_type", 0)
    columns = [
        ("TYPE_NAME", _N), ("DATA_TYPE", _S), ("PRECISION", _I), ("LITERAL_PREFIX", types.SqlType("varchar", 32)),
        ("LITERAL_SUFFIX", types.SqlType("varchar", 32)), ("CREATE_PARAMS", types.SqlType("varchar", 32)),
        ("NULLABLE", _S), ("CASE_SENSITIVE", _S), ("SEARCHABLE", _S), ("UNSIGNED_ATTRIBUTE", _S), ("MONEY", _S),
        ("AUTO_INCREMENT", _S), ("LOCAL_TYPE_NAME", _N), ("MINIMUM_SCALE", _S), ("MAXIMUM_SCALE", _S),
        ("SQL_DATA_TYPE", _S), ("SQL_DATETIME_SUB", _S), ("NUM_PREC_RADIX", _I), ("INTERVAL_PRECISION", _S),
        ("USERTYPE", _S),
    ]  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for name, (odbc, size, prefix, suffix, parameters, searchable) in _ODBC.items():
        if wanted not in (0, odbc):
            continue
        numeric = name in types.NUMBERS
        scale = {"datetime": 3, "smalldatetime": 0, "money": 4, "smallmoney": 4}.get(name)
        low, high = (
            (0, 7)
            if name in ("time", "datetime2", "datetimeoffset")
            else (0, 38)
            if name in ("decimal", "numeric")
            else (scale, scale)
        )
        if name in types.INTEGERS:
            low, high = 0, 0
        sub = {"date": 1, "datetime": 3, "smalldatetime": 3, "datetime2": 3}.get(name)
        rows.append(
            (
                name, odbc, size, prefix, suffix, parameters, 1, 0, searchable,
                (1 if name == "tinyint" else 0) if numeric else None,
                int("money" in name), 0 if numeric else None, name, low, high, 9 if sub else odbc, sub,
                (2 if name in types.FLOATS else 10) if numeric else None, None, 0,
            )
        )  # fmt: skip
    # within one ODBC type the closest SQL Server type comes first: drivers take that one
    return _send(sink, columns, sorted(rows, key=lambda row: row[1]))


def _tables(session: EngineSession, given: list[Given], sink: Sink) -> int:
    arguments = Arguments(given, "table_name table_owner table_qualifier table_type fUsePattern")
    name, owner, kinds = (
        arguments.text("table_name"),
        arguments.text("table_owner"),
        arguments.text("table_type").upper(),
    )
    columns = [("TABLE_QUALIFIER", _N), ("TABLE_OWNER", _N), ("TABLE_NAME", _N), ("TABLE_TYPE",
    types.SqlType("varchar", 32)),
               ("REMARKS", types.SqlType("varchar", 254))]  # fmt: skip
    database = session.current
    if arguments.text("table_qualifier") == "%" and not name and not owner:
        return _send(sink, columns, [(known.name, None, None, None, None) for known in session.server.all_databases()])
    model = session.link.model(database)
    found = [(table.schema, table.name, "TABLE") for table in model.tables]
    found += [(module.schema, module.name, "VIEW") for module in model.modules if module.kind == "VIEW"]
    rows = [
        (database.name, schema, table, kind, None)
        for schema, table, kind in sorted(found, key=lambda item: (item[2], item[0].lower(), item[1].lower()))
        if _matches(name, table) and _matches(owner, schema) and (not kinds or f"'{kind}'" in kinds or kind == kinds)
    ]
    return _send(sink, columns, rows)


def _column_row(
    qualifier: str, schema: str, table: str, column: ColumnModel | ViewColumn, number: int
) -> tuple[Any, ...]:
    kind = column.type
    odbc = _ODBC[kind.name][0]
    if kind.length is None and kind.name in ("nvarchar", "varchar", "varbinary"):
        odbc = {"nvarchar": -9, "varchar": 12, "varbinary": -3}[kind.name]
    size = types.max_bytes(kind)
    unlimited = size == -1
    precision = types.precision(kind) or (0 if unlimited else kind.length or size)
    length = 0 if unlimited else size
    if kind.name in ("decimal", "numeric"):
        length = kind.precision + 2
    scale = (
        kind.scale
        if kind.name in types.DECIMALS or kind.name in types.DATES - {"date"}
        else (0 if kind.name in types.INTEGERS else None)
    )
    radix = (2 if kind.name in types.FLOATS else 10) if kind.name in types.NUMBERS else None
    sub = {"date": 1, "datetime": 3, "smalldatetime": 3, "datetime2": 3}.get(kind.name)
    octets = length if kind.name in types.STRINGS | types.BINARIES else None
    default = column.default.text if isinstance(column, ColumnModel) and column.default is not None else None
    identity = isinstance(column, ColumnModel) and column.identity is not None
    nullable = column.nullable
    return (
        qualifier, schema, table, column.name, odbc, kind.name + (" identity" if identity else ""), precision,
        length, scale,
        radix, int(nullable), None, f"({default})" if default is not None else None, 9 if sub else odbc, sub, octets,
        number,
        "YES" if nullable else "NO", _SS_TYPES.get(kind.name, 39),
    )  # fmt: skip


def _columns(session: EngineSession, given: list[Given], sink: Sink) -> int:
    arguments = Arguments(given, "table_name table_owner table_qualifier column_name ODBCVer")
    name, owner, wanted = arguments.text("table_name"), arguments.text("table_owner"), arguments.text("column_name")
    columns = [
        ("TABLE_QUALIFIER", _N), ("TABLE_OWNER", _N), ("TABLE_NAME", _N), ("COLUMN_NAME", _N), ("DATA_TYPE", _S),
        ("TYPE_NAME", _N), ("PRECISION", _I), ("LENGTH", _I), ("SCALE", _S), ("RADIX", _S), ("NULLABLE", _S),
        ("REMARKS", types.SqlType("varchar", 254)), ("COLUMN_DEF", types.nvarchar(4000)), ("SQL_DATA_TYPE", _S),
        ("SQL_DATETIME_SUB", _S), ("CHAR_OCTET_LENGTH", _I), ("ORDINAL_POSITION", _I),
        ("IS_NULLABLE", types.SqlType("varchar", 254)), ("SS_DATA_TYPE", types.TINYINT),
    ]  # fmt: skip
    model = session.link.model(session.current)
    owners: list[tuple[str, str, Any]] = [(table.schema, table.name, table.columns) for table in model.tables]
    owners += [(module.schema, module.name, module.columns) for module in model.modules if module.kind == "VIEW"]
    rows = [
        _column_row(session.current.name, schema, table, column, number)
        for schema, table, found in owners
        if _matches(name, table) and _matches(owner, schema)
        for number, column in enumerate(found, 1)
        if _matches(wanted, column.name)
    ]
    return _send(sink, columns, rows)


def _found_table(session: EngineSession, name: str, owner: str) -> TableModel | None:
    return session.link.model(session.current).table(owner or "dbo", name)


def _pkeys(session: EngineSession, given: list[Given], sink: Sink) -> int:
    arguments = Arguments(given, "table_name table_owner table_qualifier")
    columns = [
        ("TABLE_QUALIFIER", _N),
        ("TABLE_OWNER", _N),
        ("TABLE_NAME", _N),
        ("COLUMN_NAME", _N),
        ("KEY_SEQ", _S),
        ("PK_NAME", _N),
    ]
    table = _found_table(session, arguments.text("table_name"), arguments.text("table_owner"))
    key = table.primary_key if table is not None else None
    rows: list[tuple[Any, ...]] = []
    if table is not None and key is not None:
        rows = [
            (session.current.name, table.schema, table.name, column.name, number, key.name)
            for number, column in enumerate(key.columns, 1)
        ]
    return _send(sink, columns, rows)


def _statistics(session: EngineSession, given: list[Given], sink: Sink) -> int:
    arguments = Arguments(given, "table_name table_owner table_qualifier index_name is_unique accuracy")
    columns = [
        ("TABLE_QUALIFIER", _N), ("TABLE_OWNER", _N), ("TABLE_NAME", _N), ("NON_UNIQUE", _S), ("INDEX_QUALIFIER", _N),
        ("INDEX_NAME", _N), ("TYPE", _S), ("SEQ_IN_INDEX", _S), ("COLUMN_NAME", _N), ("COLLATION",
        types.SqlType("char", 1)),
        ("CARDINALITY", _I), ("PAGES", _I), ("FILTER_CONDITION", types.SqlType("varchar", 128)),
    ]  # fmt: skip
    table = _found_table(session, arguments.text("table_name"), arguments.text("table_owner"))
    rows: list[tuple[Any, ...]] = []
    if table is not None:
        base = (session.current.name, table.schema, table.name)
        rows.append((*base, None, None, None, 0, None, None, None, None, None, None))
        for index in table.indexes:
            if arguments.text("is_unique", "N").upper() == "Y" and not index.unique:
                continue
            rows += [
                (
                    *base, int(not index.unique), table.name, index.name, 1 if index.clustered else 3, number,
                    column.name,
                    "D" if column.descending else "A", None, None, None,
                )
                for number, column in enumerate(index.columns, 1)
            ]  # fmt: skip
    return _send(sink, columns, rows)


def _fkeys(session: EngineSession, given: list[Given], sink: Sink) -> int:
    arguments = Arguments(
        given, "pktable_name pktable_owner pktable_qualifier fktable_name fktable_owner fktable_qualifier"
    )
    columns = [
        ("PKTABLE_QUALIFIER", _N), ("PKTABLE_OWNER", _N), ("PKTABLE_NAME", _N), ("PKCOLUMN_NAME", _N),
        ("FKTABLE_QUALIFIER", _N), ("FKTABLE_OWNER", _N), ("FKTABLE_NAME", _N), ("FKCOLUMN_NAME", _N), ("KEY_SEQ", _S),
        ("UPDATE_RULE", _S), ("DELETE_RULE", _S), ("FK_NAME", _N), ("PK_NAME", _N), ("DEFERRABILITY", _S),
    ]  # fmt: skip
    rules = {"CASCADE": 0, "NO ACTION": 1, "SET NULL": 2}
    parent_name, child_name = arguments.text("pktable_name").lower(), arguments.text("fktable_name").lower()
    name = session.current.name
    rows: list[tuple[Any, ...]] = []
    for table in session.link.model(session.current).tables:
        for key in table.foreign_keys:
            if (parent_name and key.table.lower() != parent_name) or (child_name and table.name.lower() != child_name):
                continue
            rows += [
                (
                    name, key.schema, key.table, other, name, table.schema, table.name, own, number,
                    rules[key.on_update],
                    rules[key.on_delete], key.name, None, 7,
                )
                for number, (own, other) in enumerate(zip(key.columns, key.references, strict=True), 1)
            ]  # fmt: skip
    return _send(sink, columns, rows)


#: SQL_Latin1_General_CP1_CI_AS in TDS: LCID 1033, case and width and kana insensitive, sort id 52.
_TDS_COLLATION = bytes.fromhex("0904d00034")


def _table_collations(session: EngineSession, given: list[Given], sink: Sink) -> int:
    """What SqlBulkCopy asks before a bulk load; the name may begin with a lone dot."""
    name = parse_name(Arguments(given, "object").text("object").lstrip("."))
    binary = types.SqlType("binary", 5)
    columns = [
        ("colid", _I), ("name", _N), ("tds_collation_28", binary), ("tds_collation_90", binary),
        ("tds_collation_100", binary), ("collation_28", _N), ("collation_90", _N), ("collation_100", _N),
    ]  # fmt: skip
    if name.temporary:
        table = session.temporary(name.name)
    else:
        table = session.definitions.model(session.definitions.database_of(name)).table(name.schema, name.name)
    rows: list[tuple[Any, ...]] = []
    for column in table.columns if table is not None else ():
        strings = column.type.name in types.STRINGS
        code, shown = (_TDS_COLLATION, column.collation) if strings else (None, None)
        rows.append((column.column_id, column.name, code, code, code, shown, shown, shown))
    return _send(sink, columns, rows)


PROCEDURES: dict[str, SystemProcedure] = {
    "sp_datatype_info": _datatype_info, "sp_datatype_info_90": _datatype_info, "sp_datatype_info_100": _datatype_info,
    "sp_tables": _tables, "sp_columns": _columns, "sp_columns_90": _columns, "sp_columns_100": _columns,
    "sp_pkeys": _pkeys, "sp_primary_keys_rowset": _pkeys, "sp_statistics": _statistics,
    "sp_statistics_100": _statistics,
    "sp_fkeys": _fkeys, "sp_tablecollations_100": _table_collations, "sp_tablecollations_90": _table_collations,
}  # fmt: skip
