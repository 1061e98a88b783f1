"""The last warnings and errors of the server, as its status page lists them."""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime
from typing import Any

#: As many as the page shows; older ones are only in the log file.
_KEPT = 100


class RecentProblems(logging.Handler):
    """Collects warnings and worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._records: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        detail = self.formatter.formatException(record.exc_info) if record.exc_info and self.formatter else None
        self._records.append(
            {
                "Category": "Warning"
                if record.levelno < logging.ERROR
                else "Error"
                if record.levelno < logging.CRITICAL
                else "Fatal",
                "MessageText": record.getMessage(),
                "Detail": detail,
                "OccurredAt": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            }
        )

    def latest(self) -> list[dict[str, Any]]:
        return list(reversed(self._records))
