"""THROW, RAISERROR and PRINT: errors and messages that a script sends on purpose."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine.values import Stored
from standins.sqlserver.tsql import nodes, statements, types

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_PLACEHOLDER = re.compile(r"%%|%([-+0 #]*)(\d+|\*)?(?:\.(\d+|\*))?(?:h|l|I64)?([diouxXs])")


class Raising:
    """For one session."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session

    def handlers(self) -> dict[type[statements.Statement], Callable[..., None]]:
        return {
            statements.Throw: self._throw, statements.RaiseError: self._raise, statements.Print: self._print,
        }  # fmt: skip

    def _throw(self, statement: statements.Throw, _sink: Sink) -> None:
        if statement.number is None:
            caught = self._session.caught
            if caught is None:
                text = (
                    "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW "
                    "statement inside a CATCH block, or add error parameters to the THROW statement."
                )
                raise SqlServerError(10704, text, 15, 1, statement.line)
            error = copy_of(caught)
            error.thrown = True  # type: ignore[attr-defined]
            raise error
        number = self._number(statement.number, statement.line)
        message = self._text(statement.message, statement.line)
        state = self._number(statement.state, statement.line)
        if number < 50_000:
            text = (
                f"Error number {number} in the THROW statement is outside the valid range. Specify an error number "
                "in the valid range of 50000 to 2147483647."
            )
            raise SqlServerError(35100, text, 16, 1, statement.line)
        error = SqlServerError(number, message, 16, state, statement.line)
        error.thrown = True  # type: ignore[attr-defined]
        raise error

    def _raise(self, statement: statements.RaiseError, sink: Sink) -> None:
        line = statement.line
        severity, state = self._number(statement.severity, line), self._number(statement.state, line)
        value, _ = self._session.querying.value(statement.message, None, line)
        arguments = [self._session.querying.value(argument, None, line)[0] for argument in statement.arguments]
        if isinstance(value, int):
            number = value
            if number < 13_000:
                text = f"The error number specified in RAISERROR is invalid: {number}."
                raise SqlServerError(2732, text, 16, 1, line)
            text = (
                f"Error {number}, severity {severity}, state {state} was raised, but no message with that error "
                "number was found in sys.messages. If error is larger than 50000, make sure the user-defined "
                "message is added using sp_addmessage."
            )
            raise SqlServerError(18054, text, 16, 1, line)
        message = _formatted(str(value if value is not None else ""), arguments)
        error = SqlServerError(50_000, message[:2047], min(severity, 25), max(0, min(state, 255)), line)
        error.procedure = self._session.frame.label
        if severity <= 10:
            sink.info(error)
            if "SETERROR" in statement.options:
                self._session.last_error = 50_000
            return
        error.raised = True  # type: ignore[attr-defined]
        raise error

    def _print(self, statement: statements.Print, sink: Sink) -> None:
        value, _ = self._session.querying.value(statement.value, types.nvarchar(4000), statement.line)
        sink.info(SqlServerError(0, str(value) if value is not None else " ", 0, 1, statement.line))

    def _number(self, node: nodes.Expression | None, line: int) -> int:
        assert node is not None
        value, _ = self._session.querying.value(node, types.INT, line)
        return int(value or 0)

    def _text(self, node: nodes.Expression | None, line: int) -> str:
        assert node is not None
        value, _ = self._session.querying.value(node, types.nvarchar(2048), line)
        return str(value or "")


def _formatted(message: str, arguments: list[Stored]) -> str:
    """RAISERROR's printf."""
    rest = iter(arguments)

    def replace(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        flags, width, precision, kind = match[1] or "", match[2] or "", match[3], match[4]
        if width == "*":
            width = str(next(rest, 0))
        if precision == "*":
            precision = str(next(rest, 0))
        value = next(rest, None)
        if kind == "s":
            text = "(null)" if value is None else str(value)
            text = text[: int(precision)] if precision is not None else text
        else:
            number = int(value) if isinstance(value, int) else 0
            text = {"o": f"{number:o}", "x": f"{number:x}", "X": f"{number:X}"}.get(kind, str(number))
        if width:
            text = text.ljust(int(width)) if "-" in flags else text.rjust(int(width), "0" if "0" in flags else " ")
        return text

    return _PLACEHOLDER.sub(replace, message)


def copy_of(error: SqlServerError) -> SqlServerError:
    """Errors of cached syntax trees and plans must not carry the line or procedure of an earlier run."""
    copied = SqlServerError(error.number, error.message, error.severity, error.state, error.line)
    copied.procedure = error.procedure
    copied.following = tuple(copy_of(item) for item in error.following)
    for mark in ("thrown", "raised"):
        if getattr(error, mark, False):
            setattr(copied, mark, True)
    return copied
