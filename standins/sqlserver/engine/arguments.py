"""Arguments of procedures, and result sets made by procedures."""

from __future__ import annotations

from typing import Any

from standins.sqlserver.contract import Column, Sink, SqlType
from standins.sqlserver.engine.model import TableModel
from standins.sqlserver.engine.values import Stored


class Given:
    """An argument as a procedure gets it: a value, and the variable that takes it back."""

    def __init__(self, name: str, value: Stored, type: SqlType, output: str = "", *, default: bool = False) -> None:
        self.name = name
        self.value = value
        self.type = type
        self.output = output
        self.default = default
        self.table: TableModel | None = None


class Arguments:
    """Arguments by place or name, with defaults."""

    def __init__(self, given: list[Given], names: str) -> None:
        self._values: dict[str, Any] = {}
        order = [f"@{name}" for name in names.split()]
        for place, item in enumerate(given):
            name = item.name or (order[place] if place < len(order) else "")
            self._values[name.lower()] = None if item.default else item.value

    def text(self, name: str, default: str = "") -> str:
        value = self._values.get(f"@{name}")
        return default if value is None else str(value)

    def number(self, name: str, default: int = 0) -> int:
        value = self._values.get(f"@{name}")
        return default if value is None else int(str(value))

    def given(self, name: str) -> bool:
        return self._values.get(f"@{name}") is not None


def send(sink: Sink, columns: list[tuple[str, SqlType]], rows: list[tuple[Any, ...]]) -> None:
    sink.columns([Column(name, kind) for name, kind in columns])
    for row in rows:
        sink.row(row)
    sink.done(len(rows), select=True)
