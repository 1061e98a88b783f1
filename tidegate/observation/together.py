"""How long an answer takes when several people ask for it at the same time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from tidegate.errors import Unreachable
from tidegate.octopus.client import OctopusClient

#: People who look at the same time, and attempts: the better one counts, because a busy machine is late by chance.
PEOPLE: Final = 6
ATTEMPTS: Final = 2


def together(client: OctopusClient, path: str) -> float | None:
    """Seconds until the last of several simultaneous readers has the answer; None where there is none to be had."""
    best: float | None = None
    with ThreadPoolExecutor(PEOPLE) as readers:
        for _ in range(ATTEMPTS):
            began = time.monotonic()
            try:
                answers = list(readers.map(partial(client.send, "GET"), [path] * PEOPLE))
            except Unreachable:
                return None
            if not all(answer.ok for answer in answers):
                return None
            taken = time.monotonic() - began
            best = taken if best is None else min(best, taken)
    return best
