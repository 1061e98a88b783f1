"""The FROM clause: tables, views, derived tables, joins, APPLY and table-valued functions."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.tsql import collations, nodes, types
from standins.sqlserver.tsql.errors import invalid_object, unsupported
from standins.sqlserver.tsql.translate.calls import CallTranslator
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.names import Names, Relation, RelationColumn, TableFunction
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.values import (
    IMPLICIT,
    Sql,
    collated,
    quote,
    text_literal,
    with_collation,
)

if TYPE_CHECKING:
    from standins.sqlserver.tsql.translate.query import Compiled

_JSON_KEY = SqlType("nvarchar", 4000)
_JSON_COLLATION = "Latin1_General_BIN2"


@dataclass(frozen=True, slots=True)
class CommonTableBound:
    """A common table expression in sight: its name in SQLite's SQL and its columns."""

    alias: str
    columns: tuple[Sql, ...]
    row: Relation | None = None


class SourceTranslator(CallTranslator):
    """Sources add themselves to the scope and return their SQL."""

    def __init__(self, names: Names) -> None:
        super().__init__(names)
        self.tables: dict[str, CommonTableBound] = {}
        self.common_uses: dict[str, str] = {}
        self.locking = False

    if TYPE_CHECKING:

        def compile(self, query: nodes.Query, *, expose_row: bool = False) -> Compiled:
            """Defined by the translator of queries."""
            ...

    @contextmanager
    def inside(self, outer: Scope | None, names: Names | None = None) -> Generator[None]:
        """Translate something nested: a fresh scope, and for views and functions other names."""
        saved = (self.scope, self.groups, self.in_aggregate, self.tables, self.names)
        self.scope, self.groups, self.in_aggregate = Scope(outer=outer), None, False
        if names is not None:
            self.names, self.tables = names, {}
        try:
            yield
        finally:
            self.scope, self.groups, self.in_aggregate, self.tables, self.names = saved

    # --- dispatch ------------------------------------------------------------------------------------------------

    def from_clause(self, sources: tuple[nodes.Source, ...]) -> str:
        if not sources:
            return ""
        return " FROM " + " CROSS JOIN ".join(self.source(source) for source in sources)

    def source(self, node: nodes.Source) -> str:
        match node:
            case nodes.TableSource():
                return self._table(node)
            case nodes.VariableSource():
                return self.bind(self.names.variable_relation(node.name, node.line), node.alias)
            case nodes.QuerySource():
                return self.derived(node, None)
            case nodes.ValuesSource():
                return self._values(node, None)
            case nodes.FunctionSource():
                return self._function(node)
            case nodes.Join():
                return self._join(node)
            case nodes.Apply():
                return self._apply(node)
            case _:
                raise unsupported(f"FROM {type(node).__name__}", self.line)

    # --- tables and views ----------------------------------------------------------------------------------------

    def _table(self, node: nodes.TableSource) -> str:
        name = node.name
        if node.hints & {"UPDLOCK", "XLOCK", "TABLOCKX", "HOLDLOCK", "SERIALIZABLE", "REPEATABLEREAD"}:
            self.locking = True
        common = self.tables.get(name.name.lower()) if not name.schema and not name.database else None
        if common is not None:
            alias = self.alias()
            self.common_uses[alias] = common.alias
            columns = tuple(replace(column, text=f"{alias}.c{i}") for i, column in enumerate(common.columns))
            row = f"{alias}.r0" if common.row is not None else ""
            self.scope.sources.append(Bound(node.alias or name.name, alias, columns, relation=common.row, row=row))
            return f"{common.alias} AS {alias}"
        text = self.bind(self.names.relation(name), node.alias)
        self.scope.sources[-1].label = node.alias or str(name)
        return text

    def bind(self, relation: Relation, alias: str = "") -> str:
        """Bring a relation into the scope."""
        if relation.query is not None:
            return self._view(relation, alias)
        short = self.alias()
        columns = tuple(self.column_of(column, short) for column in relation.columns)
        row = f"{short}.rowid" if relation.writable else ""
        self._append(alias or relation.name, short, columns, relation, renamed=bool(alias), row=row)
        return f"{relation.sql} AS {short}"

    @staticmethod
    def column_of(column: RelationColumn, alias: str) -> Sql:
        collation = column.collation if column.type.name in types.STRINGS else ""
        return Sql(
            f"{alias}.{quote(column.name)}" if alias else quote(column.name),
            column.type,
            collation,
            IMPLICIT,
            collations.for_type(column.type, collation),
            column.nullable,
            column.name,
            identity=column.identity,
            column=column.name,
        )

    def _append(
        self, name: str, alias: str, columns: tuple[Sql, ...], relation: Relation, *, renamed: bool, row: str = ""
    ) -> None:
        taken = [source for source in self.scope.sources if source.name.lower() == name.lower()]
        schema, database = ("", "") if renamed else (relation.schema, relation.database)
        if any(
            (source.schema.lower(), source.database.lower()) == (schema.lower(), database.lower()) for source in taken
        ):
            text = (
                f'The objects "{name}" and "{name}" in the FROM clause have the same exposed names. '
                "Use correlation names to distinguish them."
            )
            raise SqlServerError(1013, text, 16, 1, self.line)
        self.scope.sources.append(Bound(name, alias, columns, schema, database, relation, row))

    def _view(self, relation: Relation, alias: str) -> str:
        """A view keeps the columns it had when it was created or refreshed."""
        assert relation.query is not None
        with self.inside(None, relation.home):
            compiled = self.compile(relation.query)
        if len(compiled.columns) < len(relation.columns):
            text = f"View or function '{relation.label}' has more column names specified than columns defined."
            raise SqlServerError(4502, text, 16, 1, self.line)
        short = self.alias()
        columns = tuple(
            replace(column, text=f"{short}.c{place}", name=known.name, column="", literal=None)
            for place, (column, known) in enumerate(zip(compiled.columns, relation.columns, strict=False))
        )
        self._append(alias or relation.name, short, columns, relation, renamed=bool(alias))
        return f"({compiled.text}) AS {short}"

    # --- derived tables ------------------------------------------------------------------------------------------

    def derived(self, node: nodes.QuerySource, outer: Scope | None, *, expose_row: bool = False) -> str:
        with self.inside(outer if outer is not None else self.scope.outer):
            compiled = self.compile(node.query, expose_row=expose_row)
        short = self.alias()
        self.scope.sources.append(self.derived_bound(node.alias, short, compiled, node.columns))
        return f"({compiled.text}) AS {short}"

    def derived_bound(self, name: str, alias: str, compiled: Compiled, names: tuple[str, ...]) -> Bound:
        given = self.named_columns(name, compiled.columns, names)
        columns = tuple(replace(column, text=f"{alias}.c{i}") for i, column in enumerate(given))
        row = f"{alias}.r0" if compiled.row is not None else ""
        return Bound(name, alias, columns, relation=compiled.row, row=row)

    def named_columns(self, table: str, columns: tuple[Sql, ...], names: tuple[str, ...]) -> tuple[Sql, ...]:
        """Column names of a derived table: every column needs one, and each must be unique."""
        if names:
            if len(names) != len(columns):
                few = len(names) < len(columns)
                number, text = (
                    (8158, f"'{table}' has more columns than were specified in the column list.")
                    if few
                    else (8159, f"'{table}' has fewer columns than were specified in the column list.")
                )
                raise SqlServerError(number, text, 16, 1, self.line)
            columns = tuple(replace(column, name=name) for column, name in zip(columns, names, strict=True))
        seen: set[str] = set()
        for place, column in enumerate(columns, 1):
            if not column.name:
                text = f"No column name was specified for column {place} of '{table}'."
                raise SqlServerError(8155, text, 16, 2, self.line)
            if column.name.lower() in seen:
                text = f"The column '{column.name}' was specified multiple times for '{table}'."
                raise SqlServerError(8156, text, 16, 1, self.line)
            seen.add(column.name.lower())
        return tuple(replace(column, literal=None) for column in columns)

    def _values(self, node: nodes.ValuesSource, outer: Scope | None) -> str:
        with self.inside(outer if outer is not None else self.scope.outer):
            text, columns = self.value_rows(node.rows)
        short = self.alias()
        named = self.named_columns(node.alias, columns, node.columns)
        bound = tuple(replace(column, text=f"{short}.c{i}") for i, column in enumerate(named))
        self.scope.sources.append(Bound(node.alias, short, bound))
        return f"({text}) AS {short}"

    def value_rows(self, rows: tuple[tuple[nodes.Expression, ...], ...]) -> tuple[str, tuple[Sql, ...]]:
        """A table value constructor: columns take the common type of their values."""
        width = len(rows[0])
        if any(len(row) != width for row in rows):
            text = "All the rows in a table value constructor must have the same number of columns."  # error 10709
            raise SqlServerError(10709, text, 16, 1, self.line)
        by_row = [[self.value(value) for value in row] for row in rows]
        columns: list[Sql] = []
        unified: list[list[Sql]] = []
        for place in range(width):
            values, common = self.unified([row[place] for row in by_row], "VALUES")
            common = replace(common, nullable=any(value.nullable for value in values))
            columns.append(with_collation(replace(common, text=f"c{place}")))
            unified.append(values)
        selects = [
            "SELECT " + ", ".join(self._named(unified[place][row], place) for place in range(width))
            for row in range(len(rows))
        ]
        return " UNION ALL ".join(selects), tuple(replace(column, text=f"c{i}") for i, column in enumerate(columns))

    @staticmethod
    def _named(value: Sql, place: int) -> str:
        return f"{collated(value) if not value.is_null else value.text} AS c{place}"

    # --- joins ---------------------------------------------------------------------------------------------------

    def _join(self, node: nodes.Join) -> str:
        left = self.source(node.left)
        nested = isinstance(node.right, nodes.Join | nodes.Apply)
        right = self.source(node.right)
        if nested:
            right = f"({right})"
        if node.condition is None:
            return f"{left} CROSS JOIN {right}"
        condition = self.predicate(node.condition)
        kind = "INNER" if node.kind == "INNER" else node.kind
        return f"{left} {kind} JOIN {right} ON {condition}"

    def _apply(self, node: nodes.Apply) -> str:
        left = self.source(node.left)
        right = self._applied(node.right)
        return f"{left} LEFT JOIN {right} ON 1" if node.outer else f"{left} CROSS JOIN {right}"

    def _applied(self, node: nodes.Source) -> str:
        """The right side of APPLY, which sees the left side.

        SQLite has no lateral queries, but the arguments of its table-valued functions may refer to tables on the
        left: so a query travels as one JSON array of rows through ``json_each``.
        """
        match node:
            case nodes.FunctionSource():
                return self._function(node, lateral=True)
            case nodes.QuerySource():
                with self.inside(self.scope):
                    compiled = self.compile(node.query)
                columns = self.named_columns(node.alias, compiled.columns, node.columns)
            case nodes.ValuesSource():
                with self.inside(self.scope):
                    text, plain = self.value_rows(node.rows)
                columns = self.named_columns(node.alias, plain, node.columns)
                return self._through_json(text, columns, node.alias)
            case _:
                return self.source(node)
        return self._through_json(compiled.text, columns, node.alias)

    def _through_json(self, text: str, columns: tuple[Sql, ...], name: str) -> str:
        encoded = ", ".join(_encoded(column, place) for place, column in enumerate(columns))
        rows = f"(SELECT json_group_array(json_array({encoded})) FROM ({text}))"
        return self._json_rows(rows, columns, name)

    def _json_rows(self, rows: str, columns: tuple[Sql, ...], name: str) -> str:
        short = self.alias()
        bound = tuple(_decoded(column, short, place) for place, column in enumerate(columns))
        self.scope.sources.append(Bound(name, short, bound))
        return f"json_each({rows}) AS {short}"

    # --- table-valued functions ----------------------------------------------------------------------------------

    def _function(self, node: nodes.FunctionSource, *, lateral: bool = False) -> str:
        name = node.name.name.upper()
        if not node.name.schema:
            if name == "OPENJSON":
                return self._openjson(node)
            if name == "STRING_SPLIT":
                return self._string_split(node)
            if name == "GENERATE_SERIES" and self.names.product >= 2022:
                return self._generate_series(node)
        function = self.names.table_function(node.name)
        if function is None:
            raise invalid_object(str(node.name), node.name.line)
        return self._user_function(node, function, lateral)

    def _require_level(self, node: nodes.FunctionSource) -> None:
        """OPENJSON and STRING_SPLIT need compatibility level 130."""
        if self.names.compatibility < 130 or self.names.product < 2016:
            raise invalid_object(node.name.name, node.name.line)

    def _openjson(self, node: nodes.FunctionSource) -> str:
        self._require_level(node)
        document = self.as_string(self.value(node.arguments[0]))
        path = self.value(node.arguments[1]).text if len(node.arguments) > 1 else "'$'"
        short = self.alias()
        collation = document.collation or self.names.collation
        if node.schema is None:
            columns = (
                Sql(f"{short}.key", _JSON_KEY, _JSON_COLLATION, IMPLICIT, name="key", nullable=False),
                Sql(f"{short}.value", types.NVARCHAR_MAX, collation, IMPLICIT, name="value"),
                Sql(f"{short}.type", types.TINYINT, name="type", nullable=False),
            )
            sql = f"t_openjson({document.text}, {path}) AS {short}"
        else:
            columns = tuple(self._json_column(column, short) for column in node.schema)
            sql = f"t_openjson_rows({document.text}, {path}) AS {short}"
        if node.columns:
            columns = self.named_columns(node.alias, columns, node.columns)
        self.scope.sources.append(Bound(node.alias or "OPENJSON", short, columns))
        return sql

    def _json_column(self, column: nodes.JsonColumn, alias: str) -> Sql:
        path = text_literal(column.path if column.path is not None else f'$."{column.name}"')
        if column.as_json:
            if column.type != types.NVARCHAR_MAX:
                text = "AS JSON option can be specified only for column of nvarchar(max) type in WITH clause."
                raise SqlServerError(13618, text, 16, 1, self.line)
            return Sql(
                f"t_json_query({alias}.raw, {path})", column.type, self.names.collation, IMPLICIT, name=column.name
            )
        value = Sql(f"t_openjson_value({alias}.raw, {path})", types.NVARCHAR_MAX, self.names.collation, IMPLICIT)
        result = convert(value, column.type, explicit=True)
        collation = self.names.collation if column.type.name in types.STRINGS else ""
        return replace(result, name=column.name, collation=collation, strength=IMPLICIT, nullable=True)

    def _string_split(self, node: nodes.FunctionSource) -> str:
        self._require_level(node)
        values = [self.value(argument) for argument in node.arguments]
        if len(values) not in (2, 3) or (len(values) == 3 and self.names.product < 2022):
            raise SqlServerError(8144, "Procedure or function string_split has too many arguments specified.", 16, 2)
        text, separator = self.as_string(values[0]), self.as_string(values[1])
        short = self.alias()
        item = SqlType(text.type.name if text.type.name in types.STRINGS else "nvarchar", text.type.length or None)
        columns = [Sql(f"{short}.value", item, text.collation or self.names.collation, IMPLICIT, name="value")]
        if len(values) == 3:
            columns.append(Sql(f"{short}.ordinal", types.BIGINT, name="ordinal"))
        named = self.named_columns(node.alias, tuple(columns), node.columns) if node.columns else tuple(columns)
        self.scope.sources.append(Bound(node.alias or "STRING_SPLIT", short, named))
        return f"t_string_split({text.text}, {separator.text}) AS {short}"

    def _generate_series(self, node: nodes.FunctionSource) -> str:
        values = [self.value(argument) for argument in node.arguments]
        short = self.alias()
        columns: tuple[Sql, ...] = (Sql(f"{short}.value", values[0].type, name="value"),)
        if node.columns:
            columns = self.named_columns(node.alias, columns, node.columns)
        self.scope.sources.append(Bound(node.alias or "GENERATE_SERIES", short, columns))
        return f"t_generate_series({', '.join(value.text for value in values)}) AS {short}"

    def _user_function(self, node: nodes.FunctionSource, function: TableFunction, lateral: bool) -> str:
        arguments = self._function_arguments(node, function)
        label = node.alias or node.name.name
        if function.query is None:
            ids = [str(function.database_id), str(function.object_id)]
            call = f"t_table_udf({', '.join([*ids, *(value.text for value in arguments)])})"
            columns = tuple(
                Sql("", column.type, column.collation, IMPLICIT, nullable=column.nullable, name=column.name)
                for column in function.columns
            )
            return self._json_rows(call, columns, label)
        given = {parameter.name: value for parameter, value in zip(function.parameters, arguments, strict=True)}
        with self.inside(self.scope if lateral else self.scope.outer, _WithArguments(function.home, given)):
            compiled = self.compile(function.query)
        columns = self.named_columns(label, compiled.columns, node.columns)
        if lateral:
            return self._through_json(compiled.text, columns, label)
        short = self.alias()
        bound = tuple(replace(column, text=f"{short}.c{i}", column="") for i, column in enumerate(columns))
        self.scope.sources.append(Bound(label, short, bound))
        return f"({compiled.text}) AS {short}"

    def _function_arguments(self, node: nodes.FunctionSource, function: TableFunction) -> list[Sql]:
        if len(node.arguments) != len(function.parameters):
            few = len(node.arguments) < len(function.parameters)
            text = (
                f"An insufficient number of arguments were supplied for the procedure or function {node.name}."
                if few
                else f"Procedure or function {node.name} has too many arguments specified."
            )
            raise SqlServerError(313 if few else 8144, text, 16, 3, node.name.line)
        values: list[Sql] = []
        for argument, parameter in zip(node.arguments, function.parameters, strict=True):
            missing = isinstance(argument, nodes.Default)
            given = (parameter.default or nodes.Literal(None, types.NULL)) if missing else argument
            assert parameter.type is not None
            value = convert(self.value(given), parameter.type)
            collation = value.collation or (self.names.collation if value.is_string else "")
            values.append(replace(value, collation=collation, native="", column="", literal=None, name=""))
        return values

    def variable(self, name: str) -> Sql:
        if isinstance(self.names, _WithArguments) and name in self.names.arguments:
            return self.names.arguments[name]
        return super().variable(name)


