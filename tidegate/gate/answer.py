"""May the main instance be upgraded now, on the strength of this approval? Yes, no, or not known.

A pure function of the approval, of who is trusted, and of what was read just now. A "no" outweighs what is not known,
and nothing that could not be read counts as unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from tidegate.errors import HarnessError
from tidegate.gate.approval import Approval, Choice, Decision, plan_digest
from tidegate.gate.drift import counted, that_matter
from tidegate.gate.objections import Answer, Objection, Reason, Says
from tidegate.gate.policy import Policy
from tidegate.gate.question import Asked, EvidenceNow, Trusted
from tidegate.gate.signing import signed_by
from tidegate.rehearsal.guard import same_url
from tidegate.rehearsal.main_mark import AuditEvent
from tidegate.rehearsal.main_now import MainNow

#: Two machines' clocks are rarely further apart, when both are kept by a time service.
_CLOCK_TOLERANCE: Final = timedelta(minutes=5)


def answer(approval: Approval, asked: Asked) -> Answer:
    """Whether ``approval`` allows what is ``asked``."""
    drift = tuple(that_matter(asked.main.events)) if isinstance(asked.main, MainNow) else ()
    believed = _believed(approval, asked.trusted)
    # The rules of the rehearsal were signed; those of the pipeline may only be stricter.
    policies = [approval.statement.policy, *([asked.policy] if asked.policy else [])]
    reasons = [
        *_signature_reasons(approval, asked.trusted),
        *(reason for policy in policies for reason in _people_reasons(approval, believed, policy)),
        *(reason for policy in policies for reason in _time_reasons(approval, policy, asked.now)),
        *(reason for policy in policies for reason in _reach_reasons(approval, policy)),
        *_rules_reasons(approval, asked.policy),
        *_plan_reasons(approval, asked),
        *_runner_reasons(approval, asked.runners),
        *_evidence_reasons(approval, asked.evidence),
        *_main_reasons(approval, asked.main, schema=not asked.without_database),
        *(reason for policy in policies for reason in _drift_reasons(drift, policy)),
    ]
    reasons = list(dict.fromkeys(reasons))
    reasons.sort(key=lambda reason: reason.leads_to is not Says.NO)
    return Answer(
        says=reasons[0].leads_to if reasons else Says.YES,
        reasons=tuple(reasons),
        drift=drift,
        approvers=tuple(one.name for one in believed),
        compared=_compared(asked),
    )


def _valid(approval: Approval, number: int) -> bool:
    decision = approval.decisions[number]
    return signed_by(decision.key, decision.signature, approval.signed_content(number))


def _owner(decision: Decision, trusted: Sequence[Trusted]) -> Trusted | None:
    return next((one for one in trusted if one.key == decision.key and one.name == decision.approver), None)


def _believed(approval: Approval, trusted: Sequence[Trusted]) -> list[Trusted]:
    """Who approved, each person once, whatever number of keys they have, and each key once, under whatever names."""
    found: list[Trusted] = []
    for number, decision in enumerate(approval.decisions):
        owner = _owner(decision, trusted)
        if owner is None or decision.choice is not Choice.APPROVE or not _valid(approval, number):
            continue
        if not any(owner.key == one.key or owner.name.casefold() == one.name.casefold() for one in found):
            found.append(owner)
    return found


def _signature_reasons(approval: Approval, trusted: Sequence[Trusted]) -> Iterator[Reason]:
    for number, decision in enumerate(approval.decisions):
        if not _valid(approval, number):
            message = f"the signature of {decision.approver} does not fit what it stands under"
            yield Reason(Objection.BAD_SIGNATURE, message)
        elif _owner(decision, trusted) is None:
            message = f"{decision.approver} signed with {decision.key}, which is not a key of a known approver's"
            yield Reason(Objection.UNKNOWN_SIGNER, message)
        elif decision.choice is Choice.REJECT:
            yield Reason(Objection.REJECTED, f"{decision.approver} said no: {decision.comment}")


def _people_reasons(approval: Approval, believed: Sequence[Trusted], policy: Policy) -> Iterator[Reason]:
    if len(believed) < policy.approvals:
        message = f"{len(believed)} of {policy.approvals} approvals that are asked for"
        yield Reason(Objection.TOO_FEW_APPROVALS, message)
    if not policy.separation_of_duties or not believed:
        return
    by = approval.statement.rehearsed_by
    if not by:
        yield Reason(Objection.DUTIES_NOT_SEPARATED, "nobody knows who ran the rehearsal")
    elif all(one.ran(by) for one in believed):
        yield Reason(Objection.DUTIES_NOT_SEPARATED, f"only {by}, who ran the rehearsal, approved it")


def _time_reasons(approval: Approval, policy: Policy, now: datetime) -> Iterator[Reason]:
    statement = approval.statement
    expires = statement.holds_until(policy)
    if now > expires:
        message = f"copied {statement.main.copied:%Y-%m-%d %H:%M} UTC, which holds until {expires:%Y-%m-%d %H:%M} UTC"
        yield Reason(Objection.EXPIRED, message)
    moments = [statement.main.copied, statement.decided, *(decision.at for decision in approval.decisions)]
    if now < max(moments) - _CLOCK_TOLERANCE:
        message = f"the clock says {now:%Y-%m-%d %H:%M} UTC, before what was approved happened"
        yield Reason(Objection.CLOCK, message)
    if any(decision.at < statement.decided - _CLOCK_TOLERANCE for decision in approval.decisions):
        yield Reason(Objection.CLOCK, "somebody signed before the verdict was there")


def _reach_reasons(approval: Approval, policy: Policy) -> Iterator[Reason]:
    reach = approval.statement.reach
    if why := policy.objection_to(reach):
        yield Reason(Objection.ONLY_A_SUBSET, f"{reach} {why}")


def _rules_reasons(approval: Approval, policy: Policy | None) -> Iterator[Reason]:
    """The verdict was given by the rules of the rehearsal; it cannot stand for stricter ones."""
    for how in policy.stricter_than(approval.statement.policy) if policy else ():
        yield Reason(Objection.MILDER_RULES, f"the rehearsal was judged by milder rules than asked for here: {how}")


def _plan_reasons(approval: Approval, asked: Asked) -> Iterator[Reason]:
    statement = approval.statement
    if asked.plan is not None:
        path = (str(asked.plan["from"]), *(str(hop["to"]) for hop in asked.plan["hops"]))
        if path != statement.path:
            message = f"approved is {' → '.join(statement.path)}, to be done is {' → '.join(path)}"
            yield Reason(Objection.OTHER_PLAN, message)
        elif plan_digest(asked.plan) != statement.plan_sha256:
            message = "the path is the approved one, but more is known about its risks, or its way back, than was then"
            yield Reason(Objection.OTHER_PLAN, message)
    if asked.installers is None:
        return
    if isinstance(asked.installers, HarnessError):
        yield Reason(Objection.UNREACHABLE, f"what is to be installed could not be read: {asked.installers.what}")
        return
    for version in statement.path[1:]:
        approved, ready = statement.installed.get(version, "nothing"), asked.installers.get(version, "nothing")
        if approved != ready:
            message = f"{version} was rehearsed with {approved}; ready to be installed is {ready}"
            yield Reason(Objection.OTHER_INSTALLER, message)


def _runner_reasons(approval: Approval, runners: Sequence[str]) -> Iterator[Reason]:
    by = approval.statement.run_signed_by
    if runners and by not in runners:
        who = f"was signed with {by}, which is not a key of a known runner's" if by else "was not signed by its runner"
        yield Reason(Objection.UNKNOWN_RUNNER, f"the run {who}")


def _evidence_reasons(approval: Approval, evidence: EvidenceNow | None) -> Iterator[Reason]:
    if evidence is None:
        return
    yield from (Reason(Objection.OTHER_EVIDENCE, one) for one in evidence.damage)
    if evidence.head != approval.statement.evidence_sha256:
        yield Reason(Objection.OTHER_EVIDENCE, "the evidence is not the one that was approved")
    elif evidence.verdict_sha256 != approval.statement.verdict_sha256:
        yield Reason(Objection.OTHER_EVIDENCE, "judged again, the evidence gives another verdict")
    elif evidence.run_signed_by != approval.statement.run_signed_by:
        yield Reason(Objection.OTHER_EVIDENCE, "the run does not have the signature it was approved with")
    elif evidence.seal_sha256 != approval.statement.seal_sha256:
        yield Reason(Objection.OTHER_EVIDENCE, "the run was sealed again after it was approved")


def _main_reasons(approval: Approval, main: MainNow | HarnessError, *, schema: bool) -> Iterator[Reason]:
    if isinstance(main, HarnessError):
        where = f" ({main.where})" if main.where else ""
        yield Reason(Objection.UNREACHABLE, f"the main instance could not be read: {main.what}{where}")
        return
    bound = approval.statement.main
    if main.installation_id.lower() != bound.installation_id.lower() or not bound.installation_id:
        message = f"approved is {bound.installation_id or 'no instance'}, there is {main.installation_id or 'none'}"
        yield Reason(Objection.OTHER_INSTANCE, message)
    if not same_url(main.url, bound.url):
        yield Reason(Objection.OTHER_INSTANCE, f"approved is {bound.url}, asked for is {main.url}")
    if main.database_guid and bound.database_guid and main.database_guid.lower() != bound.database_guid.lower():
        message = "its database was restored, or is another one, since it was copied"
        yield Reason(Objection.OTHER_INSTANCE, message)
    if main.version != bound.version:
        yield Reason(Objection.OTHER_VERSION, f"it was {bound.version} when it was copied and is {main.version} now")
    if main.schema is not None and main.schema != bound.schema_sha256:
        yield Reason(Objection.OTHER_SCHEMA, "schema scripts ran on its database since it was copied")
    if main.schema is None and schema:
        yield Reason(Objection.NOT_COMPARED, "its database was not read, so nothing is known of its schema")


def _drift_reasons(drift: Sequence[AuditEvent], policy: Policy) -> Iterator[Reason]:
    if len(drift) > policy.maximum_drift:
        kinds = ", ".join(f"{number} {category}" for category, number in counted(drift).items())
        noun = "change" if len(drift) == 1 else "changes"
        message = f"{len(drift)} {noun} since it was copied, {policy.maximum_drift} are allowed: {kinds}"
        yield Reason(Objection.DRIFTED, message)


def _compared(asked: Asked) -> tuple[str, ...]:
    main = isinstance(asked.main, MainNow)
    every = {
        "signatures": True,
        "age": True,
        "instance": main,
        "version": main,
        "audit log": main,
        "schema": isinstance(asked.main, MainNow) and asked.main.schema is not None,
        "plan": asked.plan is not None,
        "installers": asked.installers is not None and not isinstance(asked.installers, HarnessError),
        "evidence": asked.evidence is not None,
    }
    return tuple(name for name, done in every.items() if done)
