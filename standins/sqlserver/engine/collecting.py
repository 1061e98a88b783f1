"""A sink that keeps results, for INSERT … EXEC and for functions."""

from __future__ import annotations

from collections.abc import Sequence

from standins.sqlserver.contract import Column, Sink, SqlServerError, SqlType, Value


class Collector:
    """Result sets are kept; everything else goes on to ``outer``, if there is one."""

    def __init__(self, outer: Sink | None = None) -> None:
        self.results: list[tuple[Sequence[Column], list[Sequence[Value]]]] = []
        self.errors: list[SqlServerError] = []
        self._outer = outer

    def columns(self, columns: Sequence[Column]) -> None:
        self.results.append((columns, []))

    def row(self, values: Sequence[Value]) -> None:
        self.results[-1][1].append(tuple(values))

    def done(self, count: int | None, *, select: bool = False) -> None:
        pass

    def info(self, message: SqlServerError) -> None:
        if self._outer is not None:
            self._outer.info(message)

    def error(self, error: SqlServerError) -> None:
        self.errors += (error, *error.following)
        if self._outer is not None:
            self._outer.error(error)

    def database_changed(self, old: str, new: str) -> None:
        if self._outer is not None:
            self._outer.database_changed(old, new)

    def transaction_began(self, descriptor: int) -> None:
        if self._outer is not None:
            self._outer.transaction_began(descriptor)

    def transaction_ended(self, descriptor: int, *, committed: bool) -> None:
        if self._outer is not None:
            self._outer.transaction_ended(descriptor, committed=committed)

    def return_value(self, name: str, type: SqlType, value: Value) -> None:
        if self._outer is not None:
            self._outer.return_value(name, type, value)

    def return_status(self, status: int) -> None:
        del status

    def cancelled(self) -> bool:
        return self._outer.cancelled() if self._outer is not None else False
