"""What this stand-in does not play: the routes exist, and each answers 501 with its name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from standins.octopus.contract import ApiError, Call, Reply, Route


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The handler of a route that is left out; ``reason`` says what it would take."""

    reason: str

    def __call__(self, call: Call) -> Reply:
        path = call.url.partition("?")[0]
        raise ApiError(501, f"This stand-in for Octopus Server does not play {call.method} {path}: {self.reason}.")


def left_out_routes() -> Iterator[Route]:
    """The rows of ``data/left_out.toml``."""
    text = (Path(__file__).parent / "data" / "left_out.toml").read_text(encoding="utf-8")
    for group in tomllib.loads(text).values():
        handler = LeftOut(group["reason"])
        for line in group["routes"]:
            *methods, path = line.split()
            for method in methods:
                yield Route(method, path, handler, group["scope"], group["permission"], group.get("since", ""))
