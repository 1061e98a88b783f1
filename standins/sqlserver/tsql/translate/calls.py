"""Function calls: built-in, aggregate, window and user-defined."""

from __future__ import annotations

from dataclasses import replace

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.tsql import nodes, types
from standins.sqlserver.tsql.errors import argument_count, invalid_operand, unknown_function, unsupported
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.expression import ExpressionTranslator
from standins.sqlserver.tsql.translate.functions import FUNCTIONS
from standins.sqlserver.tsql.translate.values import Sql, collated

AGGREGATES = frozenset(
    {"COUNT", "COUNT_BIG", "SUM", "AVG", "MIN", "MAX", "STRING_AGG", "CHECKSUM_AGG", "STDEV", "STDEVP", "VAR", "VARP"}
)
_RANKING = {"ROW_NUMBER": types.BIGINT, "RANK": types.BIGINT, "DENSE_RANK": types.BIGINT, "NTILE": types.BIGINT,
            "PERCENT_RANK": types.FLOAT, "CUME_DIST": types.FLOAT}  # fmt: skip
_OFFSETS = frozenset({"LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE"})


class CallTranslator(ExpressionTranslator):
    """What stands before a parenthesis."""

    def call(self, node: nodes.Call) -> Sql:
        if len(node.parts) > 1:
            return self._user_defined(node)
        name = node.name
        if name in _RANKING or name in _OFFSETS:
            return self._window_function(node)
        if name in AGGREGATES:
            return self._window_aggregate(node) if node.over is not None else self.aggregate(node)
        if name == "IIF":
            return self._iif(node)
        function = FUNCTIONS.get(name)
        if function is None:
            if name in ("GROUPING", "GROUPING_ID", "PERCENTILE_CONT", "PERCENTILE_DISC", "APPROX_COUNT_DISTINCT"):
                raise unsupported(name, node.line)
            raise unknown_function(name.lower(), node.line)
        if function.since > self.names.product:
            raise unknown_function(name.lower(), node.line)
        arguments = self._arguments(node)
        if not function.least <= len(arguments) <= function.most:
            raise argument_count(name, function.least, node.line)
        return function.handler(self, arguments)

    def _arguments(self, node: nodes.Call) -> list[Sql]:
        """``CHECKSUM(*)`` and ``BINARY_CHECKSUM(*)`` take every column in sight."""
        if node.star:
            return [column for source in self.scope.sources for column in source.columns]
        return [self.value(argument) for argument in node.arguments]

    def _iif(self, node: nodes.Call) -> Sql:
        if len(node.arguments) != 3:
            raise argument_count("IIF", 3, node.line)
        condition, yes, no = node.arguments
        return self.value(nodes.Case(None, ((condition, yes),), no))

    def _user_defined(self, node: nodes.Call) -> Sql:
        function = self.names.scalar_function(node.parts)
        if function is None:
            shown = ".".join(node.parts)
            text = (
                f'Cannot find either column "{node.parts[0]}" or the user-defined function or aggregate "{shown}", '
                "or the name is ambiguous."
            )
            raise SqlServerError(4121, text, 16, 1, node.line)
        texts: list[str] = []
        for place, parameter in enumerate(function.parameters):
            given = node.arguments[place] if place < len(node.arguments) else None
            if given is None:
                text = (
                    f"An insufficient number of arguments were supplied for the procedure or function {node.parts[-1]}."
                )
                raise SqlServerError(313, text, 16, 2, node.line)
            if isinstance(given, nodes.Default):
                given = parameter.default or nodes.Literal(None, types.NULL)
            assert parameter.type is not None
            texts.append(convert(self.value(given), parameter.type).text)
        if len(node.arguments) > len(function.parameters):
            text = f"Procedure or function {node.parts[-1]} has too many arguments specified."
            raise SqlServerError(8144, text, 16, 2, node.line)
        sql = f"t_udf({', '.join([str(function.database_id), str(function.object_id), *texts])})"
        collation = self.names.collation if function.returns.name in types.STRINGS else ""
        return Sql(sql, function.returns, collation)

    # --- aggregates ----------------------------------------------------------------------------------------------

    def aggregate(self, node: nodes.Call) -> Sql:
        if self.in_aggregate:
            text = "Cannot perform an aggregate function on an expression containing an aggregate or a subquery."
            raise SqlServerError(130, text, 15, 1, node.line)
        self.in_aggregate = True
        try:
            return self._aggregate(node)
        finally:
            self.in_aggregate = False

    def _aggregate(self, node: nodes.Call, over: str = "") -> Sql:
        name = node.name
        if name in ("COUNT", "COUNT_BIG"):
            result = types.INT if name == "COUNT" else types.BIGINT
            if node.star:
                return Sql(f"count(*){over}", result, nullable=False)
            (argument,) = self._aggregate_arguments(node, 1)
            return Sql(f"count({self._distinct(node, argument)}){over}", result, nullable=False)
        if name == "STRING_AGG":
            return self._string_agg(node, over)
        (argument,) = self._aggregate_arguments(node, 1)
        inner = self._distinct(node, argument)
        if name in ("MIN", "MAX"):
            return self._min_max(name, argument, over)
        if name == "CHECKSUM_AGG":
            return Sql(f"t_checksum_agg({inner}){over}", types.INT)
        if argument.type.name not in types.NUMBERS or argument.type.name == "bit":
            raise invalid_operand(name.lower(), argument.type.name)
        if name in ("STDEV", "STDEVP", "VAR", "VARP"):
            return Sql(f"t_{name.lower()}({inner}){over}", types.FLOAT)
        return self._sum(name, argument, inner, over)

    def _aggregate_arguments(self, node: nodes.Call, count: int) -> list[Sql]:
        if len(node.arguments) != count or node.star:
            raise argument_count(node.name, count, node.line)
        return [self.value(argument) for argument in node.arguments]

    @staticmethod
    def _distinct(node: nodes.Call, argument: Sql) -> str:
        return f"DISTINCT {collated(argument)}" if node.distinct else argument.text

    @staticmethod
    def _min_max(name: str, argument: Sql, over: str) -> Sql:
        if argument.type.name in ("bit", "text", "ntext", "image", "xml"):
            raise invalid_operand(name.lower(), argument.type.name)
        text = f"{name.lower()}({collated(argument)}){over}"
        return replace(argument, text=text, native="", nullable=True, literal=None, name="", column="", identity=False)

    @staticmethod
    def _sum(name: str, argument: Sql, inner: str, over: str) -> Sql:
        kind = argument.type.name
        if kind in types.FLOATS:
            return Sql(f"{name.lower()}({inner}){over}", types.FLOAT)
        if kind in types.INTEGERS:
            result = types.BIGINT if kind == "bigint" else types.INT
            total = f"t_int(sum({inner}){over}, '{result.name}')"
            if name == "SUM":
                return Sql(total, result)
            return Sql(f"t_div(sum({inner}){over}, nullif(count({inner}){over}, 0))", result)
        result = argument.type
        if kind in ("decimal", "numeric"):
            scale = argument.type.scale if name == "SUM" else max(6, argument.type.scale)
            result = SqlType(kind, 0, 38, scale)
        elif kind == "smallmoney":
            result = types.MONEY
        return Sql(f"t_dec_{name.lower()}({inner}, {result.scale}){over}", result)

    def _string_agg(self, node: nodes.Call, over: str) -> Sql:
        if self.names.product < 2017:
            raise unknown_function("STRING_AGG", node.line)
        if len(node.arguments) != 2:
            raise argument_count("STRING_AGG", 2, node.line)
        value, separator = (self.as_string(self.value(argument)) for argument in node.arguments)
        order = ""
        if node.within_group:
            order = " ORDER BY " + ", ".join(self.order_text(item) for item in node.within_group)
        length = None if value.type.length is None else 4000 if value.type.name in types.UNICODE else 8000
        text = f"group_concat({value.text}, {separator.text}{order}){over}"
        if length is not None:
            text = f"t_string_agg({text}, {length})"
        name = "nvarchar" if value.type.name in types.UNICODE else "varchar"
        return Sql(text, SqlType(name, length), value.collation, value.strength)

    def order_text(self, item: nodes.OrderItem) -> str:
        return collated(self.value(item.expression)) + (" DESC" if item.descending else "")

    # --- windows -------------------------------------------------------------------------------------------------

    def over(self, window: nodes.Window) -> str:
        parts: list[str] = []
        if window.partition:
            parts.append("PARTITION BY " + ", ".join(collated(self.value(item)) for item in window.partition))
        if window.order:
            constant = [item for item in window.order if isinstance(item.expression, nodes.Literal)]
            if constant:
                text = (
                    "Windowed functions, aggregates and NEXT VALUE FOR functions do not support integer indices as "
                    "ORDER BY clause expressions."
                )
                raise SqlServerError(5308, text, 16, 1, self.line)
            parts.append("ORDER BY " + ", ".join(self.order_text(item) for item in window.order))
        if window.frame is not None:
            parts.append(window.frame.text)
        return f" OVER ({' '.join(parts)})"

    def _window_aggregate(self, node: nodes.Call) -> Sql:
        assert node.over is not None
        if node.distinct:
            text = "Use of DISTINCT is not allowed with the OVER clause."
            raise SqlServerError(10759, text, 15, 1, node.line)
        return self._aggregate(node, self.over(node.over))

    def _window_function(self, node: nodes.Call) -> Sql:
        name = node.name
        if node.over is None:
            raise SqlServerError(10753, f"The function '{name}' must have an OVER clause.", 15, 1, node.line)
        if not node.over.order:
            text = f"The function '{name}' must have an OVER clause with ORDER BY."
            raise SqlServerError(4112, text, 15, 1, node.line)
        over = self.over(node.over)
        if name in _RANKING:
            argument = self.value(node.arguments[0]).text if name == "NTILE" else ""
            return Sql(f"{name.lower()}({argument}){over}", _RANKING[name], nullable=False)
        arguments = [self.value(argument) for argument in node.arguments]
        value = arguments[0]
        texts = [value.text, *(argument.text for argument in arguments[1:])]
        if len(arguments) == 3:
            texts[2] = convert(arguments[2], value.type).text
        text = f"{name.lower()}({', '.join(texts)}){over}"
        return replace(value, text=text, native="", nullable=True, literal=None, name="", column="", identity=False)
