"""What verifying the evidence of a run takes: `python -m benchmarks.evidence [MiB]`.

Measured is what the command does: every digest, the verdict and the page made again. The run has 1,000 scenarios and
5,000 findings, whatever its size. Time is compared with what reading and hashing the same files once takes in the same
run, because that is the least any verification can do; memory with that of a run an eighth of the size, because it must
not grow.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.reporting import made_up_finding
from tidegate.digests import sha256_of
from tidegate.gate.evidence import GENESIS, LEDGER, canonical, read_entries
from tidegate.gate.judged_again import VERDICT, examine
from tidegate.gate.seal import SEAL
from tidegate.gate.verdict import recompute
from tidegate.reporting.board.material import Material
from tidegate.reporting.documents import write_change_board
from tidegate.reporting.page_check import page_damage

_ATTACHMENT = 4 * 2**20
_SCENARIOS, _FINDINGS = 1_000, 5_000
_MOMENT = datetime(2026, 5, 1, tzinfo=UTC).isoformat(timespec="milliseconds")


def make(folder: Path, size: int) -> None:
    """A sound run folder of about ``size`` bytes with its verdict and page."""
    lines: list[str] = []
    names = [f"features/{number // 50:02}_stage.feature: Scenario {number}" for number in range(_SCENARIOS)]
    attachments = folder / "attachments"
    attachments.mkdir(parents=True)
    previous, number = GENESIS, 0
    with (folder / LEDGER).open("wb") as ledger:

        def record(kind: str, details: object) -> None:
            nonlocal previous, number
            number += 1
            entry = {"number": number, "time": _MOMENT, "kind": kind, "details": details, "previous": previous}
            line = canonical(entry)
            previous = hashlib.sha256(line).hexdigest()
            ledger.write(line + b"\n")

        record("run.started", {"run": "r1", "policy": {}, "waivers": [], "required": names})
        record("collected", {"scenarios": names})
        for index in range(size // _ATTACHMENT):
            content = hashlib.shake_128(str(index).encode()).digest(2**16) * (_ATTACHMENT // 2**16)
            digest = hashlib.sha256(content).hexdigest()
            path = f"attachments/{digest[:16]}-log"
            (folder / path).write_bytes(content)
            record("attachment", {"name": "log", "path": path, "sha256": digest, "size": len(content)})
            lines.append(f"{digest}  {path}\n")
        for finding in map(made_up_finding, range(_FINDINGS)):
            record("finding", finding.model_dump(mode="json"))
        for name in names:
            record("scenario", {"id": name, "outcome": "passed", "why": "", "nodeid": name})
        record("run.finished", {"ended": "completed", "failures": 0})
    entries = tuple(read_entries(folder / LEDGER))
    verdict = recompute(entries)
    (folder / VERDICT).write_bytes(verdict.to_bytes())
    write_change_board(folder, Material(verdict, entries), pdf=False)
    lines.append(f"{sha256_of(folder / VERDICT)}  {VERDICT}\n")
    (folder / SEAL).write_text("".join(sorted(lines, key=lambda line: line[66:])), encoding="utf-8")


def hash_everything(folder: Path) -> None:
    """The least that any verification does."""
    for file in folder.rglob("*"):
        if file.is_file():
            sha256_of(file)


def measured(what: str, folder: Path) -> dict[str, float]:
    """Seconds, processor seconds and peak memory in MiB of one of the two, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.evidence", what, str(folder)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def measure(what: str, folder: Path) -> None:
    """The child's part: prints what it measured of itself."""
    started, worked = time.perf_counter(), time.process_time()
    if what == "verify":
        found = examine(folder)
        damage = (*found.ledger.damage, *page_damage(folder, found))
        assert not damage, damage[:5]
    else:
        hash_everything(folder)
    # Linux: what this process itself had at most; ru_maxrss begins with what its parent had.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    told = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - worked, "peak": peak}
    print(json.dumps(told))


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in {"verify", "hash"}:
        measure(sys.argv[1], Path(sys.argv[2]))
        return
    size = (int(sys.argv[1]) if len(sys.argv) > 1 else 1024) * 2**20
    with tempfile.TemporaryDirectory() as temporary:
        small, large = Path(temporary) / "small", Path(temporary) / "large"
        make(small, size // 8)
        make(large, size)
        lines = sum(1 for _ in (large / LEDGER).open("rb"))
        bytes_there = sum(file.stat().st_size for file in large.rglob("*") if file.is_file())
        hashing, verifying, eighth = measured("hash", large), measured("verify", large), measured("verify", small)
    print(f"{bytes_there / 2**30:.2f} GiB, {lines} lines in the ledger; load {os.getloadavg()[0]:.1f}")
    for name, one in (("hashing every file once", hashing), ("verifying", verifying), ("verifying an eighth", eighth)):
        print(f"{name}: {one['seconds']:.1f} s ({one['cpu']:.1f} s of processor), peak {one['peak']:.0f} MiB")
    ratio, growth = verifying["cpu"] / hashing["cpu"], verifying["peak"] / eighth["peak"]
    print(f"verifying takes {ratio:.1f} times the processor time of hashing")
    print(f"eight times the evidence takes {growth:.2f} times the memory")


if __name__ == "__main__":
    main()
