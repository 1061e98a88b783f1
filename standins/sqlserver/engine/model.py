"""What a database consists of, as T-SQL sees it. The model is the truth; SQLite's DDL is generated from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from standins.sqlserver.contract import SqlType
from standins.sqlserver.engine.securitymodel import SecurityModel
from standins.sqlserver.tsql import types


@dataclass(frozen=True, slots=True)
class DefaultModel:
    name: str
    object_id: int
    text: str
    system_named: bool = False


@dataclass(frozen=True, slots=True)
class ColumnModel:
    name: str
    type: SqlType
    column_id: int
    nullable: bool = True
    collation: str = ""
    identity: tuple[int, int] | None = None
    default: DefaultModel | None = None
    rowguid: bool = False


@dataclass(frozen=True, slots=True)
class KeyColumn:
    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class IndexModel:
    """An index; ``key_kind`` is "PRIMARY KEY" or "UNIQUE" for the index behind a constraint."""

    name: str
    index_id: int
    unique: bool
    clustered: bool
    columns: tuple[KeyColumn, ...]
    include: tuple[str, ...] = ()
    filter: str = ""
    key_kind: str = ""
    object_id: int = 0
    system_named: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKeyModel:
    name: str
    object_id: int
    columns: tuple[str, ...]
    schema: str
    table: str
    references: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    enabled: bool = True
    trusted: bool = True
    system_named: bool = False


@dataclass(frozen=True, slots=True)
class CheckModel:
    name: str
    object_id: int
    text: str
    enabled: bool = True
    trusted: bool = True
    column: str = ""
    system_named: bool = False


@dataclass(frozen=True, slots=True)
class TableModel:
    object_id: int
    schema: str
    name: str
    columns: tuple[ColumnModel, ...]
    indexes: tuple[IndexModel, ...] = ()
    foreign_keys: tuple[ForeignKeyModel, ...] = ()
    checks: tuple[CheckModel, ...] = ()
    created: str = ""
    modified: str = ""
    is_type: bool = False

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> ColumnModel | None:
        wanted = name.lower()
        return next((column for column in self.columns if column.name.lower() == wanted), None)

    def index(self, name: str) -> IndexModel | None:
        wanted = name.lower()
        return next((index for index in self.indexes if index.name.lower() == wanted), None)

    @property
    def primary_key(self) -> IndexModel | None:
        return next((index for index in self.indexes if index.key_kind == "PRIMARY KEY"), None)

    @property
    def identity(self) -> ColumnModel | None:
        return next((column for column in self.columns if column.identity is not None), None)

    def with_column(self, changed: ColumnModel) -> TableModel:
        columns = tuple(changed if column.column_id == changed.column_id else column for column in self.columns)
        return replace(self, columns=columns)


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column of a view or table-valued function as it was when the module was created or refreshed."""

    name: str
    type: SqlType
    nullable: bool = True
    collation: str = ""


@dataclass(frozen=True, slots=True)
class ModuleModel:
    """``kind`` is VIEW, PROCEDURE, FUNCTION, INLINE FUNCTION or TABLE FUNCTION; ``text`` is its whole definition."""

    object_id: int
    schema: str
    name: str
    kind: str
    text: str
    columns: tuple[ViewColumn, ...] = ()
    created: str = ""
    modified: str = ""

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class SchemaModel:
    schema_id: int
    name: str


_FIXED_SCHEMAS = (
    SchemaModel(1, "dbo"),
    SchemaModel(2, "guest"),
    SchemaModel(3, "INFORMATION_SCHEMA"),
    SchemaModel(4, "sys"),
)


_NOBODY = SecurityModel()


@dataclass(frozen=True)
class Model:
    """Everything in one database. Instances are immutable, so sharing one between sessions is safe."""

    tables: tuple[TableModel, ...] = ()
    modules: tuple[ModuleModel, ...] = ()
    table_types: tuple[TableModel, ...] = ()
    schemas: tuple[SchemaModel, ...] = field(default=_FIXED_SCHEMAS)
    security: SecurityModel = field(default=_NOBODY)

    @cached_property
    def _tables_by_name(self) -> dict[tuple[str, str], TableModel]:
        return {(table.schema.lower(), table.name.lower()): table for table in self.tables}

    @cached_property
    def _modules_by_name(self) -> dict[tuple[str, str], ModuleModel]:
        return {(module.schema.lower(), module.name.lower()): module for module in self.modules}

    @cached_property
    def _tables_by_id(self) -> dict[int, TableModel]:
        return {table.object_id: table for table in self.tables}

    def table(self, schema: str, name: str) -> TableModel | None:
        return self._tables_by_name.get(((schema or "dbo").lower(), name.lower()))

    def table_by_id(self, object_id: int) -> TableModel | None:
        return self._tables_by_id.get(object_id)

    def module(self, schema: str, name: str) -> ModuleModel | None:
        return self._modules_by_name.get(((schema or "dbo").lower(), name.lower()))

    def object(self, schema: str, name: str) -> TableModel | ModuleModel | None:
        return self.table(schema, name) or self.module(schema, name)

    def table_type(self, schema: str, name: str) -> TableModel | None:
        wanted = ((schema or "dbo").lower(), name.lower())
        return next((t for t in self.table_types if (t.schema.lower(), t.name.lower()) == wanted), None)

    def schema(self, name: str) -> SchemaModel | None:
        return next((schema for schema in self.schemas if schema.name.lower() == name.lower()), None)

    def constraint_owner(self, schema: str, name: str) -> TableModel | None:
        """The table that has a constraint of this name; constraint names are unique per schema."""
        wanted = name.lower()
        for table in self.tables:
            if table.schema.lower() != (schema or "dbo").lower():
                continue
            if any(wanted == found.lower() for found in constraint_names(table)):
                return table
        return None

    def taken(self, schema: str, name: str) -> bool:
        """Whether an object of this name exists (tables, modules and constraints share one namespace)."""
        return bool(self.table(schema, name) or self.module(schema, name) or self.constraint_owner(schema, name))

    def with_table(self, table: TableModel) -> Model:
        others = tuple(known for known in self.tables if known.object_id != table.object_id)
        return replace(self, tables=(*others, table))

    def without_table(self, table: TableModel) -> Model:
        return replace(
            self,
            tables=tuple(known for known in self.tables if known.object_id != table.object_id),
            security=self.security.without_securable("OBJECT", table.object_id),
        )

    def with_module(self, module: ModuleModel) -> Model:
        others = tuple(known for known in self.modules if known.object_id != module.object_id)
        return replace(self, modules=(*others, module))

    def without_module(self, module: ModuleModel) -> Model:
        return replace(
            self,
            modules=tuple(known for known in self.modules if known.object_id != module.object_id),
            security=self.security.without_securable("OBJECT", module.object_id),
        )

    def referencing(self, table: TableModel) -> list[tuple[TableModel, ForeignKeyModel]]:
        """Foreign keys of any table that point at this one."""
        return [
            (child, key)
            for child in self.tables
            for key in child.foreign_keys
            if (key.schema.lower(), key.table.lower()) == (table.schema.lower(), table.name.lower())
        ]


def constraint_names(table: TableModel) -> list[str]:
    names = [index.name for index in table.indexes if index.key_kind]
    names += [key.name for key in table.foreign_keys]
    names += [check.name for check in table.checks]
    names += [column.default.name for column in table.columns if column.default is not None]
    return names


def is_string(column: ColumnModel) -> bool:
    return column.type.name in types.STRINGS
