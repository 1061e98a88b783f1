"""What to do with a cut-over as it was found: begin it, go on with it, or lead it back. A pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tidegate.cutover.journal import Direction, Progress


class Action(StrEnum):
    """What running a cut-over (again) does."""

    BEGIN = "begin"
    GO_ON = "go on"
    ROLL_BACK = "roll back"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Decision:
    """``found`` and ``will`` are sentences for the person who runs it."""

    action: Action
    found: str
    will: str


def decide(progress: Progress, *, irreversible: frozenset[str], roll_back: bool = False) -> Decision:
    """``irreversible`` are the steps that, once begun and not done, leave the database in an unknown state: a schema
    upgrade that was interrupted between its scripts and its views starts, and fails later (OctopusDeploy/Issues#5252).
    ``roll_back`` is the wish of whoever runs it."""
    if progress.direction is Direction.ROLLED_BACK:
        return Decision(
            Action.NOTHING,
            f"this cut-over was rolled back, because {progress.why}",
            "nothing is left to do; a new cut-over needs a new rehearsal and a new approval",
        )
    if progress.direction is Direction.BACK:
        return Decision(
            Action.ROLL_BACK,
            f"a rollback is under way, because {progress.why}{_doubt(progress)}",
            "the rollback is done again from its beginning",
        )
    if roll_back:
        return _wished(progress)
    if progress.direction is Direction.UPGRADED:
        return Decision(Action.NOTHING, "the main instance was upgraded and verified", "nothing is left to do")
    if progress.untouched:
        return Decision(Action.BEGIN, "nothing was done yet", "the cut-over begins")
    if progress.doubtful in irreversible:
        return Decision(
            Action.ROLL_BACK,
            f'the last attempt ended in the middle of "{progress.doubtful}", which leaves the database in doubt',
            "the main instance is led back to its backup",
        )
    return Decision(
        Action.GO_ON,
        f"the last attempt ended after {len(progress.done)} steps{_doubt(progress)}",
        f'"{progress.doubtful}" is done again, then the rest' if progress.doubtful else "the cut-over goes on",
    )


def _wished(progress: Progress) -> Decision:
    if progress.untouched:
        return Decision(Action.NOTHING, "nothing was done yet", "there is nothing to roll back")
    if progress.direction is Direction.UPGRADED:
        return Decision(
            Action.ROLL_BACK,
            "the main instance was upgraded and verified",
            "it is led back to its backup, as demanded; what was done on it since is lost",
        )
    return Decision(
        Action.ROLL_BACK,
        f"the last attempt ended after {len(progress.done)} steps{_doubt(progress)}",
        "the main instance is led back, as demanded",
    )


def _doubt(progress: Progress) -> str:
    return f', in the middle of "{progress.doubtful}"' if progress.doubtful else ""
