"""What this stand-in does not play: the routes exist, and each answers 501 with its name."""

from __future__ import annotations

from dataclasses import dataclass

from standins.octopus.contract import ApiError, Call, Reply


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The handler of a route that is left out; ``reason`` says what it would take."""

    reason: str

    def __call__(self, call: Call) -> Reply:
        path = call.url.partition("?")[0]
        raise ApiError(501, f"This stand-in for Octopus Server does not play {call.method} {path}: {self.reason}.")
