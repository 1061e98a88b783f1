"""How long the comparison of two snapshots takes: `python -m benchmarks.comparison [resources]`."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tidegate.checks.comparison import compare
from tidegate.observation.store import ITEM, Seen, Snapshot, SnapshotWriter


def write(file: Path, version: str, number: int) -> Snapshot:
    """A snapshot of deployment processes as 2018 or 2019 shows them."""
    spaces = not version.startswith("2018")
    prefix = "/api/Spaces-1" if spaces else "/api"
    with SnapshotWriter(file) as writer:
        for n in range(number):
            body: dict[str, Any] = {
                "Id": f"deploymentprocess-Projects-{n}",
                "ProjectId": f"Projects-{n}",
                "Version": n % 17,
                "Steps": [
                    {
                        "Id": f"{n}-{step}",
                        "Name": f"Step {step}",
                        "Actions": [
                            {
                                "Id": f"{n}-{step}-a",
                                "Name": f"Step {step}",
                                "ActionType": "Octopus.Script",
                                "Properties": {f"Octopus.Action.Property{p}": f"value {n} {p}" for p in range(8)},
                                "Packages": [],
                            }
                        ],
                    }
                    for step in range(3)
                ],
                "Links": {
                    "Self": f"{prefix}/deploymentprocesses/deploymentprocess-Projects-{n}",
                    "Project": f"{prefix}/projects/Projects-{n}",
                },
            }
            if spaces:
                body["SpaceId"] = "Spaces-1"
            place = f"deploymentprocesses/deploymentprocess-Projects-{n}"
            path = f"{prefix}/{place}"
            text = json.dumps(body, indent=2)
            writer.saw(Seen("admin", place, ITEM, "deploymentprocesses/*", path, 200, seconds=0.01, body=text))
        writer.about(
            {
                "version": version, "spaces": spaces, "default_space": "Spaces-1", "administrator": "admin",
                "users": ["admin"], "observers": [], "database": False, "like": True, "installation_id": "",
            }
        )  # fmt: skip
    return Snapshot(file)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        for origin, target in (("2018.12.1", "2018.12.1"), ("2018.12.1", "2019.1.0"), ("2019.1.0", "2020.6.4671")):
            before = write(Path(folder) / "before.sqlite", origin, number)
            after = write(Path(folder) / "after.sqlite", target, number)
            size = before.file.stat().st_size / 2**20
            started = time.perf_counter()
            findings = compare(before, before, after)
            seconds = time.perf_counter() - started
            told = f"{number} resources, {size:.0f} MiB each: {seconds:.1f} s, {len(findings)} findings"
            print(f"{origin} → {target}: {told}")


if __name__ == "__main__":
    main()
