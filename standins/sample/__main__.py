"""Fills an empty Octopus Server.

``python -m standins.sample --url URL [--seed N] [--size s|m|l] [--json FILE]``, with an administrator's key in the
environment variable ``OCTOPUS_API_KEY``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import httpx

from standins.sample.history import DeploymentFailed
from standins.sample.instance import Instance, Refused, TaskDidNotEnd
from standins.sample.load import SCALES, load


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m standins.sample", description="Fill an empty Octopus Server with the sample instance."
    )
    parser.add_argument("--url", required=True, help="address of the server, such as http://localhost:8080")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same names, values and secrets")
    parser.add_argument("--size", choices=sorted(SCALES), default="s")
    parser.add_argument(
        "--json", type=Path, help="file for what a harness needs: users with keys, canaries, counts (mode 0600)"
    )
    options = parser.parse_args()
    key = os.environ.get("OCTOPUS_API_KEY")
    if not key:
        parser.error("the environment variable OCTOPUS_API_KEY must hold an administrator's API key")
    began = time.monotonic()
    try:
        instance = Instance(options.url, key)
        try:
            summary = load(instance, seed=options.seed, size=options.size, say=lambda text: _say(began, text))
        finally:
            instance.close()
    except (Refused, TaskDidNotEnd, DeploymentFailed, httpx.TransportError) as problem:
        sys.stderr.write(f"The sample could not be loaded: {problem}\n")
        return 1
    if options.json:
        _write_private(options.json, json.dumps({"Url": options.url, **summary}, indent=1))
    _say(began, "done")
    return 0


def _say(began: float, text: str) -> None:
    sys.stdout.write(f"{time.monotonic() - began:6.2f} s  {text}\n")
    sys.stdout.flush()


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main())
