"""PERF: routes answer about as fast as before."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tidegate.checks.finding import Finding, Severity
from tidegate.checks.pairs import Timing, side_by_side
from tidegate.observation.store import Snapshot

Families = Mapping[str, Sequence[Timing]]

#: A difference counts from this many times the largest one that came by itself.
_BEYOND: Final = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as slower. A machine that does other things besides makes answers late, by chance and all of them."""

    factor: float = 4.0  # times slower, and …
    seconds: float = 0.7  # … this much slower at least
    all_factor: float = 6.0  # the same for the typical answer of all routes
    all_seconds: float = 0.25
    breaking: float = 5.0  # an answer that people give up waiting for


@dataclass(frozen=True, slots=True)
class Noise:
    """Seconds by which answers differed between two looks at an instance that nobody changed.

    An upgrade is judged on hundreds of families and thousands of answers at once, so what counts is the largest
    difference that came by itself among as many, and not a usual one. Of answers it is the largest of the family, or
    of all other families but one: a single odd family must not hide the others.
    """

    typical: float = 0.0  # of the typical answers of families
    answers: float = 0.0  # of single answers, whatever their family
    own: Mapping[str, float] | None = None  # of single answers of a family
    all_answers: float = 0.0  # of the typical answer of all families

    def around(self, family: str) -> float:
        return max(self.answers, (self.own or {}).get(family, 0.0))


def compare_times(
    before: Snapshot, after: Snapshot, limits: Limits | None = None, *, earlier: Snapshot | None = None
) -> Iterator[Finding]:
    """Families whose typical answer, and single places whose answer, became much slower than the others did, and by
    more than such answers differ by themselves between ``earlier`` and ``before``."""
    limits = limits or Limits()
    by_itself: Families = _families(earlier, before) if earlier is not None else {}
    families = _compared(_families(before, after), by_itself)
    every = [timing for timings in families.values() for timing in timings]
    if not every:
        return
    noise = noise_of(by_itself)
    usual = statistics.median(timing.before for timing in every)
    now = statistics.median(timing.after for timing in every)
    beyond = now - usual > _BEYOND * noise.all_answers
    if beyond and now > usual * limits.all_factor and now > usual + limits.all_seconds:
        yield _finding(f"all routes ({len(every)} answers, median)", usual, now, limits)
    busy = _busy(every)
    for family, timings in sorted(families.items()):
        yield from _family(family, timings, busy, limits, noise)


def noise_of(families: Families) -> Noise:
    """What two looks at the same instance say about how much times differ by themselves."""
    families = _only(families, lambda timing: all(timing.sure))
    every = [timing for timings in families.values() for timing in timings]
    if not every:
        return Noise()
    busy = _ratio(every)
    own = {
        family: max(abs(timing.after - timing.before * busy) for timing in timings)
        for family, timings in families.items()
    }
    typical = [
        abs(_median(timing.after for timing in timings) - _median(timing.before for timing in timings) * busy)
        for timings in families.values()
        if len(timings) > 1
    ]
    all_answers = abs(_median(timing.after for timing in every) - _median(timing.before for timing in every))
    return Noise(max(typical, default=0.0), _largest_but_one(own.values()), own, all_answers)


def _compared(families: Families, by_itself: Families) -> Families:
    """What is sure after the upgrade, against the quicker answer of two before it: how late an answer came because of
    others is no time that it takes."""
    quickest = {
        (timing.user, timing.place): min(timing.before, timing.after)
        for timings in by_itself.values()
        for timing in timings
    }
    return {
        family: [
            replace(timing, before=min(timing.before, quickest.get((timing.user, timing.place), timing.before)))
            for timing in timings
        ]
        for family, timings in _only(families, lambda timing: timing.sure[1]).items()
    }


def _only(families: Families, wanted: Callable[[Timing], bool]) -> Families:
    kept = {family: [timing for timing in timings if wanted(timing)] for family, timings in families.items()}
    return {family: timings for family, timings in kept.items() if timings}


def _families(before: Snapshot, after: Snapshot) -> Families:
    found: defaultdict[str, list[Timing]] = defaultdict(list)
    with side_by_side(before, after) as sides:
        for timing in sides.timings():
            found[timing.family].append(timing)
    return found


def _busy(timings: Iterable[Timing]) -> float:
    """How much slower everything was by itself: a busy machine is no fault of one route."""
    return max(1.0, _ratio(timings))


def _ratio(timings: Iterable[Timing]) -> float:
    return statistics.median(timing.after / timing.before for timing in timings)


def _median(numbers: Iterable[float]) -> float:
    return statistics.median(numbers)


def _largest_but_one(numbers: Iterable[float]) -> float:
    ordered = sorted(numbers)
    return ordered[-2] if len(ordered) > 1 else 0.0


def _family(family: str, timings: Sequence[Timing], busy: float, limits: Limits, noise: Noise) -> Iterator[Finding]:
    usual = statistics.median(timing.before for timing in timings)
    now = statistics.median(timing.after for timing in timings)
    if len(timings) > 1 and _slower(usual * busy, now, limits, noise.typical):
        yield _finding(f"{family or '/api'} ({len(timings)} answers, median)", usual, now, limits)
        return
    for timing in timings:
        # One answer is slow only if it is slow for its family, too: the first one may have waited for a cold start.
        if _slower(max(timing.before, usual) * busy, timing.after, limits, noise.around(family)):
            yield _finding(timing.place or "/api", timing.before, timing.after, limits)


def _slower(before: float, after: float, limits: Limits, noise: float) -> bool:
    return after > before * limits.factor and after - before > max(limits.seconds, _BEYOND * noise)


def _finding(place: str, before: float, after: float, limits: Limits) -> Finding:
    return Finding(
        check="PERF",
        severity=Severity.BREAKING if after >= limits.breaking else Severity.DEGRADED,
        place=place,
        before=f"{before:.2f} s",
        after=f"{after:.2f} s",
        consequence="pages and scripts that read this wait longer than before the upgrade",
    )
