"""What verifying the evidence of a run takes: `python -m benchmarks.evidence [MiB]`.

Time is compared with what reading and hashing the same files once takes in the same run, because that is the least any
verification can do; memory with that of a run an eighth of the size, because it must not grow.
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

from tidegate.digests import sha256_of
from tidegate.gate.evidence import GENESIS, LEDGER, canonical
from tidegate.gate.seal import SEAL, verify_run

_ATTACHMENT = 4 * 2**20
_MOMENT = datetime(2026, 5, 1, tzinfo=UTC).isoformat(timespec="milliseconds")


def make(folder: Path, size: int) -> None:
    """A sound run folder of about ``size`` bytes, a tenth of them lines of the ledger."""
    lines: list[str] = []
    attachments = folder / "attachments"
    attachments.mkdir(parents=True)
    previous, number, written = GENESIS, 0, 0
    with (folder / LEDGER).open("wb") as ledger:

        def record(kind: str, details: object) -> None:
            nonlocal previous, number, written
            number += 1
            entry = {"number": number, "time": _MOMENT, "kind": kind, "details": details, "previous": previous}
            line = canonical(entry)
            previous = hashlib.sha256(line).hexdigest()
            written += ledger.write(line + b"\n")

        for index in range(int(size * 0.9) // _ATTACHMENT):
            content = hashlib.shake_128(str(index).encode()).digest(2**16) * (_ATTACHMENT // 2**16)
            digest = hashlib.sha256(content).hexdigest()
            path = f"attachments/{digest[:16]}-log"
            (folder / path).write_bytes(content)
            record("attachment", {"name": "log", "path": path, "sha256": digest, "size": len(content)})
            lines.append(f"{digest}  {path}\n")
        while written < size * 0.1:
            record("scenario", {"id": f"features/a.feature: Scenario {number}", "outcome": "passed", "why": ""})
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
    import resource  # noqa: PLC0415, not on Windows

    started, worked = time.perf_counter(), time.process_time()
    if what == "verify":
        damage = verify_run(folder).damage
        assert not damage, damage
    else:
        hash_everything(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
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
