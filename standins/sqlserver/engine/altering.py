"""ALTER TABLE."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError, SqlType
from standins.sqlserver.engine import messages, moments, physical
from standins.sqlserver.engine.adding import Adding
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.model import ColumnModel, IndexModel, TableModel
from standins.sqlserver.engine.sqlite import Connection
from standins.sqlserver.engine.tablemodels import Errors, TableBuilder
from standins.sqlserver.tsql import ddl, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.conversion import check_allowed, fits
from standins.sqlserver.tsql.translate.values import quote, text_literal

if TYPE_CHECKING:
    from standins.sqlserver.engine.defining import Defining
    from standins.sqlserver.engine.session import EngineSession


class Altering:
    """Changes to existing tables; rows stay where they are."""

    def __init__(self, session: EngineSession, definitions: Defining) -> None:
        self._definitions = definitions
        self._adding = Adding(session, definitions)

    def alter_table(self, statement: ddl.AlterTable, sink: Sink) -> None:
        if statement.table.temporary:
            raise unsupported("ALTER TABLE of a temporary table", statement.line)
        definitions = self._definitions
        database, table = definitions.require_table(statement.table)
        with definitions.change(database) as raw:
            match statement.action:
                case ddl.AddToTable():
                    changed = self._adding.add(raw, database, table, statement.action)
                case ddl.AlterColumn():
                    changed = self._alter_column(raw, database, table, statement.action.column)
                case ddl.DropFromTable():
                    changed = self._drop(raw, database, table, statement.action)
                case ddl.SwitchConstraints():
                    changed = self._switch(raw, database, table, statement.action)
            definitions.store_table(database, replace(changed, modified=moments.now_text()))
        sink.done(None)

    # --- ALTER COLUMN --------------------------------------------------------------------------------------------

    def _alter_column(
        self, raw: Connection, database: Database, table: TableModel, definition: ddl.ColumnDefinition
    ) -> TableModel:
        old = self._column(table, definition.name, "ALTER TABLE ALTER COLUMN")
        check_allowed(old.type, definition.type, explicit=False)
        if "timestamp" in (old.type.name, definition.type.name):
            text = f"Cannot alter column '{old.name}' because it is 'timestamp'."
            raise SqlServerError(4928, text, 16, 1)
        builder = TableBuilder.extending(table, database.settings.collation, lambda: 0)
        collation = builder.column_collation(definition)
        new = replace(
            old,
            type=definition.type,
            nullable=True if definition.nullable is None else definition.nullable,
            collation=collation,
        )
        grows = fits(old.type, new.type) and (old.collation.lower() == new.collation.lower())
        if not grows or (old.nullable != new.nullable and self._in_primary_key(table, old)):
            self._refuse_dependants(table, old, "ALTER TABLE ALTER COLUMN", keep_indexes=grows)
        changed = table.with_column(new)
        target = f"{database.alias}.{quote(physical.table_name(table))}"
        name = quote(old.name)
        has_null = f"SELECT 1 FROM {target} WHERE {name} IS NULL LIMIT 1"
        if not new.nullable and old.nullable and raw.execute(has_null).fetchone() is not None:
            raise messages.null_not_allowed(old.name, f"{database.name}.{table.label}", "UPDATE")
        physical.rewrite(raw, database.alias, changed, self._definitions.condition)
        if not grows:
            self._convert_rows(raw, database, table, old, new)
        return changed

    @staticmethod
    def _in_primary_key(table: TableModel, column: ColumnModel) -> bool:
        key = table.primary_key
        return key is not None and any(part.name == column.name for part in key.columns)

    def _convert_rows(
        self,
        raw: Connection,
        database: Database,
        table: TableModel,
        old: ColumnModel,
        new: ColumnModel,
    ) -> None:
        target = f"{database.alias}.{quote(physical.table_name(table))}"
        name = quote(old.name)
        if old.type.name in types.STRINGS | types.BINARIES and new.type.name in types.STRINGS | types.BINARIES:
            unlimited = SqlType({"nchar": "nvarchar", "char": "varchar"}.get(new.type.name, new.type.name), None)
            key = text_literal(f"{types.describe(old.type)}>{types.describe(unlimited)}")
            expression = f"t_cast({name}, {key})"
            if new.type.length is not None:
                function = "t_fit_binary" if new.type.name in types.BINARIES else "t_fit"
                shown = text_literal(f"{database.name}.{table.label}")
                fixed = f", {text_literal('fixed')}" if new.type.name in types.FIXED_LENGTH else ""
                expression = f"{function}({expression}, {new.type.length}, {shown}, {text_literal(old.name)}{fixed})"
        else:
            key = text_literal(f"{types.describe(old.type)}>{types.describe(new.type)}")
            expression = f"t_cast({name}, {key})"
        raw.execute(f"UPDATE {target} SET {name} = {expression} WHERE {name} IS NOT NULL")

    def _column(self, table: TableModel, name: str, action: str) -> ColumnModel:
        column = table.column(name)
        if column is None:
            text = f"{action} failed because column '{name}' does not exist in table '{table.name}'."
            raise SqlServerError(4924, text, 16, 1)
        return column

    def _dependants(self, table: TableModel, column: ColumnModel, *, keep_indexes: bool = False) -> list[str]:
        wanted = column.name.lower()
        names: list[str] = []
        if not keep_indexes:
            names += [index.name for index in table.indexes if _uses(index, wanted)]
        names += [key.name for key in table.foreign_keys if wanted in [part.lower() for part in key.columns]]
        names += [check.name for check in table.checks if wanted in check.text.lower()]
        return names

    def _refuse_dependants(
        self, table: TableModel, column: ColumnModel, action: str, *, keep_indexes: bool = False
    ) -> None:
        names = self._dependants(table, column, keep_indexes=keep_indexes)
        if action.endswith("DROP COLUMN") and column.default is not None:
            names.append(column.default.name)
        if names:
            errors = [
                SqlServerError(5074, f"The object '{name}' is dependent on column '{column.name}'.", 16, 1)
                for name in names
            ]
            text = f"{action} {column.name} failed because one or more objects access this column."
            raise Errors(errors[0], *errors[1:], SqlServerError(4922, text, 16, 9))

    # --- DROP ----------------------------------------------------------------------------------------------------

    def _drop(self, raw: Connection, database: Database, table: TableModel, action: ddl.DropFromTable) -> TableModel:
        changed = table
        for name, if_exists in action.constraints:
            changed = self._drop_constraint(raw, database, changed, name, if_exists)
        for name, if_exists in action.columns:
            column = changed.column(name)
            if column is None:
                if if_exists:
                    continue
                self._column(changed, name, "ALTER TABLE DROP COLUMN")
            assert column is not None
            changed = self._drop_column(raw, database, changed, column)
        return changed

    def _drop_column(self, raw: Connection, database: Database, table: TableModel, column: ColumnModel) -> TableModel:
        self._refuse_dependants(table, column, "ALTER TABLE DROP COLUMN")
        if len(table.columns) == 1:
            text = (
                f"ALTER TABLE DROP COLUMN failed because '{column.name}' is the only data column in table "
                f"'{table.name}'. A table must have at least one data column."
            )
            raise SqlServerError(4923, text, 16, 1)
        changed = replace(table, columns=tuple(known for known in table.columns if known is not column))
        target = f"{database.alias}.{quote(physical.table_name(table))}"
        raw.execute(f"ALTER TABLE {target} DROP COLUMN {quote(column.name)}")
        return changed

    def _drop_constraint(
        self, raw: Connection, database: Database, table: TableModel, name: str, if_exists: bool
    ) -> TableModel:
        wanted = name.lower()
        index = next((index for index in table.indexes if index.key_kind and index.name.lower() == wanted), None)
        if index is not None:
            self._refuse_referenced(database, table, [column.name for column in index.columns], index.name)
            self._definitions.drop_index(raw, database.alias, table, index)
            return replace(table, indexes=tuple(known for known in table.indexes if known is not index))
        default = next((c for c in table.columns if c.default is not None and c.default.name.lower() == wanted), None)
        if default is not None:
            return table.with_column(replace(default, default=None))
        changed = replace(
            table,
            foreign_keys=tuple(key for key in table.foreign_keys if key.name.lower() != wanted),
            checks=tuple(check for check in table.checks if check.name.lower() != wanted),
        )
        if (changed.foreign_keys, changed.checks) == (table.foreign_keys, table.checks):
            if if_exists:
                return table
            text = f"'{name}' is not a constraint."
            raise Errors(SqlServerError(3728, text, 16, 1), _could_not_drop())
        physical.rewrite(raw, database.alias, changed, self._definitions.condition)
        return changed

    def _refuse_referenced(self, database: Database, table: TableModel, columns: list[str], name: str) -> None:
        for child, key in self._definitions.model(database).referencing(table):
            if sorted(key.references) == sorted(columns):
                text = (
                    f"The constraint '{name}' is being referenced by table '{child.name}', foreign key constraint "
                    f"'{key.name}'."
                )
                raise Errors(SqlServerError(3725, text, 16, 0), _could_not_drop())

    # --- CHECK, NOCHECK ------------------------------------------------------------------------------------------

    def _switch(
        self, raw: Connection, database: Database, table: TableModel, action: ddl.SwitchConstraints
    ) -> TableModel:
        wanted = {name.lower() for name in action.names}
        known = {item.name.lower() for item in (*table.foreign_keys, *table.checks)}
        missing = wanted - known
        if missing:
            text = f"Constraint '{next(iter(missing))}' does not exist."
            raise SqlServerError(4917, text, 16, 0)
        enabled, trusted = action.enable, action.enable and action.verify
        changed = replace(
            table,
            foreign_keys=tuple(
                replace(key, enabled=enabled, trusted=trusted) if not wanted or key.name.lower() in wanted else key
                for key in table.foreign_keys
            ),
            checks=tuple(
                replace(check, enabled=enabled, trusted=trusted)
                if not wanted or check.name.lower() in wanted
                else check
                for check in table.checks
            ),
        )
        if trusted:
            keys = tuple(key for key in changed.foreign_keys if not wanted or key.name.lower() in wanted)
            checks = [check.name for check in changed.checks if not wanted or check.name.lower() in wanted]
            self._adding.verify(raw, database, changed, keys, checks)
        physical.rewrite(raw, database.alias, changed, self._definitions.condition)
        return changed


def _uses(index: IndexModel, column: str) -> bool:
    used = [part.name.lower() for part in index.columns] + [part.lower() for part in index.include]
    return column in used or (bool(index.filter) and column in index.filter.lower())


def _could_not_drop() -> SqlServerError:
    return SqlServerError(3727, "Could not drop constraint. See previous errors.", 16, 0)
