"""What the change does and takes: instance and versions, risks, the way back, and the outage to expect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from tidegate.gate.verdict import Verdict
from tidegate.reporting.board.bars import Bar, bars
from tidegate.reporting.board.html import Markup, facts, joined, link, listed, paragraph, section
from tidegate.reporting.board.material import Material
from tidegate.reporting.durations import duration

#: Whether the instance that was led back is the one it was.
_EQUALITY: Final[Mapping[bool | None, Markup]] = {
    True: Markup("The instance is again what it was before the upgrade."),
    False: Markup("<strong>The instance is not what it was before the upgrade</strong>; the findings say where."),
    None: Markup("<strong>Whether the instance is again what it was is not known.</strong>"),
}


def instance(material: Material) -> Markup:
    """Which instance this is about, and the path it takes."""
    verdict, plan, main = material.verdict, material.first("plan"), material.first("main")
    hops: list[Mapping[str, Any]] = list(plan.get("hops") or [])
    path = [str(plan.get("from") or "?"), *(str(hop["to"]) for hop in hops)] if plan else ["?"]
    environment = {str(k): str(v) for one in material.all("environment") for k, v in one.items()}
    rows = [
        ("Main instance", verdict.main or "not reached"),
        ("Installation", str(main.get("installation_id") or "?")),
        ("Path", " → ".join(path)),
        ("Kind of change", ", ".join(str(hop["change"]) for hop in hops) or "?"),
        ("Ran on", "; ".join(f"{name} {told}" for name, told in environment.items() if name not in {"From", "To"})),
        ("Blocks", f"findings that are {' or '.join(verdict.policy.blocking)}"),
        ("A subset", _subset(verdict) if verdict.reach else ""),
    ]
    return section("Instance", facts((name, told) for name, told in rows if told))


def _subset(verdict: Verdict) -> str:
    """What the policy says of a rehearsal of less than the whole."""
    return f"{'suffices' if verdict.policy.subset_is_enough else 'does not suffice'} for the cut-over, by the policy"


def risks(material: Material) -> Markup:
    """What the plan knows to go wrong on the path, with who says so."""
    plan = material.first("plan")
    known: dict[tuple[str, str, str], None] = {}
    for hop in plan.get("hops") or ():
        for risk in hop.get("risks") or ():
            known[str(risk["when"]), str(risk["why"]), str(risk["source"])] = None
    told = [
        joined(f"{when}: {why} (", link(_short(source), source if "://" in source else ""), ")")
        for when, why, source in known
    ]
    none = "Nothing is known to go wrong on this path." if plan else "The path was not planned."
    return section("Known risks", listed(told, none))


def rollback(material: Material) -> Markup:
    """Whether the way back was walked: how long it took, and whether what it led to equals what was."""
    rehearsed = material.all("rollback")
    if not rehearsed:
        ways = dict.fromkeys(str(hop["rollback"]) for hop in material.first("plan").get("hops") or ())
        way = f" The way back, by the vendor's word: {'; '.join(ways)}." if ways else ""
        return section("Rollback", paragraph(joined(Markup("<strong>Not rehearsed.</strong>"), way)))
    return section("Rollback", *(_walked(one) for one in rehearsed))


def outage(material: Material) -> Markup:
    """How long the upgrade's own steps took, and how that compares with what was agreed."""
    upgrades = material.all("upgrade")
    steps = [bar for upgrade in upgrades for bar in _steps(upgrade.get("timings"))]
    if not steps:
        return section("Predicted outage", paragraph("Not known: the test instance was not upgraded."))
    total = sum(bar.seconds for bar in steps)
    window = dict(material.settings.get("policy") or {}).get("outage_window")
    agreed = _compared(total, window, "the agreed window")
    told = f"The upgrade's own steps took {duration(total)} in the rehearsal{agreed}."
    return section("Predicted outage", paragraph(told), bars(steps))


def _compared(seconds: float, minutes: Any, agreed: str) -> str:
    """How a time compares with what was agreed; nothing where nothing was."""
    if not isinstance(minutes, int | float) or isinstance(minutes, bool):
        return ""
    return f", {'within' if seconds <= minutes * 60 else 'longer than'} {agreed} of {minutes} min"


def _steps(timings: Any) -> Iterable[Bar]:
    """Timings as the evidence holds them: a list in the order of the steps, or a mapping."""
    if isinstance(timings, Mapping):
        return [Bar(str(step), float(seconds)) for step, seconds in cast("Mapping[str, Any]", timings).items()]
    return [Bar(str(one["step"]), float(one["seconds"])) for one in timings or ()]


def _walked(details: Mapping[str, Any]) -> Markup:
    seconds, equal = details.get("seconds"), details.get("equal")
    took = f" in {duration(float(seconds))}" if seconds is not None else ""
    agreed = _compared(float(seconds or 0), details.get("objective_minutes"), "the recovery time objective")
    way = f"Rehearsed: back from {details.get('from', '?')} to {details.get('to', '?')}{took}{agreed}. "
    return joined(
        paragraph(joined(way, _EQUALITY.get(equal, _EQUALITY[None]))), bars(list(_steps(details.get("timings"))))
    )


def _short(source: str) -> str:
    return source.removeprefix("https://").rstrip("/")
