"""`SHA256SUMS`: the digest of every file that a run left, so that `sha256sum -c` alone can check it.

The ledger speaks for itself and for what was recorded in it; the seal also covers what is written when the ledger is
closed: the verdict, JUnit and Allure results. An approval is bound to the seal, so it cannot be renewed unnoticed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tidegate.digests import sha256_of
from tidegate.gate.evidence import LEDGER, canonical
from tidegate.gate.integrity import Damage, Ledger, files_below, verify
from tidegate.gate.signing import SigningKey, signed_by

SEAL: Final = "SHA256SUMS"

#: Who ran it, if the run had a key: a signature over the ledger's last digest and the seal.
SIGNATURE: Final = "SHA256SUMS.sig"

#: Not sealed, because it may be made or changed later: what people sign, pages rendered from the evidence, and what is
#: kept of a test instance. Each name is that of a file or folder directly in the run folder.
_OPEN: Final = frozenset(
    {
        *(SEAL, SIGNATURE, LEDGER, "approval.json", "change-board.html", "change-board.pdf", "allure-report"),
        *("provisioned.jsonl", "main-writes.jsonl", "instances", "backup-set"),
    }
)


def seal(folder: Path, key: SigningKey | None = None) -> None:
    """Write the seal of a run that has ended, and sign it where there is a key."""
    ledger = verify(folder)
    recorded = ledger.recorded
    digests = {path: recorded.get(path) or _digest(folder / path) for path in _files(folder)}
    lines = [f"{digest}  {path}\n" for path, digest in digests.items() if digest]
    (folder / SEAL).write_text("".join(lines), encoding="utf-8", newline="\n")
    if key is not None:
        signature = {"key": key.public, "signature": key.sign(_signed_content(folder, ledger.head))}
        (folder / SIGNATURE).write_text(json.dumps(signature, indent=2) + "\n", encoding="utf-8")


def signer_of(folder: Path, head: str) -> str:
    """The public key that signed this run, whose last event has the digest ``head``; "" where nobody validly did."""
    try:
        signature = json.loads((folder / SIGNATURE).read_bytes())
        key, value = str(signature["key"]), str(signature["signature"])
        return key if signed_by(key, value, _signed_content(folder, head)) else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def _signed_content(folder: Path, head: str) -> bytes:
    return canonical({"format": "tidegate-run/1", "head": head, "seal": sha256_of(folder / SEAL)})


def verify_run(folder: Path) -> Ledger:
    """Everything that recomputing a run folder finds: what :func:`verify` finds, and what its seal does."""
    ledger = verify(folder)
    damage = [*ledger.damage, *_broken(folder, ledger.recorded)]
    if (folder / SIGNATURE).exists() and not signer_of(folder, ledger.head):
        damage.append(Damage(SIGNATURE, "is not a signature of this run"))
    return replace(ledger, damage=tuple(damage))


def _broken(folder: Path, recorded: Mapping[str, str]) -> Iterator[Damage]:
    if not (folder / SEAL).is_file() or (folder / SEAL).is_symlink():
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
        found = recorded.get(path) or (_digest(folder / path) if path in there else "")
        if not found:
            yield Damage(path, "is missing, or cannot be read")
        elif found != digest:
            yield Damage(path, "was changed after the run was sealed")
    for path in sorted(there - sealed.keys() - recorded.keys()):
        yield Damage(path, "was added after the run was sealed")


def _files(folder: Path) -> Iterator[str]:
    for top in sorted(folder.iterdir()):
        if top.name not in _OPEN:
            yield from files_below(folder, top)


def _digest(file: Path) -> str:
    """ "" for what is no ordinary file, or cannot be read."""
    try:
        return "" if file.is_symlink() or not file.is_file() else sha256_of(file)
    except OSError:
        return ""
