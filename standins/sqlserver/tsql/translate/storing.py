"""Values on their way into a column: conversion, length, defaults, identity."""

from __future__ import annotations

from dataclasses import replace

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.tsql import nodes, types
from standins.sqlserver.tsql.errors import invalid_column
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.names import Relation, RelationColumn
from standins.sqlserver.tsql.translate.plan import Command
from standins.sqlserver.tsql.translate.query import QueryTranslator
from standins.sqlserver.tsql.translate.values import Sql, parameter, text_literal


class StoringTranslator(QueryTranslator):
    """Shared by all statements that write rows."""

    def stored(self, value: Sql, column: RelationColumn, relation: Relation) -> str:
        """The value as the column keeps it. Too long a string is an error (2628), never cut."""
        self.infer_as(value, column.type)
        target = column.type
        if value.is_null:
            return "NULL"
        if (
            value.literal is not None
            and isinstance(value.literal.value, str | bytes)
            and self._literal_fits(value, target)
        ):
            return value.text
        kind = target.name
        if (value.is_string and kind in types.STRINGS) or (
            value.type.name in types.BINARIES and kind in types.BINARIES and kind != "timestamp"
        ):
            return self._fitted(value, column, relation)
        return convert(value, target).text

    @staticmethod
    def _literal_fits(value: Sql, target: SqlType) -> bool:
        return target.name in ("nvarchar", "varchar") and value.is_string and (
            target.length is None or (value.type.length or target.length + 1) <= target.length
        ) and (target.name == "nvarchar" or value.text.isascii())  # fmt: skip

    @staticmethod
    def _fitted(value: Sql, column: RelationColumn, relation: Relation) -> str:
        source, target = value.type, column.type
        unlimited = SqlType(
            {"nchar": "nvarchar", "char": "varchar", "binary": "varbinary"}.get(target.name, target.name), None
        )
        text = convert(value, unlimited).text
        if target.length is None:
            return text
        fixed = target.name in types.FIXED_LENGTH
        if not fixed and source.length is not None and source.length <= target.length:
            return text
        where = text_literal(f"{relation.database}.{relation.label}")
        flag = f", {text_literal(types.describe(target))}" if fixed else ""
        function = "t_fit_binary" if target.name in types.BINARIES else "t_fit"
        return f"{function}({text}, {target.length}, {where}, {text_literal(column.name)}{flag})"

    def default(self, column: RelationColumn, relation: Relation) -> str:
        """What a column gets when the statement gives it nothing."""
        if column.identity:
            return f"t_identity({text_literal(relation.database)}, {relation.object_id})"
        if column.rowversion:
            return f"t_rowversion({text_literal(relation.database)})"
        if column.default is None:
            return "NULL"
        with self.inside(None):
            return self.stored(self.value(column.default), column, relation)

    def find_column(self, relation: Relation, name: str) -> RelationColumn:
        for column in relation.columns:
            if column.name.lower() == name.lower():
                return column
        raise invalid_column(name, self.line)

    def insert_columns(self, relation: Relation, names: tuple[str, ...]) -> tuple[RelationColumn, ...]:
        """The columns an INSERT gives values to."""
        explicit = self.names.identity_insert(relation)
        if not names:
            if explicit and any(column.identity for column in relation.columns):
                text = (
                    f"An explicit value for the identity column in table '{relation.label}' can only be specified "
                    "when a column list is used and IDENTITY_INSERT is ON."
                )
                raise SqlServerError(8101, text, 16, 1, self.line)
            return tuple(column for column in relation.columns if not column.identity and not column.rowversion)
        found: list[RelationColumn] = []
        for name in names:
            column = self.find_column(relation, name)
            if column in found:
                text = (
                    f"The column name '{name}' is specified more than once in the SET clause or column list of an "
                    "INSERT. A column cannot be assigned more than one value in the same clause. Modify the clause "
                    "to make sure that a column is updated only once. If this statement updates or inserts columns "
                    "into a view, column aliasing can conceal the duplication in your code."
                )
                raise SqlServerError(264, text, 16, 1, self.line)
            if column.identity and not explicit:
                text = (
                    f"Cannot insert explicit value for identity column in table '{relation.name}' when "
                    "IDENTITY_INSERT is set to OFF."
                )
                raise SqlServerError(544, text, 16, 1, self.line)
            found.append(column)
        missing = [column for column in relation.columns if column.identity and column not in found]
        if explicit and missing:
            text = (
                f"Explicit value must be specified for identity column in table '{relation.name}' either when "
                "IDENTITY_INSERT is set to ON or when a replication user is inserting into a NOT FOR REPLICATION "
                "identity column."
            )
            raise SqlServerError(545, text, 16, 1, self.line)
        return tuple(found)

    def row_for(self, relation: Relation, given: dict[str, str]) -> tuple[str, str]:
        """Column list and value list of an INSERT that says something about every column."""
        names: list[str] = []
        values: list[str] = []
        for column in relation.columns:
            names.append('"' + column.name.replace('"', '""') + '"')
            values.append(given[column.name] if column.name in given else self.default(column, relation))
        return ", ".join(names), ", ".join(values)

    def given_value(self, node: nodes.Expression, column: RelationColumn, relation: Relation) -> str:
        """One value of VALUES or SET; DEFAULT stands for the column's own default."""
        if isinstance(node, nodes.Default):
            return self.default(column, relation)
        if column.rowversion:
            text = (
                "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to exclude "
                "the timestamp column, or insert a DEFAULT into the timestamp column."
            )
            raise SqlServerError(273, text, 16, 1, self.line)
        return self.stored(self.value(node), column, relation)

    def _check_width(self, given: int, wanted: int, listed: bool, *, values: bool) -> None:
        if given == wanted:
            return
        if not listed:
            text = "Column name or number of supplied values does not match table definition."
            raise SqlServerError(213, text, 16, 1, self.line)
        if values:
            few, many = "more", "fewer"
            number = 109 if given < wanted else 110
            word = few if given < wanted else many
            text = (
                f"There are {word} columns in the INSERT statement than values specified in the VALUES clause. The "
                "number of values in the VALUES clause must match the number of columns specified in the INSERT "
                "statement."
            )
            raise SqlServerError(number, text, 15, 1, self.line)
        number, word = (120, "fewer") if given < wanted else (121, "more")
        text = (
            f"The select list for the INSERT statement contains {word} items than the insert list. The number of "
            "SELECT values must match the number of INSERT columns."
        )
        raise SqlServerError(number, text, 15, 1, self.line)

    def insert_parameters(
        self, relation: Relation, columns: tuple[RelationColumn, ...], sources: tuple[Sql, ...] | None
    ) -> Command:
        """An INSERT of one row whose values the engine binds as ``!0``, ``!1`` …; their types are ``sources``."""
        given: dict[str, str] = {}
        for place, column in enumerate(columns):
            source = sources[place] if sources is not None else Sql("", column.type, self.names.collation)
            bound = replace(source, text=parameter(f"!{place}"), native="", literal=None)
            unlimited = bound.is_string or bound.type.name in ("varbinary", "binary")
            if unlimited:
                bound = bound.typed(replace(bound.type, length=None))
            given[column.name] = self.stored(bound, column, relation)
        names, values = self.row_for(relation, given)
        return Command.of(f"INSERT INTO {relation.sql} ({names}) VALUES ({values})")
