"""MERGE: what happens to each row is decided once, in a work table; then rows are deleted, updated and inserted."""

from __future__ import annotations

from standins.sqlserver.tsql import nodes, statements, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate.changes import ChangeTranslator
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.names import Relation
from standins.sqlserver.tsql.translate.plan import ChangePlan, Command, OutputPlan, SelectPlan, output_column
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.values import Sql, quote


class StatementTranslator(ChangeTranslator):
    """The translator of whole statements."""

    def select(self, query: nodes.Query) -> SelectPlan:
        self._limit_recursion(query)
        compiled = self.compile(query, top_level=True)
        into = query.body.into if isinstance(query.body, nodes.Select) else None
        targets = [(item.target, item.operator) for item in compiled.targets]
        return SelectPlan(
            Command.of(compiled.text),
            tuple(output_column(column) for column in compiled.columns),
            tuple(column.collation for column in compiled.columns),
            tuple(targets),
            into,
            self.locking,
            compiled.assigning,
        )

    def change(self, statement: statements.Statement) -> ChangePlan:
        """INSERT, UPDATE, DELETE or MERGE."""
        if isinstance(statement, statements.Insert | statements.Update | statements.Delete | statements.Merge):
            self._limit_recursion(statement.query)
        match statement:
            case statements.Insert():
                return self.insert(statement)
            case statements.Update():
                return self.update(statement)
            case statements.Delete():
                return self.delete(statement)
            case statements.Merge():
                return self.merge(statement)
            case _:
                raise unsupported(type(statement).__name__, statement.line)

    def _limit_recursion(self, query: nodes.Query | None) -> None:
        if query is not None and query.recursion is not None:
            self.recursion = query.recursion

    def condition(self, node: nodes.Expression) -> SelectPlan:
        """A search condition of IF or WHILE as a query of one row."""
        command = Command.of(f"SELECT {self.predicate(node)}")
        return SelectPlan(command, (), (), locking=self.locking)

    def scalar(self, node: nodes.Expression, target: types.SqlType | None) -> SelectPlan:
        """An expression outside a query, converted for the variable that takes it."""
        value = self.value(node)
        if target is not None:
            value = self.assigned(value, target)
        return SelectPlan(Command.of(f"SELECT {value.text}"), (output_column(value),), (value.collation,))

    def assigned(self, value: Sql, target: types.SqlType) -> Sql:
        """Assignment to a variable cuts strings silently, as SQL Server does."""
        return convert(value, target)

    # --- MERGE ---------------------------------------------------------------------------------------------------

    def merge(self, node: statements.Merge) -> ChangePlan:
        tables = self.common_tables(node.query.tables) if node.query is not None else ""
        relation = self._writable(self._relation(node.target))
        self.scope = Scope()
        source = self.source(node.source)
        sources = list(self.scope.sources)
        target_sql = self.bind(relation, node.alias)
        target = self.scope.sources[-1]
        condition = self.predicate(node.condition)
        work = self.alias("work")
        decided = self._decision(node.actions, target, matched_only=True)
        values = self._new_values(node.actions, target, relation)
        matched_columns = [
            f"{target.row} AS r0",
            f"{decided} AS a0",
            *(f"{text} AS n{i}_{j}" for (i, j), text in values.items()),
            *(f"{text} AS {name}" for name, text in self._noted(target)),
        ]
        joined = f"SELECT {', '.join(matched_columns)} FROM {source} LEFT JOIN {target_sql} ON {condition}"
        parts = [joined]
        if any(action.when == "NOT MATCHED BY SOURCE" for action in node.actions):
            parts.append(
                self._unmatched(
                    node,
                    relation,
                    target,
                    values,
                    target_sql=target_sql,
                    source=source,
                    sources=sources,
                    condition=condition,
                )
            )
        create = f"CREATE TEMP TABLE {work} AS SELECT * FROM ({tables}{' UNION ALL '.join(parts)}) WHERE a0 IS NOT NULL"
        check = f"SELECT t_fail(8672) FROM temp.{work} WHERE r0 IS NOT NULL GROUP BY r0 HAVING count(*) > 1"
        new_rows = (
            f"UPDATE temp.{work} SET r0 = (SELECT coalesce(max(t.rowid), 0) FROM {relation.sql} AS t) + rowid "
            "WHERE r0 IS NULL"
        )
        changes = [
            self._apply_action(action, place, relation, work, values) for place, action in enumerate(node.actions)
        ]
        outputs = self._merge_outputs(node, relation, target, work)
        return ChangePlan(
            "MERGE",
            relation,
            tuple(changes),
            before=(Command.of(create), Command.of(check), Command.of(new_rows)),
            after=(Command.of(f"DROP TABLE temp.{work}"),),
            outputs=outputs,
        )

    def _decision(self, actions: tuple[statements.MergeAction, ...], target: Bound, *, matched_only: bool) -> str:
        """The number of the first clause that applies, as an expression over source and target."""
        branches: list[str] = []
        for place, action in enumerate(actions):
            if (action.when == "NOT MATCHED BY SOURCE") == matched_only:
                continue
            test = f"{target.row} IS {'NOT NULL' if action.when != 'NOT MATCHED' else 'NULL'}"
            if action.condition is not None:
                test += f" AND {self.predicate(action.condition)}"
            branches.append(f"WHEN {test} THEN {place}")
        return f"CASE {' '.join(branches)} END" if branches else "NULL"

    def _new_values(
        self, actions: tuple[statements.MergeAction, ...], target: Bound, relation: Relation
    ) -> dict[tuple[int, int], str]:
        """New column values per clause, by (clause, place of the column in the table)."""
        places = {column.name: place for place, column in enumerate(relation.columns)}
        found: dict[tuple[int, int], str] = {}
        for number, action in enumerate(actions):
            if action.action == "UPDATE":
                sets, _ = self._sets(action.assignments, target, relation)
                for item in sets:
                    found[number, places[item.column.name]] = item.text
            elif action.action == "INSERT":
                columns = self.insert_columns(relation, action.columns)
                self._check_width(len(action.values), len(columns), bool(action.columns), values=True)
                for column, value in zip(columns, action.values, strict=True):
                    found[number, places[column.name]] = self.given_value(value, column, relation)
        return {key: self._only_for(actions[key[0]], target, text) for key, text in found.items()}

    @staticmethod
    def _only_for(action: statements.MergeAction, target: Bound, text: str) -> str:
        """Evaluated only for rows the clause can meet, so that a value that fails elsewhere does no harm."""
        test = "NULL" if action.when == "NOT MATCHED" else "NOT NULL"
        return f"CASE WHEN {target.row} IS {test} THEN {text} END"

    def _unmatched(
        self,
        node: statements.Merge,
        relation: Relation,
        target: Bound,
        values: dict[tuple[int, int], str],
        *,
        target_sql: str,
        source: str,
        sources: list[Bound],
        condition: str,
    ) -> str:
        """Target rows that no source row matches."""
        decided = self._decision(node.actions, target, matched_only=False)
        columns = [f"{target.row}", decided]
        for (number, _), text in values.items():
            by_source = node.actions[number].when == "NOT MATCHED BY SOURCE"
            columns.append(text if by_source else "NULL")
        columns += [f"{target.alias}.{quote(column.name)}" for column in relation.columns]
        columns += ["NULL" for bound in sources for _ in bound.columns]
        columns += [column.text for column in target.columns]
        return (
            f"SELECT {', '.join(columns)} FROM {target_sql} WHERE NOT EXISTS (SELECT 1 FROM {source} WHERE {condition})"
        )

    def _apply_action(
        self,
        action: statements.MergeAction,
        number: int,
        relation: Relation,
        work: str,
        values: dict[tuple[int, int], str],
    ) -> Command:
        given = {place: f"u.n{number}_{place}" for clause, place in values if clause == number}
        if action.action == "DELETE":
            rows = f"SELECT r0 FROM temp.{work} WHERE a0 = {number}"
            return Command.of(f"DELETE FROM {relation.sql} WHERE rowid IN ({rows})")
        if action.action == "UPDATE":
            assigned = ", ".join(f"{quote(relation.columns[place].name)} = {text}" for place, text in given.items())
            return Command.of(
                f"UPDATE {relation.sql} AS t SET {assigned} FROM temp.{work} AS u WHERE t.rowid = u.r0 AND u.a0 = "
                f"{number}"
            )
        by_name = {relation.columns[place].name: text for place, text in given.items()}
        names, row = self.row_for(relation, by_name)
        return Command.of(
            f"INSERT INTO {relation.sql} (rowid, {names}) SELECT u.r0, {row} FROM temp.{work} AS u WHERE u.a0 = "
            f"{number}"
        )

    def _merge_outputs(
        self, node: statements.Merge, relation: Relation, target: Bound, work: str
    ) -> tuple[OutputPlan, ...]:
        actions = " ".join(f"WHEN {i} THEN '{action.action}'" for i, action in enumerate(node.actions))
        action = Sql(f"CASE u.a0 {actions} END", types.nvarchar(10), self.names.collation, name="$action")
        return self._worked_outputs(
            node.output, relation, target, work, deleted_gone=False, extra=(action,), join="LEFT JOIN"
        )
