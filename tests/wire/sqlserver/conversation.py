"""Batches through pyodbc, read to their end."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest


def results(connection: Any, statement: str, *parameters: Any) -> list[list[tuple[Any, ...]] | int]:
    """Every result of a batch: the rows of a query, the count of a change."""
    found: list[list[tuple[Any, ...]] | int] = []
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement, *parameters)
        while True:
            found.append([tuple(row) for row in cursor.fetchall()] if cursor.description else cursor.rowcount)
            if not cursor.nextset():
                return found


def rows(connection: Any, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of the last query of a batch."""
    sets = [found for found in results(connection, statement, *parameters) if isinstance(found, list)]
    return sets[-1]


def value(connection: Any, statement: str, *parameters: Any) -> Any:
    ((only,),) = rows(connection, statement, *parameters)
    return only


def messages(connection: Any, statement: str) -> list[str]:
    """The texts that are no errors: PRINT, progress, context changes."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        found = list(cursor.messages or [])
        while cursor.nextset():
            found += cursor.messages or []
    return [text for _, text in found]


def refused(connection: Any, statement: str, number: int, *parameters: Any) -> str:
    """The error a batch ends with; its number must be ``number``."""
    with pytest.raises(Exception, match=rf"\({number}\)") as caught:
        results(connection, statement, *parameters)
    return str(caught.value)
