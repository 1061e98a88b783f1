"""Whether what was planned, what was collected and what was reported are the same scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tidegate.gate.evidence import Entry


def gaps(entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Name and sentence of every scenario that was collected and not reported, or reported and not collected.

    Planned and reported scenarios are compared by their titles, collected and reported ones by pytest's names for
    them: who hides a scenario has to forge three lists that are written at three different moments.
    """
    collected = Counter(
        str(name) for entry in entries if entry.kind == "collected" for name in entry.details.get("scenarios") or ()
    )
    reported = {str(entry.details.get("nodeid", "")) for entry in entries if entry.kind == "scenario"}
    for name, times in collected.items():
        if name not in reported:
            yield name, "was collected and never reported how it ended"
        if times > 1:
            yield name, f"was collected {times} times"
    for name in sorted(reported - collected.keys()):
        yield name or "a scenario", "was reported, although it was not collected"
