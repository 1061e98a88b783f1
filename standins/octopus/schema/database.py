"""What schema scripts may do: run T-SQL on one connection, and rewrite documents."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import orjson
import pyodbc

from standins.octopus.store.connection import connect
from standins.octopus.store.documents import LONG_TEXT, TEXT, to_json


class Database:
    """One autocommit connection; ``transaction`` brackets what must happen together."""

    def __init__(self, connection_string: str) -> None:
        self._connection = connect(connection_string)

    def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """A batch. The rows are those of its first result set; errors in any later result are raised too."""
        cursor = self._connection.cursor()
        try:
            if values:
                cursor.setinputsizes([_size(value) for value in values])  # pyright: ignore[reportArgumentType] - None is taken
                cursor.execute(sql, list(values))
            else:
                cursor.execute(sql)
            rows: list[tuple[Any, ...]] = []
            taken = False
            while True:
                if cursor.description and not taken:
                    rows, taken = [tuple(row) for row in cursor.fetchall()], True
                if not cursor.nextset():
                    return rows
        finally:
            cursor.close()

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        cursor = self._connection.cursor()
        try:
            sized = False
            for row in rows:
                if not sized:
                    cursor.setinputsizes([_size(value, long=True) for value in row])  # pyright: ignore[reportArgumentType]
                    sized = True
                cursor.execute(sql, list(row))
        finally:
            cursor.close()

    def script(self, text: str) -> None:
        """A file of batches separated by lines that say GO, as sqlcmd and DbUp read it."""
        batch: list[str] = []
        for line in [*text.splitlines(), "GO"]:
            if line.strip().upper() != "GO":
                batch.append(line)
                continue
            sql = "\n".join(batch).strip()
            batch.clear()
            if sql:
                self.run(sql)

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        self.run("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            with contextlib.suppress(pyodbc.Error):  # a broken connection has rolled back already
                self.run("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
            raise
        self.run("COMMIT TRANSACTION")

    # ------------------------------------------------------------------ documents

    def documents(self, table: str, *columns: str) -> list[tuple[dict[str, Any], tuple[Any, ...]]]:
        """The JSON of every row (with its Id under ``Id``), and the columns asked for."""
        names = "".join(f", [{column}]" for column in columns)
        rows = self.run(f"SELECT [Id], [JSON]{names} FROM dbo.[{table}] ORDER BY [Id]")
        return [({"Id": row[0], **orjson.loads(row[1] or "{}")}, tuple(row[2:])) for row in rows]

    def rewrite(self, table: str, change: Callable[[dict[str, Any]], bool]) -> int:
        """Let ``change`` edit the JSON of each row; those for which it says True are saved. Returns how many."""
        changed: list[tuple[str, str]] = []
        for document, _ in self.documents(table):
            identity = document.pop("Id")
            if change(document):
                changed.append((to_json(document), identity))
        self.run_many(f"UPDATE dbo.[{table}] SET [JSON] = ? WHERE [Id] = ?", changed)
        return len(changed)

    def insert(self, table: str, identity: str, json: dict[str, Any], **columns: Any) -> None:
        names = "".join(f", [{column}]" for column in columns)
        marks = ", ?" * len(columns)
        self.run(
            f"INSERT INTO dbo.[{table}] ([Id], [JSON]{names}) VALUES (?, ?{marks})",
            identity,
            to_json(json),
            *columns.values(),
        )

    def next_id(self, prefix: str) -> str:
        """One id from KeyAllocation, inside the script's transaction."""
        rows = self.run("SELECT [Allocated] FROM dbo.[KeyAllocation] WHERE [CollectionName] = ?", prefix)
        number = int(rows[0][0]) + 1 if rows else 1
        if rows:
            self.run("UPDATE dbo.[KeyAllocation] SET [Allocated] = ? WHERE [CollectionName] = ?", number, prefix)
        else:
            self.run("INSERT INTO dbo.[KeyAllocation] ([CollectionName], [Allocated]) VALUES (?, ?)", prefix, number)
        return f"{prefix}-{number}"

    # ------------------------------------------------------------------ catalog

    def has_table(self, name: str) -> bool:
        return bool(self.run("SELECT 1 FROM sys.tables WHERE name = ?", name))

    def close(self) -> None:
        with contextlib.suppress(pyodbc.Error):  # already broken
            self._connection.close()


def _size(value: Any, *, long: bool = False) -> tuple[int, int, int] | None:
    if isinstance(value, str):
        return LONG_TEXT if long or len(value) > TEXT[1] else TEXT
    return TEXT if value is None else None
