"""What a rehearsal takes beside what the servers take for it, in one run.

    python -m benchmarks.overhead [arguments of pytest, such as --target 2021.1.7500]

Wall time is parted twice. First: in which at least one server was at work for the rehearsal, and in which only the
harness was; that is what the harness adds *as a program*. "At work" includes answering questions, of which a rehearsal
asks thousands to look at everything: they are the harness's wish, though the server's time.

Second, narrower: in which a server did what an upgrade needs by itself (starts, backups, restores, commands, schema
scripts; pauses until one is ready count in full, so a pause that is too long is not seen here). The rest is what
*rehearsing* adds, all looking included. Both are printed; neither stands for the other. Processor time is that of this
process and of all that it started, whatever they waited for; on a busy machine only ratios within one run mean
anything. What the lab's stand-ins take says nothing about real servers, which are slower at everything they do.
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
    own, more = told["wall"] - told["waited"], told["wall"] - told["worked"]
    print(f"wall time                      {told['wall']:7.1f} s")
    print(f"  with a server at work        {told['waited']:7.1f} s")
    print(f"  only the harness             {own:7.1f} s   {_part(own, told['waited'])} more than the servers took")
    print(f"  starts, backups, scripts …   {told['worked']:7.1f} s")
    print(f"  all else, looking included   {more:7.1f} s   {_part(more, told['worked'])} more than those took")
    print(f"processor time of the servers  {servers:7.1f} s")
    print(f"processor time of the harness  {told['processor']:7.1f} s")
    return ended.returncode


def _part(some: float, of: float) -> str:
    return f"{some / of:.1%}" if of else "infinitely"


if __name__ == "__main__":
    sys.exit(main())
