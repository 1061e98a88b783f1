"""Ledgers to judge: a run that is approved, and ways to change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tidegate.checks.finding import Finding, Severity
from tidegate.gate.evidence import Entry, Evidence
from tidegate.gate.policy import REQUIRED_CHECKS
from tidegate.gate.verdict import Verdict, recompute

#: What a run does: a function that writes to the ledger.
Event = Callable[[Evidence], object]

SCENARIOS = ("features/01.feature: One", "features/02.feature: Two [a]", "features/02.feature: Two [b]")


def started(**changes: Any) -> Event:
    details: dict[str, Any] = {
        "run": "r1",
        "tidegate": "0.1.0",
        "policy": {},
        "waivers": [],
        "required": SCENARIOS,
        "selection": "",
    }
    return lambda evidence: evidence.record("run.started", **(details | changes))


_HOP = {"from": "2018.12.1", "to": "2021.1.7500"}
MAIN_ID = "11111111-1111-1111-1111-111111111111"


def main(**changes: Any) -> Event:
    details = {"url": "https://octopus.example.com", "version": "2018.12.1", "installation_id": MAIN_ID}
    return recorded("main", **(details | {"database_guid": "aaaa"} | changes))


def marked(**changes: Any) -> Event:
    details = {
        "version": "2018.12.1",
        "schema": "5c",
        "scripts": 5,
        "audited": "2026-05-01T12:00:00+00:00",
        "newest": ["Events-9"],
        "taken": "2026-05-01T12:00:05+00:00",
    }
    return recorded("main.mark", **(details | changes))


def planned(**changes: Any) -> Event:
    hop: dict[str, Any] = {
        "from": "2018.12.1",
        "to": "2021.1.7500",
        "change": "major",
        "rollback": "restore",
        "risks": [],
    }
    return recorded("plan", **({"from": "2018.12.1", "to": "2021.1.7500", "hops": [hop]} | changes))


def cloned(**changes: Any) -> Event:
    details = {"url": "http://clone", "version": "2018.12.1", "installation_id": "22222222", "database": "clone"}
    return recorded("clone", **(details | changes))


def upgraded(**changes: Any) -> Event:
    details: dict[str, Any] = {
        "from": "2018.12.1",
        "to": "2021.1.7500",
        "scripts": [],
        "timings": [{"step": "upgrading the database", "seconds": 90.0}],
    }
    return recorded("upgrade", **(details | changes))


def installed(**changes: Any) -> Event:
    digests = {"2018.12.1": "sha256:01", "2021.1.7500": "sha256:02"}
    return recorded("installed", **({"digests": digests} | changes))


def facts(clone: Event | None = None) -> list[Event]:
    """What a run tells of instances and path."""
    return [main(), planned(), marked(), clone or cloned(), upgraded(timings=[]), installed()]


def checked(check: str) -> Event:
    return lambda evidence: evidence.record("check", check=check)


def scenario(id: str, outcome: str = "passed", why: str = "") -> Event:
    return recorded("scenario", id=id, outcome=outcome, why=why, seconds=1.5, nodeid=f"node of {id}")


def collected(*ids: str) -> Event:
    return recorded("collected", scenarios=[f"node of {one}" for one in ids or SCENARIOS])


def recorded(kind: str, **details: Any) -> Event:
    """Any other event."""
    return lambda evidence: evidence.record(kind, **details)


def found(**changes: Any) -> Event:
    return lambda evidence: evidence.finding(finding(**changes))


def finding(**changes: Any) -> Finding:
    details: dict[str, Any] = {
        "check": "DIFF",
        "severity": Severity.BREAKING,
        "place": "Projects-1/Name",
        "before": "Shop",
        "after": None,
        "consequence": "nobody finds the project",
    }
    return Finding(**(details | changes))


def finished(**changes: Any) -> Event:
    return lambda evidence: evidence.record(
        "run.finished", **({"ended": "completed", "why": "", "failures": 0} | changes)
    )


def good_run(clone: Event | None = None) -> list[Event]:
    """The events of a run that is approved."""
    checks = [checked(check) for check in REQUIRED_CHECKS]
    return [started(), *facts(clone), collected(), *checks, *(scenario(one) for one in SCENARIOS), finished()]


def subset_run(*more: Event, policy: Mapping[str, Any] | None = None) -> list[Event]:
    """A good run on two of 22 projects."""
    left = [{"called": "projects", "number": 20, "of": 22}]
    told = recorded("subset", projects=["Shop", "Billing"], compared=9, left=left)
    begin = started(policy=policy or {}, by="ada")
    return [begin, *good_run(cloned(approach="subset"))[1:-1], told, *more, finished()]


def entries(folder: Path, events: list[Event]) -> tuple[Entry, ...]:
    evidence = Evidence(folder)
    for event in events:
        event(evidence)
    return evidence.entries()


def judged(folder: Path, events: list[Event]) -> Verdict:
    return recompute(entries(folder, events))
