"""CREATE TABLE as written, to the model: names given, numbers given, rules checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine.model import (
    CheckModel,
    ColumnModel,
    DefaultModel,
    ForeignKeyModel,
    IndexModel,
    KeyColumn,
    TableModel,
)
from standins.sqlserver.tsql import collations, ddl, types
from standins.sqlserver.tsql.errors import invalid_column, unsupported

#: After a failed constraint SQL Server adds this error.
COULD_NOT_CREATE = SqlServerError(1750, "Could not create constraint or index. See previous errors.", 16, 1)


class Errors(SqlServerError):
    """Several errors of one statement; inside TRY the last one is caught."""

    def __init__(self, first: SqlServerError, *following: SqlServerError) -> None:
        super().__init__(first.number, first.message, first.severity, first.state, first.line)
        self.following = following


@dataclass(slots=True)
class TableBuilder:
    """Builds or extends one table. ``new_id`` hands out object ids."""

    schema: str
    name: str
    collation: str
    new_id: Callable[[], int]
    columns: list[ColumnModel] = field(default_factory=list[ColumnModel])
    indexes: list[IndexModel] = field(default_factory=list[IndexModel])
    foreign_keys: list[ForeignKeyModel] = field(default_factory=list[ForeignKeyModel])
    checks: list[CheckModel] = field(default_factory=list[CheckModel])
    line: int = 1

    @classmethod
    def extending(cls, table: TableModel, collation: str, new_id: Callable[[], int]) -> TableBuilder:
        return cls(
            table.schema, table.name, collation, new_id, list(table.columns), list(table.indexes),
            list(table.foreign_keys), list(table.checks),
        )  # fmt: skip

    def add(self, body: ddl.TableBody) -> None:
        """Columns first, so that constraints find them."""
        clustered_elsewhere = any(index.clustered for index in body.indexes) or any(
            isinstance(item, ddl.KeyDefinition) and item.clustered and not item.primary for item in body.constraints
        )
        for column in body.columns:
            self._add_column(column)
        for column in body.columns:
            for constraint in column.constraints:
                self.add_constraint(constraint, column.name, clustered_elsewhere)
            for index in column.indexes:
                self.add_index(index)
        for constraint in body.constraints:
            self.add_constraint(constraint, "", clustered_elsewhere)
        for index in body.indexes:
            self.add_index(index)

    # --- columns -------------------------------------------------------------------------------------------------

    def _add_column(self, column: ddl.ColumnDefinition) -> None:
        if self.find(column.name) is not None:
            text = (
                f"Column names in each table must be unique. Column name '{column.name}' in table '{self.name}' is "
                "specified more than once."
            )
            raise SqlServerError(2705, text, 16, 3)
        if column.identity is not None and any(known.identity is not None for known in self.columns):
            text = (
                f"Multiple identity columns specified for table '{self.name}'. Only one identity column per table is "
                "allowed."
            )
            raise SqlServerError(2744, text, 16, 2)
        number = max((known.column_id for known in self.columns), default=0) + 1
        self.columns.append(self.column_model(column, number))

    def column_model(self, column: ddl.ColumnDefinition, number: int) -> ColumnModel:
        nullable = column.nullable
        if column.identity is not None:
            self._check_identity(column)
            nullable = False
        if column.type.name == "timestamp" and nullable is None:
            nullable = False
        default = self._default(column.default, column.name) if column.default is not None else None
        return ColumnModel(
            column.name,
            column.type,
            number,
            True if nullable is None else nullable,
            self.column_collation(column),
            column.identity,
            default,
            column.rowguid,
        )

    def column_collation(self, column: ddl.ColumnDefinition) -> str:
        if column.type.name not in types.STRINGS:
            return ""
        if not column.collation or column.collation.upper() == "DATABASE_DEFAULT":
            return self.collation
        collations.sqlite_name(column.collation)
        return column.collation

    def _check_identity(self, column: ddl.ColumnDefinition) -> None:
        scaled = column.type.name in types.DECIMALS and column.type.scale
        if column.type.name not in (types.INTEGERS | {"decimal", "numeric"}) - {"bit"} or scaled:
            text = (
                f"Identity column '{column.name}' must be of data type int, bigint, smallint, tinyint, or decimal or "
                "numeric with a scale of 0, unencrypted, and constrained to be nonnullable."
            )
            raise SqlServerError(2749, text, 16, 2)
        if column.type.name in types.DECIMALS:
            raise unsupported("A decimal identity column")

    def _default(self, definition: ddl.DefaultDefinition, column: str) -> DefaultModel:
        object_id = self.new_id()
        name = definition.name or f"DF__{self.name[:9]}__{column[:5]}__{object_id:08X}"
        return DefaultModel(name, object_id, definition.text, not definition.name)

    def find(self, name: str) -> ColumnModel | None:
        return next((column for column in self.columns if column.name.lower() == name.lower()), None)

    def _known(self, name: str, error: int = 1911) -> ColumnModel:
        column = self.find(name)
        if column is None:
            if error == 1911:
                text = f"Column name '{name}' does not exist in the target table or view."
                raise Errors(SqlServerError(1911, text, 16, 1), COULD_NOT_CREATE)
            raise invalid_column(name)
        return column

    # --- constraints ---------------------------------------------------------------------------------------------

    def add_constraint(self, item: ddl.Constraint, column: str, clustered_elsewhere: bool = False) -> None:
        match item:
            case ddl.KeyDefinition():
                self._add_key(item, clustered_elsewhere)
            case ddl.ForeignKeyDefinition():
                self._add_foreign_key(item)
            case ddl.CheckDefinition():
                object_id = self.new_id()
                name = item.name or f"CK__{self.name[:9]}__{column[:5] or object_id % 100000:0>5}__{object_id:08X}"
                self.checks.append(CheckModel(name, object_id, item.text, column=column, system_named=not item.name))
            case ddl.DefaultDefinition():
                self._add_default(item)

    def _add_default(self, item: ddl.DefaultDefinition) -> None:
        column = self._known(item.column, 207)
        if column.default is not None:
            error = SqlServerError(1781, "Column already has a DEFAULT bound to it.", 16, 1)
            raise Errors(error, COULD_NOT_CREATE)
        self.replace_column(replace(column, default=self._default(item, column.name)))

    def replace_column(self, changed: ColumnModel) -> None:
        self.columns = [changed if known.column_id == changed.column_id else known for known in self.columns]

    def _add_key(self, item: ddl.KeyDefinition, clustered_elsewhere: bool) -> None:
        if item.primary and any(index.key_kind == "PRIMARY KEY" for index in self.indexes):
            text = f"Table '{self.name}' already has a primary key defined on it."
            raise Errors(SqlServerError(1779, text, 16, 0), COULD_NOT_CREATE)
        columns = tuple(KeyColumn(self._known(column.name).name, column.descending) for column in item.columns)
        if item.primary:
            for column in columns:
                known = self._known(column.name)
                if known.nullable:
                    self.replace_column(replace(known, nullable=False))
        has_clustered = any(index.clustered for index in self.indexes)
        clustered = (
            item.clustered
            if item.clustered is not None
            else item.primary and not clustered_elsewhere and not has_clustered
        )
        if clustered and has_clustered:
            text = (
                f"Cannot create more than one clustered index on table '{self.schema}.{self.name}'. Drop the "
                "existing clustered index before creating another."
            )
            raise Errors(SqlServerError(1902, text, 16, 3), COULD_NOT_CREATE)
        object_id = self.new_id()
        prefix = "PK" if item.primary else "UQ"
        name = item.name or f"{prefix}__{self.name[:8]}__{object_id:016X}"
        kind = "PRIMARY KEY" if item.primary else "UNIQUE"
        self.indexes.append(
            IndexModel(
                name,
                self._index_id(clustered),
                True,
                clustered,
                columns,
                key_kind=kind,
                object_id=object_id,
                system_named=not item.name,
            )
        )

    def _index_id(self, clustered: bool) -> int:
        if clustered:
            return 1
        return max([1, *(index.index_id for index in self.indexes)]) + 1

    def _add_foreign_key(self, item: ddl.ForeignKeyDefinition) -> None:
        if "SET DEFAULT" in (item.on_delete, item.on_update):
            raise unsupported("ON DELETE SET DEFAULT")
        if item.table.database:
            text = f"Cross-database foreign key references are not supported. Foreign key '{item.table}'."
            raise Errors(SqlServerError(1763, text, 16, 0), COULD_NOT_CREATE)
        columns = tuple(self._known(column).name for column in item.columns)
        object_id = self.new_id()
        name = item.name or f"FK__{self.name[:9]}__{columns[0][:5]}__{object_id:08X}"
        self.foreign_keys.append(
            ForeignKeyModel(
                name,
                object_id,
                columns,
                item.table.schema or "dbo",
                item.table.name,
                item.references,
                item.on_delete,
                item.on_update,
                system_named=not item.name,
            )
        )

    # --- indexes -------------------------------------------------------------------------------------------------

    def add_index(self, item: ddl.InlineIndex) -> IndexModel:
        if any(known.name.lower() == item.name.lower() for known in self.indexes):
            text = (
                f"The operation failed because an index or statistics with name '{item.name}' already exists on table "
                f"'{self.schema}.{self.name}'."
            )
            raise SqlServerError(1913, text, 16, 1)
        if item.clustered and any(known.clustered for known in self.indexes):
            text = (
                f"Cannot create more than one clustered index on table '{self.schema}.{self.name}'. Drop the "
                "existing clustered index before creating another."
            )
            raise SqlServerError(1902, text, 16, 3)
        columns = tuple(KeyColumn(self._indexable(column.name).name, column.descending) for column in item.columns)
        include = tuple(self._known(column).name for column in item.include)
        made = IndexModel(
            item.name, self._index_id(item.clustered), item.unique, item.clustered, columns, include, item.filter_text
        )
        self.indexes.append(made)
        return made

    def _indexable(self, name: str) -> ColumnModel:
        column = self.find(name)
        if column is None:
            text = f"Column name '{name}' does not exist in the target table or view."
            raise SqlServerError(1911, text, 16, 1)
        if column.type.length is None:
            text = (
                f"Column '{column.name}' in table '{self.schema}.{self.name}' is of a type that is invalid for "
                "use as a "
                "key column in an index."
            )
            raise SqlServerError(1919, text, 16, 1)
        return column

    def table(self, object_id: int, created: str, modified: str, *, is_type: bool = False) -> TableModel:
        return TableModel(
            object_id, self.schema, self.name, tuple(self.columns), tuple(self.indexes), tuple(self.foreign_keys),
            tuple(self.checks), created, modified, is_type,
        )  # fmt: skip
