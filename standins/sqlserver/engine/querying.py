"""Queries: plans are looked up or made, run on SQLite, and their rows streamed into the sink."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apsw

from standins.sqlserver.contract import Column, Sink, SqlServerError, SqlType
from standins.sqlserver.engine import failures
from standins.sqlserver.engine.catalog import views as catalog_views
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.lookup import Lookup
from standins.sqlserver.engine.model import Model
from standins.sqlserver.engine.security.needs import Need, needs_of
from standins.sqlserver.engine.sqlite import Cursor
from standins.sqlserver.engine.values import Stored, row_decoder
from standins.sqlserver.tsql import collations, nodes, statements, types
from standins.sqlserver.tsql.translate.merge import StatementTranslator
from standins.sqlserver.tsql.translate.plan import ChangePlan, Command, SelectPlan
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
    needs: tuple[Need, ...]


class Querying:
    """What a session does with data."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._own: dict[Any, Prepared] = {}
        self._catalogs: dict[str, Model] = {}

    def forget(self) -> None:
        """After a reset or a roll-back: temporary objects may be gone."""
        self._own.clear()
        self._catalogs.clear()

    # --- plans ---------------------------------------------------------------------------------------------------

    def prepare(self, node: object, make: Callable[[StatementTranslator], Plan], line: int) -> Prepared:
        """The plan of a statement this session may run."""
        prepared = self._prepared(node, make, line)
        session = self._session
        # what a module names belongs to the module's owner, who let the caller run it
        if prepared.needs and session.rights.restricted and not session.frame.procedure_id:
            for need in prepared.needs:
                session.checks.require(need)
        return prepared

    def _prepared(self, node: object, make: Callable[[StatementTranslator], Plan], line: int) -> Prepared:
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
            node,
            plan,
            names.models,
            names.catalogs,
            names.temporary,
            session.temporary_version,
            row_decoder(columns),
            needs_of(node, plan, names.used),
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
        self._session.transactions.before_read(locking=plan.locking, reads=bool(prepared.models or prepared.temporary))
        self.materialise(prepared.catalogs)
        if self._session.format_only:
            self.stream((), plan.columns, None, sink)
            sink.done(None, select=True)
        elif plan.targets:
            self._assign(plan)
        elif plan.into is not None:
            if self._session.rights.restricted and not plan.into.temporary:
                self._session.checks.require_in_database("CREATE TABLE")
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
        key = _Targeted(node, target)
        prepared = self.prepare(key, lambda translator: translator.scalar(node, target), line)
        row = self._one(prepared)
        assert isinstance(prepared.plan, SelectPlan)
        return (row[0] if row is not None else None), target or prepared.plan.columns[0].type

    def _one(self, prepared: Prepared) -> Sequence[Any] | None:
        plan = prepared.plan
        assert isinstance(plan, SelectPlan)
        self._session.transactions.before_read(locking=plan.locking, reads=bool(prepared.models))
        self.materialise(prepared.catalogs)
        try:
            cursor = self.run_command(plan.command)
            row = cursor.fetchone()
            cursor.close(True)
        except apsw.Error as error:
            raise self.translate_error(error) from None
        return row


@dataclass(frozen=True, slots=True)
class _Targeted:
    """Cache key of an expression converted to a variable's type."""

    node: nodes.Expression
    target: SqlType | None


def _catalog_column(name: str, kind: SqlType) -> str:
    collation = collations.for_type(kind, collations.SERVER_DEFAULT if kind.name in types.STRINGS else "")
    return f"{quote(name)} {types.storage_class(kind)}{' COLLATE ' + collation if collation else ''}"
