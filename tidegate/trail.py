"""What a reader may want to see of the work while it is done: T-SQL that changes something, and logs of server tasks.

Passed on through :mod:`logging`, so that the library knows nothing of reports; without a listener nothing is kept.
"""

from __future__ import annotations

import logging
from typing import Final

#: One record a batch that was executed. Values of parameters are not in it.
STATEMENTS: Final = logging.getLogger("tidegate.trail.statements")

#: One record a server task, with its name and its log.
TASK_LOGS: Final = logging.getLogger("tidegate.trail.task_logs")

for _logger in (STATEMENTS, TASK_LOGS):
    # Whole scripts and logs have no place among lines of progress: they stay below the level that those are kept from,
    # which pytest looks at even where a logger does not propagate.
    _logger.propagate = False
    _logger.setLevel(logging.DEBUG)
    _logger.addHandler(logging.NullHandler())  # else the last resort would print warnings


def statement(server: str, database: str, sql: str) -> None:
    """Pass on a batch that was executed; switching the database is told by the next batch's heading."""
    if not sql.startswith("USE "):
        STATEMENTS.debug("-- on %s, in %s\n%s\nGO\n", server, database or "the login's database", sql.strip())


def task_log(name: str, text: str) -> None:
    """Pass on the log of a server task that has ended."""
    TASK_LOGS.debug("===== %s =====\n%s\n", name, text)
