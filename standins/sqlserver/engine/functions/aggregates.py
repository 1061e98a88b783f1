"""Aggregate functions that SQLite has not."""

from __future__ import annotations

import base64
import json as standard_json
import math
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from typing import Any

from standins.sqlserver.contract import SqlType
from standins.sqlserver.engine import messages
from standins.sqlserver.engine.datestyles import format_moment
from standins.sqlserver.engine.functions.json import encode
from standins.sqlserver.engine.sqlite import Connection

_WIDE = Context(prec=90)


class ChecksumAggregate:
    """CHECKSUM_AGG: the order of rows does not matter, and equal rows do not cancel out."""

    def __init__(self) -> None:
        self.total = 0
        self.seen = False

    def step(self, *arguments: Any) -> None:
        if arguments[0] is not None:
            self.total = (self.total + (arguments[0] & 0xFFFFFFFF)) & 0xFFFFFFFF
            self.seen = True

    def final(self) -> int | None:
        if not self.seen:
            return None
        return self.total - 2**32 if self.total >= 2**31 else self.total


class DecimalSum:
    """SUM of decimals, exact; also a window function."""

    def __init__(self) -> None:
        self.total = Decimal(0)
        self.count = 0
        self.scale = 0

    def step(self, *arguments: Any) -> None:
        value, self.scale = arguments
        if value is not None:
            with localcontext(_WIDE):
                self.total += Decimal(value)
            self.count += 1

    def inverse(self, *arguments: Any) -> None:
        if arguments[0] is not None:
            with localcontext(_WIDE):
                self.total -= Decimal(arguments[0])
            self.count -= 1

    def value(self) -> str | None:
        if not self.count:
            return None
        if abs(self.total) >= 10 ** (38 - self.scale):
            raise messages.overflow("numeric", "numeric")
        return f"{self.total:.{self.scale}f}"

    final = value


class DecimalAverage(DecimalSum):
    def value(self) -> str | None:
        if not self.count:
            return None
        with localcontext(_WIDE):
            average = (self.total / self.count).quantize(Decimal(1).scaleb(-self.scale), ROUND_DOWN)
        return f"{average:f}"

    final = value


class Variance:
    """VAR, VARP, STDEV and STDEVP."""

    population = False
    root = False

    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, *arguments: Any) -> None:
        if arguments[0] is not None:
            self.values.append(float(arguments[0]))

    def inverse(self, *_: Any) -> None:
        self.values.pop(0)

    def value(self) -> float | None:
        count = len(self.values)
        divisor = count if self.population else count - 1
        if divisor < 1:
            return None
        mean = math.fsum(self.values) / count
        variance = math.fsum((value - mean) ** 2 for value in self.values) / divisor
        return math.sqrt(variance) if self.root else variance

    final = value


class _PopulationVariance(Variance):
    population = True


class _Deviation(Variance):
    root = True


class _PopulationDeviation(Variance):
    population, root = True, True


class JsonRows:
    """FOR JSON: the first argument describes the columns."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.specification: dict[str, Any] = {}

    def step(self, *arguments: Any) -> None:
        if not self.specification:
            self.specification = standard_json.loads(arguments[0])
        self.rows.append(_object(self.specification, arguments[1:]))

    def final(self) -> str | None:
        if not self.rows:
            return None
        text = ",".join(self.rows)
        if not self.specification["bare"]:
            text = f"[{text}]"
        root = self.specification["root"]
        return f"{{{standard_json.dumps(root)}:{text}}}" if root is not None else text


def _object(specification: dict[str, Any], values: tuple[Any, ...]) -> str:
    tree: dict[str, Any] = {}
    for name, kind, value in zip(specification["names"], specification["kinds"], values, strict=True):
        if value is None and not specification["nulls"]:
            continue
        node = tree
        *parents, last = name.split(".") if specification["path"] else [name]
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = _json_text(value, kind)
    return _written(tree)


def _json_text(value: Any, kind: str) -> str:
    if isinstance(value, bytes):
        return encode(base64.b64encode(value).decode(), "varchar")
    if kind in ("datetime", "smalldatetime", "datetime2", "datetimeoffset") and isinstance(value, str):
        scale = 7 if kind in ("datetime2", "datetimeoffset") else 3
        return encode(format_moment(value, SqlType(kind, 0, 0, scale), 126), "varchar")
    return encode(value, kind)


def _written(tree: dict[str, Any]) -> str:
    members = (
        f"{standard_json.dumps(name, ensure_ascii=False)}:{value if isinstance(value, str) else _written(value)}"
        for name, value in tree.items()
    )
    return "{" + ",".join(members) + "}"


def register(connection: Connection) -> None:
    for name, aggregate in {"t_checksum_agg": ChecksumAggregate, "t_for_json": JsonRows}.items():
        connection.create_aggregate_function(name, _factory(aggregate), -1)
    windows: dict[str, Any] = {
        "t_dec_sum": DecimalSum,
        "t_dec_avg": DecimalAverage,
        "t_var": Variance,
        "t_varp": _PopulationVariance,
        "t_stdev": _Deviation,
        "t_stdevp": _PopulationDeviation,
    }
    for name, window in windows.items():
        connection.create_window_function(name, window, -1)


def _factory(aggregate: Any) -> Any:
    return lambda: (aggregate(), _step, _final)


def _step(state: Any, *arguments: Any) -> None:
    state.step(*arguments)


def _final(state: Any) -> Any:
    return state.final()
