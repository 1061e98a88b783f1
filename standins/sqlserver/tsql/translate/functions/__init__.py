"""The built-in functions by family: each module adds to a table of ``name -> Function``."""

from __future__ import annotations

from standins.sqlserver.tsql.translate.functions import dates, json, logic, metadata, numbers, text
from standins.sqlserver.tsql.translate.functions.base import Function

FUNCTIONS: dict[str, Function] = {
    **text.FUNCTIONS,
    **numbers.FUNCTIONS,
    **dates.FUNCTIONS,
    **logic.FUNCTIONS,
    **json.FUNCTIONS,
    **metadata.FUNCTIONS,
}
