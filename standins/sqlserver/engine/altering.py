"""ALTER TABLE and sp_rename."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError, SqlType
from standins.sqlserver.engine import messages, moments, physical
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.lookup import Lookup
from standins.sqlserver.engine.model import ColumnModel, ForeignKeyModel, IndexModel, TableModel, constraint_names
from standins.sqlserver.engine.sqlite import Connection
from standins.sqlserver.engine.tablemodels import COULD_NOT_CREATE, Errors, TableBuilder
from standins.sqlserver.engine.violations import orphans
from standins.sqlserver.tsql import ddl, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.conversion import check_allowed, fits
from standins.sqlserver.tsql.translate.merge import StatementTranslator
from standins.sqlserver.tsql.translate.plan import Command
from standins.sqlserver.tsql.translate.values import quote, text_literal

if TYPE_CHECKING:
    from standins.sqlserver.engine.defining import Defining
    from standins.sqlserver.engine.session import EngineSession


class Altering:
    """Changes to existing tables; rows stay where they are."""

    def __init__(self, session: EngineSession, definitions: Defining) -> None:
        self._session = session
        self._definitions = definitions

    def alter_table(self, statement: ddl.AlterTable, sink: Sink) -> None:
        if statement.table.temporary:
            raise unsupported("ALTER TABLE of a temporary table", statement.line)
        definitions = self._definitions
        database, table = definitions.require_table(statement.table)
        with definitions.change(database) as raw:
            match statement.action:
                case ddl.AddToTable():
                    changed = self._add(raw, database, table, statement.action)
                case ddl.AlterColumn():
                    changed = self._alter_column(raw, database, table, statement.action.column)
                case ddl.DropFromTable():
                    changed = self._drop(raw, database, table, statement.action)
                case ddl.SwitchConstraints():
                    changed = self._switch(raw, database, table, statement.action)
            definitions.store_table(database, replace(changed, modified=moments.now_text()))
        sink.done(None)

    def rewrite(self, raw: Connection, database: Database, table: TableModel) -> None:
        """Give SQLite the regenerated definition of a table whose stored rows fit it already."""
        sql = physical.create_table(table, self._definitions.condition)
        alias = database.alias
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute(
            f"UPDATE {alias}.sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?",
            (sql, physical.table_name(table)),
        )
        row = raw.execute(f"PRAGMA {alias}.schema_version").fetchone()
        assert row is not None
        raw.execute(f"PRAGMA {alias}.schema_version = {int(row[0]) + 1}")
        raw.execute("PRAGMA writable_schema = RESET")

    # --- ADD -----------------------------------------------------------------------------------------------------

    def _add(self, raw: Connection, database: Database, table: TableModel, action: ddl.AddToTable) -> TableModel:
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
        self.rewrite(raw, database, bare if action.check else changed)
        self._fill(raw, database, changed, filled)
        if action.check:
            self._verify(
                raw, database, changed, changed.foreign_keys[len(table.foreign_keys) :], [c.name for c in new_checks]
            )
            self.rewrite(raw, database, changed)
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
        session.save_counters()

    def _verify(
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
        grows = _only_grows(old.type, new.type) and (old.collation.lower() == new.collation.lower())
        if not grows or (old.nullable != new.nullable and self._in_primary_key(table, old)):
            self._refuse_dependants(table, old, "ALTER TABLE ALTER COLUMN", keep_indexes=grows)
        changed = table.with_column(new)
        target = f"{database.alias}.{quote(physical.table_name(table))}"
        name = quote(old.name)
        has_null = f"SELECT 1 FROM {target} WHERE {name} IS NULL LIMIT 1"
        if not new.nullable and old.nullable and raw.execute(has_null).fetchone() is not None:
            raise messages.null_not_allowed(old.name, f"{database.name}.{table.label}", "UPDATE")
        self.rewrite(raw, database, changed)
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
        self.rewrite(raw, database, changed)
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
            self._verify(raw, database, changed, keys, checks)
        self.rewrite(raw, database, changed)
        return changed

    # --- sp_rename -----------------------------------------------------------------------------------------------

    def rename_table(self, database: Database, table: TableModel, name: str) -> None:
        definitions = self._definitions
        model = definitions.model(database)
        if model.taken(table.schema, name):
            text = (
                f"Error: The new name '{name}' is already in use as a object name and would cause a duplicate that "
                "is not permitted."
            )
            raise SqlServerError(15335, text, 11, 1)
        with definitions.change(database) as raw:
            changed = replace(table, name=name, modified=moments.now_text())
            own = tuple(_renamed_reference(key, table, changed) for key in table.foreign_keys)
            changed = replace(changed, foreign_keys=own)
            source = f"{database.alias}.{quote(physical.table_name(table))}"
            raw.execute(f"ALTER TABLE {source} RENAME TO {quote(physical.table_name(changed))}")
            for child, _ in model.referencing(table):
                if child.object_id != table.object_id:
                    keys = tuple(_renamed_reference(key, table, changed) for key in child.foreign_keys)
                    definitions.store_table(database, replace(child, foreign_keys=keys))
            definitions.store_table(database, changed)

    def rename_column(self, database: Database, table: TableModel, column: ColumnModel, name: str) -> None:
        definitions = self._definitions
        if table.column(name) is not None and name.lower() != column.name.lower():
            text = (
                f"Error: The new name '{name}' is already in use as a COLUMN name and would cause a duplicate that "
                "is not permitted."
            )
            raise SqlServerError(15335, text, 11, 1)
        in_text = [check.name for check in table.checks if column.name.lower() in check.text.lower()]
        in_text += [
            index.name for index in table.indexes if index.filter and column.name.lower() in index.filter.lower()
        ]
        if in_text:
            text = (
                f"Object '{table.label}.{column.name}' cannot be renamed because the object participates in "
                "enforced dependencies."
            )
            raise SqlServerError(15336, text, 16, 1)
        with definitions.change(database) as raw:
            target = f"{database.alias}.{quote(physical.table_name(table))}"
            raw.execute(f"ALTER TABLE {target} RENAME COLUMN {quote(column.name)} TO {quote(name)}")
            for child, _ in definitions.model(database).referencing(table):
                keys = tuple(
                    replace(key, references=_swap(key.references, column.name, name))
                    if (key.schema, key.table) == (table.schema, table.name)
                    else key
                    for key in child.foreign_keys
                )
                definitions.store_table(database, replace(child, foreign_keys=keys))
            current = definitions.model(database).table_by_id(table.object_id) or table
            changed = current.with_column(replace(column, name=name))
            changed = replace(
                changed,
                indexes=tuple(
                    replace(
                        index,
                        columns=tuple(
                            replace(part, name=name) if part.name == column.name else part for part in index.columns
                        ),
                        include=_swap(index.include, column.name, name),
                    )
                    for index in changed.indexes
                ),
                foreign_keys=tuple(
                    replace(key, columns=_swap(key.columns, column.name, name)) for key in changed.foreign_keys
                ),
                modified=moments.now_text(),
            )
            definitions.store_table(database, changed)


def _uses(index: IndexModel, column: str) -> bool:
    used = [part.name.lower() for part in index.columns] + [part.lower() for part in index.include]
    return column in used or (bool(index.filter) and column in index.filter.lower())


def _swap(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if name == old else name for name in names)


def _renamed_reference(key: ForeignKeyModel, old: TableModel, new: TableModel) -> ForeignKeyModel:
    if (key.schema.lower(), key.table.lower()) == (old.schema.lower(), old.name.lower()):
        return replace(key, table=new.name)
    return key


def _only_grows(old: SqlType, new: SqlType) -> bool:
    return fits(old, new)


def _could_not_drop() -> SqlServerError:
    return SqlServerError(3727, "Could not drop constraint. See previous errors.", 16, 0)
