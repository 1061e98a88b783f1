"""Ids in portions that one statement can name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

#: SQL Server takes 2,100 parameters a statement; others stand beside the ids.
MOST_NAMED: Final = 1000


def portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + MOST_NAMED] for start in range(0, len(ids), MOST_NAMED))
