"""`tidegate lab`: a main instance to explore."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TextIO

from tidegate.command.exits import YES, Commands
from tidegate.lab import Lab
from tidegate.settings import EmbeddedSettings
from tidegate.versions import Version


def add(commands: Commands) -> None:
    parser = commands.add_parser("lab", help="start the sample main instance and print where it is; Ctrl-C ends it")
    parser.add_argument("folder", type=Path, help="a folder for everything the lab makes; must not exist or be empty")
    parser.add_argument("--main-version", default=str(EmbeddedSettings().version), metavar="VERSION")
    parser.add_argument("--size", choices=["s", "m", "l"], default="s")
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(command=_lab)


def _lab(chosen: argparse.Namespace, output: TextIO) -> int:
    wanted = EmbeddedSettings(version=Version.parse(chosen.main_version), size=chosen.size, seed=chosen.seed)
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with Lab(chosen.folder, wanted) as lab:
        address = lab.start(_notes(output))
        output.write(f"The main instance is at {address.url}\n")
        output.write(f"Rehearse its upgrade:  pytest features/ --settings {address.settings}\n")
        output.write("Ctrl-C ends it.\n")
        output.flush()
        stop.wait()
    return YES


def _notes(output: TextIO) -> Callable[[str], None]:
    def note(text: str) -> None:
        output.write(f"· {text}\n")
        output.flush()

    return note
