"""`SHA256SUMS`: the digest of every file that a run left, so that `sha256sum -c` alone can check it.

The ledger speaks for itself and for what was recorded in it; the seal also covers what is written when the ledger is
closed: the verdict, JUnit and Allure results. An approval is bound to the seal, so it cannot be renewed unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from tidegate.gate.evidence import LEDGER, digest_of
from tidegate.gate.integrity import Damage, Ledger, verify

SEAL: Final = "SHA256SUMS"

#: Not sealed, because it may be made or changed later: what people sign, pages rendered from the evidence, and what is
#: kept of a test instance. Each name is that of a file or folder directly in the run folder.
_OPEN: Final = (
    *(SEAL, LEDGER, "approval.json", "change-board.*", "allure-report*"),
    *("provisioned.jsonl", "main-writes.jsonl", "instances", "backup-set"),
)


def seal(folder: Path) -> None:
    """Write the seal of a run that has ended."""
    recorded = verify(folder).recorded
    lines = [f"{recorded.get(path) or digest_of(folder / path)}  {path}\n" for path in _files(folder)]
    (folder / SEAL).write_text("".join(lines), encoding="utf-8", newline="\n")


def verify_run(folder: Path) -> Ledger:
    """Everything that recomputing a run folder finds: what :func:`verify` finds, and what its seal does."""
    ledger = verify(folder)
    return replace(ledger, damage=(*ledger.damage, *_broken(folder, ledger.recorded)))


def _broken(folder: Path, recorded: Mapping[str, str]) -> Iterator[Damage]:
    if not (folder / SEAL).is_file():
        yield Damage(SEAL, "is missing: the run did not come to its end")
        return
    sealed: dict[str, str] = {}
    for number, line in enumerate((folder / SEAL).read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        digest, separator, path = line.partition("  ")
        if not separator or len(digest) != 64:
            yield Damage(f"{SEAL}:{number}", "is no line of a seal")
        sealed[path] = digest
    there = set(_files(folder))
    for path, digest in sealed.items():
        found = recorded.get(path) or (digest_of(folder / path) if path in there else "")
        if not found:
            yield Damage(path, "is missing")
        elif found != digest:
            yield Damage(path, "was changed after the run was sealed")
    for path in sorted(there - sealed.keys() - recorded.keys()):
        yield Damage(path, "was added after the run was sealed")


def _files(folder: Path) -> Iterator[str]:
    for top in sorted(folder.iterdir()):
        if any(fnmatch(top.name, name) for name in _OPEN):
            continue
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if file.is_file():
                yield file.relative_to(folder).as_posix()
