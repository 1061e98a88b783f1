"""Table-valued functions as virtual tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import apsw
import apsw.ext

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine.functions import json
from standins.sqlserver.engine.sqlite import Connection


def _openjson(text: str | None, path: str | None = "$") -> Iterator[tuple[str, str | None, int]]:
    if text is not None and path is not None:
        yield from json.entries(text, path)


def _openjson_rows(text: str | None, path: str | None = "$") -> Iterator[tuple[str]]:
    if text is not None and path is not None:
        for fragment in json.rows(text, path):
            yield (fragment,)


def _string_split(text: str | None, separator: str | None) -> Iterator[tuple[str, int]]:
    if separator is None or len(separator) != 1:
        message = "Procedure expects parameter 'separator' of type 'nchar(1)/nvarchar(1)'."
        raise SqlServerError(214, message, 16, 11)
    if text is not None:
        for number, part in enumerate(text.split(separator), 1):
            yield part, number


def _generate_series(start: int | None, stop: int | None, step: int | None = None) -> Iterator[tuple[int]]:
    if start is None or stop is None:
        return
    step = step if step is not None else (1 if stop >= start else -1)
    if step == 0:
        raise SqlServerError(4199, "Argument value 0 is invalid for argument 3 of generate_series function.", 16, 1)
    for value in range(start, stop + (1 if step > 0 else -1), step):
        yield (value,)


_TABLES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "t_openjson": (_openjson, ("key", "value", "type")),
    "t_openjson_rows": (_openjson_rows, ("raw",)),
    "t_string_split": (_string_split, ("value", "ordinal")),
    "t_generate_series": (_generate_series, ("value",)),
}


class _ModuleTaker:
    """Stands where APSW's helper expects a connection and keeps the module it makes."""

    def __init__(self) -> None:
        self.modules: list[tuple[str, Any, dict[str, Any]]] = []

    def create_module(self, name: str, module: Any, **options: Any) -> None:
        self.modules.append((name, module, options))


@cache
def _modules() -> list[tuple[str, Any, dict[str, Any]]]:
    """Made once: the helper defines three classes for every module, which is a third of what a login takes."""
    taker = _ModuleTaker()
    for name, (function, columns) in _TABLES.items():
        function.columns = columns
        function.column_access = apsw.ext.VTColumnAccess.By_Index
        apsw.ext.make_virtual_module(cast("apsw.Connection", taker), name, function)
    return taker.modules


def register(connection: Connection) -> None:
    for name, module, options in _modules():
        cast("apsw.Connection", connection).create_module(name, module, **options)
