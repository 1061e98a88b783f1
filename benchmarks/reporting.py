"""How long the documents of a large run take: `python -m benchmarks.reporting [scenarios] [findings]`.

Writes a made-up run (evidence and Allure results), then measures the verdict, the change-board document in both forms,
and, where Allure 3 is, its report. The ratio tells how each grows from a quarter of the size to the whole.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tidegate.checks.finding import Finding, Severity
from tidegate.gate.evidence import Entry, Evidence
from tidegate.gate.verdict import Verdict, recompute
from tidegate.reporting.allure_report import Allure, AllureUnavailable, find_allure
from tidegate.reporting.board.material import Material
from tidegate.reporting.board.page import change_board
from tidegate.reporting.difference_table import findings_table
from tidegate.reporting.documents import PdfUnavailable, to_pdf


def made_up_finding(number: int) -> Finding:
    """One of a few hundred kinds, with documents on both sides."""
    before = {"Id": f"Projects-{number}", "Name": "Shop", "Steps": [{"Name": f"Step {n}"} for n in range(8)]}
    return Finding(
        check=("DIFF", "PERM", "API")[number % 3],
        severity=list(Severity)[number % 3],
        place=f"/api/Spaces-1/projects/Projects-{number}",
        before=before,
        after={**before, "Name": f"Shop {number}"},
        consequence=f"what {number % 300} breaks is not found any more",
    )


def made_up_run(folder: Path, scenarios: int, findings: int) -> tuple[Entry, ...]:
    """The evidence of a run with that many scenarios and findings; only its first entries go through the disk."""
    evidence = Evidence(folder)
    names = [f"features/{number // 50:02}_stage.feature: Scenario {number}" for number in range(scenarios)]
    started = evidence.record("run.started", run="r1", tidegate="0", policy={}, waivers=[], required=names, settings={})
    plan = evidence.record("plan", **{"from": "2018.12.1", "to": "2021.1.7500", "hops": []})

    def entry(kind: str, details: dict[str, Any]) -> Entry:
        return replace(plan, kind=kind, details=details)

    told = [entry("scenario", {"id": name, "outcome": "passed", "seconds": 1.0}) for name in names]
    found = [entry("finding", made_up_finding(number).model_dump(mode="json")) for number in range(findings)]
    checks = [
        entry("check", {"check": "DEPLOY", "uncovered": [f"project {number}: it is disabled"]})
        for number in range(scenarios)
    ]
    return (started, plan, *told, *checks, *found, entry("run.finished", {"ended": "completed", "failures": 0}))


def write_allure_results(folder: Path, scenarios: int, findings: int) -> Path:
    """As many results, each with steps, and the findings as tables spread over them."""
    results = folder / "allure-results"
    results.mkdir(parents=True)
    each = max(1, findings // scenarios)
    for number in range(scenarios):
        table = findings_table(made_up_finding(number * each + one) for one in range(each))
        (results / f"{number}-attachment.csv").write_text(table, encoding="utf-8")
        shown = [{"name": f"{each} findings", "source": f"{number}-attachment.csv", "type": "text/csv"}]
        result = {
            "uuid": f"u{number}",
            "name": f"Scenario {number}",
            "fullName": f"features.stage#{number}",
            "status": "failed" if number % 10 == 0 else "passed",
            "start": 1,
            "stop": 2,
            "steps": [{"name": f"Step {n}", "status": "passed", "start": 1, "stop": 2} for n in range(6)],
            "attachments": shown,
            "labels": [{"name": "epic", "value": "Upgrade"}, {"name": "feature", "value": f"{number // 50}"}],
        }
        (results / f"{number}-result.json").write_text(json.dumps(result), encoding="utf-8")
    return results


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the clock, and of the processor (this process's and its children's): others may be at work as well."""

    clock: float
    processor: float


def _timed(work: Callable[[], Any]) -> tuple[Any, Cost]:
    clock, before = time.perf_counter(), sum(os.times()[:4])
    done = work()
    return done, Cost(time.perf_counter() - clock, sum(os.times()[:4]) - before)


def _measure(folder: Path, scenarios: int, findings: int, allure: Allure | None) -> dict[str, Cost]:
    entries = made_up_run(folder, scenarios, findings)
    verdict: Verdict
    verdict, judged = _timed(lambda: recompute(entries))
    page, html = _timed(lambda: change_board(Material(verdict, entries)))
    seconds = {"verdict": judged, "change-board.html": html}
    try:
        _, seconds["change-board.pdf"] = _timed(lambda: to_pdf(page))
    except PdfUnavailable as error:
        print(error)
    if allure is not None:
        results = write_allure_results(folder, scenarios, findings)
        output = folder / "allure-report"
        _, seconds["Allure's report"] = _timed(lambda: allure.generate([results], output, "run", folder))
    return seconds


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    options.add_argument("scenarios", type=int, nargs="?", default=1000)
    options.add_argument("findings", type=int, nargs="?", default=5000)
    chosen = options.parse_args()
    scenarios, findings = chosen.scenarios, chosen.findings
    try:
        allure = find_allure()
    except AllureUnavailable as error:
        allure = None
        print(error)
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder) / "warm", 10, 10, None)
        small = _measure(Path(folder) / "small", scenarios // 4, findings // 4, allure)
        large = _measure(Path(folder) / "large", scenarios, findings, allure)
    print(f"{scenarios} scenarios and {findings} findings; × is the growth of processor time from a quarter of that")
    for name, cost in large.items():
        growth = cost.processor / max(small[name].processor, 0.01)
        print(f"{name:20} {cost.clock:6.2f} s by the clock, {cost.processor:6.2f} s of a processor   × {growth:.1f}")
    clock, processor = (sum(getattr(cost, name) for cost in large.values()) for name in ("clock", "processor"))
    print(f"{'together':20} {clock:6.2f} s by the clock, {processor:6.2f} s of a processor")


if __name__ == "__main__":
    main()
