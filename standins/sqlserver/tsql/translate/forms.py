"""FOR JSON and FOR XML."""

from __future__ import annotations

import json
from dataclasses import replace

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import nodes, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.compiled import Compiled
from standins.sqlserver.tsql.translate.values import Sql, text_literal


def formatted(
    compiled: Compiled, form: nodes.ForJson | nodes.ForXml, query: nodes.Query, collation: str, line: int
) -> Compiled:
    """A query of one text: the rows of ``compiled``, which is ``query`` without its form."""
    column = Sql("c0", types.NVARCHAR_MAX, collation)
    if isinstance(form, nodes.ForXml):
        if form.element or len(compiled.columns) != 1 or compiled.columns[0].name:
            raise unsupported("FOR XML PATH other than FOR XML PATH('') of one unnamed column", line)
        return Compiled(f"SELECT group_concat(t_xml_text(c0), '') AS c0 FROM ({compiled.text})", (column,), True)
    if form.auto and (not isinstance(query.body, nodes.Select) or len(query.body.source) != 1 or not isinstance(
        query.body.source[0], nodes.TableSource
    )):  # fmt: skip
        raise unsupported("FOR JSON AUTO over anything but one table", line)
    if not all(item.name for item in compiled.columns):
        text = (
            "Column expressions and data sources without names or aliases cannot be formatted as JSON text "
            "using FOR JSON clause. Add alias to the unnamed column or table."
        )
        raise SqlServerError(13605, text, 16, 1, line)
    nested = _json_columns(query)
    specification = {
        "names": [item.name for item in compiled.columns],
        "kinds": ["json" if place in nested else item.type.name for place, item in enumerate(compiled.columns)],
        "path": not form.auto,
        "root": form.root,
        "nulls": form.include_nulls,
        "bare": form.without_wrapper,
    }
    arguments = ", ".join(f"c{place}" for place in range(len(compiled.columns)))
    text = (
        f"SELECT t_for_json({text_literal(json.dumps(specification))}, {arguments}) AS c0 FROM ({compiled.text}) "
        "HAVING count(*) > 0"
    )
    return Compiled(text, (replace(column, name="JSON_F52E2B61-18A1-11d1-B105-00805F49916B"),), single_row=True)


def _json_columns(query: nodes.Query) -> set[int]:
    """Columns that hold JSON already: nested FOR JSON and JSON_QUERY."""
    if not isinstance(query.body, nodes.Select):
        return set()
    found: set[int] = set()
    for place, item in enumerate(query.body.items):
        expression = item.expression
        if isinstance(expression, nodes.ScalarQuery) and isinstance(expression.query.form, nodes.ForJson):
            found.add(place)
        if isinstance(expression, nodes.Call) and expression.name in ("JSON_QUERY", "JSON_MODIFY"):
            found.add(place)
    return found
