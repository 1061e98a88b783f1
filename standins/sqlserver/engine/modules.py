"""CREATE and ALTER of views, procedures, functions; CREATE TYPE and CREATE SCHEMA."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine import messages, moments
from standins.sqlserver.engine.database import Database, next_object_id, save_object
from standins.sqlserver.engine.lookup import Lookup
from standins.sqlserver.engine.model import ModuleModel, SchemaModel, ViewColumn
from standins.sqlserver.engine.stored import module_definition
from standins.sqlserver.engine.tablemodels import TableBuilder
from standins.sqlserver.engine.variables import Frame
from standins.sqlserver.tsql import ddl, types
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.translate.merge import StatementTranslator

if TYPE_CHECKING:
    from standins.sqlserver.engine.defining import Defining
    from standins.sqlserver.engine.session import EngineSession


class Modules:
    """Definitions kept as text."""

    def __init__(self, session: EngineSession, definitions: Defining) -> None:
        self._session = session
        self._definitions = definitions

    def create_module(self, statement: ddl.CreateModule, sink: Sink) -> None:
        database = self._definitions.database_of(statement.name)
        model = self._definitions.model(database)
        schema = self._definitions.require_schema(model, statement.name.schema)
        known = model.module(schema, statement.name.name)
        if statement.mode == "ALTER" and (known is None or _family(known.kind) != _family(statement.kind)):
            text = f"Invalid object name '{statement.name}'."
            raise SqlServerError(208, text, 16, 6)
        if statement.mode == "CREATE" and model.taken(schema, statement.name.name):
            raise messages.already_exists(statement.name.name)
        columns = self.module_columns(statement, database)
        with self._definitions.change(database) as raw:
            text = f"CREATE{statement.text[statement.text.upper().index(_keyword(statement)) - 1 :]}"
            object_id = known.object_id if known is not None else next_object_id(raw, database.alias)
            created = known.created if known is not None else moments.now_text()
            module = ModuleModel(
                object_id, schema, statement.name.name, statement.kind, text, columns, created, moments.now_text()
            )
            save_object(raw, database.alias, "module", object_id, module)
            self._session.link.set_model(database, self._definitions.model(database).with_module(module))
        sink.done(None)

    def module_columns(self, statement: ddl.CreateModule, database: Database) -> tuple[ViewColumn, ...]:
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
        database = self._definitions.database_of(name)
        module = self._definitions.model(database).module(name.schema, name.name)
        if module is None:
            text = f"Could not find object '{name}' or you do not have permission."
            raise SqlServerError(15165, text, 16, 1)
        columns = self.module_columns(module_definition(module), database)
        with self._definitions.change(database) as raw:
            changed = replace(module, columns=columns, modified=moments.now_text())
            save_object(raw, database.alias, "module", module.object_id, changed)
            self._session.link.set_model(database, self._definitions.model(database).with_module(changed))

    def create_type(self, statement: ddl.CreateType, sink: Sink) -> None:
        database = self._definitions.database_of(statement.name)
        with self._definitions.change(database) as raw:
            model = self._definitions.model(database)
            schema = self._definitions.require_schema(model, statement.name.schema)
            if model.table_type(schema, statement.name.name) is not None:
                text = f"The type '{statement.name}' already exists, or you do not have permission to create it."
                raise SqlServerError(219, text, 16, 1)
            new_id = self._definitions.new_id(database)
            builder = TableBuilder(schema, statement.name.name, database.settings.collation, new_id)
            builder.add(statement.body)
            found = builder.table(new_id(), moments.now_text(), moments.now_text(), is_type=True)
            save_object(raw, database.alias, "type", found.object_id, found)
            self._session.link.set_model(database, replace(model, table_types=(*model.table_types, found)))
        sink.done(None)

    def create_schema(self, statement: ddl.CreateSchema, sink: Sink) -> None:
        database = self._session.current
        with self._definitions.change(database) as raw:
            model = self._definitions.model(database)
            if model.schema(statement.name) is not None:
                raise messages.already_exists(statement.name)
            number = max(schema.schema_id for schema in model.schemas) + 1
            schema = SchemaModel(number, statement.name)
            save_object(raw, database.alias, "schema", -number, schema)
            self._session.link.set_model(database, replace(model, schemas=(*model.schemas, schema)))
        sink.done(None)


def _family(kind: str) -> str:
    return kind.rpartition(" ")[2]


def _keyword(statement: ddl.CreateModule) -> str:
    return {"VIEW": "VIEW", "PROCEDURE": "PROC"}.get(statement.kind, "FUNCTION")
