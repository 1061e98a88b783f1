"""`tidegate reap`: what killed runs left behind, removed."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from tidegate.command.exits import INCOMPLETE, YES, Commands
from tidegate.rehearsal.recovery import reap
from tidegate.settings import load


def add(commands: Commands) -> None:
    parser = commands.add_parser("reap", help="stop and delete what killed runs left behind, and what has expired")
    parser.add_argument("--settings", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(command=_reap)


def _reap(chosen: argparse.Namespace, output: TextIO) -> int:
    settings = load(chosen.settings)
    recovery = reap(settings, datetime.now(UTC))
    if chosen.json:
        output.write(json.dumps({"done": recovery.done, "failed": recovery.failed}, ensure_ascii=False) + "\n")
    else:
        told = [*recovery.done, *recovery.failed] or ["nothing was left behind"]
        output.writelines(f"{sentence}\n" for sentence in told)
    return INCOMPLETE if recovery.failed else YES
