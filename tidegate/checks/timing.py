"""PERF: routes answer about as fast as before."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.checks.finding import Finding, Severity
from tidegate.checks.pairs import Timing, side_by_side
from tidegate.observation.store import Snapshot


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as slower. A machine that does other things besides makes answers late, by chance and all of them."""

    factor: float = 4.0  # times slower, and …
    seconds: float = 0.7  # … this much slower at least
    all_factor: float = 6.0  # the same for the typical answer of all routes
    all_seconds: float = 0.25
    breaking: float = 5.0  # an answer that people give up waiting for


def compare_times(before: Snapshot, after: Snapshot, limits: Limits | None = None) -> Iterator[Finding]:
    """Families whose typical answer, and single places whose answer, became much slower than the others did."""
    limits = limits or Limits()
    by_family: defaultdict[str, list[Timing]] = defaultdict(list)
    with side_by_side(before, after) as sides:
        for timing in sides.timings():
            by_family[timing.family].append(timing)
    every = [timing for timings in by_family.values() for timing in timings]
    if not every:
        return
    usual = statistics.median(timing.before for timing in every)
    now = statistics.median(timing.after for timing in every)
    if now > usual * limits.all_factor and now > usual + limits.all_seconds:
        yield _finding(f"all routes ({len(every)} answers, median)", usual, now, limits)
    # How much slower everything was by itself: a busy machine is no fault of one route.
    busy = max(1.0, statistics.median(timing.after / timing.before for timing in every))
    for family, timings in sorted(by_family.items()):
        yield from _family(family, timings, busy, limits)


def _family(family: str, timings: list[Timing], busy: float, limits: Limits) -> Iterator[Finding]:
    usual = statistics.median(timing.before for timing in timings)
    now = statistics.median(timing.after for timing in timings)
    if len(timings) > 1 and _slower(usual * busy, now, limits):
        yield _finding(f"{family or '/api'} ({len(timings)} answers, median)", usual, now, limits)
        return
    for timing in timings:
        # One answer is slow only if it is slow for its family, too: the first one may have waited for a cold start.
        if _slower(max(timing.before, usual) * busy, timing.after, limits):
            yield _finding(timing.place or "/api", timing.before, timing.after, limits)


def _slower(before: float, after: float, limits: Limits) -> bool:
    return after > before * limits.factor and after > before + limits.seconds


def _finding(place: str, before: float, after: float, limits: Limits) -> Finding:
    return Finding(
        check="PERF",
        severity=Severity.BREAKING if after >= limits.breaking else Severity.DEGRADED,
        place=place,
        before=f"{before:.2f} s",
        after=f"{after:.2f} s",
        consequence="pages and scripts that read this wait longer than before the upgrade",
    )
