"""How long the steps of an outage take, under the names by which the plan asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from tidegate.rehearsal.instances import StepTiming

#: Steps whose duration grows with the database and with the server folders.
BACKING_UP: Final = "backing up the database"
DESCRIBING: Final = "describing the state before the upgrade"
COPYING: Final = "copying the server folders"
UPGRADING: Final = "upgrading the database"


class StepKeeper(Protocol):
    """Is told about each step of a procedure as it begins, and as it ends without an error."""

    def step(self, name: str) -> AbstractContextManager[None]: ...


@dataclass(slots=True)
class StepClock:
    """Times steps and tells about them; a step that fails has no time."""

    report: Callable[[str], None]
    done: list[StepTiming] = field(default_factory=list[StepTiming])

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        self.report(name)
        started = time.monotonic()
        yield
        self.done.append(StepTiming(name, time.monotonic() - started))

    @property
    def timings(self) -> tuple[StepTiming, ...]:
        return tuple(self.done)
