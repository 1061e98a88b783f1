"""How much of a log a message repeats."""

from __future__ import annotations


def last_lines(text: str, count: int = 15) -> str:
    return "\n".join(text.splitlines()[-count:])
