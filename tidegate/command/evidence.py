"""`tidegate evidence`: is what a run left behind still what was recorded?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TextIO

from tidegate.command.exits import NO, YES, Commands
from tidegate.errors import UsageError
from tidegate.gate.judged_again import examine
from tidegate.reporting.page_check import not_compared, page_damage


def add(commands: Commands) -> None:
    actions = commands.add_parser("evidence", help="what a run left behind").add_subparsers(
        required=True, metavar="ACTION"
    )
    verifying = actions.add_parser("verify", help="recompute every digest: is the evidence still what was recorded?")
    verifying.add_argument("folder", type=Path, help="the folder of one run")
    verifying.add_argument("--json", action="store_true")
    verifying.set_defaults(command=_verify)


def _verify(chosen: argparse.Namespace, output: TextIO) -> int:
    if not chosen.folder.is_dir():
        raise UsageError("there is no such run folder", where=str(chosen.folder))
    found = examine(chosen.folder)
    ledger, damage = found.ledger, (*found.ledger.damage, *page_damage(chosen.folder, found))
    unseen = not_compared(chosen.folder, found)
    if chosen.json:
        told = {
            "sound": not damage,
            "events": ledger.length,
            "head": ledger.head,
            "verdict": found.verdict.outcome.value if found.verdict else None,
            "signedWith": found.runner or None,
            "damage": [{"place": one.place, "what": one.what} for one in damage],
            "notCompared": unseen,
        }
        output.write(json.dumps(told, ensure_ascii=False) + "\n")
    elif damage or found.verdict is None:
        output.write("".join(f"{one}\n" for one in damage))
    else:
        output.write(f"sound: {ledger.length} events, the last has digest {ledger.head}\n")
        output.write(f"judged again: {found.verdict.outcome}\n")
        output.write(f"signed by its runner with {found.runner}\n" if found.runner else "")
        output.write(f"not compared, made or kept beside the evidence: {', '.join(unseen)}\n" if unseen else "")
    return NO if damage else YES
