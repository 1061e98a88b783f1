"""Approvals to judge: one that allows the upgrade, and what is asked about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.unit.gate.ledgers import MAIN_ID, Event, entries, good_run, started
from tidegate.gate.answer import answer
from tidegate.gate.approval import Approval, Choice, Statement, statement_of
from tidegate.gate.objections import Answer
from tidegate.gate.question import Asked, EvidenceNow, Trusted
from tidegate.gate.signing import SigningKey
from tidegate.gate.verdict import recompute
from tidegate.rehearsal.main_mark import AuditEvent
from tidegate.rehearsal.main_now import MainNow
from tidegate.secrets import Secret

COPIED = datetime(2026, 5, 1, 12, 0, 5, tzinfo=UTC)


def private_key() -> str:
    """A new Ed25519 key in PEM form."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def signing_key() -> SigningKey:
    return SigningKey(Secret.generated("a signing key", private_key()))


ADA_KEY, BOB_KEY = signing_key(), signing_key()
ADA = Trusted("Ada Lovelace", ADA_KEY.public, ("ada",))
BOB = Trusted("Bob", BOB_KEY.public)


def statement(folder: Path, run: list[Event] | None = None, **policy: Any) -> Statement:
    """What there is to approve of the good run, decided an hour after its copy."""
    events = run or [started(policy=policy, by="ada"), *good_run()[1:]]
    recorded = entries(folder, events)
    made = statement_of(recompute(recorded), recorded, "5ea1")
    return made.model_copy(update={"decided": COPIED + timedelta(hours=1)})


def signed(folder: Path, **policy: Any) -> Approval:
    """Signed by Ada."""
    return by_ada(Approval(statement=statement(folder, **policy)))


def by_ada(approval: Approval, choice: Choice = Choice.APPROVE) -> Approval:
    return approval.signed("Ada Lovelace", choice, "looks right", ADA_KEY, COPIED + timedelta(hours=2))


def by_bob(approval: Approval, choice: Choice = Choice.APPROVE) -> Approval:
    return approval.signed("Bob", choice, "agreed", BOB_KEY, COPIED + timedelta(hours=3))


def main_now(**changes: Any) -> MainNow:
    """The main instance as it was when it was copied."""
    unchanged = MainNow("https://octopus.example.com", MAIN_ID, "2018.12.1", "aaaa", "5c", ())
    return replace(unchanged, **changes)


def audited(category: str = "Modified", *documents: str, agent: str = "Mozilla/5.0", number: int = 10) -> AuditEvent:
    """An event an hour after the copy."""
    at = COPIED + timedelta(hours=1)
    return AuditEvent(f"Events-{number}", at, category, documents or ("Projects-1",), "ada", agent, "it was changed")


def asked(**changes: Any) -> Asked:
    """What a pipeline asks a day later, when nothing has changed."""
    unchanged = Asked(COPIED + timedelta(days=1), main_now(), (ADA, BOB))
    return replace(unchanged, **changes)


def evidence_now(approval: Approval, **changes: Any) -> EvidenceNow:
    bound = approval.statement
    return replace(EvidenceNow(bound.evidence_sha256, bound.verdict_sha256, bound.seal_sha256, "", ()), **changes)


def codes(given: Answer) -> list[str]:
    return [reason.objection.value for reason in given.reasons]


def answered(approval: Approval, **changes: Any) -> tuple[str, list[str]]:
    given = answer(approval, asked(**changes))
    return given.says.value, codes(given)


def edited(approval: Approval, change: Mapping[str, Any]) -> Approval:
    """The same approval with other text in its statement (`main.…` about the instance), signed as before."""
    about_main = {name.removeprefix("main."): value for name, value in change.items() if name.startswith("main.")}
    main = approval.statement.main.model_copy(update=about_main)
    rest = {name: value for name, value in change.items() if not name.startswith("main.")}
    return approval.model_copy(update={"statement": approval.statement.model_copy(update={**rest, "main": main})})
