"""INSERT, UPDATE and DELETE.

Simple forms become one SQLite statement. Where the answer needs old values or columns of other tables (OUTPUT), the
rows are first noted in a work table, changed from there, and reported from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import nodes, statements
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.translate import operators
from standins.sqlserver.tsql.translate.conversion import convert
from standins.sqlserver.tsql.translate.names import Relation, RelationColumn
from standins.sqlserver.tsql.translate.output import OutputTranslator
from standins.sqlserver.tsql.translate.plan import ChangePlan, Command, OutputPlan, output_column
from standins.sqlserver.tsql.translate.scope import Bound, Scope
from standins.sqlserver.tsql.translate.values import Sql, quote


@dataclass(slots=True)
class _Set:
    """One column of UPDATE … SET with its new value."""

    column: RelationColumn
    text: str


class ChangeTranslator(OutputTranslator):
    """Statements that write rows of one table."""

    # --- INSERT --------------------------------------------------------------------------------------------------

    def insert(self, node: statements.Insert) -> ChangePlan:
        relation = self._writable(self._relation(node.target))
        columns = self.insert_columns(relation, node.columns)
        explicit = next((column.name for column in columns if column.identity), "")
        if isinstance(node.source, statements.Execute):
            command = self.insert_parameters(relation, columns, None)
            outputs = self._returned(node.output, relation, "inserted")
            if outputs:
                raise unsupported("INSERT … EXECUTE with OUTPUT", self.line)
            return ChangePlan("INSERT", relation, (command,), execute=node.source, explicit_identity=explicit)
        tables = self.common_tables(node.query.tables) if node.query is not None else ""
        names, body = self._insert_body(node, relation, columns)
        outputs = self._returned(node.output, relation, "inserted")
        text = f"{tables}INSERT INTO {relation.sql} ({names}) {body}{self._returning(outputs)}"
        return ChangePlan(
            "INSERT",
            relation,
            (Command.of(text),),
            outputs=self._sent(outputs),
            explicit_identity=explicit,
            proposed=Command.of(f"{tables}{body}"),
            proposed_columns=tuple(column.name for column in relation.columns),
        )

    def _insert_body(
        self, node: statements.Insert, relation: Relation, columns: tuple[RelationColumn, ...]
    ) -> tuple[str, str]:
        if node.source is None:
            names, values = self.row_for(relation, {})
            return names, f"VALUES ({values})"
        if isinstance(node.source, statements.ValuesRows):
            rows: list[str] = []
            names = ""
            for row in node.source.rows:
                self._check_width(len(row), len(columns), bool(node.columns), values=True)
                given = {
                    column.name: self.given_value(value, column, relation)
                    for column, value in zip(columns, row, strict=True)
                }
                names, values = self.row_for(relation, given)
                rows.append(f"({values})")
            return names, f"VALUES {', '.join(rows)}"
        assert isinstance(node.source, nodes.Query)
        with self.inside(None):
            compiled = self.compile(node.source, top_level=True)
        self._check_width(len(compiled.columns), len(columns), bool(node.columns), values=False)
        given: dict[str, str] = {}
        for place, (column, value) in enumerate(zip(columns, compiled.columns, strict=True)):
            if column.rowversion:
                raise SqlServerError(273, "Cannot insert an explicit value into a timestamp column.", 16, 1, self.line)
            source = replace(value, text=f"q.c{place}", literal=None)
            given[column.name] = "NULL" if value.is_null else self.stored(source, column, relation)
        names, values = self.row_for(relation, given)
        limit = self._top(node.top) if node.top is not None else ""
        return names, f"SELECT {values} FROM ({compiled.text}) AS q WHERE 1{limit}"

    # --- UPDATE --------------------------------------------------------------------------------------------------

    def update(self, node: statements.Update) -> ChangePlan:
        tables = self.common_tables(node.query.tables) if node.query is not None else ""
        source_text, target = self._target(node.target, node.source)
        relation = self._writable(target.relation)
        sets, variables = self._sets(node.assignments, target, relation)
        where = f" WHERE {self.predicate(node.where)}" if node.where is not None else ""
        limit = self._top(node.top) if node.top is not None else ""
        alone = not node.source and not limit and target.row == f"{target.alias}.rowid"
        if alone and not variables and not self._needs_work(node.output, "inserted"):
            outputs = self._returned(node.output, relation, "inserted")
            assigned = ", ".join(f"{quote(item.column.name)} = {item.text}" for item in sets)
            text = f"{tables}UPDATE {relation.sql} AS {target.alias} SET {assigned}{where}{self._returning(outputs)}"
            return ChangePlan(
                "UPDATE",
                relation,
                (Command.of(text),),
                outputs=self._sent(outputs),
                proposed=self._proposed(tables, sets, source_text, where),
                proposed_columns=tuple(item.column.name for item in sets),
            )
        return self._update_from_work(
            node, target, sets, variables, tables=tables, source=source_text, rest=where + limit
        )

    def _proposed(self, tables: str, sets: list[_Set], source: str, rest: str) -> Command:
        return Command.of(f"{tables}SELECT {', '.join(item.text for item in sets)}{source}{rest}")

    def _update_from_work(
        self,
        node: statements.Update,
        target: Bound,
        sets: list[_Set],
        variables: list[tuple[str, Sql]],
        *,
        tables: str,
        source: str,
        rest: str,
    ) -> ChangePlan:
        relation = self._writable(target.relation)
        work = self.alias("work")
        columns = [f"{target.row} AS r0"]
        columns += [f"{item.text} AS n{place}" for place, item in enumerate(sets)]
        columns += [f"{value.text} AS v{place}" for place, (_, value) in enumerate(variables)]
        noted = self._noted(target) if node.output else []
        columns += [f"{text} AS {name}" for name, text in noted]
        create = f"CREATE TEMP TABLE {work} AS {tables}SELECT {', '.join(columns)}{source}{rest}"
        if len(self.scope.sources) > 1:  # a row matched several times is changed once
            rows = f"{tables}SELECT {', '.join(columns)}{source}{rest}"
            create = f"CREATE TEMP TABLE {work} AS SELECT * FROM ({rows}) GROUP BY r0"
        assigned = ", ".join(f"{quote(item.column.name)} = u.n{place}" for place, item in enumerate(sets))
        change = f"UPDATE {relation.sql} AS t SET {assigned} FROM temp.{work} AS u WHERE t.rowid = u.r0"
        if not sets:
            change = f"UPDATE temp.{work} SET r0 = r0"
        outputs = self._worked_outputs(node.output, relation, target, work, deleted_gone=False)
        if variables:
            values = [replace(value, text=f"u.v{place}") for place, (_, value) in enumerate(variables)]
            command = Command.of(f"SELECT {', '.join(value.text for value in values)} FROM temp.{work} AS u")
            described = tuple(output_column(value) for value in values)
            outputs = (*outputs, OutputPlan(described, command, variables=tuple(name for name, _ in variables)))
        return ChangePlan(
            "UPDATE",
            relation,
            (Command.of(change),),
            before=(Command.of(create),),
            after=(Command.of(f"DROP TABLE temp.{work}"),),
            outputs=outputs,
        )

    def _sets(
        self, assignments: tuple[statements.Assignment, ...], target: Bound, relation: Relation
    ) -> tuple[list[_Set], list[tuple[str, Sql]]]:
        """New column values, and the values of variables set on the way."""
        sets: list[_Set] = []
        variables: list[tuple[str, Sql]] = []
        for item in assignments:
            if not item.column:
                value = self.value(item.value)
                if item.operator != "=":
                    value = operators.arithmetic(item.operator[0], self.variable(item.variable), value)
                variables.append((item.variable, self._for_variable(item.variable, value)))
                continue
            column = self._updated_column(item.column[-1], target, relation)
            current = next(known for known in target.columns if known.column == column.name)
            if isinstance(item.value, nodes.Default):
                text, value = self.default(column, relation), None
            else:
                value = self.value(item.value)
                if item.operator != "=":
                    value = operators.arithmetic(item.operator[0], current, value)
                text = self.stored(value, column, relation)
            sets.append(_Set(column, text))
            if item.variable:
                stored = Sql(text, column.type, column.collation)
                variables.append((item.variable, self._for_variable(item.variable, stored)))
        sets += [_Set(column, self.default(column, relation)) for column in relation.columns if column.rowversion]
        return sets, variables

    def _for_variable(self, name: str, value: Sql) -> Sql:
        known = self.names.variable(name)
        return convert(value, known) if known is not None else value

    def _updated_column(self, name: str, target: Bound, relation: Relation) -> RelationColumn:
        """Through a derived table or common table the column may have another name than in the table."""
        for known in target.columns:
            if known.name.lower() == name.lower() and known.column:
                column = self.find_column(relation, known.column)
                break
        else:
            column = self.find_column(relation, name)
        if column.identity:
            raise SqlServerError(8102, f"Cannot update identity column '{column.name}'.", 16, 1, self.line)
        if column.rowversion:
            raise SqlServerError(272, "Cannot update a timestamp column.", 16, 1, self.line)
        return column

    # --- DELETE --------------------------------------------------------------------------------------------------

    def delete(self, node: statements.Delete) -> ChangePlan:
        tables = self.common_tables(node.query.tables) if node.query is not None else ""
        source_text, target = self._target(node.target, node.source)
        relation = self._writable(target.relation)
        where = f" WHERE {self.predicate(node.where)}" if node.where is not None else ""
        limit = self._top(node.top) if node.top is not None else ""
        if self._needs_work(node.output, "deleted"):
            return self._delete_from_work(node, tables, source_text, target, where + limit)
        outputs = self._returned(node.output, relation, "deleted")
        if not node.source and not limit and target.row == f"{target.alias}.rowid":
            text = f"{tables}DELETE FROM {relation.sql} AS {target.alias}{where}{self._returning(outputs)}"
        else:
            rows = f"SELECT {target.row}{source_text}{where}{limit}"
            text = f"{tables}DELETE FROM {relation.sql} WHERE rowid IN ({rows}){self._returning(outputs)}"
        return ChangePlan("DELETE", relation, (Command.of(text),), outputs=self._sent(outputs))

    def _delete_from_work(
        self, node: statements.Delete, tables: str, source: str, target: Bound, rest: str
    ) -> ChangePlan:
        relation = self._writable(target.relation)
        work = self.alias("work")
        columns = [f"{target.row} AS r0", *(f"{text} AS {name}" for name, text in self._noted(target))]
        create = (
            f"CREATE TEMP TABLE {work} AS SELECT * FROM ({tables}SELECT {', '.join(columns)}{source}{rest}) GROUP BY r0"
        )
        change = f"DELETE FROM {relation.sql} WHERE rowid IN (SELECT r0 FROM temp.{work})"
        return ChangePlan(
            "DELETE",
            relation,
            (Command.of(change),),
            before=(Command.of(create),),
            after=(Command.of(f"DROP TABLE temp.{work}"),),
            outputs=self._worked_outputs(node.output, relation, target, work, deleted_gone=True),
        )

    # --- targets -------------------------------------------------------------------------------------------------

    def _target(
        self, target: nodes.ObjectName | nodes.VariableSource, sources: tuple[nodes.Source, ...]
    ) -> tuple[str, Bound]:
        """Bind FROM and find the source whose rows are changed."""
        self.scope = Scope()
        if sources:
            text = self._exposing(sources)
            found = self._among_sources(target)
            if found is not None:
                return text, found
            bound = self._bind_target(target)
            return f"{text} CROSS JOIN {bound}", self.scope.sources[-1]
        bound = self._bind_target(target)
        return f" FROM {bound}", self.scope.sources[-1]

    def _bind_target(self, target: nodes.ObjectName | nodes.VariableSource) -> str:
        if isinstance(target, nodes.VariableSource):
            return self.source(target)
        return self.source(nodes.TableSource(target, ""))

    def _exposing(self, sources: tuple[nodes.Source, ...]) -> str:
        """FROM, where a derived table alone may be the target and shows its row ids."""
        if len(sources) == 1 and isinstance(sources[0], nodes.QuerySource):
            return " FROM " + self.derived(sources[0], None, expose_row=True)
        return self.from_clause(sources)

    def _among_sources(self, target: nodes.ObjectName | nodes.VariableSource) -> Bound | None:
        name = target.name.lower()
        named = [bound for bound in self.scope.sources if bound.name.lower() == name]
        if named:
            return named[0]
        label = self._relation_label(target)
        same = [bound for bound in self.scope.sources if bound.relation is not None and bound.relation.sql == label]
        if len(same) > 1:
            raise SqlServerError(8154, f"The table '{target.name}' is ambiguous.", 16, 1, self.line)
        return same[0] if same else None

    def _relation_label(self, target: nodes.ObjectName | nodes.VariableSource) -> str:
        return self._relation(target).sql
