"""Runs a cut-over: tells what was found and what will be done, then does it, or leads the main instance back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tidegate.cutover.decision import Action, Decision, decide
from tidegate.cutover.journal import CutOverJournal, Direction
from tidegate.cutover.procedure import MAINTENANCE, OPEN, STOP, Procedure, Work, closed, irreversible
from tidegate.errors import HarnessError, TidegateError, UsageError
from tidegate.rehearsal.instances import MainInstance

#: Asked in front of everything that changes the main instance: a sentence that says why not; "" when it may be done.
Holds = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a cut-over ended, and why."""

    direction: Direction
    why: str


def run_cut_over(work: Work, holds: Holds, *, roll_back: bool = False) -> Ended:
    """Begin a cut-over, go on with it, or lead it back, by what its journal says.

    ``holds`` asks whether the approval still holds; as long as the server was not stopped, a "no" ends the cut-over.
    Raises :class:`HarnessError` when neither end could be reached: the message says how things are and what to do. The
    caller sees to it that it is :func:`alone`.
    """
    journal = work.journal
    decision = decide(journal.progress, irreversible=irreversible(work.plan), roll_back=roll_back)
    work.report(f"found: {decision.found}")
    if decision.action in {Action.BEGIN, Action.GO_ON} and STOP not in journal.progress.begun:
        try:
            why = holds()
        except TidegateError as error:
            raise unfinished(work.main, journal, error) from error
        if why and decision.action is Action.BEGIN:
            raise HarnessError(f"the cut-over is refused: {why}", next_step="nothing was touched")
        if why:
            decision = Decision(Action.ROLL_BACK, decision.found, f"the cut-over is given up: {why}")
    work.report(f"will do: {decision.will}")
    if decision.action is Action.NOTHING:
        return Ended(journal.progress.direction, journal.progress.why or decision.found)
    journal.attempt(action=decision.action.value, found=decision.found, main=work.main.url)
    return _act(work, decision)


def _act(work: Work, decision: Decision) -> Ended:
    procedure, journal = Procedure(work), work.journal
    try:
        if decision.action is Action.ROLL_BACK:
            return _back(work, procedure, decision.will if not journal.progress.why else journal.progress.why)
        try:
            procedure.forward()
        except TidegateError as error:
            if OPEN in journal.progress.begun:
                raise  # people may work on it again: what they did must not be restored away unasked
            work.report(f"this failed: {error.what}")
            return _back(work, procedure, error.what.splitlines()[0])
    except TidegateError as error:
        raise _stuck(work, error) from error
    except BaseException:  # also Ctrl-C, and what nobody foresaw
        work.report(_state(work.main, journal))
        raise
    return Ended(Direction.UPGRADED, journal.progress.why)


def _back(work: Work, procedure: Procedure, why: str) -> Ended:
    if work.journal.progress.direction is not Direction.BACK:
        work.journal.turn(Direction.BACK, why)
        work.report("the main instance is led back")
    procedure.back()
    return Ended(Direction.ROLLED_BACK, work.journal.progress.why)


def _stuck(work: Work, error: TidegateError) -> HarnessError:
    return HarnessError(
        f"{error.what}\n{_state(work.main, work.journal)}",
        where=str(work.journal.file),
        next_step="run it again to go on, with --roll-back to lead the main instance back, or see docs/cut-over.md",
    )


def unfinished(main: MainInstance, journal: CutOverJournal, error: TidegateError) -> TidegateError:
    """``error``, which kept an attempt from being taken up, with what must be known of the attempts before it."""
    progress = journal.progress
    if progress.untouched or progress.direction.ended:
        return error
    kind = UsageError if isinstance(error, UsageError) else HarnessError
    return kind(f"{error.what}\n{_state(main, journal)}", where=error.where, next_step=error.next_step)


def _state(main: MainInstance, journal: CutOverJournal) -> str:
    """What a person must know who finds the cut-over unfinished."""
    progress = journal.progress
    # A server that is down cannot be asked; the journal knows, and the backup was taken in maintenance mode as well.
    shut = journal.ever_begun(MAINTENANCE)
    server = {
        None: f"its server does not answer{'; expect it in maintenance mode when it does' if shut else ''}",
        True: "it is in maintenance mode",
        False: "it is not in maintenance mode",
    }[closed(main)]
    doubt = f', in the middle of "{progress.doubtful}"' if progress.doubtful else ""
    return f"the cut-over of {main.url} is unfinished ({progress.direction}{doubt}): {server}"


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """No two processes work on one cut-over. The system lets go of the lock when its owner dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)  # it will hold the licence, and perhaps copies of the server folders
    with (folder / "lock").open("a+b") as file:
        if not _lock(file.fileno()):
            raise HarnessError(
                "this cut-over is being worked on by another process",
                where=str(folder),
                next_step="wait for it to end, or end it",
            )
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
