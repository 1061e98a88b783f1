"""`tidegate lab`: a main instance to explore."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TextIO

from tidegate.command.exits import YES, Commands
from tidegate.lab import Lab, LabAddress
from tidegate.settings import EmbeddedSettings
from tidegate.versions import Version


def add(commands: Commands) -> None:
    parser = commands.add_parser("lab", help="start the sample main instance and print where it is; Ctrl-C ends it")
    parser.add_argument("folder", type=Path, help="a folder for everything the lab makes; must not exist or be empty")
    parser.add_argument("--main-version", default=str(EmbeddedSettings().version), metavar="VERSION")
    parser.add_argument("--size", choices=["s", "m", "l"], default="s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nodes", type=int, choices=range(1, 9), default=1, metavar="N", help="of a cluster")
    parser.add_argument("--json", action="store_true", help="one line of JSON when it is ready")
    parser.set_defaults(command=_lab)


def _lab(chosen: argparse.Namespace, output: TextIO) -> int:
    wanted = EmbeddedSettings(version=Version.parse(chosen.main_version), size=chosen.size, seed=chosen.seed)
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with Lab(chosen.folder, wanted, nodes=chosen.nodes) as lab:
        tell(lab.start(_notes(sys.stderr if chosen.json else output)), output, as_json=chosen.json)
        stop.wait()
    return YES


def tell(address: LabAddress, output: TextIO, *, as_json: bool = False) -> None:
    """Where everything is; keys by the files that hold them."""
    if as_json:
        told = {
            "url": address.url,
            "api_key_file": str(address.api_key),
            "sql_server": address.sql_server,
            "sql_password_file": str(address.sql_password),
            "settings": str(address.settings),
        }
        output.write(json.dumps(told) + "\n")
    else:
        output.write(
            f"The main instance is at {address.url}\n"
            f"Its API key is in       {address.api_key}\n"
            f"Its SQL Server is at    {address.sql_server} (sa, password in {address.sql_password})\n"
            f'Look at it:             curl -H "X-Octopus-ApiKey: $(cat {address.api_key})" {address.url}/api/users/me\n'
            f"Rehearse its upgrade:   pytest features/ --settings={address.settings}\n"
            "Ctrl-C ends it.\n"
        )
    output.flush()


def _notes(output: TextIO) -> Callable[[str], None]:
    def note(text: str) -> None:
        output.write(f"· {text}\n")
        output.flush()

    return note
