"""Rehearses with seeded regressions, one at a time, and prints which were caught and by which finding.

    python benchmarks/detection.py                 # every regression the stand-ins know
    python benchmarks/detection.py 4 21 66 122     # these

Each is a real failure after an upgrade (`standins/octopus/regressions/`), switched on in the upgraded server.
A rehearsal without any is the control: whatever it finds is a false alarm.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
SEEDED = REPOSITORY / "standins" / "octopus" / "regressions"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How one rehearsal ended."""

    number: int | None
    title: str
    verdict: str
    findings: tuple[str, ...]
    seconds: float

    @property
    def caught(self) -> bool:
        return self.verdict == "rejected"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every regression was caught and the control found nothing, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER")
    parser.add_argument("--main-version", default="2018.12.1")
    chosen = parser.parse_args(arguments)
    known = seeded()
    wanted: list[int | None] = [None, *(chosen.numbers or known)]
    results = [rehearse(number, known.get(number or 0, ""), chosen.main_version) for number in wanted]
    missed = [result for result in results[1:] if not result.caught]
    control = results[0]
    print(
        f"\n{len(results) - 1 - len(missed)} of {len(results) - 1} caught, {len(missed)} missed, "
        f"{len(control.findings)} false alarms"
    )
    return 1 if missed or control.verdict != "approved" or control.findings else 0


def seeded() -> dict[int, str]:
    """Every regression the stand-ins know: its number and what its file is called."""
    found: dict[int, str] = {}
    for file in sorted(SEEDED.glob("f[0-9]*.py")):
        match = re.fullmatch(r"f(\d+)_(\w+)", file.stem)
        if match:
            found[int(match[1])] = match[2].replace("_", " ")
    return found


def rehearse(number: int | None, title: str, main_version: str) -> Rehearsed:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder) / "reports"
        subprocess.run(
            [sys.executable, "-m", "pytest", "features/", "-q", "--main-version", main_version],
            cwd=REPOSITORY,
            env={
                **os.environ,
                "TIDEGATE_REPORTS__FOLDER": str(reports),
                "OCTOPUS_STANDIN_REGRESSIONS": "" if number is None else str(number),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        result = _read(reports, number, title, time.monotonic() - started)
    label = "control" if number is None else f"{number:3} {title}"
    print(f"{result.verdict:10} {result.seconds:5.0f} s  {label}", flush=True)
    for finding in result.findings[:3]:
        print(f"{'':20}{finding}", flush=True)
    return result


def _read(reports: Path, number: int | None, title: str, seconds: float) -> Rehearsed:
    (run,) = (path for path in reports.iterdir() if path.is_dir() and not path.is_symlink())
    verdict: dict[str, Any] = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    findings = [
        json.loads(line)["details"]
        for line in (run / "evidence.jsonl").read_text(encoding="utf-8").splitlines()
        if '"kind":"finding"' in line.replace('"kind": "', '"kind":"')
    ]
    told = tuple(f"[{one['check']}] {one['severity']} at {one['place']}" for one in findings)
    return Rehearsed(number, title, str(verdict["outcome"]), told, seconds)


if __name__ == "__main__":
    sys.exit(main())
