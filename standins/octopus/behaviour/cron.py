"""Cron expressions of scheduled triggers: ``second minute hour day-of-month month day-of-week`` (Octopus docs).

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}


class InvalidCron(ValueError):
    """The expression has not six fields, or one is out of range."""


@dataclass(frozen=True, slots=True)
class CronExpression:
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    last_day: bool
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, text: str) -> CronExpression:
        fields = text.upper().split()
        if len(fields) == 5:
            fields.insert(0, "0")
        if len(fields) != 6:
            raise InvalidCron(f"'{text}' does not have six fields.")
        second, minute, hour, day, month, weekday = fields
        last = day == "L"
        return cls(
            _field(second, 0, 59),
            _field(minute, 0, 59),
            _field(hour, 0, 23),
            frozenset() if last else _field(day, 1, 31),
            _field(month, 1, 12, _MONTHS),
            frozenset(number % 7 for number in _field(weekday, 0, 7, _WEEKDAYS)),
            last,
            day in {"*", "?"},
            weekday in {"*", "?"},
        )

    def after(self, moment: datetime) -> datetime | None:
        """The first match strictly after a local time; None when nothing matches within eight years."""
        at = moment.replace(microsecond=0) + timedelta(seconds=1)
        limit = at + timedelta(days=366 * 8)
        while at < limit:
            if at.month not in self.months or not self._on_day(at):
                at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0, second=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at = at.replace(second=0) + timedelta(minutes=1)
            elif at.second not in self.seconds:
                at += timedelta(seconds=1)
            else:
                return at
        return None

    def _on_day(self, at: datetime) -> bool:
        """As in Vixie cron: when both day fields are restricted, either may match."""
        of_month = (at + timedelta(days=1)).month != at.month if self.last_day else at.day in self.days
        of_week = (at.weekday() + 1) % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return of_month and of_week
        return of_month or of_week


def _field(text: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span in {"*", "?"}:
            first, last = low, high
        elif "-" in span:
            start, _, end = span.partition("-")
            first, last = _number(start, names), _number(end, names)
        else:
            first = _number(span, names)
            last = high if step else first
        if not (low <= first <= last <= high) or (step and (not step.isdigit() or int(step) == 0)):
            raise InvalidCron(f"'{text}' is not a valid cron field.")
        values.update(range(first, last + 1, int(step or 1)))
    return frozenset(values)


def _number(text: str, names: dict[str, int] | None) -> int:
    if names and text in names:
        return names[text]
    if not text.isdigit():
        raise InvalidCron(f"'{text}' is not a number.")
    return int(text)
