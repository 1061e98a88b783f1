"""Several rehearsals in one report: each upgrade path of a matrix beside the others.

The same scenario of two paths has the same identity for Allure, which would take one for a retry of the other and hide
it. So each result is told apart by its path, as a parameter, before they are put together.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tidegate.gate.verdict import Verdict
from tidegate.reporting.allure_report import RESULTS
from tidegate.reporting.board.html import Markup, document, facts, joined, link, table
from tidegate.reporting.documents import HTML, PDF

INDEX: Final = "index.html"

#: Files that describe a whole run; of several runs there is no one value, so the first is as good as none.
_OF_ONE_RUN: Final = frozenset({"environment.properties", "executor.json"})

_PARAMETER: Final = "rehearsal"

#: The outermost groups: of Allure's behaviours, and of its suites.
_BRANCHES: Final = ("epic", "parentSuite")


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One run of several: its folder, and the verdict that its evidence gives."""

    folder: Path
    verdict: Verdict

    @property
    def title(self) -> str:
        versions = f"{self.verdict.from_version or '?'} → {self.verdict.to_version or '?'}"
        return f"{versions} ({self.verdict.run or self.folder.name})"


def merge(runs: Sequence[Rehearsed], output: Path) -> Path:
    """Put the Allure results and the change-board documents of ``runs`` together; the folder of the results."""
    results = output / RESULTS
    for folder in (results, *(output / run.folder.name for run in runs)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    names = _names(runs)
    for run, name in zip(runs, names, strict=True):
        for form in (HTML, PDF):
            if (run.folder / form).is_file():
                shutil.copyfile(run.folder / form, output / run.folder.name / form)
        _add_results(run.folder / RESULTS, results, name)
    lines = "".join(f"{name.replace(' ', '_')} = {run.verdict.run}\n" for run, name in zip(runs, names, strict=True))
    (results / "environment.properties").write_bytes(lines.encode("ascii", "backslashreplace"))
    return results


def _add_results(source: Path, results: Path, name: str) -> None:
    for file in sorted(source.iterdir()) if source.is_dir() else ():
        if file.name.endswith("-result.json"):
            told = _told_apart(json.loads(file.read_text("utf-8")), name)
            (results / file.name).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        elif file.is_file() and file.name not in _OF_ONE_RUN:
            shutil.copyfile(file, results / file.name)


def _names(runs: Sequence[Rehearsed]) -> list[str]:
    """What each run is called in all reports to come, so that Allure knows its history: by its path, not its time."""
    names: list[str] = []
    for run in runs:
        path = f"{run.verdict.from_version or '?'} to {run.verdict.to_version or '?'}"
        taken = sum(name == path or name.startswith(f"{path} (") for name in names)
        names.append(f"{path} ({taken + 1})" if taken else path)
    return names


def missing_runs(number: int) -> str:
    """A sentence about rehearsals that were expected and left nothing."""
    noun = "rehearsal that was expected left" if number == 1 else "rehearsals that were expected left"
    return f"{number} {noun} no run: nothing is known about its path"


def write_index(runs: Sequence[Rehearsed], output: Path, allure: str, missing: int = 0) -> Path:
    """One page with the verdict of every run, the worst first, and the way to its documents; ``missing`` runs were
    expected and are not there."""
    worst_first = sorted(runs, key=lambda run: run.verdict.exit_code == 0)
    rows = [_row(run) for run in worst_first]
    head = ("Upgrade", "Verdict", "Scenarios", "Open findings", "Main instance")
    approved = sum(run.verdict.exit_code == 0 for run in runs)
    told = [("Approved", f"{approved} of {len(runs) + missing} rehearsals")]
    whole = facts([*told, ("Missing", missing_runs(missing))] if missing else told)
    more = joined(Markup("<p>"), link("Every scenario of every rehearsal", allure), Markup("</p>")) if allure else ""
    file = output / INDEX
    title = f"{len(runs)} rehearsed upgrades of Octopus Server"
    file.write_text(document(title, joined(whole, table(head, rows), more)), encoding="utf-8")
    return file


def _row(run: Rehearsed) -> Sequence[str]:
    count = run.verdict.scenarios
    return (
        link(run.title, f"{run.folder.name}/{HTML}"),
        joined(Markup("<strong>"), run.verdict.outcome.upper(), Markup("</strong>")),
        f"{count.passed} of {count.required} passed",
        str(len(run.verdict.findings)),
        run.verdict.main or "not reached",
    )


def _told_apart(result: Mapping[str, Any], rehearsal: str) -> dict[str, Any]:
    parameters: list[Any] = [*(result.get("parameters") or []), {"name": _PARAMETER, "value": rehearsal}]
    # Reports are grouped by epic first: so each rehearsal is a branch of its own.
    given: list[dict[str, str]] = result.get("labels") or []
    labels = [one for one in given if one.get("name") not in _BRANCHES]
    labels += [{"name": name, "value": f"Upgrade of {rehearsal}"} for name in _BRANCHES]
    known = f"{result.get('historyId', '')} {rehearsal}"
    history = hashlib.md5(known.encode(), usedforsecurity=False).hexdigest()
    return {**result, "parameters": parameters, "labels": labels, "historyId": history}