class _WithArguments:
    """The names of an inline function's home, with its parameters standing for the caller's expressions."""

    def __init__(self, home: Names, arguments: dict[str, Sql]) -> None:
        self._home = home
        self.arguments = arguments
        self.database = home.database
        self.collation = home.collation
        self.compatibility = home.compatibility
        self.product = home.product
        self.relation = home.relation
        self.variable_relation = home.variable_relation
        self.scalar_function = home.scalar_function
        self.table_function = home.table_function
        self.inferred = home.inferred
        self.identity_insert = home.identity_insert
        self.variable = home.variable


def _encoded(column: Sql, place: int) -> str:
    """Column ``c<place>`` as a member of a JSON array; bytes go as hexadecimal digits."""
    kind = types.storage_class(column.type)
    if kind == "BLOB":
        return f"iif(c{place} IS NULL, NULL, hex(c{place}))"
    # concatenation drops SQLite's JSON subtype, which would embed a document instead of its text
    return f"(c{place} || '')" if kind == "TEXT" else f"c{place}"


def _decoded(column: Sql, alias: str, place: int) -> Sql:
    text = f"json_extract({alias}.value, '$[{place}]')"
    if types.storage_class(column.type) == "BLOB":
        text = f"unhex({text})"
    return replace(column, text=text, native="", column="", literal=None, identity=False)
