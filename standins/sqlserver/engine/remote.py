"""Remote procedure calls: prepared statements, sp_executesql, descriptions, catalog and user procedures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import Column, Parameter, ProcedureCall, Sink, SqlServerError, SqlType
from standins.sqlserver.engine.arguments import Given
from standins.sqlserver.engine.describing import Describing
from standins.sqlserver.engine.values import row_decoder, store
from standins.sqlserver.engine.variables import Frame, Variable
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.ddl import ParameterDefinition
from standins.sqlserver.tsql.script import parse_declarations, parse_name

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


class _Statement:
    """A text with its parameters, and what binding values to them needs every time."""

    __slots__ = ("parameters", "signature", "text", "widened")

    def __init__(self, text: str, parameters: tuple[ParameterDefinition, ...]) -> None:
        self.text = text
        self.parameters = parameters
        #: name and type in their order, unless there is a table among them
        self.widened: list[tuple[str, SqlType]] = []
        frame = Frame()
        for definition in parameters:
            if definition.type is not None:
                declared = _widened(definition.type)
                frame.declare(definition.name, declared)
                self.widened.append((definition.name, declared))
        self.signature = frame.signature


@lru_cache(maxsize=2000)
def _statement(text: str, declarations: str) -> _Statement:
    return _Statement(text, parse_declarations(declarations))


class RemoteCalls:
    """Calls of one session, with its prepared statements."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._prepared: dict[int, _Statement] = {}
        self._handle = 0
        self._describing = Describing(session)
        self._handlers: dict[str, Callable[[Sequence[Parameter], Sink], None]] = {
            "sp_executesql": self._execute_sql, "sp_prepare": self._prepare, "sp_prepexec": self._prepare_execute,
            "sp_execute": self._execute, "sp_unprepare": self._unprepare,
            "sp_describe_undeclared_parameters": self._describing.undeclared_parameters,
            "sp_describe_first_result_set": self._describing.first_result_set,
        }  # fmt: skip

    def forget(self) -> None:
        self._prepared.clear()

    def call(self, call: ProcedureCall, sink: Sink) -> None:
        handler = self._handlers.get(call.procedure) or self._handlers.get(call.procedure.lower().rpartition(".")[2])
        if handler is not None:
            self._session.interpreter.guarded(lambda: handler(call.parameters, sink), sink)
        else:
            self._session.interpreter.guarded(lambda: self._procedure(call, sink), sink)

    # --- statements with parameters ------------------------------------------------------------------------------

    def _execute_sql(self, parameters: Sequence[Parameter], sink: Sink) -> None:
        declared = str(parameters[1].value or "") if len(parameters) > 1 else ""
        self._run(_statement(str(parameters[0].value or ""), declared), parameters[2:], sink)
        sink.return_status(0)

    def _run(self, statement: _Statement, values: Sequence[Parameter], sink: Sink) -> None:
        frame = Frame()
        assigned = self._bind(statement, values, frame)
        self._session.interpreter.batch(statement.text, sink, frame)
        for definition, given in assigned:
            if definition.output and given.output:
                variable = frame.variables[definition.name]
                sink.return_value(given.name or definition.name, variable.type, _wire(variable.value, variable.type))

    def _bind(
        self, statement: _Statement, values: Sequence[Parameter], frame: Frame
    ) -> list[tuple[ParameterDefinition, Parameter]]:
        if len(values) == len(statement.parameters) == len(statement.widened) and _in_order(statement, values):
            return self._bind_in_order(statement, values, frame)
        by_name = {definition.name: definition for definition in statement.parameters}
        assigned: list[tuple[ParameterDefinition, Parameter]] = []
        for place, given in enumerate(values):
            definition = by_name.get(given.name.lower()) if given.name else None
            if definition is None:
                if place >= len(statement.parameters):
                    raise SqlServerError(
                        8144, "Procedure or function sp_executesql has too many arguments specified.", 16, 2
                    )
                definition = statement.parameters[place]
            if definition.type is None:
                self._session.definitions.temporaries.declare_empty(definition, frame)
                continue
            declared = _widened(definition.type)
            frame.declare(definition.name, declared)
            self._assign(frame, definition.name, given)
            assigned.append((definition, given))
        for definition in statement.parameters:
            if definition.name not in frame.variables and definition.name not in frame.tables:
                text = (
                    f"The parameterized query '({statement.text[:100]}' expects the parameter "
                    f"'{definition.name}', which "
                    "was not supplied."
                )
                raise SqlServerError(8178, text, 16, 1)
        return assigned

    def _bind_in_order(
        self, statement: _Statement, values: Sequence[Parameter], frame: Frame
    ) -> list[tuple[ParameterDefinition, Parameter]]:
        """Every parameter has its value, in the order they are declared in: so drivers send them."""
        frame.variables = {name: Variable(declared, None) for name, declared in statement.widened}
        frame.signature = statement.signature
        for (name, _), given in zip(statement.widened, values, strict=True):
            self._assign(frame, name, given)
        return [both for both in zip(statement.parameters, values, strict=True) if both[0].output]

    def _assign(self, frame: Frame, name: str, given: Parameter) -> None:
        variable = frame.variables[name]
        if given.value is None:
            return
        if given.type.name == variable.type.name and given.type.scale == variable.type.scale:
            variable.value = store(given.value, variable.type)
            return
        outer, self._session.frame = self._session.frame, frame
        try:
            self._session.assign(name, store(given.value, given.type), given.type)
        finally:
            self._session.frame = outer

    def _prepare(self, parameters: Sequence[Parameter], sink: Sink) -> None:
        statement = _statement(str(parameters[2].value or ""), str(parameters[1].value or ""))
        handle = self._keep(statement)
        if len(parameters) > 3 and int(parameters[3].value or 0) & 1:
            self._describing.metadata(statement.text, statement.parameters, sink)
        sink.return_status(0)
        sink.return_value(parameters[0].name, types.INT, handle)

    def _keep(self, statement: _Statement) -> int:
        self._handle += 1
        self._prepared[self._handle] = statement
        return self._handle

    def _prepare_execute(self, parameters: Sequence[Parameter], sink: Sink) -> None:
        statement = _statement(str(parameters[2].value or ""), str(parameters[1].value or ""))
        old = parameters[0].value
        if isinstance(old, int):
            self._prepared.pop(old, None)
        handle = self._keep(statement)
        try:
            self._run(statement, parameters[3:], sink)
        finally:
            sink.return_status(0)
            sink.return_value(parameters[0].name, types.INT, handle)

    def _execute(self, parameters: Sequence[Parameter], sink: Sink) -> None:
        handle = parameters[0].value
        statement = self._prepared.get(int(handle or 0))
        if statement is None:
            raise SqlServerError(8179, f"Could not find prepared statement with handle {handle}.", 16, 2)
        self._run(statement, parameters[1:], sink)
        sink.return_status(0)

    def _unprepare(self, parameters: Sequence[Parameter], sink: Sink) -> None:
        if self._prepared.pop(int(parameters[0].value or 0), None) is None:
            text = f"Could not find prepared statement with handle {parameters[0].value}."
            raise SqlServerError(8179, text, 16, 2)
        sink.return_status(0)

    # --- procedures ----------------------------------------------------------------------------------------------

    def _procedure(self, call: ProcedureCall, sink: Sink) -> None:
        session = self._session
        given: list[Given] = []
        for parameter in call.parameters:
            item = Given(parameter.name.lower(), store(parameter.value, parameter.type), parameter.type)
            item.output = parameter.name if parameter.output else ""
            given.append(item)
        session.frame = Frame()
        status = session.calls.procedure(parse_name(call.procedure), given, sink)
        sink.return_status(status)
        for parameter, item in zip(call.parameters, given, strict=True):
            if parameter.output:
                sink.return_value(parameter.name, item.type, _wire(item.value, item.type))


def _in_order(statement: _Statement, values: Sequence[Parameter]) -> bool:
    for (name, _), given in zip(statement.widened, values, strict=True):
        if given.name and given.name.lower() != name:
            return False
    return True


def _wire(value: Any, type: SqlType) -> Any:
    decode = row_decoder([Column("", type)])
    return decode([value])[0] if decode is not None else value


def _widened(type: SqlType) -> SqlType:
    """Drivers declare strings as long as the value at hand; one plan serves them all."""
    if type.name in ("nvarchar", "varchar", "varbinary") and type.length is not None:
        return replace(type, length=4000 if type.name == "nvarchar" else 8000)
    return type
