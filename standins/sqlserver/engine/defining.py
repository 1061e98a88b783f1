"""CREATE, ALTER and DROP of what lives inside a database."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import apsw

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine import messages, moments, physical
from standins.sqlserver.engine.altering import Altering
from standins.sqlserver.engine.database import Database, delete_object, next_object_id, save_object
from standins.sqlserver.engine.lookup import Lookup, relation_columns
from standins.sqlserver.engine.model import (
    IndexModel,
    Model,
    ModuleModel,
    SchemaModel,
    TableModel,
    ViewColumn,
    constraint_names,
)
from standins.sqlserver.engine.sqlite import Connection
from standins.sqlserver.engine.stored import module_definition
from standins.sqlserver.engine.tablemodels import COULD_NOT_CREATE, Errors, TableBuilder
from standins.sqlserver.engine.variables import Frame
from standins.sqlserver.tsql import statements, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.script import parse_condition
from standins.sqlserver.tsql.translate.merge import StatementTranslator
from standins.sqlserver.tsql.translate.plan import Command, SelectPlan
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_temporary_ids = count(-1_000_000, -1)


class Defining:
    """Changes of the model, with SQLite's tables following."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._altering = Altering(session, self)
        self._deferred: list[str] = []

    def handlers(self) -> dict[type[statements.Statement], Callable[..., None]]:
        s = statements
        return {
            s.CreateTable: self._create_table, s.AlterTable: self._altering.alter_table,
            s.CreateIndex: self._create_index, s.AlterIndex: self._alter_index, s.Drop: self._drop,
            s.CreateModule: self._create_module, s.CreateType: self._create_type, s.CreateSchema: self._create_schema,
            s.Truncate: self._truncate,
        }  # fmt: skip

    # --- what every definition does ------------------------------------------------------------------------------

    @contextmanager
    def change(self, database: Database) -> Generator[Connection]:
        """The write lock, a transaction, and all or nothing."""
        session = self._session
        if database.name.lower() == "tempdb":
            raise unsupported("A permanent object in tempdb")
        session.before_write(database)
        with session.statement_transaction(), session.link.atomic():
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

    def _create_table(self, statement: statements.CreateTable, sink: Sink) -> None:
        name = statement.name
        if name.temporary:
            self._create_temporary(name.name, statement.body)
        else:
            self.create_table(name, statement.body)
        sink.done(None)

    def create_table(self, name: ObjectName, body: statements.TableBody) -> TableModel:
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
            self._build(raw, database.alias, table)
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

    def _build(self, raw: Connection, schema: str, table: TableModel) -> None:
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

    # --- temporary tables ----------------------------------------------------------------------------------------

    def _create_temporary(self, name: str, body: statements.TableBody) -> None:
        session = self._session
        if session.temporary(name) is not None:
            raise messages.already_exists(name)
        if name.startswith("##"):
            raise unsupported("A global temporary table")
        session.before_write(None)
        table = self._temporary_model(name, body)
        with session.statement_transaction(), session.link.atomic():
            self._build(session.link.raw, "temp", table)
        self._register_temporary(name, table)

    def _register_temporary(self, name: str, table: TableModel) -> None:
        self._session.temporaries[name.lower()] = table
        self._session.frame.temporaries.append(name)
        self._session.temporary_version += 1

    def _temporary_model(self, label: str, body: statements.TableBody) -> TableModel:
        object_id = next(_temporary_ids)
        physical_name = f"{label}|{-object_id}"
        builder = TableBuilder("", physical_name, self._session.server.collation, lambda: next(_temporary_ids))
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
        table = self._temporary_model(declaration.name, body)
        self._build(session.link.raw, "temp", table)
        session.frame.loop_declared.add(id(declaration))
        session.frame.declare_table(declaration.name, table)
        session.temporary_version += 1

    def declare_empty(self, parameter: statements.ParameterDefinition, frame: Frame) -> None:
        """A table-valued parameter that was not given is an empty table."""
        session = self._session
        outer, session.frame = session.frame, frame
        try:
            self.declare_table(statements.Declaration(parameter.name, None, type_name=parameter.type_name), 1)
        finally:
            session.frame = outer

    def _type_body(self, name: ObjectName, line: int) -> statements.TableBody:
        database = self.database_of(name)
        found = self.model(database).table_type(name.schema, name.name)
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
            self._build(raw, "temp", table)
            marks = ", ".join("?" for _ in table.columns)
            raw.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)

    def drop_deferred(self) -> None:
        """Tables that could not be dropped because the statement that used them was still running."""
        while self._deferred:
            self._session.link.raw.execute(f"DROP TABLE IF EXISTS temp.{quote(self._deferred.pop())}")

    def drop_temporary(self, table: TableModel) -> None:
        session = self._session
        try:
            session.link.raw.execute(f"DROP TABLE IF EXISTS temp.{quote(table.name)}")
        except apsw.LockedError:
            self._deferred.append(table.name)
        for name, known in list(session.temporaries.items()):
            if known is table:
                del session.temporaries[name]
        session.temporary_version += 1

    # --- SELECT … INTO -------------------------------------------------------------------------------------------

    def select_into(self, plan: SelectPlan, sink: Sink) -> None:
        assert plan.into is not None
        session = self._session
        definitions: list[statements.ColumnDefinition] = []
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
            definitions.append(
                statements.ColumnDefinition(column.name, column.type, column.nullable, identity, collation)
            )
            del place
        body = statements.TableBody(tuple(definitions))
        if plan.into.temporary:
            self._create_temporary(plan.into.name, body)
            table, schema, database = session.temporaries[plan.into.name.lower()], "temp", None
        else:
            database = self.database_of(plan.into)
            session.before_write(database)
            schema = database.alias
            table = None
        with session.statement_transaction(), session.link.atomic():
            if table is None:
                table = self.create_table(plan.into, body)
            count_rows = session.querying.insert_select(table, schema, plan.command)
        session.row_count = count_rows
        sink.done(None if session.no_count else count_rows)

    # --- indexes -------------------------------------------------------------------------------------------------

    def _create_index(self, statement: statements.CreateIndex, sink: Sink) -> None:
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

    def _create_temporary_index(self, statement: statements.CreateIndex) -> None:
        session = self._session
        table = session.temporary(statement.table.name)
        if table is None:
            raise messages.object_missing(statement.table.name)
        session.before_write(None)
        builder = TableBuilder.extending(table, session.server.collation, lambda: next(_temporary_ids))
        index = builder.add_index(statement.index)
        changed = replace(table, indexes=tuple(builder.indexes))
        with session.statement_transaction():
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

    def _alter_index(self, statement: statements.AlterIndex, sink: Sink) -> None:
        _, table = self.require_table(statement.table, 1088)
        if statement.name.upper() != "ALL" and table.index(statement.name) is None:
            text = f"Cannot find index '{statement.name}'."
            raise SqlServerError(2727, text, 11, 1)
        sink.done(None)

    def require_table(self, name: ObjectName, number: int = 4902) -> tuple[Database, TableModel]:
        database = self.database_of(name)
        table = self.model(database).table(name.schema, name.name)
        if table is None:
            if number == 4902:
                raise messages.object_missing(str(name))
            text = f'Cannot find the object "{name}" because it does not exist or you do not have permissions.'
            raise SqlServerError(number, text, 16, 12)
        return database, table

    # --- DROP ----------------------------------------------------------------------------------------------------

    def _drop(self, statement: statements.Drop, sink: Sink) -> None:
        droppers: dict[str, Callable[[ObjectName, bool], None]] = {
            "TABLE": self._drop_table,
            "VIEW": lambda name, missing: self._drop_module(name, missing, "view", ("VIEW",)),
            "PROCEDURE": lambda name, missing: self._drop_module(name, missing, "procedure", ("PROCEDURE",)),
            "FUNCTION": lambda name, missing: self._drop_module(
                name, missing, "function", ("FUNCTION", "INLINE FUNCTION", "TABLE FUNCTION")
            ),
            "TYPE": self._drop_type,
            "SCHEMA": self._drop_schema,
            "DATABASE": lambda name, missing: self._session.administration.drop_database(name.name, missing),
        }
        if statement.kind == "INDEX":
            assert statement.table is not None
            self._drop_table_index(statement.names[0].name, statement.table, statement.if_exists)
        elif statement.kind not in droppers:
            raise unsupported(f"DROP {statement.kind}", statement.line)
        else:
            for name in statement.names:
                droppers[statement.kind](name, statement.if_exists)
        sink.done(None)

    def _drop_table(self, name: ObjectName, if_exists: bool) -> None:
        if name.temporary:
            table = self._session.temporary(name.name)
            if table is not None:
                self._session.before_write(None)
                with self._session.statement_transaction():
                    self.drop_temporary(table)
            elif not if_exists:
                raise messages.cannot_drop("table", name.name)
            return
        database = self.database_of(name)
        table = self.model(database).table(name.schema, name.name)
        if table is None:
            if not if_exists:
                raise messages.cannot_drop("table", str(name))
            return
        referencing = [
            key for child, key in self.model(database).referencing(table) if child.object_id != table.object_id
        ]
        if referencing:
            text = f"Could not drop object '{name}' because it is referenced by a FOREIGN KEY constraint."
            raise SqlServerError(3726, text, 16, 1)
        with self.change(database) as raw:
            raw.execute(f"DROP TABLE {database.alias}.{quote(physical.table_name(table))}")
            delete_object(raw, database.alias, table.object_id)
            raw.execute(f'DELETE FROM {database.alias}."sys.counters" WHERE name = ?', (f"identity:{table.object_id}",))
            self._session.link.set_model(database, self.model(database).without_table(table))

    def _drop_table_index(self, index_name: str, table_name: ObjectName, if_exists: bool) -> None:
        if table_name.temporary:
            table = self._session.temporary(table_name.name)
            index = table.index(index_name) if table is not None else None
            if table is None or index is None:
                if if_exists:
                    return
                raise messages.cannot_drop("index", f"{table_name}.{index_name}")
            self.drop_index(self._session.link.raw, "temp", table, index)
            changed = replace(table, indexes=tuple(known for known in table.indexes if known is not index))
            self._session.temporaries[table_name.name.lower()] = changed
            return
        database = self.database_of(table_name)
        table = self.model(database).table(table_name.schema, table_name.name)
        index = table.index(index_name) if table is not None else None
        if table is None or index is None:
            if if_exists:
                return
            raise messages.cannot_drop("index", f"{table_name}.{index_name}")
        if index.key_kind:
            text = (
                f"An explicit DROP INDEX is not allowed on index '{table_name}.{index.name}'. It is being used for "
                f"{index.key_kind} constraint enforcement."
            )
            raise SqlServerError(3723, text, 16, 4)
        with self.change(database) as raw:
            self.drop_index(raw, database.alias, table, index)
            remaining = tuple(known for known in table.indexes if known is not index)
            self.store_table(database, replace(table, indexes=remaining, modified=moments.now_text()))

    def _drop_module(self, name: ObjectName, if_exists: bool, kind: str, kinds: tuple[str, ...]) -> None:
        database = self.database_of(name)
        module = self.model(database).module(name.schema, name.name)
        if module is None or module.kind not in kinds:
            if if_exists:
                return
            raise messages.cannot_drop(kind, str(name))
        with self.change(database) as raw:
            delete_object(raw, database.alias, module.object_id)
            self._session.link.set_model(database, self.model(database).without_module(module))

    def _drop_type(self, name: ObjectName, if_exists: bool) -> None:
        database = self.database_of(name)
        model = self.model(database)
        found = model.table_type(name.schema, name.name)
        if found is None:
            if if_exists:
                return
            text = f"Cannot find the type '{name}', because it does not exist or you do not have permission."
            raise SqlServerError(218, text, 16, 1)
        with self.change(database) as raw:
            delete_object(raw, database.alias, found.object_id)
            kept = tuple(known for known in model.table_types if known is not found)
            self._session.link.set_model(database, replace(model, table_types=kept))

    def _drop_schema(self, name: ObjectName, if_exists: bool) -> None:
        database = self._session.current
        model = self.model(database)
        found = model.schema(name.name)
        if found is None:
            if if_exists:
                return
            text = f"Cannot drop the schema '{name}', because it does not exist or you do not have permission."
            raise SqlServerError(15151, text, 16, 1)
        owned = next((o for o in (*model.tables, *model.modules) if o.schema.lower() == found.name.lower()), None)
        if owned is not None:
            text = f"Cannot drop schema '{found.name}' because it is being referenced by object '{owned.name}'."
            raise SqlServerError(3729, text, 16, 1)
        with self.change(database) as raw:
            delete_object(raw, database.alias, -found.schema_id)
            kept = tuple(known for known in model.schemas if known is not found)
            self._session.link.set_model(database, replace(model, schemas=kept))

    # --- modules, types, schemas ---------------------------------------------------------------------------------

    def _create_module(self, statement: statements.CreateModule, sink: Sink) -> None:
        database = self.database_of(statement.name)
        model = self.model(database)
        schema = self.require_schema(model, statement.name.schema)
        known = model.module(schema, statement.name.name)
        if statement.mode == "ALTER" and (known is None or _family(known.kind) != _family(statement.kind)):
            text = f"Invalid object name '{statement.name}'."
            raise SqlServerError(208, text, 16, 6)
        if statement.mode == "CREATE" and model.taken(schema, statement.name.name):
            raise messages.already_exists(statement.name.name)
        columns = self.module_columns(statement, database)
        with self.change(database) as raw:
            text = f"CREATE{statement.text[statement.text.upper().index(_keyword(statement)) - 1 :]}"
            object_id = known.object_id if known is not None else next_object_id(raw, database.alias)
            created = known.created if known is not None else moments.now_text()
            module = ModuleModel(
                object_id, schema, statement.name.name, statement.kind, text, columns, created, moments.now_text()
            )
            save_object(raw, database.alias, "module", object_id, module)
            self._session.link.set_model(database, self.model(database).with_module(module))
        sink.done(None)

    def module_columns(self, statement: statements.CreateModule, database: Database) -> tuple[ViewColumn, ...]:
        """The columns of a view or table-valued function, which also checks that its query can be translated."""
        if statement.returns_table is not None:
            assert statement.returns_table.columns is not None
            builder = TableBuilder("dbo", statement.name.name, database.settings.collation, lambda: 0)
            builder.add(statement.returns_table.columns)
            return tuple(ViewColumn(c.name, c.type, c.nullable, c.collation) for c in builder.columns)
        if statement.query is None:
            return ()
        frame = Frame()
        for parameter in statement.parameters:
            assert parameter.type is not None
            frame.declare(parameter.name, parameter.type)
        translator = StatementTranslator(Lookup(self._session, frame, database))
        translator.line = statement.line
        compiled = translator.compile(statement.query)
        named = translator.named_columns(statement.name.name, compiled.columns, statement.columns)
        return tuple(ViewColumn(c.name, types.INT if c.is_null else c.type, c.nullable, c.collation) for c in named)

    def refresh(self, name: ObjectName) -> None:
        """sp_refreshview, sp_refreshsqlmodule."""
        database = self.database_of(name)
        module = self.model(database).module(name.schema, name.name)
        if module is None:
            text = f"Could not find object '{name}' or you do not have permission."
            raise SqlServerError(15165, text, 16, 1)
        columns = self.module_columns(module_definition(module), database)
        with self.change(database) as raw:
            changed = replace(module, columns=columns, modified=moments.now_text())
            save_object(raw, database.alias, "module", module.object_id, changed)
            self._session.link.set_model(database, self.model(database).with_module(changed))

    def _create_type(self, statement: statements.CreateType, sink: Sink) -> None:
        database = self.database_of(statement.name)
        with self.change(database) as raw:
            model = self.model(database)
            schema = self.require_schema(model, statement.name.schema)
            if model.table_type(schema, statement.name.name) is not None:
                text = f"The type '{statement.name}' already exists, or you do not have permission to create it."
                raise SqlServerError(219, text, 16, 1)
            new_id = self.new_id(database)
            builder = TableBuilder(schema, statement.name.name, database.settings.collation, new_id)
            builder.add(statement.body)
            found = builder.table(new_id(), moments.now_text(), moments.now_text(), is_type=True)
            save_object(raw, database.alias, "type", found.object_id, found)
            self._session.link.set_model(database, replace(model, table_types=(*model.table_types, found)))
        sink.done(None)

    def _create_schema(self, statement: statements.CreateSchema, sink: Sink) -> None:
        database = self._session.current
        with self.change(database) as raw:
            model = self.model(database)
            if model.schema(statement.name) is not None:
                raise messages.already_exists(statement.name)
            number = max(schema.schema_id for schema in model.schemas) + 1
            schema = SchemaModel(number, statement.name)
            save_object(raw, database.alias, "schema", -number, schema)
            self._session.link.set_model(database, replace(model, schemas=(*model.schemas, schema)))
        sink.done(None)

    # --- TRUNCATE ------------------------------------------------------------------------------------------------

    def _truncate(self, statement: statements.Truncate, sink: Sink) -> None:
        session = self._session
        if statement.table.temporary:
            table = session.temporary(statement.table.name)
            if table is None:
                raise messages.object_missing(statement.table.name)
            session.before_write(None)
            with session.statement_transaction():
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


def _family(kind: str) -> str:
    return kind.rpartition(" ")[2]


def _keyword(statement: statements.CreateModule) -> str:
    return {"VIEW": "VIEW", "PROCEDURE": "PROC"}.get(statement.kind, "FUNCTION")


def body_of(table: TableModel) -> statements.TableBody:
    """A table type as a body to make variables from."""
    columns = tuple(
        statements.ColumnDefinition(column.name, column.type, column.nullable, column.identity, column.collation)
        for column in table.columns
    )
    constraints = tuple(
        statements.KeyDefinition(
            "", index.key_kind == "PRIMARY KEY", index.clustered,
            tuple(statements.IndexColumn(column.name, column.descending) for column in index.columns),
        )
        for index in table.indexes
        if index.key_kind
    )  # fmt: skip
    return statements.TableBody(columns, constraints)
