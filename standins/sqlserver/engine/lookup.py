"""The engine's answers to the translator: what names mean in a session's current database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlType
from standins.sqlserver.engine.catalog import views as catalog_views
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.model import Model, ModuleModel, TableModel
from standins.sqlserver.engine.physical import table_name
from standins.sqlserver.engine.security.needs import Need
from standins.sqlserver.engine.stored import module_definition
from standins.sqlserver.tsql import collations, types
from standins.sqlserver.tsql.errors import invalid_object
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.script import parse_expression
from standins.sqlserver.tsql.translate.names import (
    Relation,
    RelationColumn,
    ScalarFunction,
    TableFunction,
)
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession
    from standins.sqlserver.engine.variables import Frame


def relation_columns(table: TableModel) -> tuple[RelationColumn, ...]:
    return tuple(
        RelationColumn(
            column.name,
            column.type,
            column.collation,
            column.nullable,
            column.identity is not None,
            parse_expression(column.default.text) if column.default is not None else None,
        )
        for column in table.columns
    )


class Lookup:
    """Names for one statement. It also notes what the plan depends on."""

    def __init__(self, session: EngineSession, frame: Frame, database: Database) -> None:
        self._session = session
        self._frame = frame
        self._database = database
        self.models: list[tuple[Database, Model]] = []
        self.catalogs: list[tuple[str, Database]] = []
        self.used: list[Need] = []
        self.temporary = False
        self.inferences: dict[str, SqlType] | None = None
        self._parent: Lookup | None = None

    # --- surroundings --------------------------------------------------------------------------------------------

    @property
    def database(self) -> str:
        return self._database.name

    @property
    def collation(self) -> str:
        return self._database.settings.collation

    @property
    def compatibility(self) -> int:
        return self._database.settings.compatibility_level

    @property
    def product(self) -> int:
        return self._session.server.product.year

    def within(self, database: Database) -> Lookup:
        """The names a module sees; its dependencies count for the whole statement, permissions of its own do not:
        the owner of the module owns what it names (ownership chains)."""
        inner = Lookup(self._session, self._frame, database)
        inner.models, inner.catalogs, inner._parent = self.models, self.catalogs, self
        return inner

    # --- relations -----------------------------------------------------------------------------------------------

    def relation(self, name: ObjectName) -> Relation:
        if name.temporary:
            return self._temporary_relation(name)
        database = self._database_of(name)
        schema = name.schema.lower()
        if schema in ("sys", "information_schema") or (not schema and name.name.lower().startswith("sys")):
            found = self._catalog(name, database)
            if found is not None:
                return found
        model = self._model(database)
        table = model.table(name.schema, name.name)
        if table is not None:
            self.used.append(Need("SELECT", database, table.schema, table.name, table.object_id))
            return self.table_relation(table, database)
        module = model.module(name.schema, name.name)
        if module is not None and module.kind == "VIEW":
            self._note_module(module, database, "SELECT")
            return self._view(module, database)
        raise invalid_object(str(name), name.line)

    def _note_module(self, module: ModuleModel, database: Database, permission: str) -> None:
        self.used.append(Need(permission, database, module.schema, module.name, module.object_id))

    def _model(self, database: Database) -> Model:
        self._session.link.attach(database)
        model = self._session.link.model(database)
        if (database, model) not in self.models:
            self.models.append((database, model))
        return model

    def _database_of(self, name: ObjectName) -> Database:
        if not name.database:
            return self._database
        database = self._session.server.find(name.database)
        if database is None:
            raise invalid_object(str(name), name.line)
        self._session.check_access(database)
        return database

    def table_relation(self, table: TableModel, database: Database) -> Relation:
        return Relation(
            table.label,
            f"{database.alias}.{quote(table_name(table))}",
            relation_columns(table),
            database.name,
            table.schema,
            table.name,
            table.object_id,
        )

    def _temporary_relation(self, name: ObjectName) -> Relation:
        self._note_temporary()
        table = self._session.temporary(name.name)
        if table is None:
            raise invalid_object(name.name, name.line)
        return self._temporary(table, name.name)

    def _note_temporary(self) -> None:
        self.temporary = True
        if self._parent is not None:
            self._parent._note_temporary()

    @staticmethod
    def _temporary(table: TableModel, shown: str) -> Relation:
        return Relation(
            f"dbo.{shown}",
            f"temp.{quote(table_name(table))}",
            relation_columns(table),
            "tempdb",
            "dbo",
            shown,
            table.object_id,
        )

    def variable_relation(self, name: str, line: int) -> Relation:
        self._note_temporary()
        table = self._frame.table(name, line)
        return self._temporary(table, name)

    def _view(self, module: ModuleModel, database: Database) -> Relation:
        definition = module_definition(module)
        columns = tuple(
            RelationColumn(column.name, column.type, column.collation, column.nullable) for column in module.columns
        )
        return Relation(
            module.label,
            "",
            columns,
            database.name,
            module.schema,
            module.name,
            module.object_id,
            query=definition.query,
            home=self.within(database),
            writable=False,
        )

    def _catalog(self, name: ObjectName, database: Database) -> Relation | None:
        schema = name.schema.lower() or "sys"
        view = catalog_views.find(schema, name.name.lower(), self.product)
        if view is None:
            return None
        self._model(database)
        entry = (view.key, database)
        if entry not in self.catalogs:
            self.catalogs.append(entry)
        columns = tuple(
            RelationColumn(column, kind, collations.SERVER_DEFAULT if kind.name in types.STRINGS else "")
            for column, kind in view.columns
        )
        shown = schema if schema == "sys" else "INFORMATION_SCHEMA"
        return Relation(
            f"{shown}.{name.name}",
            f"temp.{quote(catalog_views.table_name(view.key, database))}",
            columns,
            database.name,
            shown,
            name.name,
            writable=False,
        )

    # --- variables and functions ---------------------------------------------------------------------------------

    def variable(self, name: str) -> SqlType | None:
        if self.inferences is not None and name not in self._frame.variables:
            self.inferences.setdefault(name, SqlType("null"))
            return None
        return self._frame.get(name).type

    def inferred(self, name: str, type: SqlType) -> None:
        if self.inferences is not None and self.inferences.get(name, SqlType("null")).name == "null":
            self.inferences[name] = type

    def _module(self, name: ObjectName) -> tuple[ModuleModel, Database] | None:
        database = self._database_of(name)
        module = self._model(database).module(name.schema, name.name)
        return (module, database) if module is not None else None

    def scalar_function(self, parts: tuple[str, ...]) -> ScalarFunction | None:
        name = ObjectName.of(parts[-3:])
        found = self._module(name)
        if found is None or found[0].kind != "FUNCTION":
            return None
        module, database = found
        self._note_module(module, database, "EXECUTE")
        definition = module_definition(module)
        assert definition.returns is not None
        return ScalarFunction(module.object_id, definition.parameters, definition.returns, database.id)

    def table_function(self, name: ObjectName) -> TableFunction | None:
        found = self._module(name)
        if found is None or found[0].kind not in ("INLINE FUNCTION", "TABLE FUNCTION"):
            return None
        module, database = found
        self._note_module(module, database, "SELECT")
        definition = module_definition(module)
        if module.kind == "INLINE FUNCTION":
            return TableFunction(definition.parameters, self.within(database), definition.query)
        columns = tuple(RelationColumn(c.name, c.type, c.collation, c.nullable) for c in module.columns)
        return TableFunction(definition.parameters, self.within(database), None, columns, module.object_id, database.id)

    def identity_insert(self, relation: Relation) -> bool:
        return self._session.identity_insert == (relation.database.lower(), relation.object_id)
