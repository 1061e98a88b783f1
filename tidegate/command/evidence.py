"""`tidegate evidence`: is what a run left behind still what was recorded?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TextIO

from tidegate.command.exits import NO, YES, Commands
from tidegate.errors import UsageError
from tidegate.gate.seal import verify_run


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
    ledger = verify_run(chosen.folder)
    if chosen.json:
        damage = [{"place": one.place, "what": one.what} for one in ledger.damage]
        output.write(
            json.dumps({"sound": ledger.sound, "events": ledger.length, "head": ledger.head, "damage": damage})
        )
        output.write("\n")
    elif ledger.sound:
        output.write(f"sound: {ledger.length} events, the last has digest {ledger.head}\n")
    else:
        output.write("".join(f"{one}\n" for one in ledger.damage))
    return YES if ledger.sound else NO
