"""CREATE, ALTER and DROP of what lives inside a database."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import apsw

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine import messages, moments, physical
from standins.sqlserver.engine.altering import Altering
from standins.sqlserver.engine.database import Database, next_object_id, save_object
from standins.sqlserver.engine.dropping import Dropping
from standins.sqlserver.engine.lookup import Lookup, relation_columns
from standins.sqlserver.engine.model import (
    IndexModel,
    Model,
    TableModel,
    constraint_names,
)
from standins.sqlserver.engine.modules import Modules
from standins.sqlserver.engine.sqlite import Connection
from standins.sqlserver.engine.tablemodels import COULD_NOT_CREATE, Errors, TableBuilder
from standins.sqlserver.engine.temporaries import Temporaries
from standins.sqlserver.tsql import ddl, statements, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.script import parse_condition
from standins.sqlserver.tsql.translate.merge import StatementTranslator
from standins.sqlserver.tsql.translate.plan import Command, SelectPlan
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


class Defining:
    """Changes of the model, with SQLite's tables following."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._altering = Altering(session, self)
        self._dropping = Dropping(session, self)
        self.temporaries = Temporaries(session, self)
        self.modules = Modules(session, self)

    def handlers(self) -> dict[type[statements.Statement], Callable[..., None]]:
        return {
            ddl.CreateTable: self._create_table, ddl.AlterTable: self._altering.alter_table,
            ddl.CreateIndex: self._create_index, ddl.AlterIndex: self._alter_index, ddl.Drop: self._dropping.drop,
            ddl.CreateModule: self.modules.create_module, ddl.CreateType: self.modules.create_type,
            ddl.CreateSchema: self.modules.create_schema, statements.Truncate: self._truncate,
        }  # fmt: skip

    # --- what every definition does ------------------------------------------------------------------------------

    @contextmanager
    def change(self, database: Database) -> Generator[Connection]:
        """The write lock, a transaction, and all or nothing."""
        session = self._session
        if database.name.lower() == "tempdb":
            raise unsupported("A permanent object in tempdb")
        session.transactions.before_write(database)
        with session.transactions.statement(), session.link.atomic():
            yield session.link.raw

    def model(self, database: Database) -> Model:
        self._session.link.attach(database)
        return self._session.link.model(database)

    def database_of(self, name: ObjectName) -> Database:
        if not name.database:
            return self._session.current
        database = self._session.server.find(name.database)
        if database is None:
            raise messages.database_missing(name.database)
        self._session.check_access(database)
        return database

    def new_id(self, database: Database) -> Callable[[], int]:
        return lambda: next_object_id(self._session.link.raw, database.alias)

    def store_table(self, database: Database, table: TableModel) -> None:
        save_object(self._session.link.raw, database.alias, "table", table.object_id, table)
        self._session.link.set_model(database, self.model(database).with_table(table))

    def condition(self, table: TableModel, text: str) -> str:
        """A CHECK condition or filter for SQLite, over plain column names."""
        session = self._session
        translator = StatementTranslator(Lookup(session, session.frame, session.current))
        columns = tuple(translator.column_of(column, "") for column in relation_columns(table))
        translator.scope = Scope([Bound(table.name, "", columns, table.schema)])
        sql = Command.of(translator.predicate(parse_condition(text)))
        if sql.parameters:
            raise unsupported("A constraint that depends on the moment or the session")
        return sql.sql

    def require_schema(self, model: Model, schema: str) -> str:
        found = model.schema(schema or "dbo")
        if found is None:
            text = (
                f'The specified schema name "{schema}" either does not exist or you do not have permission to use it.'
            )
            raise SqlServerError(2760, text, 16, 1)
        return found.name

    # --- tables --------------------------------------------------------------------------------------------------

    def _create_table(self, statement: ddl.CreateTable, sink: Sink) -> None:
        name = statement.name
        if name.temporary:
            self.temporaries.create(name.name, statement.body)
        else:
            self.create_table(name, statement.body)
        sink.done(None)

    def create_table(self, name: ObjectName, body: ddl.TableBody) -> TableModel:
        database = self.database_of(name)
        with self.change(database) as raw:
            model = self.model(database)
            schema = self.require_schema(model, name.schema)
            if model.taken(schema, name.name):
                raise messages.already_exists(name.name)
            new_id = self.new_id(database)
            builder = TableBuilder(schema, name.name, database.settings.collation, new_id)
            object_id = new_id()
            builder.add(body)
            table = builder.table(object_id, moments.now_text(), moments.now_text())
            self._check_names(model, table)
            table = self.resolve_foreign_keys(model, table, table.foreign_keys)
            self.build(raw, database.alias, table)
            self.store_table(database, table)
        return table

    def _check_names(self, model: Model, table: TableModel) -> None:
        seen: set[str] = {table.name.lower()}
        for name in constraint_names(table):
            if name.lower() in seen or model.taken(table.schema, name):
                raise Errors(messages.already_exists(name), COULD_NOT_CREATE)
            seen.add(name.lower())

    def resolve_foreign_keys(self, model: Model, table: TableModel, keys: tuple[Any, ...]) -> TableModel:
        """Fill in referenced columns and check that a key is referenced."""
        resolved: list[Any] = []
        for key in table.foreign_keys:
            if key not in keys:
                resolved.append(key)
                continue
            parent = model.table(key.schema, key.table)
            if (key.schema.lower(), key.table.lower()) == (table.schema.lower(), table.name.lower()):
                parent = table
            if parent is None:
                text = f"Foreign key '{key.name}' references invalid table '{key.schema}.{key.table}'."
                raise Errors(SqlServerError(1767, text, 16, 0), COULD_NOT_CREATE)
            primary = parent.primary_key
            own = tuple(column.name for column in primary.columns) if primary is not None else ()
            wanted = key.references or own
            columns = [parent.column(name) for name in wanted]
            if not wanted or None in columns:
                missing = next((name for name, found in zip(wanted, columns, strict=True) if found is None), "")
                text = (
                    f"Foreign key '{key.name}' references invalid column '{missing}' in referenced table '{key.table}'."
                )
                raise Errors(SqlServerError(1770, text, 16, 0), COULD_NOT_CREATE)
            names = tuple(column.name for column in columns if column is not None)
            self._check_reference(table, parent, key, names)
            resolved.append(replace(key, schema=parent.schema, table=parent.name, references=names))
        return replace(table, foreign_keys=tuple(resolved))

    @staticmethod
    def _check_reference(table: TableModel, parent: TableModel, key: Any, names: tuple[str, ...]) -> None:
        unique = [
            index for index in parent.indexes
            if index.unique and not index.filter and {c.name for c in index.columns} == set(names)
        ]  # fmt: skip
        if not unique or len(names) != len(key.columns):
            text = (
                f"There are no primary or candidate keys in the referenced table '{parent.label}' that match the "
                f"referencing column list in the foreign key '{key.name}'."
            )
            raise Errors(SqlServerError(1776, text, 16, 0), COULD_NOT_CREATE)
        for own, other in zip(key.columns, names, strict=True):
            a, b = table.column(own), parent.column(other)
            assert a is not None
            assert b is not None
            same_length = a.type.length == b.type.length or a.type.name in types.STRINGS
            if a.type.name != b.type.name or not same_length:
                text = (
                    f"Column '{parent.label}.{b.name}' is not the same data type as referencing column "
                    f"'{table.name}.{a.name}' in foreign key '{key.name}'."
                )
                raise Errors(SqlServerError(1778, text, 16, 0), COULD_NOT_CREATE)
            if a.collation.lower() != b.collation.lower():
                text = (
                    f"Column '{parent.label}.{b.name}' is not of same collation as referencing column "
                    f"'{table.name}.{a.name}' in foreign key '{key.name}'."
                )
                raise Errors(SqlServerError(1757, text, 16, 0), COULD_NOT_CREATE)

    def build(self, raw: Connection, schema: str, table: TableModel) -> None:
        sql = physical.create_table(table, self.condition)
        raw.execute(sql.replace("CREATE TABLE ", f"CREATE TABLE {schema}.", 1))
        for index in table.indexes:
            self.build_index(raw, schema, table, index)

    def build_index(self, raw: Connection, schema: str, table: TableModel, index: IndexModel) -> None:
        raw.execute(physical.create_index(table, index, schema, self.condition))
        guard = physical.null_guard(table, index, schema)
        if guard is not None:
            raw.execute(guard)

    def drop_index(self, raw: Connection, schema: str, table: TableModel, index: IndexModel) -> None:
        name = physical.index_name(table, index)
        raw.execute(
            f"DROP INDEX IF EXISTS {schema}.{quote(name)}; DROP INDEX IF EXISTS {schema}.{quote(name + '|null')}"
        )

    # --- SELECT … INTO -------------------------------------------------------------------------------------------

    def select_into(self, plan: SelectPlan, sink: Sink) -> None:
        assert plan.into is not None
        session = self._session
        definitions: list[ddl.ColumnDefinition] = []
        for place, (column, collation) in enumerate(zip(plan.columns, plan.collations, strict=True), 1):
            if not column.name:
                text = (
                    "An object or column name is missing or empty. For SELECT INTO statements, verify each "
                    "column has a "
                    'name. For other statements, look for empty alias names. Aliases defined as "" or [] are not '
                    "allowed. Change the alias to a valid name."
                )
                raise SqlServerError(1038, text, 15, 5)
            identity = (1, 1) if column.identity else None
            definitions.append(ddl.ColumnDefinition(column.name, column.type, column.nullable, identity, collation))
            del place
        body = ddl.TableBody(tuple(definitions))
        if plan.into.temporary:
            self.temporaries.create(plan.into.name, body)
            table, schema, database = session.temporaries[plan.into.name.lower()], "temp", None
        else:
            database = self.database_of(plan.into)
            session.transactions.before_write(database)
            schema = database.alias
            table = None
        with session.transactions.statement(), session.link.atomic():
            if table is None:
                table = self.create_table(plan.into, body)
            count_rows = session.changing.insert_select(table, schema, plan.command)
        session.row_count = count_rows
        sink.done(None if session.no_count else count_rows)

    # --- indexes -------------------------------------------------------------------------------------------------

    def _create_index(self, statement: ddl.CreateIndex, sink: Sink) -> None:
        if statement.table.temporary:
            self._create_temporary_index(statement)
            sink.done(None)
            return
        database, table = self.require_table(statement.table, 1088)
        with self.change(database) as raw:
            builder = TableBuilder.extending(table, database.settings.collation, self.new_id(database))
            known = table.index(statement.index.name)
            if statement.drop_existing and known is not None:
                self.drop_index(raw, database.alias, table, known)
                builder.indexes = [index for index in builder.indexes if index is not known]
            index = builder.add_index(statement.index)
            changed = replace(table, indexes=tuple(builder.indexes), modified=moments.now_text())
            self.build_checked(raw, database.alias, changed, index)
            self.store_table(database, changed)
        sink.done(None)

    def _create_temporary_index(self, statement: ddl.CreateIndex) -> None:
        session = self._session
        table = session.temporary(statement.table.name)
        if table is None:
            raise messages.object_missing(statement.table.name)
        session.transactions.before_write(None)
        builder = TableBuilder.extending(table, session.server.collation, self.temporaries.next_id)
        index = builder.add_index(statement.index)
        changed = replace(table, indexes=tuple(builder.indexes))
        with session.transactions.statement():
            self.build_checked(session.link.raw, "temp", changed, index)
        session.temporaries[statement.table.name.lower()] = changed
        session.temporary_version += 1

    def build_checked(self, raw: Connection, schema: str, table: TableModel, index: IndexModel) -> None:
        """Build an index; duplicates are error 1505."""
        try:
            self.build_index(raw, schema, table, index)
        except apsw.ConstraintError:
            key = self._first_duplicate(raw, schema, table, index)
            text = (
                "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name "
                f"'{table.label}' and the index name '{index.name}'. The duplicate key value is ({key})."
            )
            raise SqlServerError(1505, text, 16, 1) from None

    @staticmethod
    def _first_duplicate(raw: Connection, schema: str, table: TableModel, index: IndexModel) -> str:
        columns = ", ".join(quote(column.name) for column in index.columns)
        sql = (
            f"SELECT {columns} FROM {schema}.{quote(physical.table_name(table))} GROUP BY {columns} "
            "HAVING count(*) > 1 LIMIT 1"
        )
        row = raw.execute(sql).fetchone()
        return ", ".join("<NULL>" if value is None else str(value) for value in row or ())

    def _alter_index(self, statement: ddl.AlterIndex, sink: Sink) -> None:
        _, table = self.require_table(statement.table, 1088)
        if statement.name.upper() != "ALL" and table.index(statement.name) is None:
            text = f"Cannot find index '{statement.name}'."
            raise SqlServerError(2727, text, 11, 1)
        sink.done(None)

    def require_table(self, name: ObjectName, number: int = 4902) -> tuple[Database, TableModel]:
        database = self.database_of(name)
        table = self.model(database).table(name.schema, name.name)
        if table is None:
            raise messages.object_missing(str(name), number, state=1 if number == 4902 else 12)
        return database, table

    # --- TRUNCATE ------------------------------------------------------------------------------------------------

    def _truncate(self, statement: statements.Truncate, sink: Sink) -> None:
        session = self._session
        if statement.table.temporary:
            table = session.temporary(statement.table.name)
            if table is None:
                raise messages.object_missing(statement.table.name)
            session.transactions.before_write(None)
            with session.transactions.statement():
                session.link.raw.execute(f"DELETE FROM temp.{quote(table.name)}")
            session.tempdb.identities.pop(table.object_id, None)
            sink.done(None)
            return
        database, table = self.require_table(statement.table, 4701)
        if any(child.object_id != table.object_id for child, _ in self.model(database).referencing(table)):
            text = (
                f"Cannot truncate table '{statement.table}' because it is being referenced by a FOREIGN KEY constraint."
            )
            raise SqlServerError(4712, text, 16, 1)
        with self.change(database) as raw:
            raw.execute(f"DELETE FROM {database.alias}.{quote(physical.table_name(table))}")
            raw.execute(f'DELETE FROM {database.alias}."sys.counters" WHERE name = ?', (f"identity:{table.object_id}",))
        database.identities.pop(table.object_id, None)
        sink.done(None)
