"""``contract.Sink`` over a TDS response."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from typing import Final

from standins.sqlserver.contract import Cancelled, Column, ProcedureCall, SqlServerError, SqlType, Value
from standins.sqlserver.tds import tokens
from standins.sqlserver.tds.encode import row_encoder
from standins.sqlserver.tds.errors import Disconnected, ProtocolError
from standins.sqlserver.tds.messages import FLUSH_AT, MessageStream, Response
from standins.sqlserver.tds.tokens import Done, Environment

#: A message of work that goes on (BACKUP's progress, RAISERROR WITH NOWAIT) is not kept back longer than this.
_MESSAGE_DELAY: Final = 0.1
_DESCRIPTIONS: Final = 200


class Descriptions:
    """Column descriptions and row encoders of the results a connection has sent lately.

    A cached plan hands out the same tuple of columns for every run, so the tuple itself is the key; it is kept
    here with its answer, so that its identity stays its own.
    """

    def __init__(self, *, bitmaps: bool = True) -> None:
        self._bitmaps = bitmaps
        self._known: dict[int, tuple[Sequence[Column], bytes, Callable[[Sequence[Value]], bytes]]] = {}

    def of(self, columns: Sequence[Column]) -> tuple[bytes, Callable[[Sequence[Value]], bytes]]:
        """COLMETADATA, and the function that makes a row's token."""
        found = self._known.get(id(columns))
        if found is None:
            found = (columns, tokens.columns(columns), row_encoder(columns, bitmaps=self._bitmaps))
            if isinstance(columns, tuple):  # a list may change
                if len(self._known) >= _DESCRIPTIONS:
                    self._known.clear()
                self._known[id(columns)] = found
        return found[1], found[2]


