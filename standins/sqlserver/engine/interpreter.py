"""Batches and control flow, and what happens when a statement fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import apsw

from standins.sqlserver.contract import Cancelled, Sink, SqlServerError
from standins.sqlserver.engine import failures, messages
from standins.sqlserver.engine.raising import Raising, copy_of
from standins.sqlserver.engine.signals import BatchEnd, BreakSignal, ContinueSignal, ReturnSignal, ScopeEnd
from standins.sqlserver.engine.variables import Frame
from standins.sqlserver.tsql import nodes, statements, types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.script import parse_batch

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_MAX_NEST = 32
_MOST_COMBINATIONS = 500


class Interpreter:
    """Runs syntax trees for one session."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._try_depth = 0
        self._handlers: dict[type[statements.Statement], Callable[..., None]] = {}
        self._combinations: dict[object, nodes.Expression] = {}
        self._register()

    # --- batches -------------------------------------------------------------------------------------------------

    def batch(self, text: str, sink: Sink, frame: Frame | None = None) -> None:
        """A batch from the client: errors go to the sink."""
        session = self._session
        outer = session.frame
        session.frame = frame if frame is not None else Frame()
        self._try_depth = 0
        try:
            self._whole_batch(text, sink)
        finally:
            self.drop_frame(session.frame)
            session.frame = outer
        if session.transactions.doomed and session.transactions.count:
            text = "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back."
            session.transactions.abandon(sink)
            self.report(SqlServerError(3998, text, 16, 1), sink)

    def _whole_batch(self, text: str, sink: Sink) -> None:
        try:
            block = parse_batch(text)
        except SqlServerError as error:
            self.report(copy_of(error), sink)
            return
        except RecursionError:
            self.report(SqlServerError(191, "Some part of your SQL statement is nested too deeply.", 15, 1), sink)
            return
        try:
            self.block(block, sink)
        except (BatchEnd, ScopeEnd, ReturnSignal):
            pass
        except (BreakSignal, ContinueSignal):
            text = "Cannot use a BREAK statement outside the scope of a WHILE statement."
            self.report(SqlServerError(135, text, 15, 1), sink)

    def guarded(self, work: Callable[[], None], sink: Sink) -> None:
        """Work outside any batch: a failure is reported as a batch's would be."""
        try:  # noqa: SIM105 -- suppress() is another two calls for every request
            self.attempt(work, sink, 1)
        except (BatchEnd, ScopeEnd, ReturnSignal):
            pass

    def drop_frame(self, frame: Frame) -> None:
        """Table variables and temporary tables of a scope go with it; a batch's own temporary tables stay."""
        for name, table in frame.tables.items():
            if name not in frame.borrowed:
                self._session.definitions.temporaries.drop(table)
        if frame.nest:
            for name in frame.temporaries:
                table = self._session.temporary(name)
                if table is not None:
                    self._session.definitions.temporaries.drop(table)

    # --- statements ----------------------------------------------------------------------------------------------

    def block(self, block: statements.Block, sink: Sink) -> None:
        for statement in block.statements:
            self.statement(statement, sink)

    def statement(self, statement: statements.Statement, sink: Sink) -> None:
        handler = self._handlers.get(type(statement))
        if handler is None:
            raise unsupported(type(statement).__name__, statement.line)
        if isinstance(statement, _FLOW):
            handler(statement, sink)
            return
        if self._session.format_only and not isinstance(statement, _DESCRIBED):
            return
        if self._session.rights.restricted:
            self.attempt(lambda: self._allowed(statement, handler, sink), sink, statement.line)
        else:
            self.attempt(lambda: handler(statement, sink), sink, statement.line)

    def _allowed(self, statement: statements.Statement, handler: Callable[..., None], sink: Sink) -> None:
        self._session.checks.statement(statement)
        handler(statement, sink)

    def attempt(self, work: Callable[[], None], sink: Sink, line: int) -> None:
        """Run one statement; decide what its failure ends."""
        session = self._session
        if session.interrupted():
            raise Cancelled
        try:
            self._with_retry(work)
        except SqlServerError as error:
            self._failed(copy_of(error), sink, line)
        except apsw.Error as error:
            translated = failures.translate(error, session.spid)
            if not isinstance(translated, SqlServerError):
                raise translated from error
            self._failed(translated, sink, line)
        except UnicodeEncodeError:
            self._failed(unsupported("Half a surrogate pair in a string", line), sink, line)
        else:
            session.last_error = 0

    @staticmethod
    def _with_retry(work: Callable[[], None]) -> None:
        """A plan may be overtaken by another session's change of schema between its check and its run."""
        try:
            work()
        except failures.StaleSchema:
            try:
                work()
            except failures.StaleSchema as error:
                raise unsupported(f"This statement (SQLite: {error})") from None

    def _failed(self, error: SqlServerError, sink: Sink, line: int) -> None:
        session = self._session
        if error.number == 2628 and session.current.settings.compatibility_level < 150:
            error = SqlServerError(8152, "String or binary data would be truncated.", 16, 30)
        if error.line <= 1:
            error.line = line
        if not error.procedure:
            error.procedure = session.frame.label
        session.transactions.let_go()
        session.last_error = error.number
        session.row_count = 0
        aborts = error.number in failures.BATCH_ABORTING
        if self._try_depth and error.severity < 20:
            if session.transactions.count and (aborts or session.xact_abort):
                session.transactions.doomed = True
                if error.number == 1205:
                    session.transactions.abandon(sink)
            raise self._last(error)
        self.report(error, sink)
        self._end_after(error, sink, aborts=aborts)

    @staticmethod
    def _last(error: SqlServerError) -> SqlServerError:
        """Of several errors CATCH sees the last."""
        if not error.following:
            return error
        last = copy_of(error.following[-1])
        last.line, last.procedure = error.line, error.procedure
        return last

    def _end_after(self, error: SqlServerError, sink: Sink, *, aborts: bool) -> None:
        session = self._session
        scoped = error.number in failures.SCOPE_ABORTING
        thrown = getattr(error, "thrown", False)
        raised = getattr(error, "raised", False)
        if session.xact_abort and not raised and (session.transactions.count or not scoped):
            if session.transactions.count and not scoped:
                session.transactions.abandon(sink)
            if not scoped:
                raise BatchEnd
        if aborts:
            if session.transactions.count:
                session.transactions.abandon(sink)
            raise BatchEnd
        if thrown:
            raise BatchEnd
        if scoped:
            raise ScopeEnd
        if error.number in failures.STATEMENT_TERMINATED:
            sink.info(SqlServerError(3621, "The statement has been terminated.", 0, 0, error.line))

    def report(self, error: SqlServerError, sink: Sink) -> None:
        """Send an error, and those that come with it."""
        for item in error.following:
            item.line, item.procedure = error.line, error.procedure
        self._session.last_error = (error, *error.following)[-1].number
        sink.error(error)

    # --- control flow --------------------------------------------------------------------------------------------

    def _if(self, statement: statements.If, sink: Sink) -> None:
        if self._condition(statement.condition, statement.line, sink):
            self.statement(statement.then, sink)
        elif statement.otherwise is not None:
            self.statement(statement.otherwise, sink)

    def _condition(self, node: nodes.Expression, line: int, sink: Sink) -> bool | None:
        result: list[bool] = []
        self.attempt(lambda: result.append(self._session.querying.condition(node, line)), sink, line)
        return result[0] if result else None

    def _while(self, statement: statements.While, sink: Sink) -> None:
        while self._condition(statement.condition, statement.line, sink):
            if self._session.interrupted():
                raise Cancelled
            try:
                self.statement(statement.body, sink)
            except BreakSignal:
                break
            except ContinueSignal:
                continue

    def _try(self, statement: statements.TryCatch, sink: Sink) -> None:
        session = self._session
        frame = session.frame
        depth = self._try_depth
        self._try_depth = depth + 1
        try:
            self.block(statement.body, sink)
        except SqlServerError as error:
            session.frame = frame
            caught, session.caught = session.caught, error
            self._try_depth = depth
            try:
                self.block(statement.handler, sink)
            finally:
                session.caught = caught
        finally:
            self._try_depth = depth

    def _return(self, statement: statements.Return, _sink: Sink) -> None:
        if statement.value is None:
            raise ReturnSignal(None)
        target = self._session.calls.return_type
        value, _ = self._session.querying.value(statement.value, target or types.INT, statement.line)
        raise ReturnSignal(value)

    def _break(self, _statement: statements.Break, _sink: Sink) -> None:
        raise BreakSignal

    def _continue(self, _statement: statements.Continue, _sink: Sink) -> None:
        raise ContinueSignal

    def _wait(self, statement: statements.WaitFor, _sink: Sink) -> None:
        value, _ = self._session.querying.value(statement.delay, None, statement.line)
        parts = str(value).split(":")
        try:
            seconds = sum(float(part) * scale for part, scale in zip(parts, (3600, 60, 1), strict=False))
        except ValueError:
            raise SqlServerError(
                148, f"Incorrect time syntax in time string '{value}' used with WAITFOR.", 15, 1
            ) from None
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0:
            if self._session.interrupted():
                raise Cancelled
            time.sleep(min(rest, 0.05))

    # --- variables and settings ----------------------------------------------------------------------------------

    def _declare(self, statement: statements.Declare, _sink: Sink) -> None:
        session = self._session
        for item in statement.declarations:
            if item.columns is not None or (item.type is None and item.type_name is not None):
                session.definitions.temporaries.declare_table(item, statement.line)
                continue
            assert item.type is not None
            if item.name in session.frame.variables and _in_loop(session.frame, item):
                session.frame.variables[item.name].value = None
            else:
                session.frame.declare(item.name, item.type)
                session.frame.loop_declared.add(id(item))
            if item.initial is not None:
                value, _ = session.querying.value(item.initial, item.type, statement.line)
                session.frame.variables[item.name].value = value

    def _set_variable(self, statement: statements.SetVariable, _sink: Sink) -> None:
        session = self._session
        variable = session.frame.get(statement.name)
        node = statement.value
        if statement.operator != "=":
            node = self._combined(statement, statement.name, statement.operator[0], statement.value)
        variable.value, _ = session.querying.value(node, variable.type, statement.line)

    def _combined(self, key: object, name: str, operator: str, value: nodes.Expression) -> nodes.Expression:
        found = self._combinations.get(key)
        if found is None:
            found = nodes.Binary(operator, nodes.Variable(name), value)
            if len(self._combinations) >= _MOST_COMBINATIONS:
                self._combinations.clear()
            self._combinations[key] = found
        return found

    # --- dispatch ------------------------------------------------------------------------------------------------

    def _register(self) -> None:
        s, session = statements, self._session
        change = session.changing.change
        handlers: dict[type[statements.Statement], Callable[..., None]] = {
            s.Block: self.block, s.If: self._if, s.While: self._while, s.TryCatch: self._try, s.Return: self._return,
            s.Break: self._break, s.Continue: self._continue, s.WaitFor: self._wait,
            s.Declare: self._declare, s.SetVariable: self._set_variable,
            s.SetOption: session.administration.set_option, s.BeginTransaction: self._transaction,
            s.Commit: self._transaction,
            s.Rollback: self._transaction, s.SaveTransaction: self._transaction, s.Use: self._use,
            s.SelectStatement: session.querying.select, s.Insert: change, s.Update: change, s.Delete: change,
            s.Merge: change, s.Execute: session.calls.execute,
            s.NoOperation: self._nothing, s.InsertBulk: self._announce,
        }  # fmt: skip
        self._handlers.update(handlers)
        self._handlers.update(Raising(session).handlers())
        self._handlers.update(session.definitions.handlers())
        self._handlers.update(session.administration.handlers())
        self._handlers.update(session.databases.handlers())

    def _transaction(self, statement: statements.Statement, sink: Sink) -> None:
        session = self._session
        match statement:
            case statements.BeginTransaction():
                session.transactions.begin(sink)
            case statements.Commit():
                session.transactions.commit(sink)
            case statements.Rollback():
                session.transactions.rollback(sink, self._transaction_name(statement.name))
            case statements.SaveTransaction():
                session.transactions.save(self._transaction_name(statement.name))
            case _:
                raise unsupported(type(statement).__name__, statement.line)

    def _use(self, statement: statements.Use, sink: Sink) -> None:
        self._session.use(statement.database, sink)

    def _announce(self, statement: statements.InsertBulk, _sink: Sink) -> None:
        self._session.bulk.announce(statement)

    @staticmethod
    def _nothing(_statement: statements.NoOperation, sink: Sink) -> None:
        sink.done(None)

    def _transaction_name(self, name: str) -> str:
        if not name.startswith("@"):
            return name
        return str(self._session.frame.get(name).value or "")


#: What still does something under SET FMTONLY ON.
_DESCRIBED = (statements.SelectStatement, statements.SetOption, statements.Declare, statements.SetVariable)
_FLOW = (
    statements.Block,
    statements.If,
    statements.While,
    statements.TryCatch,
    statements.Break,
    statements.Continue,
    statements.Execute,
)


def _in_loop(frame: Frame, item: statements.Declaration) -> bool:
    """DECLARE inside a loop is one declaration, however often it is passed."""
    return id(item) in frame.loop_declared


def check_nesting(nest: int) -> None:
    if nest > _MAX_NEST:
        text = f"Maximum stored procedure, function, trigger, or view nesting level exceeded (limit {_MAX_NEST})."
        raise messages.SqlServerError(217, text, 16, 1)
