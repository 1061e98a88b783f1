"""EXECUTE: procedures, functions, dynamic SQL, and INSERT … EXEC."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import Sink, SqlServerError, SqlType
from standins.sqlserver.engine import messages
from standins.sqlserver.engine.arguments import Given
from standins.sqlserver.engine.collecting import Collector
from standins.sqlserver.engine.convert import between
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.interpreter import check_nesting
from standins.sqlserver.engine.model import ModuleModel
from standins.sqlserver.engine.raising import copy_of
from standins.sqlserver.engine.security.needs import Need
from standins.sqlserver.engine.signals import ReturnSignal, ScopeEnd
from standins.sqlserver.engine.stored import module_definition
from standins.sqlserver.engine.systemprocedures import find_procedure
from standins.sqlserver.engine.values import Stored, store
from standins.sqlserver.engine.variables import Frame
from standins.sqlserver.tsql import ddl, nodes, statements, types
from standins.sqlserver.tsql.script import parse_batch, parse_declarations, parse_name
from standins.sqlserver.tsql.translate.conversion import fits
from standins.sqlserver.tsql.translate.names import Relation

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


class Calling:
    """What EXEC does in one session."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self.return_type: SqlType | None = None

    # --- EXEC ----------------------------------------------------------------------------------------------------

    def execute(self, statement: statements.Execute, sink: Sink) -> None:
        interpreter = self._session.interpreter
        interpreter.attempt(lambda: self._execute(statement, sink), sink, statement.line)

    def _execute(self, statement: statements.Execute, sink: Sink) -> None:
        if statement.text is not None:
            value, _ = self._session.querying.value(statement.text, types.NVARCHAR_MAX, statement.line)
            self.dynamic(str(value or ""), Frame(nest=self._session.frame.nest + 1), sink)
            return
        name = statement.name
        if name is None:
            text = self._session.frame.get(statement.variable).value
            name = parse_name(str(text or ""))
        given = [self._given(argument, statement.line) for argument in statement.arguments]
        status = self.procedure(name, given, sink)
        for item in given:
            if item.output:
                self._session.assign(item.output, item.value, item.type)
        if statement.target:
            self._session.assign(statement.target, status, types.INT)

    def _given(self, argument: statements.Argument, line: int) -> Given:
        node = argument.value
        if isinstance(node, nodes.Name):  # a bare word is text
            return Given(argument.name, node.parts[0], types.nvarchar(4000))
        if isinstance(node, nodes.Default):
            return Given(argument.name, None, types.NULL, default=True)
        if isinstance(node, nodes.Variable) and node.name in self._session.frame.tables:
            item = Given(argument.name, None, types.NULL)
            item.table = self._session.frame.tables[node.name]
            return item
        value, kind = self._session.querying.value(node, None, line)
        output = node.name if argument.output and isinstance(node, nodes.Variable) else ""
        return Given(argument.name, value, kind, output)

    def procedure(self, name: nodes.ObjectName, given: list[Given], sink: Sink) -> int:
        """Run a procedure; its return status."""
        found = self._find(name)
        if found is not None:
            module, database = found
            if self._session.rights.restricted and not self._session.frame.procedure_id:
                self._session.checks.require(Need("EXECUTE", database, module.schema, module.name, module.object_id))
            return self._user_procedure(module, database, given, sink)
        system = find_procedure(name)
        if system is None:
            raise messages.procedure_missing(str(name))
        return system(self._session, given, sink)

    def _find(self, name: nodes.ObjectName) -> tuple[ModuleModel, Database] | None:
        database = self._session.current
        if name.database:
            other = self._session.server.find(name.database)
            if other is None:
                raise messages.database_missing(name.database)
            self._session.check_access(other)
            database = other
        self._session.link.attach(database)
        module = self._session.link.model(database).module(name.schema, name.name)
        return (module, database) if module is not None and module.kind == "PROCEDURE" else None

    def _user_procedure(self, module: ModuleModel, database: Database, given: list[Given], sink: Sink) -> int:
        session = self._session
        definition = module_definition(module)
        frame = Frame(module.name, session.frame.nest + 1)
        frame.procedure_id = module.object_id
        check_nesting(frame.nest)
        assigned = self._bind(definition.parameters, given, module, frame)
        assert definition.body is not None
        status = self._run(definition.body, frame, database, sink, None)
        for parameter, item in assigned:
            if parameter.output:
                item.value, item.type = frame.variables[parameter.name].value, frame.variables[parameter.name].type
        return int(status or 0)

    def _run(
        self, body: statements.Statement, frame: Frame, database: Database, sink: Sink, returns: SqlType | None
    ) -> Stored:
        """Run a module's body in its own frame, in the database it belongs to."""
        session = self._session
        outer, home, before = session.frame, session.current, self.return_type
        depth = session.transactions.count
        no_count, xact_abort = session.no_count, session.xact_abort
        frame.caller = outer
        session.frame, session.current, self.return_type = frame, database, returns
        status: Stored = None
        try:
            session.interpreter.statement(body, sink)
        except ReturnSignal as signal:
            status = signal.value
        except ScopeEnd:
            status = -6
        finally:
            session.interpreter.drop_frame(frame)
            session.frame, session.current, self.return_type = outer, home, before
            session.no_count, session.xact_abort = no_count, xact_abort
        if session.transactions.count != depth and returns is None:
            text = (
                "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. "
                "Previous "
                f"count = {depth}, current count = {session.transactions.count}."
            )
            error = SqlServerError(266, text, 16, 2)
            error.procedure = frame.label
            session.interpreter.report(error, sink)
        return status

    def _bind(
        self,
        parameters: Sequence[ddl.ParameterDefinition],
        given: list[Given],
        module: ModuleModel,
        frame: Frame,
    ) -> list[tuple[ddl.ParameterDefinition, Given]]:
        """Arguments to parameters, by place and by name."""
        by_name = {parameter.name: parameter for parameter in parameters}
        chosen: dict[str, Given] = {}
        for place, item in enumerate(given):
            if item.name:
                if item.name not in by_name:
                    text = f"{item.name} is not a parameter for procedure {module.name}."
                    raise SqlServerError(8145, text, 16, 2)
                chosen[item.name] = item
            elif place >= len(parameters):
                text = f"Procedure or function {module.name} has too many arguments specified."
                raise SqlServerError(8144, text, 16, 2)
            else:
                chosen[parameters[place].name] = item
        assigned: list[tuple[ddl.ParameterDefinition, Given]] = []
        for parameter in parameters:
            item = chosen.get(parameter.name)
            if item is not None and item.table is not None:
                frame.tables[parameter.name] = item.table
                frame.borrowed.add(parameter.name)
                continue
            if parameter.type is None:
                self._session.definitions.temporaries.declare_empty(parameter, frame)
                continue
            frame.declare(parameter.name, parameter.type)
            if item is None or item.default:
                self._default(parameter, module, frame)
                continue
            outer, self._session.frame = self._session.frame, frame
            try:
                self._session.assign(parameter.name, item.value, item.type)
            finally:
                self._session.frame = outer
            assigned.append((parameter, item))
        return assigned

    def _default(self, parameter: ddl.ParameterDefinition, module: ModuleModel, frame: Frame) -> None:
        if parameter.default is None:
            text = (
                f"Procedure or function '{module.name}' expects parameter '{parameter.name}', which was not supplied."
            )
            raise SqlServerError(201, text, 16, 4)
        value, _ = self._session.querying.value(parameter.default, parameter.type, 1)
        frame.variables[parameter.name].value = value

    # --- dynamic SQL ---------------------------------------------------------------------------------------------

    def dynamic(self, text: str, frame: Frame, sink: Sink) -> None:
        """``EXEC ('…')`` and sp_executesql: a batch of its own, inside the caller's."""
        session = self._session
        check_nesting(frame.nest)
        block = parse_batch(text)
        outer, home = session.frame, session.current
        frame.caller = outer
        session.frame = frame
        try:
            session.interpreter.block(block, sink)
        except (ScopeEnd, ReturnSignal):
            pass
        finally:
            session.interpreter.drop_frame(frame)
            session.frame = outer
            if session.current is not home:
                self._return_home(home, sink)

    def _return_home(self, home: Database, sink: Sink) -> None:
        """USE inside dynamic SQL lasts as long as the dynamic SQL."""
        old = self._session.current.name
        self._session.current = home
        sink.database_changed(old, home.name)

    def execute_sql(self, given: list[Given], sink: Sink) -> int:
        """sp_executesql."""
        if not given:
            text = "Procedure or function 'sp_executesql' expects parameter '@statement', which was not supplied."
            raise SqlServerError(201, text, 16, 10)
        if given[0].type.name not in types.UNICODE:
            text = "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'."
            raise SqlServerError(214, text, 16, 2)
        declared = parse_declarations(str(given[1].value or "")) if len(given) > 1 else ()
        frame = Frame(nest=self._session.frame.nest + 1)
        module = ModuleModel(0, "", "sp_executesql", "PROCEDURE", "")
        assigned = self._bind(declared, given[2:], module, frame)
        self.dynamic(str(given[0].value or ""), frame, sink)
        for parameter, item in assigned:
            if parameter.output:
                item.value, item.type = frame.variables[parameter.name].value, frame.variables[parameter.name].type
        return 0

    # --- functions -----------------------------------------------------------------------------------------------

    def _function(self, database_id: int, object_id: int) -> tuple[ModuleModel, Database, ddl.CreateModule]:
        session = self._session
        database = next(known for known in session.server.all_databases() if known.id == database_id)
        module = next(m for m in session.link.model(database).modules if m.object_id == object_id)
        return module, database, module_definition(module)

    def scalar_function(self, database_id: int, object_id: int, *arguments: Stored) -> Stored:
        """A scalar function, called from inside a running SQLite statement."""
        module, database, definition = self._function(database_id, object_id)
        frame = self._function_frame(module, definition, arguments)
        assert definition.body is not None
        if "RETURNS NULL" in definition.options and any(argument is None for argument in arguments):
            return None
        return self._quietly(definition.body, frame, database, definition.returns)

    def _function_frame(self, module: ModuleModel, definition: ddl.CreateModule, arguments: Sequence[Stored]) -> Frame:
        frame = Frame(module.name, self._session.frame.nest + 1)
        frame.procedure_id = module.object_id
        check_nesting(frame.nest)
        for parameter, value in zip(definition.parameters, arguments, strict=True):
            assert parameter.type is not None
            frame.declare(parameter.name, parameter.type, value)
        return frame

    def _quietly(self, body: statements.Statement, frame: Frame, database: Database, returns: SqlType | None) -> Stored:
        collector = Collector()
        result = self._run(body, frame, database, collector, returns or types.INT)
        if collector.errors:
            raise copy_of(collector.errors[0])
        return result

    def table_function(self, database_id: int, object_id: int, *arguments: Stored) -> str:
        """A multi-statement table-valued function; its rows as JSON."""
        module, database, definition = self._function(database_id, object_id)
        frame = self._function_frame(module, definition, arguments)
        assert definition.body is not None
        assert definition.returns_table is not None
        session = self._session
        outer, session.frame = session.frame, frame
        try:
            session.definitions.temporaries.declare_table(definition.returns_table, 1)
        finally:
            session.frame = outer
        table = frame.tables.pop(definition.returns_table.name)
        kept = Frame(module.name, frame.nest)
        kept.procedure_id = module.object_id
        kept.variables, kept.signature = frame.variables, frame.signature
        kept.tables = {definition.returns_table.name: table}
        kept.borrowed.add(definition.returns_table.name)
        try:
            self._quietly(definition.body, kept, database, types.INT)
            rows = session.link.raw.execute(f'SELECT * FROM temp."{table.name}"').fetchall()
        finally:
            session.definitions.temporaries.drop(table)
        return json.dumps([[_plain(value) for value in row] for row in rows], ensure_ascii=False)

    # --- INSERT … EXEC -------------------------------------------------------------------------------------------

    def collect(self, statement: statements.Execute, relation: Relation, sink: Sink) -> list[tuple[Stored, ...]]:
        """The rows of all result sets, as stored values converted to the types of the target's columns."""
        collector = Collector(sink)
        self._execute(statement, collector)
        targets = [column for column in relation.columns if not column.identity and not column.rowversion]
        found: list[tuple[Stored, ...]] = []
        for columns, rows in collector.results:
            if len(columns) != len(targets):
                text = "Column name or number of supplied values does not match table definition."
                raise SqlServerError(213, text, 16, 7)
            converters = [
                None if fits(column.type, target.type) else between(column.type, _unlimited(target.type))
                for column, target in zip(columns, targets, strict=True)
            ]
            for row in rows:
                stored = [store(value, column.type) for value, column in zip(row, columns, strict=True)]
                found.append(
                    tuple(
                        value if convert is None or value is None else convert(value, 0)
                        for value, convert in zip(stored, converters, strict=True)
                    )
                )
        return found


def _unlimited(type: SqlType) -> SqlType:
    """Length is checked when the row is stored, where the column's name is known."""
    return SqlType(type.name, None) if type.name in ("nvarchar", "varchar", "varbinary") else type


def _plain(value: Stored) -> Any:
    return value.hex().upper() if isinstance(value, bytes) else value
