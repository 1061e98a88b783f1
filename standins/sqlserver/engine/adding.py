"""ALTER TABLE … ADD, and what the rows that are there get and must satisfy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import messages, physical
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.lookup import Lookup
from standins.sqlserver.engine.model import ColumnModel, ForeignKeyModel, TableModel, constraint_names
from standins.sqlserver.engine.sqlite import Connection
from standins.sqlserver.engine.tablemodels import COULD_NOT_CREATE, Errors, TableBuilder
from standins.sqlserver.engine.violations import orphans
from standins.sqlserver.tsql import ddl
from standins.sqlserver.tsql.translate.merge import StatementTranslator
from standins.sqlserver.tsql.translate.plan import Command
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.defining import Defining
    from standins.sqlserver.engine.session import EngineSession


class Adding:
    """Columns, constraints and indexes of a table that exists."""

    def __init__(self, session: EngineSession, definitions: Defining) -> None:
        self._session = session
        self._definitions = definitions

    def add(self, raw: Connection, database: Database, table: TableModel, action: ddl.AddToTable) -> TableModel:
        definitions = self._definitions
        model = definitions.model(database)
        builder = TableBuilder.extending(table, database.settings.collation, definitions.new_id(database))
        builder.add(action.body)
        changed = builder.table(table.object_id, table.created, table.modified)
        new_columns = changed.columns[len(table.columns) :]
        new_indexes = changed.indexes[len(table.indexes) :]
        new_keys = changed.foreign_keys[len(table.foreign_keys) :]
        new_checks = changed.checks[len(table.checks) :]
        self._check_new_names(database, table, changed)
        self._check_key_columns(table, changed, new_indexes)
        changed = definitions.resolve_foreign_keys(model, changed, new_keys)
        if not action.check:
            untrusted = {key.name for key in (*new_keys, *new_checks)}
            changed = replace(
                changed,
                foreign_keys=tuple(
                    replace(k, trusted=k.trusted and k.name not in untrusted) for k in changed.foreign_keys
                ),
                checks=tuple(replace(c, trusted=c.trusted and c.name not in untrusted) for c in changed.checks),
            )
        filled = self._values_for_new_columns(raw, database, table, new_columns, action.body)
        bare = replace(changed, foreign_keys=table.foreign_keys, checks=table.checks)
        physical.rewrite(raw, database.alias, bare if action.check else changed, definitions.condition)
        self._fill(raw, database, changed, filled)
        if action.check:
            self.verify(
                raw, database, changed, changed.foreign_keys[len(table.foreign_keys) :], [c.name for c in new_checks]
            )
            physical.rewrite(raw, database.alias, changed, self._definitions.condition)
        for index in new_indexes:
            try:
                definitions.build_checked(raw, database.alias, changed, index)
            except SqlServerError as error:
                if error.number == 1505 and index.key_kind:
                    raise Errors(error, COULD_NOT_CREATE) from None
                raise
        return changed

    def _check_new_names(self, database: Database, table: TableModel, changed: TableModel) -> None:
        known = {name.lower() for name in constraint_names(table)}
        model = self._definitions.model(database)
        for name in constraint_names(changed):
            if name.lower() not in known and model.taken(table.schema, name):
                raise Errors(messages.already_exists(name), COULD_NOT_CREATE)

    @staticmethod
    def _check_key_columns(table: TableModel, changed: TableModel, indexes: tuple[object, ...]) -> None:
        """A primary key cannot be added over columns that allow NULL."""
        if not indexes:
            return
        for column in changed.columns:
            before = table.column(column.name)
            if before is not None and before.nullable and not column.nullable:
                text = f"Cannot define PRIMARY KEY constraint on nullable column in table '{table.name}'."
                raise Errors(SqlServerError(8111, text, 16, 1), COULD_NOT_CREATE)

    def _values_for_new_columns(
        self,
        raw: Connection,
        database: Database,
        table: TableModel,
        columns: tuple[ColumnModel, ...],
        body: ddl.TableBody,
    ) -> list[ColumnModel]:
        """The new columns that existing rows get values for."""
        row = raw.execute(
            f"SELECT EXISTS (SELECT 1 FROM {database.alias}.{quote(physical.table_name(table))})"
        ).fetchone()
        if row is None or not row[0]:
            return []
        with_values = {
            column.name for column in body.columns if column.default is not None and column.default.with_values
        }
        filled: list[ColumnModel] = []
        for column in columns:
            automatic = column.identity is not None or column.type.name == "timestamp"
            if not automatic and not column.nullable and column.default is None:
                text = (
                    "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition "
                    "specified, or the column being added is an identity or timestamp column, or alternatively if none "
                    "of the previous conditions are satisfied the table must be empty to allow addition of this "
                    "column. "
                    f"Column '{column.name}' cannot be added to non-empty table '{table.name}' because it does not "
                    "satisfy these conditions."
                )
                raise SqlServerError(4901, text, 16, 1)
            if automatic or not column.nullable or column.name in with_values:
                filled.append(column)
        return filled

    def _fill(self, raw: Connection, database: Database, table: TableModel, columns: list[ColumnModel]) -> None:
        if not columns:
            return
        session = self._session
        session.link.set_model(database, self._definitions.model(database).with_table(table))
        lookup = Lookup(session, session.frame, database)
        relation = lookup.table_relation(table, database)
        translator = StatementTranslator(lookup)
        wanted = {column.name for column in columns}
        assigned = [
            f"{quote(column.name)} = {translator.default(column, relation)}"
            for column in relation.columns
            if column.name in wanted
        ]
        del raw
        session.querying.run_command(Command.of(f"UPDATE {relation.sql} SET {', '.join(assigned)}")).fetchall()
        session.transactions.save_counters()

    def verify(
        self,
        raw: Connection,
        database: Database,
        table: TableModel,
        keys: tuple[ForeignKeyModel, ...],
        checks: list[str],
    ) -> None:
        """WITH CHECK: the rows that are there must satisfy the new constraints."""
        for key in keys:
            if raw.execute(orphans(database.alias, table, key) + " LIMIT 1").fetchone() is not None:
                where = f"{key.schema}.{key.table}"
                raise messages.constraint_conflict(
                    "ALTER TABLE", "FOREIGN KEY", key.name, (database.name, where), list(key.references)
                )
        for check in table.checks:
            if check.name not in checks:
                continue
            condition = self._definitions.condition(table, check.text)
            sql = f"SELECT 1 FROM {database.alias}.{quote(physical.table_name(table))} WHERE NOT ({condition}) LIMIT 1"
            if raw.execute(sql).fetchone() is not None:
                columns = [check.column] if check.column else []
                raise messages.constraint_conflict(
                    "ALTER TABLE", "CHECK", check.name, (database.name, table.label), columns
                )
