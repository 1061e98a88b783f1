"""Collation names, and which SQLite collation compares by their rules.

The stand-in sorts every family by the same (Latin) rules; the name itself is kept as metadata.
"""

from __future__ import annotations

import re
from functools import lru_cache

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.tsql import types

#: What SQL Server's images and set-up choose in an English locale.
SERVER_DEFAULT = "SQL_Latin1_General_CP1_CI_AS"

_NAME = re.compile(
    r"[A-Za-z][A-Za-z0-9_]*?(_(?P<case>CI|CS)_(?P<accent>AI|AS)(_KS)?(_WS)?(_VSS)?(_SC)?(_UTF8)?|_BIN2?(_UTF8)?)",
    re.IGNORECASE,
)

#: SQLite collations registered by the engine. RTRIM is SQLite's own: binary, trailing spaces ignored.
BINARY, DECIMAL, OFFSET, GUID = "RTRIM", "tsql_decimal", "tsql_offset", "tsql_guid"
TEXT_COLLATIONS = ("tsql_ci_as", "tsql_ci_ai", "tsql_cs_as", "tsql_cs_ai")


@lru_cache(maxsize=200)
def sqlite_name(collation: str) -> str:
    """The SQLite collation for a T-SQL collation; 448 for a name that is none."""
    match = _NAME.fullmatch(collation)
    if match is None:
        raise SqlServerError(448, f"Invalid collation '{collation}'.", 16, 1)
    if match["case"] is None:
        return BINARY
    return f"tsql_{match['case']}_{match['accent']}".lower()


def ignores_case(collation: str) -> bool:
    return sqlite_name(collation).startswith("tsql_ci")


def for_type(type: SqlType, collation: str) -> str:
    """The SQLite collation values of the type compare by; empty where plain comparison is right."""
    if type.name in types.STRINGS:
        return sqlite_name(collation or SERVER_DEFAULT)
    if type.name in types.DECIMALS:
        return DECIMAL
    return {"datetimeoffset": OFFSET, "uniqueidentifier": GUID}.get(type.name, "")
