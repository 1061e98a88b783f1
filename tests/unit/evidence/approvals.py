"""Ways in which a signed approval does not allow the upgrade, or no longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.unit.gate.approvals import (
    ADA,
    ADA_KEY,
    BOB,
    COPIED,
    answered,
    audited,
    by_ada,
    by_bob,
    edited,
    evidence_now,
    main_now,
    signed,
    signing_key,
    statement,
)
from tests.unit.gate.ledgers import good_run, started, subset_run, upgraded
from tidegate.errors import Refused, Unreachable
from tidegate.gate.approval import Approval, Choice
from tidegate.gate.policy import REQUIRED_CHECKS, Policy
from tidegate.gate.question import Trusted

Asking = tuple[Approval, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Signed:
    """One way: an approval and what is asked about it."""

    code: str
    ask: Callable[[Path], Asking]

    def answer(self, folder: Path) -> tuple[str, list[str]]:
        approval, asked = self.ask(folder)
        return answered(approval, **asked)


def _now(**changes: Any) -> Callable[[Path], Asking]:
    """The main instance is not what it was."""
    return lambda folder: (signed(folder), {"main": main_now(**changes)})


def _asked(**changes: Any) -> Callable[[Path], Asking]:
    return lambda folder: (signed(folder), changes)


def _forged(**changes: Any) -> Callable[[Path], Asking]:
    return lambda folder: (edited(signed(folder), {name.replace("__", "."): one for name, one in changes.items()}), {})


def _evidence(**changes: Any) -> Callable[[Path], Asking]:
    def ask(folder: Path) -> Asking:
        approval = signed(folder)
        return approval, {"evidence": evidence_now(approval, **changes)}

    return ask


def _stranger(folder: Path) -> Asking:
    unsigned = Approval(statement=statement(folder))
    at = COPIED + timedelta(hours=2)
    return unsigned.signed("Mallory", Choice.APPROVE, "trust me", signing_key(), at), {}


def _no_taken_out(folder: Path) -> Asking:
    both = by_ada(by_bob(Approval(statement=statement(folder)), Choice.REJECT))
    return Approval(statement=both.statement, decisions=both.decisions[1:]), {}


def _within_90_minutes(folder: Path) -> Approval:
    run = [started(policy={"outage_window": 90}, by="ada"), *good_run()[1:5], upgraded(), *good_run()[6:]]
    return by_ada(Approval(statement=statement(folder, run)))


def _one_key_twice(folder: Path) -> Asking:
    approval = signed(folder, approvals=2).signed(
        "Grace Hopper", Choice.APPROVE, "me, too", ADA_KEY, COPIED + timedelta(hours=3)
    )
    return approval, {"trusted": (ADA, Trusted("Grace Hopper", ADA.key))}


def _moved(folder: Path) -> Asking:
    other = signed(folder / "other", maximum_age=999)
    return Approval(statement=statement(folder / "this"), decisions=other.decisions), {}


def _subset(folder: Path, **policy: Any) -> Approval:
    return by_ada(Approval(statement=statement(folder, subset_run(policy=policy))))


def _plan(to: str) -> dict[str, Any]:
    return {"from": "2018.12.1", "to": to, "hops": [{"from": "2018.12.1", "to": to}]}


APPROVALS: dict[str, Signed] = {
    "nobody has signed": Signed("too-few-approvals", lambda folder: (Approval(statement=statement(folder)), {})),
    "fewer have signed than the policy asks for": Signed(
        "too-few-approvals", lambda folder: (signed(folder, approvals=2), {})
    ),
    "only whoever rehearsed has signed": Signed(
        "duties-not-separated", lambda folder: (signed(folder, separation_of_duties=True), {})
    ),
    "it rests on a rehearsal of a subset": Signed("only-a-subset", lambda folder: (_subset(folder), {})),
    "it rests on a subset, and the pipeline's policy is stricter than the run's": Signed(
        "only-a-subset", lambda folder: (_subset(folder, subset_is_enough=True), {"policy": Policy()})
    ),
    "that it rests on a subset was taken out after signing": Signed(
        "bad-signature", lambda folder: (edited(_subset(folder), {"reach": ""}), {})
    ),
    "one key signed under two names": Signed("too-few-approvals", _one_key_twice),
    "its rehearsal had to show less than the pipeline's policy asks for": Signed(
        "milder-rules",
        lambda folder: (signed(folder, required_checks=REQUIRED_CHECKS[:-1]), {"policy": Policy()}),
    ),
    "findings did not block in its rehearsal that block by the pipeline's policy": Signed(
        "milder-rules", lambda folder: (signed(folder, blocking=["breaking"]), {"policy": Policy()})
    ),
    "its rehearsal was allowed a longer outage than the pipeline's policy": Signed(
        "milder-rules", lambda folder: (_within_90_minutes(folder), {"policy": Policy(outage_window=30)})
    ),
    "an approver said no": Signed("rejected-by-approver", lambda folder: (by_bob(signed(folder), Choice.REJECT), {})),
    "a no was taken out of the file": Signed("bad-signature", _no_taken_out),
    "a stranger signed": Signed("unknown-signer", _stranger),
    "a known name with another key": Signed("unknown-signer", _asked(trusted=(Trusted("Ada Lovelace", BOB.key),))),
    "the signature of another approval": Signed("bad-signature", _moved),
    "the path was changed after signing": Signed("bad-signature", _forged(path=("2018.12.1", "2025.4.1"))),
    "the policy was changed after signing": Signed("bad-signature", _forged(policy=Policy(maximum_drift=999))),
    "the evidence digest was changed after signing": Signed("bad-signature", _forged(evidence_sha256="0" * 64)),
    "the instance was changed after signing": Signed("bad-signature", _forged(main__installation_id="3333")),
    "the evidence was rewritten, chain and all, after signing": Signed("other-evidence", _evidence(head="0" * 64)),
    "the run was sealed again after signing": Signed("other-evidence", _evidence(seal_sha256="0" * 64)),
    "judged again, the evidence says something else": Signed("other-evidence", _evidence(verdict_sha256="0" * 64)),
    "the evidence was damaged after signing": Signed("other-evidence", _evidence(damage=("a log: was changed",))),
    "a run that its runner did not sign": Signed("unknown-runner", _asked(runners=(signing_key().public,))),
    "the evidence is too old": Signed("expired", _asked(now=COPIED + timedelta(days=8))),
    "the clock of the pipeline was moved back": Signed("clock", _asked(now=COPIED - timedelta(days=1))),
    "it is for another instance": Signed("other-instance", _now(installation_id="3333")),
    "it is for a copy of the instance at another address": Signed("other-instance", _now(url="https://copy.example")),
    "the database was restored since": Signed("other-instance", _now(database_guid="bbbb")),
    "the main instance was upgraded since": Signed("version-drift", _now(version="2019.1.0")),
    "a schema script ran since": Signed("schema-drift", _now(schema="6d")),
    "the schema was not read": Signed("not-compared", _now(schema=None)),
    "projects were changed since": Signed("audit-drift", _now(events=(audited(),))),
    "something unknown happened since": Signed("audit-drift", _now(events=(audited("Teleported", "Ducks-1"),))),
    "another target is about to be installed": Signed("other-plan", _asked(plan=_plan("2025.4.1"))),
    "another installer of the same version": Signed("other-installer", _asked(installers={"2021.1.7500": "sha256:ff"})),
    "the main instance does not answer": Signed("unreachable", _asked(main=Unreachable("no answer"))),
    "the audit log may not be read": Signed("unreachable", _asked(main=Refused("403"))),
}
