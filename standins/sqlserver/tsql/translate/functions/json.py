"""JSON functions. Paths are checked here; JSON_VALUE of a column runs on SQLite's own JSON functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.translate.functions.base import Arguments, Function, call, string
from standins.sqlserver.tsql.translate.values import Sql, text_literal

if TYPE_CHECKING:
    from standins.sqlserver.tsql.translate.expression import ExpressionTranslator

_STEP = re.compile(r'\.(?:([A-Za-z_$][\w$]*)|"((?:[^"\\]|\\.)*)")|\[(\d+)\]')


def native_path(path: str) -> str:
    """A constant lax path as SQLite writes it, or empty when the path needs our own reader."""
    stripped = re.sub(r"^\s*lax\s+", "", path).strip()
    if not stripped.startswith("$"):
        return ""
    place, out = 1, "$"
    while place < len(stripped):
        match = _STEP.match(stripped, place)
        if match is None:
            return ""
        if match[3] is not None:
            out += f"[{match[3]}]"
        elif match[1] is not None:
            out += f'."{match[1]}"'
        elif "\\" in match[2]:
            return ""
        else:
            out += f'."{match[2]}"'
        place = match.end()
    return out


def json_value(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    document = string(translator, arguments[0])
    path = arguments[1] if len(arguments) > 1 else Sql("'$'", types.nvarchar(1))
    result, collation = types.nvarchar(4000), translator.names.collation
    constant = path.literal.value if path.literal is not None else None
    native = native_path(constant) if isinstance(constant, str) else ""
    if not native or native == "$" or not document.column:
        return Sql(f"t_json_value({document.text}, {path.text})", result, collation)
    text, spelled = document.text, text_literal(native)
    sql = (
        f"CASE json_type({text}, {spelled}) WHEN 'text' THEN t_json_short({text} ->> {spelled}) "
        f"WHEN 'integer' THEN {text} -> {spelled} WHEN 'real' THEN {text} -> {spelled} "
        "WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' END"
    )
    return Sql(sql, result, collation)


def _isjson(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    if len(arguments) > 1:
        raise SqlServerError(174, "The isjson function requires 1 argument(s).", 15, 1)
    return Sql(f"t_isjson({string(translator, arguments[0]).text})", types.INT)


def _json_modify(translator: ExpressionTranslator, arguments: Arguments) -> Sql:
    document, path, value = arguments
    texts = [string(translator, document).text, string(translator, path).text, value.text]
    kind = "json" if value.text.startswith(("t_json_query(", "t_json_modify(")) else value.type.name
    return Sql(f"t_json_modify({', '.join(texts)}, '{kind}')", types.NVARCHAR_MAX, translator.names.collation)


FUNCTIONS: dict[str, Function] = {
    "JSON_VALUE": Function(json_value, 1, 2, 2016),
    "JSON_QUERY": Function(call("t_json_query", types.NVARCHAR_MAX, "s"), 1, 2, 2016),
    "JSON_MODIFY": Function(_json_modify, 3, 3, 2016),
    "ISJSON": Function(_isjson, 1, 2, 2016),
    "JSON_PATH_EXISTS": Function(call("t_json_path_exists", types.INT, "s"), 2, 2, 2022),
}
