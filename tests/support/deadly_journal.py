"""A cut-over's journal whose process is killed at one of its lines, as a machine that fails would end it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tidegate.cutover.journal import CutOverJournal


class DeadlyJournal(CutOverJournal):
    """``reached`` is asked with a line's number, its kind and its details; killed is before or after it is written."""

    def __init__(self, file: Path, reached: Callable[[int, str, Mapping[str, Any]], bool], *, before: bool) -> None:
        super().__init__(file)
        self._reached = reached
        self._before = before

    def append(self, kind: str, **details: Any) -> None:
        reached = self._reached(len(self.entries) + 1, kind, details)
        if reached and self._before:
            os.kill(os.getpid(), signal.SIGKILL)
        super().append(kind, **details)
        if reached:
            os.kill(os.getpid(), signal.SIGKILL)
