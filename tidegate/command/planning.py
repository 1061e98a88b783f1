"""`tidegate plan`: the path between two versions."""

from __future__ import annotations

import argparse
import json
from typing import TextIO

from tidegate.command.exits import YES, Commands
from tidegate.octopus.downloads import DownloadFeed
from tidegate.versions import Version, plan, release_knowledge


def add(commands: Commands) -> None:
    parser = commands.add_parser("plan", help="the path between two versions and what is known to go wrong on it")
    parser.add_argument("current", type=str, metavar="FROM")
    parser.add_argument("target", type=str, metavar="TO")
    parser.add_argument("--via", action="append", default=[], metavar="VERSION", help="a version the path must touch")
    parser.add_argument("--feed", metavar="URL", help="take the list of versions from this download feed")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(command=_plan)


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
        return YES
    for number, hop in enumerate(path.hops, start=1):
        output.write(f"{number}. {hop.origin} → {hop.target} ({hop.change} change)\n")
        output.write(f"   needs SQL Server {hop.sql_server_floor} or newer; to go back: {hop.rollback}\n")
        output.writelines(f"   risk when {risk.when}: {risk.why} ({risk.source})\n" for risk in hop.risks)
    return YES
