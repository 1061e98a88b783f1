"""OUTPUT: which rows a change reports, and where they go.

RETURNING can give the columns of one row image. Where old values, both images or columns of other tables are asked
for, the rows are first noted in a work table, and reported from there.
"""

from __future__ import annotations

from dataclasses import replace

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import nodes, statements
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.names import Relation, RelationColumn
from standins.sqlserver.tsql.translate.plan import Command, OutputPlan, output_column
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.storing import StoringTranslator
from standins.sqlserver.tsql.translate.values import Sql, quote


class OutputTranslator(StoringTranslator):
    """What every statement that writes rows may have."""

    # --- targets -------------------------------------------------------------------------------------------------

    def _relation(self, target: nodes.ObjectName | nodes.VariableSource) -> Relation:
        if isinstance(target, nodes.VariableSource):
            return self.names.variable_relation(target.name, target.line)
        return self.names.relation(target)

    def _writable(self, relation: Relation | None) -> Relation:
        if relation is None:
            raise unsupported("Changing rows through a query over several tables", self.line)
        if relation.query is not None:
            raise unsupported(f"Changing rows through the view '{relation.label}'", self.line)
        if not relation.writable:
            text = "Ad hoc updates to system catalogs are not allowed."
            raise SqlServerError(259, text, 16, 1, self.line)
        return relation

    # --- RETURNING -----------------------------------------------------------------------------------------------

    def _needs_work(self, outputs: tuple[statements.Output, ...], plain: str) -> bool:
        """Whether OUTPUT asks for more than RETURNING can give: columns of the one row image ``plain``."""
        return bool(outputs) and (
            len(outputs) > 1
            or any(not _only_from(item.expression, plain) for output in outputs for item in output.items)
        )

    def _image(self, name: str, relation: Relation, alias: str) -> Bound:
        return Bound(name, alias, tuple(self.column_of(column, alias) for column in relation.columns))

    @staticmethod
    def _renamed(image: Bound, target: Bound) -> Bound:
        """A row image under the names that a derived table or common table gives the columns."""
        by_base = {column.name: column for column in image.columns}
        renamed = [
            replace(by_base[known.column], name=known.name)
            for known in target.columns
            if known.column in by_base and known.name.lower() != known.column.lower()
        ]
        return replace(image, columns=(*image.columns, *renamed))

    def _returned(self, outputs: tuple[statements.Output, ...], relation: Relation, image: str) -> tuple[Sql, ...]:
        """OUTPUT as a RETURNING list, and the plan of where it goes in ``_sent``."""
        self._output_nodes = outputs
        if not outputs:
            return ()
        saved = self.scope
        self.scope = Scope([self._image(image, relation, "")])
        items = self._items(outputs[0].items)
        self.scope = saved
        return tuple(items)

    _output_nodes: tuple[statements.Output, ...] = ()

    @staticmethod
    def _returning(items: tuple[Sql, ...]) -> str:
        return f" RETURNING {', '.join(item.text for item in items)}" if items else ""

    def _sent(self, items: tuple[Sql, ...]) -> tuple[OutputPlan, ...]:
        if not items:
            return ()
        return (self._output_plan(self._output_nodes[0], list(items), None),)

    def _output_plan(self, node: statements.Output, items: list[Sql], command: Command | None) -> OutputPlan:
        columns = tuple(output_column(item) for item in items)
        if node.target is None:
            return OutputPlan(columns, command)
        relation = self._writable(self._relation(node.target))
        targets = self.insert_columns(relation, node.columns)
        self._check_width(len(items), len(targets), bool(node.columns), values=False)
        stored = self.insert_parameters(relation, targets, tuple(items))
        return OutputPlan(columns, command, stored, relation)

    # --- from the work table -------------------------------------------------------------------------------------

    def _noted(self, target: Bound) -> list[tuple[str, str]]:
        """Old values of the target (d…) and the columns of all sources (x…), as the work table keeps them."""
        noted: list[tuple[str, str]] = []
        relation = self._writable(target.relation)
        base = target.row.rpartition(".")[0]
        plain = target.row.endswith(".rowid")
        for place, column in enumerate(relation.columns):
            text = f"{base}.{quote(column.name)}" if plain else self._old_value(relation, target, column)
            noted.append((f"d{place}", text))
        place = 0
        for source in self.scope.sources:
            for column in source.columns:
                noted.append((f"x{place}", column.text))
                place += 1
        return noted

    @staticmethod
    def _old_value(relation: Relation, target: Bound, column: RelationColumn) -> str:
        return f"(SELECT o.{quote(column.name)} FROM {relation.sql} AS o WHERE o.rowid = {target.row})"

    def _worked_outputs(
        self,
        outputs: tuple[statements.Output, ...],
        relation: Relation,
        target: Bound,
        work: str,
        *,
        deleted_gone: bool,
        extra: tuple[Sql, ...] = (),
        join: str = "JOIN",
    ) -> tuple[OutputPlan, ...]:
        if not outputs:
            return ()
        sources = self.scope.sources
        place = 0
        shown: list[Bound] = []
        for source in sources:
            columns: list[Sql] = []
            for column in source.columns:
                columns.append(replace(column, text=f"u.x{place}", native="", column=""))
                place += 1
            shown.append(Bound(source.name, "u", tuple(columns), source.schema, source.database))
        old = tuple(
            replace(self.column_of(column, "u"), text=f"u.d{i}", native="", column="", literal=None)
            for i, column in enumerate(relation.columns)
        )
        images = [self._renamed(Bound("deleted", "u", old), target), Bound("", "u", extra)]
        if not deleted_gone:
            images.append(self._renamed(self._image("inserted", relation, "t"), target))
        plans: list[OutputPlan] = []
        for output in outputs:
            saved, self.scope = self.scope, Scope([*images, *shown])
            items = self._items(output.items)
            self.scope = saved
            joined = "" if deleted_gone else f" {join} {relation.sql} AS t ON t.rowid = u.r0"
            text = f"SELECT {', '.join(item.text for item in items)} FROM temp.{work} AS u{joined}"
            plans.append(self._output_plan(output, items, Command.of(text)))
        return tuple(plans)


def _only_from(node: nodes.Expression, image: str) -> bool:
    """Whether an OUTPUT item is a column (or all columns) of one row image, or a constant."""
    match node:
        case nodes.Star():
            return len(node.qualifier) == 1 and node.qualifier[0].lower() == image
        case nodes.Name():
            return len(node.parts) == 2 and node.parts[0].lower() == image
        case nodes.Literal() | nodes.Variable():
            return True
        case nodes.Cast():
            return _only_from(node.operand, image)
        case nodes.Binary():
            return _only_from(node.left, image) and _only_from(node.right, image)
        case nodes.Call():
            return node.over is None and all(_only_from(item, image) for item in node.arguments)
        case _:
            return False
