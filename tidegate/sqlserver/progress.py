"""Progress of BACKUP and RESTORE, from the messages that STATS makes them print."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

_PERCENT: Final = re.compile(r"(\d{1,3}) percent processed")
#: Seconds between two notes: a reader follows, a log stays short.
_PAUSE: Final = 2.0


def percentages(doing: str, report: Callable[[str], None]) -> Callable[[str], None]:
    """A listener for SQL Server's messages that reports "``doing``: n %" now and then, and the end always."""
    told = time.monotonic()

    def listen(text: str) -> None:
        nonlocal told
        match = _PERCENT.search(text)
        if match is None:
            return
        now = time.monotonic()
        if match[1] == "100" or now - told >= _PAUSE:
            told = now
            report(f"{doing}: {match[1]} %")

    return listen
