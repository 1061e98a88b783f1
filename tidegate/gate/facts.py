"""What the evidence tells about instances, path and time, and whether it agrees with itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tidegate.gate.evidence import Entry


def predicted_outage(entries: Sequence[Entry]) -> float | None:
    """Seconds that the upgrade's own steps took in the rehearsal; None when no upgrade was timed."""
    timed = [entry.details.get("timings") or () for entry in entries if entry.kind == "upgrade"]
    steps = [float(step["seconds"]) for timings in timed for step in timings]
    return sum(steps) if steps else None


def reach(entries: Sequence[Entry]) -> str:
    """A sentence where the test instance was no copy of the whole main instance; "" where it was."""
    if _details(entries, "clone").get("approach") != "subset":
        return ""
    subset = _details(entries, "subset")
    left = {str(one["called"]): one for one in subset.get("left") or ()}
    projects = len(subset.get("projects") or ())
    missing = int(left.get("projects", {}).get("number", 0))
    count = f": {projects} of {projects + missing} projects" if subset else ""
    return f"Only a subset was rehearsed{count}. Nothing is known about the rest of the main instance."


def contradictions(entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Subject and sentence for everything in which events of one run cannot all be true: it was put together."""
    main, mark, plan, clone = (_details(entries, kind) for kind in ("main", "main.mark", "plan", "clone"))
    version = main.get("version")
    for name, other in (
        ("main.mark", mark.get("version")),
        ("plan", plan.get("from")),
        ("clone", clone.get("version")),
    ):
        if version and other and other != version:
            yield name, f"is about {other}, but the main instance is {version}"
    identity = main.get("installation_id")
    if identity and clone.get("installation_id") == identity:
        yield "clone", "has the installation id of the main instance"
    path = [str(plan.get("from")), *(str(hop.get("to")) for hop in plan.get("hops") or ())]
    upgrades = [entry.details for entry in entries if entry.kind == "upgrade"]
    done = [(str(one.get("from")), str(one.get("to"))) for one in upgrades]
    if plan and done and done != list(pairwise(path)):
        went = ", ".join(f"{origin} → {to}" for origin, to in done)
        yield "upgrade", f"went {went}; planned was {' → '.join(path)}"
    installed = _details(entries, "installed").get("digests")
    if plan and isinstance(installed, Mapping):
        for missing in [version for version in path if version not in installed]:
            yield "installed", f"says nothing of {missing}"


def _details(entries: Sequence[Entry], kind: str) -> Mapping[str, Any]:
    return next((entry.details for entry in entries if entry.kind == kind), dict[str, Any]())
