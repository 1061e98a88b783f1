"""How long the main instance will be down: what a rehearsal measured, scaled to the main instance's size of today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tidegate.gate.evidence import LEDGER, Entry, read_entries
from tidegate.rehearsal.size import InstanceSize
from tidegate.rehearsal.timing import BACKING_UP, COPYING, DESCRIBING, UPGRADING
from tidegate.versions import Hop, Plan

#: What the docs say about any upgrade, for when nothing was measured (Octopus docs, administration/upgrading).
UNMEASURED: Final = (
    "nothing was measured for this path yet: rehearse it. Octopus's documentation says 1 to 30 minutes for the upgrade "
    "itself, more with every version skipped and with the size of the database (docs, administration/upgrading)"
)

#: Steps in their order; a step that was repeated is there twice.
_Timings = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one rehearsal took, in seconds, and how big the instance was at that time."""

    run: str
    main: str  # URL of the main instance it was a clone of
    size: InstanceSize
    backup: _Timings
    hops: Mapping[tuple[str, str], _Timings]


@dataclass(frozen=True, slots=True)
class ExpectedStep:
    """One step of the outage; ``seconds`` is None where nothing is known. ``factor`` is how it was scaled."""

    name: str
    seconds: float | None
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """The outage step by step, and what that rests on."""

    steps: tuple[ExpectedStep, ...]
    basis: str
    measured: Measured | None = field(default=None)

    @property
    def seconds(self) -> float | None:
        """The whole outage; None as soon as one step is not known."""
        known = [step.seconds for step in self.steps if step.seconds is not None]
        return sum(known) if len(known) == len(self.steps) else None


def measured_on(reports: Path, plan: Plan, main: str) -> Measured | None:
    """The newest rehearsal below ``reports`` that took every hop of the plan; one of the same main instance first."""
    found = [one for one in map(_measured, _run_folders(reports)) if one and _covers(one, plan)]
    own = [one for one in found if one.main == main]
    return (own or found or [None])[0]


def forecast(plan: Plan, measured: Measured | None, size: InstanceSize) -> Forecast:
    """What the measured steps would take on an instance of ``size``.

    Backup and schema scripts grow with the database, the copy of the folders with the folders; the rest does not.
    """
    if measured is None:
        return Forecast(tuple(ExpectedStep(name, None) for name in _steps(plan)), UNMEASURED)
    steps = [_scaled(name, seconds, measured, size) for name, seconds in measured.backup]
    for number, hop in enumerate(plan.hops):
        # The backup in front of the cut-over is taken once, and the state described once: between the hops of one
        # outage nobody goes back.
        left_out = {BACKING_UP} if number == 0 else {BACKING_UP, DESCRIBING}
        taken = [(name, seconds) for name, seconds in measured.hops[_key(hop)] if name not in left_out]
        steps += [_scaled(name, seconds, measured, size) for name, seconds in taken]
    return Forecast(tuple(steps), f"measured by the rehearsal {measured.run} of {measured.main}", measured)


def _steps(plan: Plan) -> Iterable[str]:
    yield BACKING_UP
    yield COPYING
    for hop in plan.hops:
        yield from ("stopping the server", f"installing {hop.target}", UPGRADING)
        yield f"starting {hop.target}"


def _scaled(name: str, seconds: float, measured: Measured, size: InstanceSize) -> ExpectedStep:
    if name == COPYING:
        factor = _ratio(size.folders, measured.size.folders)
    elif name in {BACKING_UP, DESCRIBING} or name.startswith(UPGRADING):
        factor = _ratio(size.database, measured.size.database)
    else:
        factor = 1.0
    return ExpectedStep(name, seconds * factor, factor)


def _ratio(now: int, then: int) -> float:
    return now / then if then else 1.0


def _run_folders(reports: Path) -> Iterable[Path]:
    """Newest first; their names begin with the time."""
    folders = [file.parent for file in reports.glob(f"*/{LEDGER}") if not file.parent.is_symlink()]
    return sorted(folders, key=lambda folder: folder.name, reverse=True)


def _measured(folder: Path) -> Measured | None:
    size: InstanceSize | None = None
    main = ""
    backup: _Timings = ()
    hops: dict[tuple[str, str], _Timings] = {}
    try:
        entries: list[Entry] = list(read_entries(folder / LEDGER))
    except (ValueError, KeyError, TypeError):
        return None  # the evidence of that run is damaged: nothing is built on it
    for entry in entries:
        details: Mapping[str, Any] = entry.details
        match entry.kind:
            case "main":
                main = str(details["url"])
            case "size":
                size = InstanceSize.from_json(details)
            case "check" if details.get("check") == "BACKUP":
                backup = _timings(details.get("timings") or ())
            case "upgrade":
                hops[str(details["from"]), str(details["to"])] = _timings(details["timings"])
            case _:
                continue
    return Measured(folder.name, main, size, backup, hops) if size and main and backup else None


def _timings(recorded: Iterable[Mapping[str, Any]]) -> _Timings:
    return [(str(one["step"]), float(one["seconds"])) for one in recorded]


def _covers(measured: Measured, plan: Plan) -> bool:
    return all(_key(hop) in measured.hops for hop in plan.hops)


def _key(hop: Hop) -> tuple[str, str]:
    return str(hop.origin), str(hop.target)
