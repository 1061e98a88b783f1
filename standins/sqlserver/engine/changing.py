"""INSERT, UPDATE, DELETE and MERGE: a plan's steps run as one, their OUTPUT sent, what they broke explained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import apsw

from standins.sqlserver.contract import Cancelled, Sink
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.model import TableModel
from standins.sqlserver.engine.physical import table_name
from standins.sqlserver.engine.sqlite import Cursor
from standins.sqlserver.engine.values import Stored, row_decoder
from standins.sqlserver.engine.violations import Violations
from standins.sqlserver.tsql import statements
from standins.sqlserver.tsql.translate.names import Relation
from standins.sqlserver.tsql.translate.plan import ChangePlan, Command, OutputPlan
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


class Changing:
    """How a session writes rows."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._querying = session.querying
        self._violations = Violations(session)

    def change(self, statement: statements.Statement, sink: Sink) -> None:
        """INSERT, UPDATE, DELETE or MERGE."""
        prepared = self._querying.prepare(statement, lambda translator: translator.change(statement), statement.line)
        plan = prepared.plan
        assert isinstance(plan, ChangePlan)
        rows = self._executed_rows(plan, sink) if plan.execute is not None else None
        self._session.transactions.before_write(self._database_of(plan.relation))
        self._querying.materialise(prepared.catalogs)
        with self._session.transactions.statement():
            count, results = self._change(plan, rows)
            if plan.explicit_identity and count:
                self._follow_explicit_identity(plan)
            self._session.transactions.save_counters()
        for output, found in results:
            self._report(output, found, sink)
        self._session.row_count = count
        if (
            plan.outputs
            and plan.outputs[0].target is None
            and plan.outputs[0].columns
            and not plan.outputs[0].variables
        ):
            sink.done(None if self._session.no_count else count, select=True)
        else:
            sink.done(None if self._session.no_count else count)

    def _follow_explicit_identity(self, plan: ChangePlan) -> None:
        """After SET IDENTITY_INSERT ON the next generated value follows the largest there is."""
        relation, session = plan.relation, self._session
        table, owner = session.counted_table(relation.database, relation.object_id)
        assert table.identity is not None
        assert table.identity.identity is not None
        function = "max" if table.identity.identity[1] > 0 else "min"
        row = session.link.raw.execute(
            f"SELECT {function}({quote(table.identity.name)}) FROM {relation.sql}"
        ).fetchone()
        if row is not None and row[0] is not None:
            owner.raise_identity(table, int(row[0]))
            session.transactions.note_identity(
                relation.database, relation.object_id, owner.identities[relation.object_id]
            )

    def _database_of(self, relation: Relation) -> Database | None:
        if relation.database == "tempdb":
            return None
        return self._session.server.find(relation.database)

    def _change(
        self, plan: ChangePlan, rows: list[tuple[Stored, ...]] | None
    ) -> tuple[int, list[tuple[OutputPlan, list[tuple[Any, ...]]]]]:
        link = self._session.link
        several = len(plan.changes) > 1 or plan.before or plan.outputs or rows is not None
        try:
            if not several:
                return sum(self._run_change(command, None)[0] for command in plan.changes), []
            with link.atomic():
                return self._change_steps(plan, rows)
        except apsw.ConstraintError as error:
            raise self._violations.explain(error, plan, rows) from None
        except apsw.Error as error:
            raise self._querying.translate_error(error) from None

    def _change_steps(
        self, plan: ChangePlan, rows: list[tuple[Stored, ...]] | None
    ) -> tuple[int, list[tuple[OutputPlan, list[tuple[Any, ...]]]]]:
        for command in plan.before:
            self._querying.run_command(command).fetchall()
        count = 0
        returned: list[tuple[Any, ...]] = []
        for command in plan.changes:
            if rows is None:
                changed, found = self._run_change(command, None)
                count += changed
                returned += found
            else:
                for row in rows:
                    changed, found = self._run_change(command, row)
                    count += changed
                    returned += found
        results: list[tuple[OutputPlan, list[tuple[Any, ...]]]] = []
        for output in plan.outputs:
            found = returned if output.command is None else self._querying.run_command(output.command).fetchall()
            results.append((output, found))
            if output.target is not None:
                for row in found:
                    self._insert_row(output.target, row)
        for command in plan.after:
            self._querying.run_command(command).fetchall()
        return count, results

    def _run_change(self, command: Command, row: tuple[Stored, ...] | None) -> tuple[int, list[tuple[Any, ...]]]:
        raw = self._session.link.raw
        before = raw.total_changes()
        cursor = self._querying.run_command(command) if row is None else self._bind_row(command, row)
        found = cursor.fetchall()
        return (raw.changes() if raw.total_changes() != before else 0), found

    def _bind_row(self, command: Command, row: Sequence[Stored]) -> Cursor:
        environment = self._session.environment
        values = [
            row[int(name[1:])] if name[1:].isdigit() else environment.constant(name[1:]) for name in command.parameters
        ]
        return self._session.link.raw.execute(command.sql, values)

    def _insert_row(self, command: Command, row: Sequence[Stored]) -> None:
        self._bind_row(command, row).fetchall()

    def _report(self, output: OutputPlan, rows: list[tuple[Any, ...]], sink: Sink) -> None:
        if output.variables:
            if rows:
                for name, column, value in zip(output.variables, output.columns, rows[-1], strict=True):
                    self._session.assign(name, value, column.type)
            return
        if output.target is not None:
            return
        self._querying.stream(rows, output.columns, row_decoder(output.columns), sink)

    def _executed_rows(self, plan: ChangePlan, sink: Sink) -> list[tuple[Stored, ...]]:
        """INSERT … EXEC: the rows of every result set the procedure sends, as stored values of the target's columns."""
        assert plan.execute is not None
        return self._session.calls.collect(plan.execute, plan.relation, sink)

    # --- rows without a statement --------------------------------------------------------------------------------

    def insert_rows(self, relation: Relation, command: Command, rows: Iterable[Sequence[Stored]]) -> int:
        """Rows from outside SQL: bulk load, INSERT … EXEC into table variables."""
        count = 0
        plan = ChangePlan("INSERT", relation, (command,))
        try:
            with self._session.link.atomic():
                for row in rows:
                    self._insert_row(command, row)
                    count += 1
                    if count % 1000 == 0 and self._session.interrupted():
                        raise Cancelled
        except apsw.ConstraintError as error:
            raise self._violations.explain(error, plan, None) from None
        except apsw.Error as error:
            raise self._querying.translate_error(error) from None
        return count

    def insert_select(self, table: TableModel, schema: str, command: Command) -> int:
        """SELECT … INTO; the number of rows."""
        columns = ", ".join(quote(column.name) for column in table.columns)
        target = f"{schema}.{quote(table_name(table))}"
        try:
            self._querying.run_command(
                Command(f"INSERT INTO {target} ({columns}) {command.sql}", command.parameters)
            ).fetchall()
        except apsw.Error as error:
            raise self._querying.translate_error(error) from None
        return self._session.link.raw.changes()
