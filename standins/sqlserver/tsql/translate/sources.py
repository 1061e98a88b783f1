"""The FROM clause: tables, views, joins and APPLY."""

from __future__ import annotations

from dataclasses import replace

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import collations, nodes, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.names import Relation, RelationColumn
from standins.sqlserver.tsql.translate.scope import Bound
from standins.sqlserver.tsql.translate.table_functions import TableFunctionTranslator
from standins.sqlserver.tsql.translate.values import (
    IMPLICIT,
    Sql,
    quote,
)


class SourceTranslator(TableFunctionTranslator):
    """Sources add themselves to the scope and return their SQL."""

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
