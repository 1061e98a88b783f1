"""The answer to "may the main instance be upgraded now?": yes, no or not known, with every objection as an object."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tidegate.gate.drift import counted
from tidegate.rehearsal.main_mark import AuditEvent


class Says(StrEnum):
    """The three answers a pipeline can get."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        return {Says.YES: 0, Says.NO: 1, Says.UNKNOWN: 10}[self]


class Objection(StrEnum):
    """Why the answer is not "yes"."""

    MALFORMED = "malformed"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_SIGNER = "unknown-signer"
    REJECTED = "rejected-by-approver"
    TOO_FEW_APPROVALS = "too-few-approvals"
    DUTIES_NOT_SEPARATED = "duties-not-separated"
    EXPIRED = "expired"
    CLOCK = "clock"
    OTHER_INSTANCE = "other-instance"
    OTHER_VERSION = "version-drift"
    OTHER_SCHEMA = "schema-drift"
    DRIFTED = "audit-drift"
    OTHER_PLAN = "other-plan"
    OTHER_INSTALLER = "other-installer"
    OTHER_EVIDENCE = "other-evidence"
    MILDER_RULES = "milder-rules"
    ONLY_A_SUBSET = "only-a-subset"
    UNKNOWN_RUNNER = "unknown-runner"
    UNREACHABLE = "unreachable"
    NOT_COMPARED = "not-compared"


#: These leave the question open; every other objection answers it with "no".
_OPEN: Final = {Objection.CLOCK, Objection.UNREACHABLE, Objection.NOT_COMPARED}


@dataclass(frozen=True, slots=True)
class Reason:
    """One objection, as an object for pipelines and a sentence for people."""

    objection: Objection
    message: str

    @property
    def leads_to(self) -> Says:
        return Says.UNKNOWN if self.objection in _OPEN else Says.NO


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer, why, and the audit events that matter."""

    says: Says
    reasons: tuple[Reason, ...]
    drift: tuple[AuditEvent, ...] = ()
    approvers: tuple[str, ...] = ()
    compared: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """For pipelines."""
        return {
            "answer": self.says.value,
            "reasons": [{"code": one.objection.value, "message": one.message} for one in self.reasons],
            "drift": {
                "events": len(self.drift),
                "byCategory": counted(self.drift),
                "listed": [
                    {
                        "id": event.id,
                        "occurred": event.occurred.isoformat(),
                        "category": event.category,
                        "user": event.user,
                        "message": event.message,
                        "documents": list(event.documents),
                    }
                    for event in self.drift
                ],
            },
            "approvers": list(self.approvers),
            "compared": list(self.compared),
        }


def malformed(why: str) -> Answer:
    """The answer to a file that is no approval."""
    return Answer(Says.NO, (Reason(Objection.MALFORMED, why),))
