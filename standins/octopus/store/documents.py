"""How one kind of document becomes a row and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pyodbc

from standins.octopus.contract import Document, Unfit
from standins.octopus.store.connection import uses_freetds
from standins.octopus.store.kinds import DocumentKind

#: (ODBC type, size, scale) as ``Cursor.setinputsizes`` takes it. Fixed sizes keep one prepared plan per statement.
InputSize = tuple[int, int, int]
TEXT: Final[InputSize] = (pyodbc.SQL_WVARCHAR, 2000, 0)
#: Texts above 2,000 characters. FreeTDS refuses a size of 0 (HY090); Microsoft's driver takes it for nvarchar(max).
LONG_TEXT: Final[InputSize] = (
    (pyodbc.SQL_WLONGVARCHAR, 1_073_741_823, 0) if uses_freetds() else (pyodbc.SQL_WVARCHAR, 0, 0)
)


def iso(moment: datetime) -> str:
    """A time as Octopus writes it into JSON: milliseconds and an offset."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def to_json(document: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(document, default=_unusual, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError as error:
        raise Unfit(str(error)) from error


def _unusual(value: object) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, (set, frozenset)):
        return sorted(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    raise TypeError(f"{type(value).__name__} has no place in a document")


def join_list(values: Sequence[str] | None) -> str | None:
    """``["A", "B"]`` is stored as ``|A|B|``."""
    if values is None:
        return None
    return f"|{'|'.join(values)}|" if values else ""


def split_list(text: str | None) -> list[str]:
    return [part for part in text.split("|") if part] if text else []


def input_size(type: str) -> InputSize:
    name, _, size = type.partition("(")
    size = size.rstrip(")")
    match name:
        case "nvarchar" | "varchar":
            return LONG_TEXT if size == "max" else (pyodbc.SQL_WVARCHAR, int(size), 0)
        case "int":
            return (pyodbc.SQL_INTEGER, 10, 0)
        case "bigint":
            return (pyodbc.SQL_BIGINT, 19, 0)
        case "bit":
            return (pyodbc.SQL_BIT, 1, 0)
        case "uniqueidentifier" | "datetimeoffset":  # sent as text; the server converts
            return (pyodbc.SQL_WVARCHAR, 40, 0)
        case _:
            raise ValueError(f"no binding for the column type {type}")


class Mapper:
    """The statements and conversions of one kind, made once per store."""

    def __init__(self, kind: DocumentKind) -> None:
        self.kind = kind
        self.columns = tuple(kind.columns)
        self._lists = tuple(column in kind.lists for column in self.columns)
        self._reads = tuple(_reader(kind.columns[column], column in kind.lists) for column in self.columns)
        self._writes = tuple(_writer(kind.columns[column], column in kind.lists) for column in self.columns)
        names = ", ".join(f"[{column}]" for column in ("Id", *self.columns, "JSON"))
        self.select = f"SELECT {names} FROM dbo.[{kind.table}]"
        self.written = tuple(column for column in self.columns if column != kind.identity)
        output = f" OUTPUT inserted.[{kind.identity}]" if kind.identity else ""
        self.insert = (
            f"INSERT INTO dbo.[{kind.table}] ([Id], {''.join(f'[{column}], ' for column in self.written)}[JSON])"
            f"{output} VALUES ({', '.join('?' * (len(self.written) + 2))})"
        )
        assignments = ", ".join(f"[{column}] = ?" for column in (*self.written, "JSON"))
        self.update = f"UPDATE dbo.[{kind.table}] SET {assignments} WHERE [Id] = ?"
        self.delete = f"DELETE FROM dbo.[{kind.table}] WHERE [Id] = ?"
        self._id_size = input_size(kind.id_type)
        column_sizes = [input_size(kind.columns[column]) for column in self.written]
        self.insert_sizes = (self._id_size, *column_sizes, LONG_TEXT)
        self.update_sizes = (*column_sizes, LONG_TEXT, self._id_size)
        self.id_sizes = (self._id_size,)

    def document(self, row: Sequence[Any]) -> Document:
        document: Document = orjson.loads(row[-1]) if row[-1] else {}
        document["Id"] = row[0]
        for column, read, value in zip(self.columns, self._reads, row[1:-1], strict=True):
            document[column] = value if read is None or value is None else read(value)
        for column, is_list in zip(self.columns, self._lists, strict=True):
            if is_list and document[column] is None:
                document[column] = []
        return document

    def row(self, document: Document) -> list[Any]:
        """The written columns and the JSON, in the order of ``insert`` without the id."""
        values = [
            value if write is None or value is None else write(value)
            for column, write in zip(self.columns, self._writes, strict=True)
            if column != self.kind.identity
            for value in (document.get(column),)
        ]
        self._check_required(values)
        indexed = {"Id", *self.columns}
        values.append(to_json({key: value for key, value in document.items() if key not in indexed}))
        return values

    def _check_required(self, values: Sequence[Any]) -> None:
        for column, value in zip(self.written, values, strict=True):
            if value is None and column in self.kind.required:
                raise ValueError(f"{self.kind.name}.{column} must have a value")


def _reader(type: str, is_list: bool) -> Callable[[Any], Any] | None:
    if is_list:
        return split_list
    if type == "bit":
        return bool
    if type == "uniqueidentifier":
        return lambda value: str(value).lower()
    if type == "datetimeoffset":
        return _time_text
    return None


def _time_text(value: str | datetime) -> str:
    """FreeTDS gives `2019-03-01 10:00:00.0000000 +00:00`; Microsoft's driver goes through our converter."""
    if isinstance(value, datetime):
        return iso(value)
    if "T" in value:
        return value
    date, time, offset = value.split(" ")
    seconds, _, fraction = time.partition(".")
    return f"{date}T{seconds}.{fraction[:3]:0<3}{offset}"


def _writer(type: str, is_list: bool) -> Callable[[Any], Any] | None:
    if is_list:
        return join_list
    if type == "bit":
        return bool
    if type == "datetimeoffset":
        return lambda value: iso(value) if isinstance(value, datetime) else str(value)
    if type == "uniqueidentifier":
        return str
    return None
