"""What a cut-over did, on disk before the main instance knows of it: whoever runs it again knows where it was.

One JSON object a line, appended and flushed to the disk, never changed; each line repeats the digest of the one before.
A step is begun before its first effect and done after its last, so a crash leaves one step at most in doubt.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, cast

from tidegate.errors import HarnessError, TidegateError
from tidegate.journal_lines import append_line, whole_lines
from tidegate.process_identity import identity_of
from tidegate.secrets import redact

#: The folder of a cut-over, below that of all reports, and its journal.
PREFIX: Final = "cut-over-"
JOURNAL: Final = "journal.jsonl"
_GENESIS: Final = "0" * 64


class Direction(StrEnum):
    """Where a cut-over is heading, and where it ended."""

    FORWARD = "forward"
    BACK = "back"
    UPGRADED = "upgraded"
    ROLLED_BACK = "rolled-back"

    @property
    def ended(self) -> bool:
        return self in {Direction.UPGRADED, Direction.ROLLED_BACK}


@dataclass(frozen=True, slots=True)
class Progress:
    """What the lines so far say. ``doubtful`` is the step that was begun and not done; "" when none is."""

    direction: Direction = Direction.FORWARD
    begun: frozenset[str] = frozenset()  # in the present direction
    done: frozenset[str] = frozenset()
    doubtful: str = ""
    why: str = ""  # of going back
    facts: dict[str, Any] = field(default_factory=dict[str, Any])  # what steps found out, by their own names

    @property
    def untouched(self) -> bool:
        """Whether nothing was begun yet."""
        return self.direction is Direction.FORWARD and not self.begun


class CutOverJournal:
    """The journal of one cut-over, to append to and to read back."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lines: list[tuple[dict[str, Any], str]] = []
        self.read_again()

    def read_again(self) -> None:
        """Take up what another process may have written meanwhile."""
        self._lines = _read(self.file)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [entry for entry, _ in self._lines]

    @property
    def progress(self) -> Progress:
        return progress_of(self.entries)

    def ever_begun(self, step: str) -> bool:
        """Whether any attempt began it, in whichever direction."""
        return any(entry["kind"] == "begun" and entry["step"] == step for entry in self.entries)

    def attempt(self, **details: Any) -> None:
        """A process takes up the work; ``details`` say what for."""
        self.append("attempt", **identity_of(), **details)

    def turn(self, direction: Direction, why: str) -> None:
        """From here on the cut-over heads there; or it has arrived."""
        self.append("direction", direction=direction.value, why=redact(why))

    @contextmanager
    def step(self, name: str) -> Generator[dict[str, Any]]:
        """Begun before the block and done after it; what the block puts into the dictionary is kept as facts.

        An error leaves a line that says so; a kill leaves none.
        """
        self.append("begun", step=name)
        facts: dict[str, Any] = {}
        try:
            yield facts
        except BaseException as error:
            what = error.what if isinstance(error, TidegateError) else f"{type(error).__name__}: {error}"
            self.append("failed", step=name, why=redact(what))
            raise
        self.append("done", step=name, facts=facts)

    def append(self, kind: str, **details: Any) -> None:
        """One line; on disk when this returns."""
        entry = {
            "number": len(self._lines) + 1,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": kind,
            **details,
            "previous": self._lines[-1][1] if self._lines else _GENESIS,
        }
        line = json.dumps(entry, ensure_ascii=False).encode()
        append_line(self.file, line)
        self._lines.append((entry, hashlib.sha256(line).hexdigest()))


def progress_of(entries: list[dict[str, Any]]) -> Progress:
    """Where a cut-over stands, by its lines alone."""
    direction, why = Direction.FORWARD, ""
    begun: set[str] = set()
    done: set[str] = set()
    doubtful = ""
    facts: dict[str, Any] = {}
    for entry in entries:
        match entry["kind"]:
            case "direction":
                direction, why = Direction(entry["direction"]), str(entry["why"])
                begun, done, doubtful = set[str](), set[str](), ""
            case "begun":
                begun.add(entry["step"])
                doubtful = entry["step"]
            case "done":
                done.add(entry["step"])
                doubtful = ""
                facts |= cast("dict[str, Any]", entry.get("facts") or {})
            case _:
                continue  # an attempt, or a step that failed and stays in doubt
    return Progress(direction, frozenset(begun), frozenset(done), doubtful, why, facts)


def unfinished_cut_overs(reports: Path, main: str) -> list[str]:
    """A sentence for each cut-over of the main instance at this URL that came to neither end."""
    told: list[str] = []
    for file in sorted(reports.glob(f"{PREFIX}*/{JOURNAL}")):
        entries = CutOverJournal(file).entries
        progress = progress_of(entries)
        concerned = {str(entry["main"]) for entry in entries if entry["kind"] == "attempt"}
        if main in concerned and not progress.direction.ended and not progress.untouched:
            told.append(
                f"{file.parent.name} of {main} is unfinished ({progress.direction}): the main instance may be in "
                "maintenance mode or down; run that cut-over again before anything else"
            )
    return told


def _read(file: Path) -> list[tuple[dict[str, Any], str]]:
    """The whole lines. Raises :class:`HarnessError` where something was changed or taken out."""
    lines: list[tuple[dict[str, Any], str]] = []
    previous = _GENESIS
    for entry, line in whole_lines(file):
        if entry.get("previous") != previous:
            raise HarnessError(
                f"line {len(lines) + 1} of the cut-over's journal does not follow the one before it",
                where=str(file),
                next_step="somebody changed this file; find out the main instance's state by hand (docs/cut-over.md)",
            )
        previous = hashlib.sha256(line).hexdigest()
        lines.append((entry, previous))
    return lines
