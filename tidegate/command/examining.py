"""`tidegate doctor`: can a rehearsal begin here, and what to do where it cannot."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final, TextIO

from tidegate.command.exits import INCOMPLETE, YES, Commands
from tidegate.doctor.examine import examine, healthy
from tidegate.doctor.examined import Examined, State
from tidegate.settings import load

_MARKS: Final = {State.GOOD: "✓", State.BAD: "✗", State.UNKNOWN: "?", State.OPTIONAL: "–"}


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "doctor", help="drivers, Docker, rights, disk, reachability, versions: can a rehearsal begin? 0 yes, 10 no"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="as of pytest features/")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(command=_doctor)


def _doctor(chosen: argparse.Namespace, output: TextIO) -> int:
    found: list[Examined] = []
    for one in examine(load(chosen.settings)):
        found.append(one)
        if not chosen.json:
            output.write(f"{_MARKS[one.state]} {one.name}: {one.told}\n")
            output.write(f"    next: {one.next_step}\n" if one.next_step else "")
            output.flush()
    fine = healthy(found)
    if chosen.json:
        answer = {"healthy": fine, "examined": [one.as_json() for one in found]}
        output.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    else:
        output.write("A rehearsal can begin.\n" if fine else "A rehearsal cannot begin.\n")
    return YES if fine else INCOMPLETE
