"""What the doctor says about one thing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from tidegate.errors import TidegateError
from tidegate.secrets import redact


class State(StrEnum):
    """Only ``BAD`` and ``UNKNOWN`` stand in the way of a rehearsal."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # it could not be asked, because something else is bad
    OPTIONAL = "optional"  # missing, and a rehearsal does without


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing, what was seen of it, and what to do next; nothing to do where it is good."""

    name: str
    state: State
    told: str
    next_step: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def good(name: str, told: str) -> Examined:
    return Examined(name, State.GOOD, redact(told))


def bad(name: str, told: str, next_step: str) -> Examined:
    return Examined(name, State.BAD, redact(told), redact(next_step))


def unknown(name: str, told: str, next_step: str = "") -> Examined:
    return Examined(name, State.UNKNOWN, redact(told), redact(next_step))


def optional(name: str, told: str, next_step: str) -> Examined:
    return Examined(name, State.OPTIONAL, redact(told), redact(next_step))


def of_error(name: str, error: TidegateError) -> Examined:
    """An error of the library in the doctor's words."""
    where = f" ({error.where})" if error.where else ""
    return bad(name, f"{error.what}{where}", error.next_step or "see the message")
