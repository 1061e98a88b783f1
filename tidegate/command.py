"""The `tidegate` command: what helps around a rehearsal. The rehearsal itself is `pytest features/`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, TextIO

from tidegate import __version__
from tidegate.errors import TidegateError, UsageError
from tidegate.gate.integrity import verify
from tidegate.lab import Lab
from tidegate.octopus.downloads import DownloadFeed
from tidegate.rehearsal.recovery import clean_up_after_dead_runs
from tidegate.secrets import redact
from tidegate.settings import EmbeddedSettings, load
from tidegate.versions import Version, plan, release_knowledge

APPROVED: Final = 0
REJECTED: Final = 1
USAGE: Final = 2
INCOMPLETE: Final = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 yes, 1 no, 2 usage or settings, 10 not known."""
    chosen = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, TextIO], int] = chosen.command
    try:
        return command(chosen, sys.stdout)
    except TidegateError as error:
        sys.stderr.write(f"tidegate: {redact(str(error))}\n")
        return USAGE if isinstance(error, UsageError) else INCOMPLETE
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tidegate", description=__doc__)
    parser.add_argument("--version", action="version", version=f"tidegate {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    planning = commands.add_parser("plan", help="the path between two versions and what is known to go wrong on it")
    planning.add_argument("current", type=str, metavar="FROM")
    planning.add_argument("target", type=str, metavar="TO")
    planning.add_argument("--via", action="append", default=[], metavar="VERSION", help="a version the path must touch")
    planning.add_argument("--feed", metavar="URL", help="take the list of versions from this download feed")
    planning.add_argument("--json", action="store_true")
    planning.set_defaults(command=_plan)

    lab = commands.add_parser("lab", help="start the sample main instance and print where it is; Ctrl-C ends it")
    lab.add_argument("folder", type=Path, help="a folder for everything the lab makes; must not exist or be empty")
    lab.add_argument("--main-version", default=str(EmbeddedSettings().version), metavar="VERSION")
    lab.add_argument("--size", choices=["s", "m", "l"], default="s")
    lab.add_argument("--seed", type=int, default=1)
    lab.set_defaults(command=_lab)

    evidence = commands.add_parser("evidence", help="what a run left behind").add_subparsers(
        required=True, metavar="ACTION"
    )
    checking = evidence.add_parser("verify", help="recompute every digest: is the evidence still what was recorded?")
    checking.add_argument("folder", type=Path, help="the folder of one run")
    checking.add_argument("--json", action="store_true")
    checking.set_defaults(command=_verify)

    reaping = commands.add_parser("reap", help="stop and delete what killed runs left behind")
    reaping.add_argument("--settings", type=Path, metavar="FILE")
    reaping.set_defaults(command=_reap)
    return parser


def _plan(chosen: argparse.Namespace, output: TextIO) -> int:
    knowledge = release_knowledge()
    if chosen.feed:
        knowledge = knowledge.with_versions(DownloadFeed(chosen.feed).versions())
    path = plan(
        Version.parse(chosen.current),
        Version.parse(chosen.target),
        knowledge,
        [Version.parse(stop) for stop in chosen.via],
    )
    if chosen.json:
        output.write(json.dumps(path.as_json(), indent=2) + "\n")
        return APPROVED
    for number, hop in enumerate(path.hops, start=1):
        output.write(f"{number}. {hop.origin} → {hop.target} ({hop.change} change)\n")
        output.write(f"   needs SQL Server {hop.sql_server_floor} or newer; to go back: {hop.rollback}\n")
        output.writelines(f"   risk when {risk.when}: {risk.why} ({risk.source})\n" for risk in hop.risks)
    return APPROVED


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
    return APPROVED


def _notes(output: TextIO) -> Callable[[str], None]:
    def note(text: str) -> None:
        output.write(f"· {text}\n")
        output.flush()

    return note


def _verify(chosen: argparse.Namespace, output: TextIO) -> int:
    if not chosen.folder.is_dir():
        raise UsageError("there is no such run folder", where=str(chosen.folder))
    ledger = verify(chosen.folder)
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
    return APPROVED if ledger.sound else REJECTED


def _reap(chosen: argparse.Namespace, output: TextIO) -> int:
    settings = load(chosen.settings)
    recovery = clean_up_after_dead_runs(settings.reports.folder, settings)
    output.writelines(f"{sentence}\n" for sentence in [*recovery.done, *recovery.failed])
    return INCOMPLETE if recovery.failed else APPROVED


if __name__ == "__main__":
    sys.exit(main())
