"""`tidegate plan`: the path between two versions, or everything that lies ahead of the configured main instance."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TextIO

from tidegate.command.exits import YES, Commands
from tidegate.errors import UsageError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.planning import plan_upgrade
from tidegate.reporting.outlook import outlook_lines, path_lines
from tidegate.secrets import redact
from tidegate.settings import load
from tidegate.versions import Version, plan, release_knowledge


def add(commands: Commands) -> None:
    parser = commands.add_parser("plan", help="the path to the target, the expected outage, what is known to go wrong")
    parser.add_argument(
        "current", nargs="?", metavar="FROM", help="plan between two versions; without them, for the main instance"
    )
    parser.add_argument("target", nargs="?", metavar="TO")
    parser.add_argument("--via", action="append", default=[], metavar="VERSION", help="a version the path must touch")
    parser.add_argument("--feed", metavar="URL", help="take the list of versions from this download feed")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="where the main instance is described")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(command=_plan)


def _plan(chosen: argparse.Namespace, output: TextIO) -> int:
    if chosen.current is None:
        return _plan_main(chosen, output)
    if chosen.target is None or chosen.settings is not None:
        raise UsageError(
            "a path between two versions needs both, and no settings",
            next_step="tidegate plan FROM TO, or tidegate plan --settings FILE for the main instance",
        )
    knowledge = release_knowledge()
    if chosen.feed:
        knowledge = knowledge.with_versions(DownloadFeed(chosen.feed).versions())
    path = plan(Version.parse(chosen.current), Version.parse(chosen.target), knowledge, _stops(chosen))
    if chosen.json:
        output.write(json.dumps(path.as_json(), indent=2) + "\n")
        return YES
    output.writelines(f"{line}\n" for line in path_lines(path))
    output.writelines(f"risk when {risk.when}: {risk.why} ({risk.source})\n" for risk in path.risks)
    return YES


def _plan_main(chosen: argparse.Namespace, output: TextIO) -> int:
    if chosen.via or chosen.feed:
        raise UsageError(
            "--via and --feed are for a path between two versions",
            next_step="for the main instance write them into the settings: [upgrade] via, [feed] url",
        )
    settings = load(chosen.settings)
    outlook = plan_upgrade(settings, settings.reports.folder.resolve(), _note)
    if chosen.json:
        output.write(json.dumps(outlook.as_json(), indent=2) + "\n")
    else:
        output.writelines(f"{redact(line)}\n" for line in outlook_lines(outlook))
    return YES


def _stops(chosen: argparse.Namespace) -> list[Version]:
    return [Version.parse(stop) for stop in chosen.via]


def _note(text: str) -> None:
    """Progress goes where it does not mix with the answer."""
    sys.stderr.write(f"· {redact(text)}\n")
    sys.stderr.flush()
