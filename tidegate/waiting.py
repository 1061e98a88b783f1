"""The one way to wait: for a condition, with a deadline, and a message that says what was awaited."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from tidegate.errors import TimedOut

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None],
    *,
    timeout: float,
    what: str,
    poll: float = 0.05,
    describe: Callable[[], str] = lambda: "",
    where: str = "",
) -> T:
    """What ``condition`` returns as soon as that is true; ``poll`` and ``timeout`` are seconds.

    Raises :class:`TimedOut` after ``timeout``, naming ``what`` was awaited and the last state that ``describe``
    tells. Errors of ``condition`` pass through.
    """
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            state = describe()
            raise TimedOut(
                f"waited {timeout:g} s for {what}" + (f"; the last state was: {state}" if state else ""), where=where
            )
        pause.wait(poll)
