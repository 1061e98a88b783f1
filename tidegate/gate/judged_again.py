"""A run folder as it is now: verified, and judged again from its evidence."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tidegate.digests import sha256_of
from tidegate.gate.answer import EvidenceNow
from tidegate.gate.evidence import LEDGER, read_entries
from tidegate.gate.seal import SEAL, signer_of, verify_run
from tidegate.gate.verdict import recompute


def evidence_now(folder: Path) -> EvidenceNow:
    """What an approval of the run in ``folder`` is compared with."""
    ledger = verify_run(folder)
    damage = tuple(str(one) for one in ledger.damage)
    judged = b"" if damage else recompute(tuple(read_entries(folder / LEDGER))).to_bytes()
    sealed = sha256_of(folder / SEAL) if (folder / SEAL).is_file() else ""
    runner = signer_of(folder, ledger.head)
    return EvidenceNow(ledger.head, hashlib.sha256(judged).hexdigest(), sealed, runner, damage)
