"""Table-valued functions: OPENJSON, STRING_SPLIT, GENERATE_SERIES and those a database defines."""

from __future__ import annotations

from dataclasses import replace

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.tsql import nodes, types
from standins.sqlserver.tsql.errors import invalid_object
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.derived import DerivedTranslator
from standins.sqlserver.tsql.translate.names import Names, TableFunction
from standins.sqlserver.tsql.translate.scope import Bound
from standins.sqlserver.tsql.translate.values import IMPLICIT, Sql, text_literal

_JSON_KEY = SqlType("nvarchar", 4000)
_JSON_COLLATION = "Latin1_General_BIN2"


class TableFunctionTranslator(DerivedTranslator):
    """Functions in FROM."""

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
