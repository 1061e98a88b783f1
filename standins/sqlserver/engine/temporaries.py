"""Temporary tables and table variables: SQLite's temporary tables under names of their own."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import apsw

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import messages, moments
from standins.sqlserver.engine.model import TableModel
from standins.sqlserver.engine.tablemodels import TableBuilder
from standins.sqlserver.engine.variables import Frame
from standins.sqlserver.tsql import ddl, statements, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.defining import Defining
    from standins.sqlserver.engine.session import EngineSession

_ids = count(-1_000_000, -1)


class Temporaries:
    """Those of one session."""

    def __init__(self, session: EngineSession, definitions: Defining) -> None:
        self._session = session
        self._definitions = definitions
        self._deferred: list[str] = []

    @staticmethod
    def next_id() -> int:
        """Object ids of temporary objects are negative."""
        return next(_ids)

    def create(self, name: str, body: ddl.TableBody) -> None:
        session = self._session
        if session.temporary(name) is not None:
            raise messages.already_exists(name)
        if name.startswith("##"):
            raise unsupported("A global temporary table")
        session.transactions.before_write(None)
        table = self._table_model(name, body)
        with session.transactions.statement(), session.link.atomic():
            self._definitions.build(session.link.raw, "temp", table)
        self._register(name, table)

    def _register(self, name: str, table: TableModel) -> None:
        self._session.temporaries[name.lower()] = table
        self._session.frame.temporaries.append(name)
        self._session.temporary_version += 1

    def _table_model(self, label: str, body: ddl.TableBody) -> TableModel:
        object_id = next(_ids)
        physical_name = f"{label}|{-object_id}"
        builder = TableBuilder("", physical_name, self._session.server.collation, lambda: next(_ids))
        builder.add(body)
        table = builder.table(object_id, moments.now_text(), moments.now_text())
        return replace(table, foreign_keys=())

    def declare_table(self, declaration: statements.Declaration, line: int) -> None:
        """A table variable."""
        session = self._session
        body = declaration.columns
        if body is None:
            assert declaration.type_name is not None
            body = self._type_body(declaration.type_name, line)
        known = session.frame.tables.get(declaration.name)
        if known is not None:
            if id(declaration) not in session.frame.loop_declared:
                session.frame.declare(declaration.name, types.INT)
            session.link.raw.execute(f"DELETE FROM temp.{quote(known.name)}")
            return
        table = self._table_model(declaration.name, body)
        self._definitions.build(session.link.raw, "temp", table)
        session.frame.loop_declared.add(id(declaration))
        session.frame.declare_table(declaration.name, table)
        session.temporary_version += 1

    def declare_empty(self, parameter: ddl.ParameterDefinition, frame: Frame) -> None:
        """A table-valued parameter that was not given is an empty table."""
        session = self._session
        outer, session.frame = session.frame, frame
        try:
            self.declare_table(statements.Declaration(parameter.name, None, type_name=parameter.type_name), 1)
        finally:
            session.frame = outer

    def _type_body(self, name: ObjectName, line: int) -> ddl.TableBody:
        database = self._definitions.database_of(name)
        found = self._definitions.model(database).table_type(name.schema, name.name)
        if found is None:
            text = f"Column, parameter, or variable: Cannot find data type {name}."
            raise SqlServerError(2715, text, 16, 3, line)
        return body_of(found)

    def table_variable_rows(self) -> list[tuple[TableModel, list[tuple[Any, ...]]]]:
        """The rows of all table variables in being: a ROLLBACK does not touch them."""
        raw = self._session.link.raw
        found: list[tuple[TableModel, list[tuple[Any, ...]]]] = []
        frame: Frame | None = self._session.frame
        while frame is not None:
            found += [
                (table, raw.execute(f"SELECT * FROM temp.{quote(table.name)}").fetchall())
                for name, table in frame.tables.items()
                if name not in frame.borrowed
            ]
            frame = frame.caller
        return found

    def restore_table_variables(self, kept: list[tuple[TableModel, list[tuple[Any, ...]]]]) -> None:
        raw = self._session.link.raw
        for table, rows in kept:
            name = f"temp.{quote(table.name)}"
            raw.execute(f"DROP TABLE IF EXISTS {name}")
            self._definitions.build(raw, "temp", table)
            marks = ", ".join("?" for _ in table.columns)
            raw.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)

    def drop_deferred(self) -> None:
        """Tables that could not be dropped because the statement that used them was still running."""
        while self._deferred:
            self._session.link.raw.execute(f"DROP TABLE IF EXISTS temp.{quote(self._deferred.pop())}")

    def drop(self, table: TableModel) -> None:
        session = self._session
        try:
            session.link.raw.execute(f"DROP TABLE IF EXISTS temp.{quote(table.name)}")
        except apsw.LockedError:
            self._deferred.append(table.name)
        for name, known in list(session.temporaries.items()):
            if known is table:
                del session.temporaries[name]
        session.temporary_version += 1


def body_of(table: TableModel) -> ddl.TableBody:
    """A table type as a body to make variables from."""
    columns = tuple(
        ddl.ColumnDefinition(column.name, column.type, column.nullable, column.identity, column.collation)
        for column in table.columns
    )
    constraints = tuple(
        ddl.KeyDefinition(
            "", index.key_kind == "PRIMARY KEY", index.clustered,
            tuple(ddl.IndexColumn(column.name, column.descending) for column in index.columns),
        )
        for index in table.indexes
        if index.key_kind
    )  # fmt: skip
    return ddl.TableBody(columns, constraints)
