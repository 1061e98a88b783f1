"""The plan as text: what `--plan` and `tidegate plan` print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tidegate.rehearsal.forecast import Forecast
from tidegate.rehearsal.outlook import Answer, Outlook, OwnRisk
from tidegate.reporting.durations import duration
from tidegate.versions import Plan

#: Rows of the database shown for one risk.
_ROWS: Final = 3


def path_lines(path: Plan) -> Iterator[str]:
    """The hops, what each needs, and how to get back over it."""
    for detour in path.detours:
        yield f"goes over {detour.version}, because the direct hop fails: {detour.why} ({detour.source})"
    for number, hop in enumerate(path.hops, start=1):
        yield f"{number}. {hop.origin} → {hop.target} ({hop.change} change)"
        yield f"   needs SQL Server {hop.sql_server_floor} or newer; to go back: {hop.rollback}"
    if len(path.hops) > 1:
        yield f"to go back to {path.origin} from any of them: {path.way_back.told}"


def outlook_lines(outlook: Outlook) -> Iterator[str]:
    """Everything about one main instance."""
    yield f"Plan for {outlook.main}: {outlook.plan.origin} → {outlook.plan.target}"
    yield from path_lines(outlook.plan)
    yield ""
    yield from _outage(outlook.forecast)
    yield ""
    yield from _risks(outlook)


def _outage(expected: Forecast) -> Iterator[str]:
    total = expected.seconds
    if total is None:
        yield f"Expected outage: unknown; {expected.basis}"
    else:
        yield f"Expected outage: {duration(total)}; {expected.basis}"
    for step in expected.steps:
        time = "?" if step.seconds is None else duration(step.seconds)
        scaled = f", {step.factor:.2f} times what was measured" if abs(step.factor - 1) >= 0.005 else ""
        yield f"   {step.name}: {time}{scaled}"


def _risks(outlook: Outlook) -> Iterator[str]:
    applying, unknown = outlook.of(Answer.APPLIES), outlook.of(Answer.UNKNOWN)
    yield f"Risks of this instance ({outlook.asked} questions asked of its database):"
    for risk in applying:
        yield f"   {_told(risk)}"
        yield from (f"      {row}" for row in risk.rows[:_ROWS])
        if len(risk.rows) > _ROWS:
            yield f"      and {len(risk.rows) - _ROWS} more"
    if not applying:
        yield "   none that is known"
    if unknown:
        yield "To be judged by you:"
        yield from (f"   {_told(risk)}" for risk in unknown)


def _told(risk: OwnRisk) -> str:
    return f"{risk.hop.origin} → {risk.hop.target}: {risk.what}: {risk.why} ({risk.source})"