class TokenSink:
    """Writes what the engine says as tokens.

    Every DONE has to say whether more follows, so the last one is held back until the next token or the end.
    """

    def __init__(
        self,
        stream: MessageStream,
        server_name: str,
        killed: Callable[[], bool],
        *,
        in_procedure: bool = False,
        descriptions: Descriptions | None = None,
    ) -> None:
        self._stream = stream
        self._response = Response(stream)
        self._server_name = server_name
        self._killed = killed
        self._in_procedure = in_procedure
        self._descriptions = descriptions or Descriptions()
        self._pending: tuple[int, int, int, int] | None = None
        self._after_error = False
        self._failed = False
        self._encode_row: Callable[[Sequence[Value]], bytes] | None = None
        self._call: ProcedureCall | None = None
        self._outputs_sent = 0

    # what the engine calls

    def columns(self, columns: Sequence[Column]) -> None:
        description, encode = self._descriptions.of(columns)
        self._write(description)
        self._encode_row = encode

    def row(self, values: Sequence[Value]) -> None:
        if self._encode_row is None:
            raise RuntimeError("a row without columns")
        data = self._response.data
        data += self._encode_row(values)
        if len(data) > FLUSH_AT:
            self._flush_full()

    def done(self, count: int | None, *, select: bool = False) -> None:
        self._encode_row = None
        if self._after_error and count is None and not select:
            return  # the error's own DONE says so already
        kind = Done.IN_PROCEDURE if self._in_procedure else Done.STATEMENT
        command = Done.SELECT if select else 0
        self._replace_pending((kind, 0, command, 0) if count is None else (kind, Done.COUNT, command, count))

    def info(self, message: SqlServerError) -> None:
        self._write(tokens.message(message, self._server_name))
        if time.monotonic() - self._response.last_sent > _MESSAGE_DELAY:
            self._flush_all()

    def error(self, error: SqlServerError) -> None:
        self._encode_row = None
        for each in (error, *error.following):  # one statement's errors share one DONE
            self._write(tokens.message(each, self._server_name))
        if error.severity > 10:
            kind = Done.IN_PROCEDURE if self._in_procedure else Done.STATEMENT
            self._pending = (kind, Done.ERROR, 0, 0)
            self._after_error = self._failed = True

    def database_changed(self, old: str, new: str) -> None:
        self._write(tokens.environment(Environment.DATABASE, new, old))

    def transaction_began(self, descriptor: int) -> None:
        self._write(tokens.environment(Environment.BEGIN_TRANSACTION, struct.pack("<Q", descriptor)))

    def transaction_ended(self, descriptor: int, *, committed: bool) -> None:
        kind = Environment.COMMIT_TRANSACTION if committed else Environment.ROLLBACK_TRANSACTION
        self._write(tokens.environment(kind, b"", struct.pack("<Q", descriptor)))

    def return_value(self, name: str, type: SqlType, value: Value) -> None:
        self._write(tokens.return_value(self._ordinal(name), name, type, value))
        self._outputs_sent += 1

    def return_status(self, status: int) -> None:
        self._write(tokens.return_status(status))
        if not self._in_procedure:  # EXEC in a batch: its DONEPROC follows at once
            self._pending = (Done.PROCEDURE, 0, Done.EXECUTE, 0)

    def cancelled(self) -> bool:
        return self._poll() or self._killed()

    # what the connection calls

    def begin_call(self, call: ProcedureCall) -> None:
        self._call, self._outputs_sent, self._failed = call, 0, False

    def end_call(self) -> None:
        """DONEPROC, once per call of a request that may hold many."""
        self._encode_row = None
        self._replace_pending((Done.PROCEDURE, Done.ERROR if self._failed else 0, Done.EXECUTE, 0))

    def environment(self, kind: int, new: bytes | str, old: bytes | str = b"") -> None:
        self._write(tokens.environment(kind, new, old))

    def write(self, token: bytes) -> None:
        self._write(token)

    def finish(self) -> None:
        """The end of the response."""
        if self._pending is None:
            self._pending = (Done.STATEMENT, 0, 0, 0)
        self._write_pending(more=False)
        self._response.finish()

    def finish_cancelled(self) -> None:
        """The response is cut off where it stands; the acknowledgement of an attention is a message of its own.

        Microsoft's driver takes a single message for an answer that came in time, and tedious waits for the second.
        """
        self._pending = None
        self._response.data += tokens.done(Done.STATEMENT, Done.ERROR)
        self._response.finish()

    def acknowledge_attention(self) -> None:
        self._response.data += tokens.done(Done.STATEMENT, Done.ATTENTION)
        self._response.finish()

    def _ordinal(self, name: str) -> int:
        """The position of an OUTPUT parameter in its call; nameless ones are taken in their order."""
        if self._call is None:
            return 0
        outputs = [(i, p.name) for i, p in enumerate(self._call.parameters) if p.output]
        for ordinal, parameter in outputs:
            if name and parameter.lower() == name.lower():
                return ordinal
        return outputs[self._outputs_sent][0] if self._outputs_sent < len(outputs) else self._outputs_sent

    def _replace_pending(self, pending: tuple[int, int, int, int]) -> None:
        self._write_pending(more=True)
        self._pending = pending

    def _write(self, token: bytes) -> None:
        self._write_pending(more=True)
        self._response.data += token
        if len(self._response.data) > FLUSH_AT:
            self._flush_full()

    def _write_pending(self, *, more: bool) -> None:
        self._after_error = False
        if self._pending is not None:
            kind, status, command, count = self._pending
            self._pending = None
            self._response.data += tokens.done(kind, status | (Done.MORE if more else 0), command, count)

    def _flush_full(self) -> None:
        self._response.flush_full()
        if self._poll(now=True) or self._killed():
            raise Cancelled("attention")

    def _flush_all(self) -> None:
        self._response.flush_all()
        if self._poll(now=True) or self._killed():
            raise Cancelled("attention")

    def _poll(self, *, now: bool = False) -> bool:
        try:
            return self._stream.poll_attention(now=now)
        except ProtocolError as error:
            raise Disconnected(str(error)) from error
