"""The SQLite functions, collations and table-valued functions that the translator writes calls to."""

from __future__ import annotations

from standins.sqlserver.engine.functions import aggregates, dates, json, numbers, tables, text
from standins.sqlserver.engine.functions.collation import register_collations
from standins.sqlserver.engine.sqlite import Connection


def register(connection: Connection) -> None:
    """Everything that depends on nothing but its arguments."""
    register_collations(connection)
    for module in (text, numbers, dates, json):
        for name, function in module.FUNCTIONS.items():
            connection.create_scalar_function(name, function, -1, deterministic=True)
    for name, function in numbers.VOLATILE.items():
        connection.create_scalar_function(name, function, -1)
    aggregates.register(connection)
    tables.register(connection)
