"""Queries and changes of rows: plans are looked up or made, run on SQLite, and their rows streamed into the sink."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apsw

from standins.sqlserver.contract import Cancelled, Column, Sink, SqlServerError, SqlType
from standins.sqlserver.engine import failures
from standins.sqlserver.engine.catalog import views as catalog_views
from standins.sqlserver.engine.database import Database, save_counter
from standins.sqlserver.engine.lookup import Lookup
from standins.sqlserver.engine.model import Model, TableModel
from standins.sqlserver.engine.physical import table_name
from standins.sqlserver.engine.sqlite import Cursor
from standins.sqlserver.engine.values import Stored, row_decoder
from standins.sqlserver.engine.violations import Violations
from standins.sqlserver.tsql import collations, nodes, statements, types
from standins.sqlserver.tsql.translate.merge import StatementTranslator
from standins.sqlserver.tsql.translate.names import Relation
from standins.sqlserver.tsql.translate.plan import ChangePlan, Command, OutputPlan, SelectPlan
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

Plan = SelectPlan | ChangePlan


@dataclass(slots=True)
class Prepared:
    """A plan with what it depends on."""

    node: object
    plan: Plan
    models: list[tuple[Database, Model]]
    catalogs: list[tuple[str, Database]]
    temporary: bool
    temporary_version: int
    decode: Callable[[Sequence[Any]], Sequence[Any]] | None


class Querying:
    """What a session does with data."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._own: dict[Any, Prepared] = {}
        self._catalogs: dict[str, Model] = {}
        self._violations = Violations(session)

    def forget(self) -> None:
        """After a reset or a roll-back: temporary objects may be gone."""
        self._own.clear()
        self._catalogs.clear()

    # --- plans ---------------------------------------------------------------------------------------------------

    def prepare(self, node: object, make: Callable[[StatementTranslator], Plan], line: int) -> Prepared:
        session = self._session
        key = (node, session.current.name, session.frame.signature, session.current.settings.compatibility_level)
        found = self._own.get(key) or session.server.plans.get(key)
        if found is not None and self._valid(found):
            return found
        names = Lookup(session, session.frame, session.current)
        translator = StatementTranslator(names)
        translator.line = line
        try:
            plan = make(translator)
        except SqlServerError as error:
            if error.line == 1:
                error.line = line
            raise
        except RecursionError:
            raise SqlServerError(191, "Some part of your SQL statement is nested too deeply.", 15, 1, line) from None
        columns = plan.columns if isinstance(plan, SelectPlan) else ()
        prepared = Prepared(
            node, plan, names.models, names.catalogs, names.temporary, session.temporary_version, row_decoder(columns)
        )
        plans = self._own if prepared.temporary or session.identity_insert is not None else session.server.plans
        if len(plans) > 3000:
            plans.clear()
        if session.identity_insert is None:
            plans[key] = prepared
        return prepared

    def _valid(self, prepared: Prepared) -> bool:
        session = self._session
        if prepared.temporary and prepared.temporary_version != session.temporary_version:
            return False
        if session.identity_insert is not None and isinstance(prepared.plan, ChangePlan):
            return False
        link = session.link
        for database, model in prepared.models:
            if session.server.find(database.name) is not database:
                return False
            if not link.uses(database):
                session.check_access(database)
                link.attach(database)
            if link.model(database) is not model:
                return False
        return True

    def run_command(self, command: Command) -> Cursor:
        """Bind and start; the first row may already be computed."""
        session = self._session
        frame, environment = session.frame, session.environment
        values: list[Any] = []
        for name in command.parameters:
            if name[0] == "!":
                values.append(environment.constant(name[1:]))
            else:
                values.append(frame.get(name).value)
        return session.link.raw.execute(command.sql, values)

    def translate_error(self, error: apsw.Error) -> Exception:
        return failures.translate(error, self._session.spid)

    # --- catalog views -------------------------------------------------------------------------------------------

    def materialise(self, catalogs: Iterable[tuple[str, Database]]) -> None:
        for key, database in catalogs:
            view = catalog_views.get(key)
            name = catalog_views.table_name(key, database)
            model = self._session.link.model(database)
            if not view.volatile and self._catalogs.get(name) is model:
                continue
            rows = list(view.rows(self._session, database))
            raw = self._session.link.raw
            columns = ", ".join(_catalog_column(column, kind) for column, kind in view.columns)
            raw.execute(f"DROP TABLE IF EXISTS temp.{quote(name)}; CREATE TEMP TABLE {quote(name)} ({columns})")
            marks = ", ".join("?" for _ in view.columns)
            raw.executemany(f"INSERT INTO temp.{quote(name)} VALUES ({marks})", rows)
            self._catalogs[name] = model

    # --- SELECT --------------------------------------------------------------------------------------------------

    def select(self, statement: statements.SelectStatement, sink: Sink) -> None:
        query = statement.query
        prepared = self.prepare(statement, lambda translator: translator.select(query), statement.line)
        plan = prepared.plan
        assert isinstance(plan, SelectPlan)
        self._session.before_read(locking=plan.locking, reads=bool(prepared.models or prepared.temporary))
        self.materialise(prepared.catalogs)
        if self._session.format_only:
            self.stream((), plan.columns, None, sink)
            sink.done(None, select=True)
        elif plan.targets:
            self._assign(plan)
        elif plan.into is not None:
            self._session.definitions.select_into(plan, sink)
        else:
            self._send(prepared, plan, sink)

    def _send(self, prepared: Prepared, plan: SelectPlan, sink: Sink) -> None:
        try:
            cursor = self.run_command(plan.command)
        except apsw.Error as error:
            raise self.translate_error(error) from None
        try:
            count = self.stream(cursor, plan.columns, prepared.decode, sink)
        finally:
            cursor.close(True)
        self._session.row_count = count
        sink.done(None if self._session.no_count else count, select=True)

    def stream(
        self,
        rows: Iterable[Sequence[Any]],
        columns: Sequence[Column],
        decode: Callable[[Sequence[Any]], Sequence[Any]] | None,
        sink: Sink,
    ) -> int:
        """Send a result set; the number of rows."""
        count, limit = 0, self._session.row_limit
        sink.columns(columns)
        row = sink.row
        try:
            for values in rows:
                row(values if decode is None else decode(values))
                count += 1
                if count == limit:
                    break
        except apsw.Error as error:
            raise self.translate_error(error) from None
        return count

    def _assign(self, plan: SelectPlan) -> None:
        """SELECT @x = …: every row assigns, so the last one stays; without rows nothing changes."""
        count = 0
        last: Sequence[Any] | None = None
        try:
            for values in self.run_command(plan.command):
                count += 1
                last = values
        except apsw.Error as error:
            raise self.translate_error(error) from None
        if not plan.assigning and last is not None:
            for (name, _), column, value in zip(plan.targets, plan.columns, last, strict=True):
                self._session.assign(name, value, column.type)
        self._session.row_count = count

    # --- conditions and values -----------------------------------------------------------------------------------

    def condition(self, node: nodes.Expression, line: int) -> bool:
        prepared = self.prepare(node, lambda translator: translator.condition(node), line)
        row = self._one(prepared)
        return bool(row[0]) if row is not None else False

    def value(self, node: nodes.Expression, target: SqlType | None, line: int) -> tuple[Stored, SqlType]:
        """An expression's value, converted for a variable of type ``target``."""
        if isinstance(node, nodes.Literal) and node.value is None:
            return None, target or types.INT
        key = _Targeted.of(node, target)
        prepared = self.prepare(key, lambda translator: translator.scalar(node, target), line)
        row = self._one(prepared)
        assert isinstance(prepared.plan, SelectPlan)
        return (row[0] if row is not None else None), target or prepared.plan.columns[0].type

    def _one(self, prepared: Prepared) -> Sequence[Any] | None:
        plan = prepared.plan
        assert isinstance(plan, SelectPlan)
        self._session.before_read(locking=plan.locking, reads=bool(prepared.models))
        self.materialise(prepared.catalogs)
        try:
            cursor = self.run_command(plan.command)
            row = cursor.fetchone()
            cursor.close(True)
        except apsw.Error as error:
            raise self.translate_error(error) from None
        return row

    # --- INSERT, UPDATE, DELETE, MERGE ---------------------------------------------------------------------------

    def change(
        self, statement: statements.Statement, make: Callable[[StatementTranslator], ChangePlan], sink: Sink
    ) -> None:
        prepared = self.prepare(statement, make, statement.line)
        plan = prepared.plan
        assert isinstance(plan, ChangePlan)
        rows = self._executed_rows(plan, sink) if plan.execute is not None else None
        self._session.before_write(self._database_of(plan.relation))
        self.materialise(prepared.catalogs)
        with self._session.statement_transaction():
            count, results = self._change(plan, rows)
            if plan.explicit_identity and count:
                self._follow_explicit_identity(plan)
            self._session.save_counters()
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
        if relation.database == "tempdb":
            table, owner = session.temporary_by_id(relation.object_id), session.tempdb
        else:
            database = session.server.find(relation.database)
            assert database is not None
            found = session.link.model(database).table_by_id(relation.object_id)
            assert found is not None
            table, owner = found, database
        assert table.identity is not None
        assert table.identity.identity is not None
        function = "max" if table.identity.identity[1] > 0 else "min"
        row = session.link.raw.execute(
            f"SELECT {function}({quote(table.identity.name)}) FROM {relation.sql}"
        ).fetchone()
        if row is not None and row[0] is not None:
            owner.raise_identity(table, int(row[0]))
            session.note_identity(relation.database, relation.object_id, owner.identities[relation.object_id])

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
            raise self.translate_error(error) from None

    def _change_steps(
        self, plan: ChangePlan, rows: list[tuple[Stored, ...]] | None
    ) -> tuple[int, list[tuple[OutputPlan, list[tuple[Any, ...]]]]]:
        for command in plan.before:
            self.run_command(command).fetchall()
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
            found = returned if output.command is None else self.run_command(output.command).fetchall()
            results.append((output, found))
            if output.target is not None:
                for row in found:
                    self._insert_row(output.target, row)
        for command in plan.after:
            self.run_command(command).fetchall()
        return count, results

    def _run_change(self, command: Command, row: tuple[Stored, ...] | None) -> tuple[int, list[tuple[Any, ...]]]:
        raw = self._session.link.raw
        before = raw.total_changes()
        cursor = self.run_command(command) if row is None else self._bind_row(command, row)
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
            raise self.translate_error(error) from None
        return count

    def _report(self, output: OutputPlan, rows: list[tuple[Any, ...]], sink: Sink) -> None:
        if output.variables:
            if rows:
                for name, column, value in zip(output.variables, output.columns, rows[-1], strict=True):
                    self._session.assign(name, value, column.type)
            return
        if output.target is not None:
            return
        self.stream(rows, output.columns, row_decoder(output.columns), sink)

    def _executed_rows(self, plan: ChangePlan, sink: Sink) -> list[tuple[Stored, ...]]:
        """INSERT … EXEC: the rows of every result set the procedure sends, as stored values of the target's columns."""
        assert plan.execute is not None
        return self._session.calls.collect(plan.execute, plan.relation, sink)

    # --- INTO ----------------------------------------------------------------------------------------------------

    def insert_select(self, table: TableModel, schema: str, command: Command) -> int:
        columns = ", ".join(quote(column.name) for column in table.columns)
        target = f"{schema}.{quote(table_name(table))}"
        try:
            self.run_command(Command(f"INSERT INTO {target} ({columns}) {command.sql}", command.parameters)).fetchall()
        except apsw.Error as error:
            raise self.translate_error(error) from None
        return self._session.link.raw.changes()

    def save_counter(self, database: Database, name: str, value: int) -> None:
        save_counter(self._session.link.raw, database.alias, name, value)


@dataclass(frozen=True, slots=True)
class _Targeted:
    """Cache key of an expression converted to a variable's type."""

    node: nodes.Expression
    target: SqlType | None

    @classmethod
    def of(cls, node: nodes.Expression, target: SqlType | None) -> _Targeted:
        return cls(node, target)


def _catalog_column(name: str, kind: SqlType) -> str:

    collation = collations.for_type(kind, collations.SERVER_DEFAULT if kind.name in types.STRINGS else "")
    return f"{quote(name)} {types.storage_class(kind)}{' COLLATE ' + collation if collation else ''}"
