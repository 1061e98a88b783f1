"""A script such as organisations write against the API of their server: what was released of each project, and when.

``OCTOPUS_URL`` and ``OCTOPUS_API_KEY`` are in the environment, as they are for the scripts of a rehearsal's settings.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from typing import Any


def main() -> int:
    projects = _get("/api/projects/all")
    if not projects:
        sys.stderr.write("there are no projects\n")
        return 1
    for project in sorted(projects, key=lambda one: str(one["Name"])):
        # The link of the document, not a path of our own: it leads into the project's space where there are spaces.
        releases = _get(str(project["Links"]["Releases"]).split("{")[0])
        newest = releases["Items"][0]["Version"] if releases["Items"] else "no release"
        sys.stdout.write(f"{project['Name']}: {newest}\n")
    return 0


def _get(path: str) -> Any:
    request = urllib.request.Request(  # noqa: S310 - the address comes from whoever runs the script
        os.environ["OCTOPUS_URL"] + path, headers={"X-Octopus-ApiKey": os.environ["OCTOPUS_API_KEY"]}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
