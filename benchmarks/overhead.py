"""What a rehearsal takes beside what the servers take for it, in one run.

    python -m benchmarks.overhead [arguments of pytest, such as --target 2021.1.7500]

Wall time in which a server worked (start, backup, restore, schema scripts, answers) and wall time in which only the
harness did; and the processor time of both. The harness's own time is what it adds.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.waiting_for_servers import RESULT


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "features/",
            "-q",
            "-p",
            "benchmarks.waiting_for_servers",
            *sys.argv[1:],
        ]
        ended = subprocess.run(command, env={**os.environ, RESULT: str(result)}, check=False)
        told = json.loads(result.read_text(encoding="utf-8"))
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    servers = children.ru_utime + children.ru_stime - told["processor"]
    own = told["wall"] - told["waited"]
    print(f"wall time                      {told['wall']:7.1f} s")
    print(f"  with a server at work        {told['waited']:7.1f} s")
    print(f"  only the harness             {own:7.1f} s   {own / told['waited']:.1%} more than the servers took")
    print(f"processor time of the servers  {servers:7.1f} s")
    print(f"processor time of the harness  {told['processor']:7.1f} s")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
