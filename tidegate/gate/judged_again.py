"""A run folder as it is now: verified, and judged again from its evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tidegate import __version__
from tidegate.digests import sha256_of
from tidegate.gate.evidence import LEDGER, Entry, read_entries
from tidegate.gate.integrity import Damage, Ledger
from tidegate.gate.question import EvidenceNow
from tidegate.gate.seal import SEAL, SIGNATURE, signer_of, verify_run
from tidegate.gate.verdict import Verdict, recompute

VERDICT: Final = "verdict.json"


@dataclass(frozen=True, slots=True)
class Examined:
    """What recomputing found. ``verdict`` is None, and ``entries`` is empty, where the evidence itself is damaged;
    ``runner`` is the key that signed the run, "" where nobody validly did."""

    ledger: Ledger
    entries: tuple[Entry, ...]
    verdict: Verdict | None
    runner: str

    @property
    def same_rules(self) -> bool:
        """Whether this Tidegate judges and draws as the one that ran: only then must the same come out again."""
        return self.verdict is not None and self.verdict.tidegate in {"", __version__}


def examine(folder: Path) -> Examined:
    """Verify everything that a run left, and judge it again: a seal is easily made anew around another verdict."""
    ledger = verify_run(folder)
    runner = signer_of(folder, ledger.head)
    if not ledger.sound:
        return Examined(ledger, (), None, runner)
    entries = tuple(read_entries(folder / LEDGER))
    try:
        verdict = recompute(entries)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        nonsense = Damage(LEDGER, f"its events cannot be judged: {type(error).__name__}: {error}")
        return Examined(replace(ledger, damage=(nonsense,)), (), None, runner)
    found = Examined(ledger, entries, verdict, runner)
    damage = tuple(_contradictions(folder, found, verdict))
    return replace(found, ledger=replace(ledger, damage=damage))


def _contradictions(folder: Path, found: Examined, verdict: Verdict) -> Iterator[Damage]:
    """In which the files around the ledger say something else than it does."""
    told = folder / VERDICT
    if not told.is_file():
        yield Damage(VERDICT, "is missing: the run gave no verdict")
    elif found.same_rules and told.read_bytes() != verdict.to_bytes():
        yield Damage(VERDICT, f"is not the verdict of this evidence, which is {verdict.outcome}")
    promised = str(found.entries[0].details.get("signs_with") or "") if found.entries else ""
    if promised and found.runner != promised:
        yield Damage(SIGNATURE, f"is missing, or another: the run was to be signed with {promised}")


def evidence_now(folder: Path) -> EvidenceNow:
    """What an approval of the run in ``folder`` is compared with."""
    found = examine(folder)
    damage = tuple(str(one) for one in found.ledger.damage)
    judged = found.verdict.to_bytes() if found.verdict else b""
    sealed = sha256_of(folder / SEAL) if (folder / SEAL).is_file() else ""
    return EvidenceNow(found.ledger.head, hashlib.sha256(judged).hexdigest(), sealed, found.runner, damage)
