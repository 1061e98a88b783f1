"""What an instance does by itself, learnt from two snapshots without anything between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidegate.checks.contents import contents, habit_family
from tidegate.checks.differences import differences
from tidegate.checks.noise import Noise
from tidegate.checks.pairs import UNKNOWN, side_by_side
from tidegate.observation.routes import route_knowledge
from tidegate.observation.store import FILE, Snapshot


@dataclass(slots=True)
class Habits:
    """Noise in documents, statuses that flicker, files that change, and places and families that come and go."""

    noise: Noise = field(default_factory=Noise)
    statuses: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    files: set[str] = field(default_factory=set[str])
    coming: set[str] = field(default_factory=set[str])
    going: set[str] = field(default_factory=set[str])


def learn(first: Snapshot, second: Snapshot) -> Habits:
    """What changes by itself between two snapshots of one instance."""
    habits = Habits()
    knowledge = route_knowledge()
    with side_by_side(first, second) as sides:
        for pair in sides.differing():
            if pair.before_status != pair.after_status:
                if UNKNOWN.isdisjoint((pair.before_status, pair.after_status)):
                    habits.statuses.add((pair.user, pair.place, pair.form))
            elif pair.form == FILE:
                habits.files.add(pair.place)
            else:
                before, after = contents(pair, first, second, knowledge)
                for change in differences(before, after):
                    habits.noise.learn(pair.place, habit_family(pair), change)
        habits.going.update(single.place for single in sides.gone())
        habits.coming.update(single.family for single in sides.new())
    return habits
