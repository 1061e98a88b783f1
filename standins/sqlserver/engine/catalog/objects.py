"""Views of what a database contains: schemas, tables, columns, types, modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlType
from standins.sqlserver.engine.catalog.base import TYPE_IDS, TYPES, Row, view, visible_scale
from standins.sqlserver.engine.model import ColumnModel, Model, ModuleModel, TableModel, ViewColumn
from standins.sqlserver.engine.stored import module_definition
from standins.sqlserver.tsql import types

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.session import EngineSession

_MODULE_TYPES = {
    "VIEW": ("V ", "VIEW"),
    "PROCEDURE": ("P ", "SQL_STORED_PROCEDURE"),
    "FUNCTION": ("FN", "SQL_SCALAR_FUNCTION"),
    "INLINE FUNCTION": ("IF", "SQL_INLINE_TABLE_VALUED_FUNCTION"),
    "TABLE FUNCTION": ("TF", "SQL_TABLE_VALUED_FUNCTION"),
}


def model_of(session: EngineSession, database: Database) -> Model:
    return session.link.model(database)


def schema_id(model: Model, name: str) -> int:
    found = model.schema(name)
    return found.schema_id if found is not None else 1


def _schemas(session: EngineSession, database: Database) -> Iterator[Row]:
    for schema in model_of(session, database).schemas:
        yield schema.name, schema.schema_id, 1


def object_rows(model: Model) -> Iterator[Row]:
    """sys.objects: tables, constraints, modules, table types."""
    for table in model.tables:
        schema = schema_id(model, table.schema)
        dates = (table.created, table.modified)
        yield (table.name, table.object_id, None, schema, 0, "U ", "USER_TABLE", *dates, 0, 0, 0)
        for name, object_id, code, description in _constraints(table):
            yield (name, object_id, None, schema, table.object_id, code, description, *dates, 0, 0, 0)
    for module in model.modules:
        code, description = _MODULE_TYPES[module.kind]
        schema = schema_id(model, module.schema)
        yield (
            module.name, module.object_id, None, schema, 0, code, description, module.created, module.modified, 0, 0, 0,
        )  # fmt: skip
    for kind in model.table_types:
        name = f"TT_{kind.name}_{kind.object_id:08X}"
        yield (name, kind.object_id, None, 4, 0, "TT", "TYPE_TABLE", kind.created, kind.modified, 0, 0, 0)


def _constraints(table: TableModel) -> Iterator[tuple[str, int, str, str]]:
    for index in table.indexes:
        if index.key_kind == "PRIMARY KEY":
            yield index.name, index.object_id, "PK", "PRIMARY_KEY_CONSTRAINT"
        elif index.key_kind:
            yield index.name, index.object_id, "UQ", "UNIQUE_CONSTRAINT"
    for key in table.foreign_keys:
        yield key.name, key.object_id, "F ", "FOREIGN_KEY_CONSTRAINT"
    for check in table.checks:
        yield check.name, check.object_id, "C ", "CHECK_CONSTRAINT"
    for column in table.columns:
        if column.default is not None:
            yield column.default.name, column.default.object_id, "D ", "DEFAULT_CONSTRAINT"


def _objects(session: EngineSession, database: Database) -> Iterator[Row]:
    return object_rows(model_of(session, database))


def _of_types(*codes: str):
    def rows(session: EngineSession, database: Database) -> Iterator[Row]:
        return (row for row in object_rows(model_of(session, database)) if row[5] in codes)

    return rows


def _tables(session: EngineSession, database: Database) -> Iterator[Row]:
    model = model_of(session, database)
    highest = {table.object_id: max((c.column_id for c in table.columns), default=0) for table in model.tables}
    lobs = {table.object_id: int(any(column.type.length is None for column in table.columns)) for table in model.tables}
    for row in object_rows(model):
        if row[5] == "U ":
            lob = lobs[row[1]]
            yield (*row, lob, None, highest[row[1]], 0, 1, 0, 0, 0, 0, 0, "TABLE", 0, "NON_TEMPORAL_TABLE", 0, 0)


def _views(session: EngineSession, database: Database) -> Iterator[Row]:
    for row in _of_types("V ")(session, database):
        yield (*row, 0, 0, 0, 0)


def _procedures(session: EngineSession, database: Database) -> Iterator[Row]:
    for row in _of_types("P ")(session, database):
        yield (*row, 0, 0, 0)


def column_details(kind: SqlType, collation: str) -> tuple[object, ...]:
    """system_type_id, user_type_id, max_length, precision, scale, collation_name."""
    number = TYPE_IDS[kind.name]
    shown = collation if kind.name in types.STRINGS else None
    return number, number, types.max_bytes(kind), types.precision(kind), visible_scale(kind), shown


def _column(table: TableModel, column: ColumnModel) -> Row:
    default = column.default.object_id if column.default is not None else 0
    return (
        table.object_id, column.name, column.column_id, *column_details(column.type, column.collation),
        int(column.nullable), 1, int(column.rowguid), int(column.identity is not None), 0, 0, 0, 0, 0, 0, 0, 0,
        default, 0,
        0, 0, 0, "NOT_APPLICABLE", 0, 0,
    )  # fmt: skip


def _view_column(owner: ModuleModel, number: int, column: ViewColumn) -> Row:
    return (
        owner.object_id, column.name, number, *column_details(column.type, column.collation), int(column.nullable),
        1, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "NOT_APPLICABLE", 0, 0,
    )  # fmt: skip


def _columns(session: EngineSession, database: Database) -> Iterator[Row]:
    model = model_of(session, database)
    for table in (*model.tables, *model.table_types):
        for column in table.columns:
            yield _column(table, column)
    for module in model.modules:
        for number, column in enumerate(module.columns, 1):
            yield _view_column(module, number, column)


def _identity_columns(session: EngineSession, database: Database) -> Iterator[Row]:
    for table in model_of(session, database).tables:
        for column in table.columns:
            if column.identity is not None:
                seed, increment = column.identity
                current = database.identities.get(table.object_id)
                yield (*_column(table, column), str(seed), str(increment), None if current is None else str(current), 0)


def _types(session: EngineSession, database: Database) -> Iterator[Row]:
    collation = database.settings.collation
    for name, system_id, user_id, length, precision, scale in TYPES:
        strings = collation if name in types.STRINGS or name == "sysname" else None
        nullable = 0 if name in ("timestamp", "sysname") else 1
        yield name, system_id, user_id, 4, None, length, precision, scale, strings, nullable, 0, 0, 0, 0, 0
    for number, kind in enumerate(model_of(session, database).table_types, 257):
        schema = schema_id(model_of(session, database), kind.schema)
        yield kind.name, 243, number, schema, None, -1, 0, 0, None, 0, 1, 0, 0, 0, 1


def _table_types(session: EngineSession, database: Database) -> Iterator[Row]:
    model = model_of(session, database)
    for number, kind in enumerate(model.table_types, 257):
        yield (
            kind.name, 243, number, schema_id(model, kind.schema), None, -1, 0, 0, None, 0, 1, 0, 0, 0, 1,
            kind.object_id, 0,
        )  # fmt: skip


def _sql_modules(session: EngineSession, database: Database) -> Iterator[Row]:
    for module in model_of(session, database).modules:
        yield module.object_id, module.text, 1, 1, 0, 0, 0, None, 0


def _parameters(session: EngineSession, database: Database) -> Iterator[Row]:
    for module in model_of(session, database).modules:
        if module.kind == "VIEW":
            continue
        definition = module_definition(module)
        if definition.returns is not None:
            yield _parameter(module.object_id, "", 0, definition.returns, output=True, default=False)
        for number, parameter in enumerate(definition.parameters, 1):
            kind = parameter.type or types.NVARCHAR_MAX
            yield _parameter(
                module.object_id, parameter.name, number, kind, output=parameter.output,
                default=parameter.default is not None,
            )  # fmt: skip


def _parameter(object_id: int, name: str, number: int, kind: SqlType, *, output: bool, default: bool) -> Row:
    details = column_details(kind, "")[:5]
    return object_id, name, number, *details, int(output), 0, int(default), 0, None, 0, 1


def _none(session: EngineSession, database: Database) -> Iterator[Row]:
    """Triggers, computed columns …: there are none, because making one is refused."""
    del session, database
    return iter(())


OBJECT_COLUMNS = (
    "name sysname, object_id int, principal_id int, schema_id int, parent_object_id int, type char(2), "
    "type_desc nvarchar(60), create_date datetime, modify_date datetime, is_ms_shipped bit, is_published bit, "
    "is_schema_published bit"
)
_COLUMN = (
    "object_id int, name sysname, column_id int, system_type_id tinyint, user_type_id int, max_length smallint, "
    "precision tinyint, scale tinyint, collation_name sysname, is_nullable bit, is_ansi_padded bit, is_rowguidcol bit, "
    "is_identity bit, is_computed bit, is_filestream bit, is_replicated bit, is_non_sql_subscribed bit, "
    "is_merge_published bit, is_dts_replicated bit, is_xml_document bit, xml_collection_id int, default_object_id int, "
    "rule_object_id int, is_sparse bit, is_column_set bit, generated_always_type tinyint, "
    "generated_always_type_desc nvarchar(60), is_hidden bit, is_masked bit"
)
_TYPE = (
    "name sysname, system_type_id tinyint, user_type_id int, schema_id int, principal_id int, max_length smallint, "
    "precision tinyint, scale tinyint, collation_name sysname, is_nullable bit, is_user_defined bit, "
    "is_assembly_type bit, default_object_id int, rule_object_id int, is_table_type bit"
)

VIEWS = (
    view("sys.schemas", "name sysname, schema_id int, principal_id int", _schemas),
    view("sys.objects", OBJECT_COLUMNS, _objects),
    view("sys.all_objects", OBJECT_COLUMNS, _objects),
    view(
        "sys.tables",
        OBJECT_COLUMNS + ", lob_data_space_id int, filestream_data_space_id int, max_column_id_used int, "
        "lock_on_bulk_load bit, uses_ansi_nulls bit, is_replicated bit, has_replication_filter bit, "
        "is_merge_published bit, is_sync_tran_subscribed bit, lock_escalation tinyint, lock_escalation_desc "
        "nvarchar(60), "
        "temporal_type tinyint, temporal_type_desc nvarchar(60), is_memory_optimized bit, is_external bit",
        _tables,
    ),
    view(
        "sys.views",
        OBJECT_COLUMNS
        + ", is_replicated bit, has_replication_filter bit, has_opaque_metadata bit, with_check_option bit",
        _views,
    ),
    view(
        "sys.procedures",
        OBJECT_COLUMNS + ", is_auto_executed bit, is_execution_replicated bit, is_repl_serializable_only bit",
        _procedures,
    ),
    view("sys.columns", _COLUMN, _columns),
    view("sys.all_columns", _COLUMN, _columns),
    view(
        "sys.identity_columns",
        _COLUMN + ", seed_value nvarchar(40), increment_value nvarchar(40), last_value nvarchar(40), "
        "is_not_for_replication bit",
        _identity_columns,
        volatile=True,
    ),
    view("sys.types", _TYPE, _types),
    view("sys.table_types", _TYPE + ", type_table_object_id int, is_memory_optimized bit", _table_types),
    view(
        "sys.sql_modules",
        "object_id int, definition nvarchar(max), uses_ansi_nulls bit, uses_quoted_identifier bit, "
        "is_schema_bound bit, "
        "uses_database_collation bit, is_recompiled bit, execute_as_principal_id int, uses_native_compilation bit",
        _sql_modules,
    ),
    view(
        "sys.parameters",
        "object_id int, name sysname, parameter_id int, system_type_id tinyint, user_type_id int, max_length smallint, "
        "precision tinyint, scale tinyint, is_output bit, is_cursor_ref bit, has_default_value bit, "
        "is_xml_document bit, default_value nvarchar(4000), xml_collection_id int, is_nullable bit",
        _parameters,
    ),
    view("sys.triggers", OBJECT_COLUMNS, _none),
    view(
        "sys.computed_columns",
        _COLUMN + ", definition nvarchar(max), uses_database_collation bit, is_persisted bit",
        _none,
    ),
    view(
        "sys.extended_properties",
        "class tinyint, class_desc nvarchar(60), major_id int, minor_id int, name sysname, value nvarchar(4000)",
        _none,
    ),
    view("sys.synonyms", OBJECT_COLUMNS + ", base_object_name nvarchar(1035)", _none),
    view("sys.sequences", OBJECT_COLUMNS + ", current_value nvarchar(40)", _none),
    view("sys.fulltext_indexes", "object_id int, unique_index_id int, is_enabled bit, has_crawl_completed bit", _none),
)
