"""`tidegate report`: the documents of a run made again from its evidence, and Allure's report as one HTML file."""

from __future__ import annotations

import argparse
import json
import os.path
from pathlib import Path
from typing import Any, TextIO

from tidegate.command.exits import INCOMPLETE, YES, Commands
from tidegate.errors import UsageError
from tidegate.gate.evidence import LEDGER, Entry, read_entries
from tidegate.gate.seal import verify_run
from tidegate.gate.verdict import recompute
from tidegate.reporting.allure_report import REPORT, RESULTS, Allure, AllureUnavailable, find_allure
from tidegate.reporting.board.material import Material
from tidegate.reporting.decisions import decisions_about
from tidegate.reporting.documents import Documents, write_change_board
from tidegate.reporting.merging import Rehearsed, merge, missing_runs, write_index
from tidegate.settings import load


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "report", help="make the change-board document and the Allure report of a run; several runs become one report"
    )
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="the folder of one run")
    parser.add_argument("--where", action="store_true", help="only print the folder that the settings name for runs")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where several runs are put together")
    parser.add_argument(
        "--expect",
        type=int,
        default=0,
        metavar="NUMBER",
        help="runs there must be; with fewer it ends with 10",
    )
    parser.add_argument("--allure", default="", metavar="COMMAND", help="Allure 3, where it is not found by itself")
    parser.add_argument("--without-pdf", action="store_true", help="leave the PDF out")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(command=_report)


def _report(chosen: argparse.Namespace, output: TextIO) -> int:
    if chosen.where:
        output.write(f"{load().reports.folder}\n")
        return YES
    if not chosen.folders:
        raise UsageError("no run is named", next_step="name its folder, for example reports/latest")
    folders = [_run_folder(folder) for folder in chosen.folders]
    together: Path | None = chosen.output.resolve() if chosen.output else None
    if len(folders) > 1 and together is None:
        raise UsageError("several runs are given", next_step="say with --output FOLDER where to put them together")
    if len({folder.name for folder in folders}) < len(folders):
        raise UsageError("a run is given twice", where=", ".join(map(str, chosen.folders)))
    allure, why_no_allure = _allure(chosen.allure)
    missing = max(0, chosen.expect - len(folders))
    told: dict[str, Any] = {"missing": missing, "runs": [], "allure": None, "why_no_allure": why_no_allure}
    runs: list[Rehearsed] = []
    for folder in folders:
        entries = tuple(read_entries(folder / LEDGER))
        run = Rehearsed(folder, recompute(entries, [str(one) for one in verify_run(folder).damage]))
        runs.append(run)
        if together is None and allure is not None and (folder / RESULTS).is_dir():
            told["allure"] = str(allure.generate([folder / RESULTS], folder / REPORT, run.title, folder.parent))
        # What is there is linked, whoever made it: so the page comes out the same on a machine without Allure.
        page = f"{REPORT}/index.html" if (folder / REPORT / "index.html").is_file() else ""
        documents = _documents(run, entries, page, pdf=not chosen.without_pdf)
        told["runs"].append(_described(run, documents))
    if together is not None:
        results = merge(runs, together)
        page = ""
        if allure is not None:
            made = allure.generate([results], together / REPORT, f"{len(runs)} rehearsed upgrades", together)
            page = os.path.relpath(made, together)
            told["allure"] = str(made)
        told["index"] = str(write_index(runs, together, page, missing))
    _tell(told, output, as_json=chosen.json)
    return INCOMPLETE if missing else YES


def _run_folder(folder: Path) -> Path:
    if not (folder / LEDGER).is_file():
        raise UsageError("this is not the folder of a run: it has no evidence", where=str(folder))
    return folder.resolve()


def _allure(command: str) -> tuple[Allure | None, str]:
    try:
        return find_allure(command), ""
    except AllureUnavailable as error:
        if command:
            raise
        return None, str(error)


def _documents(run: Rehearsed, entries: tuple[Entry, ...], allure: str, *, pdf: bool) -> Documents:
    decisions = decisions_about(run.folder, run.verdict)
    return write_change_board(run.folder, Material(run.verdict, entries, decisions, allure), pdf=pdf)


def _described(run: Rehearsed, documents: Documents) -> dict[str, Any]:
    return {
        "run": run.verdict.run,
        "from": run.verdict.from_version,
        "to": run.verdict.to_version,
        "verdict": run.verdict.outcome.value,
        "html": str(documents.html),
        "pdf": str(documents.pdf) if documents.pdf else None,
        "why_no_pdf": documents.why_no_pdf,
    }


def _tell(told: dict[str, Any], output: TextIO, *, as_json: bool) -> None:
    if as_json:
        output.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return
    for run in told["runs"]:
        output.write(f"{run['from']} → {run['to']}: {run['verdict']}\n  {_near(run['html'])}\n")
        if run["pdf"] or run["why_no_pdf"]:
            output.write(f"  {_near(run['pdf']) if run['pdf'] else run['why_no_pdf']}\n")
    if told["missing"]:
        output.write(f"{missing_runs(told['missing'])}\n")
    made = [_near(path) for path in (told.get("index"), told["allure"]) if path]
    output.writelines(f"{text}\n" for text in (*made, told["why_no_allure"]) if text)


def _near(path: str) -> str:
    """A path as somebody would type it here."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
