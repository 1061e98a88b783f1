"""`approval.json`: one verdict bound to one main instance, one path and one body of evidence, and who signed it.

The statement is made once, from the evidence. Every approver signs it together with a decision and a comment; each
signature covers the decisions before it as well, so that none of those can be changed or taken out afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tidegate.errors import HarnessError, UsageError
from tidegate.gate.evidence import Entry, canonical
from tidegate.gate.policy import Policy
from tidegate.gate.signing import SigningKey
from tidegate.gate.verdict import Outcome, Verdict

APPROVAL: Final = "approval.json"

_Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Part(BaseModel):
    """Unknown keys are refused: what nobody reads must not look as if it had been approved."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BoundMain(_Part):
    """The one main instance, and how far it was when it was copied."""

    url: str
    installation_id: str
    version: str
    database_guid: str
    schema_sha256: str
    audited: AwareDatetime | None
    newest_events: tuple[str, ...]
    copied: AwareDatetime


class Statement(_Part):
    """What is approved. ``installed`` holds the digest of everything that was installed, by version."""

    format: Literal["tidegate-approval/1"] = "tidegate-approval/1"
    run: str
    tidegate: str
    main: BoundMain
    path: tuple[str, ...] = Field(min_length=2)
    plan_sha256: str
    installed: Mapping[str, str]
    evidence_sha256: str
    evidence_entries: int
    verdict_sha256: str
    seal_sha256: str
    run_signed_by: str = ""
    waived_until: date | None
    reach: str = ""  # where less than the whole main instance was rehearsed: how much
    policy: Policy
    rehearsed_by: str
    decided: AwareDatetime

    def holds_until(self, policy: Policy) -> datetime:
        """When the approval expires by these rules.

        The evidence ages from the moment of the copy, not from when somebody looked at it; and no approval outlives
        the last day of a waiver that its verdict rests on.
        """
        aged = self.main.copied + timedelta(hours=policy.maximum_age)
        if self.waived_until is None:
            return aged
        return min(aged, datetime.combine(self.waived_until + timedelta(days=1), time(), UTC))

    @property
    def expires(self) -> datetime:
        return self.holds_until(self.policy)


class Choice(StrEnum):
    """What an approver decided."""

    APPROVE = "approve"
    REJECT = "reject"


class Decision(_Part):
    """One approver's word. ``key`` is the public key that ``signature`` is to be checked with."""

    approver: _Said
    choice: Choice
    comment: _Said
    at: AwareDatetime
    key: str
    signature: str = ""


class Approval(_Part):
    """The statement and every decision about it, in the order they were made."""

    statement: Statement
    decisions: tuple[Decision, ...] = ()

    def to_bytes(self) -> bytes:
        """The file, indented for people; signatures are over the canonical form."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n").encode()

    def signed_content(self, number: int) -> bytes:
        """What the signature of the decision with that index covers."""
        return canonical(
            {
                "statement": self.statement.model_dump(mode="json"),
                "before": [decision.model_dump(mode="json") for decision in self.decisions[:number]],
                "decision": self.decisions[number].model_dump(mode="json", exclude={"signature"}),
            }
        )

    def signed(self, approver: str, choice: Choice, comment: str, key: SigningKey, at: datetime) -> Approval:
        """This approval with one more decision. Raises :class:`UsageError` for a second one of the same approver."""
        if any(_same(decision.approver, approver) for decision in self.decisions):
            raise UsageError(
                f"{approver} has decided already",
                next_step="a decision is not changed; start from a fresh approval.json if it was wrong",
            )
        try:
            decision = Decision(approver=approver, choice=choice, comment=comment, at=at, key=key.public)
        except ValidationError:
            raise UsageError("an approver's name and comment must say something") from None
        unsigned = Approval(statement=self.statement, decisions=(*self.decisions, decision))
        signature = key.sign(unsigned.signed_content(len(self.decisions)))
        decisions = (*self.decisions, decision.model_copy(update={"signature": signature}))
        return Approval(statement=self.statement, decisions=decisions)


def statement_of(verdict: Verdict, entries: Sequence[Entry], seal_sha256: str, run_signed_by: str = "") -> Statement:
    """What there is to approve of a run whose seal has that digest, and was signed with that key ("": not signed).

    Raises :class:`HarnessError` when its verdict is not "approved", or its evidence does not say all of it.
    """
    if verdict.outcome is not Outcome.APPROVED:
        raise HarnessError(
            f"the verdict is {verdict.outcome}: there is nothing to approve",
            where=verdict.run,
            next_step="its reasons are in verdict.json",
        )
    facts = {kind: _the_one(entries, kind) for kind in ("run.started", "main", "main.mark", "plan", "installed")}
    main, mark, plan = facts["main"], facts["main.mark"], facts["plan"]
    try:
        return Statement(
            run=verdict.run,
            tidegate=verdict.tidegate,
            main=BoundMain(
                url=main["url"],
                installation_id=main["installation_id"],
                version=main["version"],
                database_guid=main.get("database_guid") or "",
                schema_sha256=mark["schema"],
                audited=mark["audited"],
                newest_events=mark["newest"],
                copied=mark["taken"],
            ),
            path=(plan["from"], *(hop["to"] for hop in plan["hops"])),
            plan_sha256=plan_digest(plan),
            installed=facts["installed"]["digests"],
            evidence_sha256=verdict.evidence_sha256,
            evidence_entries=verdict.evidence_entries,
            verdict_sha256=hashlib.sha256(verdict.to_bytes()).hexdigest(),
            seal_sha256=seal_sha256,
            run_signed_by=run_signed_by,
            waived_until=min((date.fromisoformat(one.expires) for one in verdict.waived), default=None),
            reach=verdict.reach,
            policy=verdict.policy,
            rehearsed_by=str(facts["run.started"].get("by") or ""),
            decided=verdict.decided,
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise HarnessError(f"the evidence does not say what an approval is bound to: {error}") from None


def plan_digest(plan: Mapping[str, Any]) -> str:
    """SHA-256 of a plan as evidence records it (:meth:`tidegate.versions.Plan.as_json`)."""
    return hashlib.sha256(canonical(plan)).hexdigest()


def load_approval(file: Path) -> Approval:
    """The approval in a file. Raises :class:`UsageError` for no file, ValueError for one that is no approval."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"there is no approval to read: {error.strerror}", where=str(file)) from None
    try:
        return Approval.model_validate_json(content)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, detail['loc'])) or 'all of it'}: {detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)
        ]
        raise ValueError(f"this is no approval: {'; '.join(problems)}") from None


def _the_one(entries: Sequence[Entry], kind: str) -> Mapping[str, Any]:
    found = [entry.details for entry in entries if entry.kind == kind]
    if len(found) != 1:
        raise HarnessError(f"the evidence tells {kind!r} {len(found)} times instead of once")
    return found[0]


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def utc_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
