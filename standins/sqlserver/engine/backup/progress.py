"""Progress messages, cancellation and the figures at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Cancelled, Sink, SqlServerError

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

PAGE = 8192


class Progress:
    """Says every ``step`` percent how far the work is."""

    def __init__(self, session: EngineSession, sink: Sink, total: int, step: int, command: str) -> None:
        self._session = session
        self._sink = sink
        self._total = max(1, total)
        self._step = step
        self._next = step
        self._started = time.monotonic()
        session.command = command

    def at(self, done: int) -> None:
        if self._session.interrupted():
            raise Cancelled
        percent = min(100, 100 * done // self._total)
        self._session.percent_complete = float(percent)
        while self._next <= percent and self._next < 100:
            self._sink.info(SqlServerError(3211, f"{self._next} percent processed.", 0, 1))
            self._next += self._step

    def finish(self, statement: str, database: str, files: tuple[str, str], size: int, position: int) -> None:
        """The closing messages of BACKUP and RESTORE."""
        sink = self._sink
        sink.info(SqlServerError(3211, "100 percent processed.", 0, 1))
        pages = max(1, size // PAGE)
        for name, count in zip(files, (pages, 2), strict=True):
            text = f"Processed {count} pages for database '{database}', file '{name}' on file {position}."
            sink.info(SqlServerError(4035, text, 0, 1))
        seconds = max(0.001, time.monotonic() - self._started)
        rate = size / (1 << 20) / seconds
        text = f"{statement} successfully processed {pages + 2} pages in {seconds:.3f} seconds ({rate:.3f} MB/sec)."
        sink.info(SqlServerError(3014, text, 0, 1))
