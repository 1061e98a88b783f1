"""Approved, rejected or incomplete: a pure function of evidence, policy and waivers.

Nothing is approved for lack of bad news. Approval takes a run that began and ended in order, every required scenario
reported as passed exactly once, every required check with its trace in the evidence, and no open finding that blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from tidegate.checks.finding import Finding
from tidegate.gate import waivers as waivers_module
from tidegate.gate.completeness import gaps
from tidegate.gate.evidence import GENESIS, Entry
from tidegate.gate.facts import contradictions, predicted_outage, reach
from tidegate.gate.policy import Policy
from tidegate.gate.scenarios import ScenarioOutcome, ScenarioResult, results
from tidegate.gate.waivers import Sorted, Waiver


class Outcome(StrEnum):
    """The three answers to "may the main instance follow?"."""

    APPROVED = "approved"
    REJECTED = "rejected"
    INCOMPLETE = "incomplete"

    @property
    def exit_code(self) -> int:
        return {Outcome.APPROVED: 0, Outcome.REJECTED: 1, Outcome.INCOMPLETE: 10}[self]


class Code(StrEnum):
    """Why a verdict is not "approved"."""

    SCENARIO_FAILED = "scenario-failed"
    FINDING_BLOCKS = "finding-blocks"
    SCENARIO_BROKEN = "scenario-broken"
    SCENARIO_NOT_RUN = "scenario-not-run"
    SCENARIO_MISSING = "scenario-missing"
    SCENARIO_REPEATED = "scenario-repeated"
    CHECK_NOT_RUN = "check-not-run"
    CLONE_DIFFERS = "clone-differs"
    CLEAN_UP_FAILED = "clean-up-failed"
    RUN_NOT_FINISHED = "run-not-finished"
    EVIDENCE_DAMAGED = "evidence-damaged"
    EVIDENCE_MISSING = "evidence-missing"
    EVIDENCE_CONTRADICTS = "evidence-contradicts"
    OUTAGE_TOO_LONG = "outage-too-long"


#: A machine's clock may be set by its time service; more than this is no correction.
_CLOCK_TOLERANCE: Final = timedelta(seconds=2)

_REJECTING: Final = {Code.SCENARIO_FAILED, Code.FINDING_BLOCKS, Code.OUTAGE_TOO_LONG}


class Reason(BaseModel):
    """One reason, as an object for pipelines and a sentence for people."""

    model_config = ConfigDict(frozen=True)

    code: Code
    subject: str
    message: str

    @property
    def leads_to(self) -> Outcome:
        return Outcome.REJECTED if self.code in _REJECTING else Outcome.INCOMPLETE


class Count(BaseModel):
    """Scenarios by outcome."""

    model_config = ConfigDict(frozen=True)

    required: int
    passed: int
    failed: int
    broken: int
    not_run: int
    missing: int


class WaivedFinding(BaseModel):
    """A finding that does not block, and who says so."""

    model_config = ConfigDict(frozen=True)

    finding: Finding
    owner: str
    reason: str
    link: str
    expires: str


class Verdict(BaseModel):
    """The decision about one rehearsal, with everything needed to check it against the evidence."""

    model_config = ConfigDict(frozen=True)

    outcome: Outcome
    reasons: tuple[Reason, ...]
    run: str
    from_version: str
    to_version: str
    main: str
    reach: str = ""  # where less than the whole main instance was rehearsed: how much
    scenarios: Count
    findings: tuple[Finding, ...]
    waived: tuple[WaivedFinding, ...]
    notes: tuple[str, ...]
    policy: Policy
    evidence_sha256: str
    evidence_entries: int
    decided: datetime
    tidegate: str

    @property
    def exit_code(self) -> int:
        return self.outcome.exit_code

    def to_bytes(self) -> bytes:
        """`verdict.json`: the same bytes wherever and whenever the same evidence is judged."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n").encode()


def recompute(entries: Sequence[Entry], damage: Sequence[str] = ()) -> Verdict:
    """The verdict by the policy and the waivers that the evidence itself names."""
    started = _details(entries, "run.started")
    policy = Policy.model_validate(started.get("policy", {}))
    listed = tuple(Waiver.model_validate(row) for row in started.get("waivers", []))
    return decide(entries, policy, listed, damage)


def decide(entries: Sequence[Entry], policy: Policy, waivers: Sequence[Waiver], damage: Sequence[str] = ()) -> Verdict:
    """The verdict on a run. ``damage`` is what verifying its evidence found; any of it excludes approval."""
    started = _details(entries, "run.started")
    required = tuple(str(one) for one in started.get("required", ()))
    reported = results(entries)
    decided = entries[-1].time if entries else datetime.fromtimestamp(0, UTC)
    findings = tuple(Finding.model_validate(entry.details) for entry in entries if entry.kind == "finding")
    judged = waivers_module.apply(waivers, findings, decided.date())
    reasons = [
        *(Reason(code=Code.EVIDENCE_DAMAGED, subject=place.split(": ")[0], message=place) for place in damage),
        *_scenario_reasons(entries, required, reported, str(started.get("selection", ""))),
        *_finding_reasons(judged.open, policy),
        *_check_reasons(entries, policy),
        *_fact_reasons(entries, policy),
        *_run_reasons(entries, reported),
    ]
    reasons.sort(key=lambda reason: reason.leads_to is not Outcome.REJECTED)
    plan = _details(entries, "plan")
    return Verdict(
        outcome=reasons[0].leads_to if reasons else Outcome.APPROVED,
        reasons=tuple(reasons),
        run=str(started.get("run", "")),
        from_version=str(plan.get("from", "")),
        to_version=str(plan.get("to", "")),
        main=str(_details(entries, "main").get("url", "")),
        reach=reach(entries),
        scenarios=_count(required, reported),
        findings=judged.open,
        waived=tuple(
            WaivedFinding(
                finding=one.finding,
                owner=one.waiver.owner,
                reason=one.waiver.reason,
                link=one.waiver.link,
                expires=one.waiver.expires.isoformat(),
            )
            for one in judged.waived
        ),
        notes=_notes(judged),
        policy=policy,
        evidence_sha256=entries[-1].digest if entries else GENESIS,
        evidence_entries=len(entries),
        decided=decided,
        tidegate=str(started.get("tidegate", "")),
    )


def _scenario_reasons(
    entries: Sequence[Entry], required: Sequence[str], reported: Mapping[str, ScenarioResult], selection: str
) -> Iterator[Reason]:
    codes = {
        ScenarioOutcome.FAILED: Code.SCENARIO_FAILED,
        ScenarioOutcome.BROKEN: Code.SCENARIO_BROKEN,
        ScenarioOutcome.NOT_RUN: Code.SCENARIO_NOT_RUN,
    }
    for result in reported.values():
        if result.outcome in codes:
            yield Reason(code=codes[result.outcome], subject=result.id, message=result.why)
        if result.reports > 1:
            message = f"was run {result.reports} times instead of once"
            yield Reason(code=Code.SCENARIO_REPEATED, subject=result.id, message=message)
    for name, message in gaps(entries):
        yield Reason(code=Code.SCENARIO_MISSING, subject=name, message=message)
    for one in required:
        if one not in reported:
            why = f"was not part of this run ({selection})" if selection else "never reported how it ended"
            yield Reason(code=Code.SCENARIO_MISSING, subject=one, message=why)
    if not required:
        message = "no scenario is required: there is nothing to judge by"
        yield Reason(code=Code.EVIDENCE_MISSING, subject="scenarios", message=message)


def _finding_reasons(still_open: Sequence[Finding], policy: Policy) -> Iterator[Reason]:
    for finding in still_open:
        if finding.kind == "incomplete":
            yield Reason(code=Code.CHECK_NOT_RUN, subject=finding.check, message=finding.sentence())
        elif finding.severity in policy.blocking:
            code = Code.CLONE_DIFFERS if finding.kind == "clone" else Code.FINDING_BLOCKS
            yield Reason(code=code, subject=f"{finding.check} {finding.place}", message=finding.sentence())


def checks_without_trace(entries: Iterable[Entry], policy: Policy) -> list[str]:
    """Checks that the policy requires and that the evidence knows nothing of."""
    traced = {str(entry.details.get("check")) for entry in entries if entry.kind == "check"}
    return [check for check in policy.required_checks if check not in traced]


def _check_reasons(entries: Sequence[Entry], policy: Policy) -> Iterator[Reason]:
    for check in checks_without_trace(entries, policy):
        yield Reason(code=Code.CHECK_NOT_RUN, subject=check, message="left no trace in the evidence")


def _fact_reasons(entries: Sequence[Entry], policy: Policy) -> Iterator[Reason]:
    for kind in policy.required_facts:
        told = sum(entry.kind == kind for entry in entries)
        if told != 1:
            code = Code.EVIDENCE_CONTRADICTS if told else Code.EVIDENCE_MISSING
            message = f"is told {told} times instead of once" if told else "is not told"
            yield Reason(code=code, subject=kind, message=message)
    if not any(entry.kind == "upgrade" for entry in entries):
        yield Reason(code=Code.EVIDENCE_MISSING, subject="upgrade", message="is not told")
    for subject, message in contradictions(entries):
        yield Reason(code=Code.EVIDENCE_CONTRADICTS, subject=subject, message=message)
    if policy.outage_window is None:
        return
    outage = predicted_outage(entries)
    if outage is None:
        message = "the evidence does not say how long the upgrade took"
        yield Reason(code=Code.EVIDENCE_MISSING, subject="outage", message=message)
    elif outage > policy.outage_window * 60:
        message = f"the upgrade's own steps took {outage / 60:.1f} minutes; {policy.outage_window} are allowed"
        yield Reason(code=Code.OUTAGE_TOO_LONG, subject="outage", message=message)


def _run_reasons(entries: Sequence[Entry], reported: Mapping[str, ScenarioResult]) -> Iterator[Reason]:
    kinds = [entry.kind for entry in entries]
    if kinds.count("run.started") != 1 or kinds[0] != "run.started":
        message = "the evidence does not begin with the one start of a run"
        yield Reason(code=Code.EVIDENCE_MISSING, subject="run", message=message)
    if kinds.count("run.finished") != 1 or kinds[-1] != "run.finished":
        yield Reason(code=Code.RUN_NOT_FINISHED, subject="run", message="the run did not come to its end")
    elif entries[-1].details.get("ended") != "completed":
        message = str(entries[-1].details.get("why") or entries[-1].details.get("ended"))
        yield Reason(code=Code.RUN_NOT_FINISHED, subject="run", message=message)
    elif entries[-1].details.get("failures") and not _explained(kinds, reported):
        yield Reason(code=Code.RUN_NOT_FINISHED, subject="run", message="something outside of the scenarios failed")
    for entry in entries:
        if entry.kind == "crash":
            message = f"the process died in {entry.details.get('nodeid')}"
            yield Reason(code=Code.RUN_NOT_FINISHED, subject="run", message=message)
        if entry.kind == "clean-up.failed":
            subject, message = str(entry.details.get("what", "")), str(entry.details.get("why", ""))
            yield Reason(code=Code.CLEAN_UP_FAILED, subject=subject, message=message)
    if any(later.time < earlier.time - _CLOCK_TOLERANCE for earlier, later in pairwise(entries)):
        yield Reason(code=Code.EVIDENCE_DAMAGED, subject="time", message="the clock went backwards during the run")


def _explained(kinds: Sequence[str], reported: Mapping[str, ScenarioResult]) -> bool:
    """Whether what pytest counts as failures is known from the evidence."""
    outcomes = {result.outcome for result in reported.values()}
    return bool(
        outcomes & {ScenarioOutcome.FAILED, ScenarioOutcome.BROKEN} or {"crash", "clean-up.failed"} & set(kinds)
    )


def _count(required: Sequence[str], reported: Mapping[str, ScenarioResult]) -> Count:
    outcomes = [result.outcome for result in reported.values()]
    return Count(
        required=len(required),
        passed=outcomes.count(ScenarioOutcome.PASSED),
        failed=outcomes.count(ScenarioOutcome.FAILED),
        broken=outcomes.count(ScenarioOutcome.BROKEN),
        not_run=outcomes.count(ScenarioOutcome.NOT_RUN),
        missing=sum(one not in reported for one in required),
    )


def _notes(judged: Sorted) -> tuple[str, ...]:
    broad = judged.too_broad
    return (
        *(f"a waiver has expired: {waiver.sentence()}" for waiver in judged.expired),
        *(
            f"a waiver covers more than {one.at_most} findings, so it counts for none: {one.sentence()}"
            for one in broad
        ),
        *(f"a waiver covers nothing and should be removed: {waiver.sentence()}" for waiver in judged.unused),
    )


def _details(entries: Sequence[Entry], kind: str) -> Mapping[str, Any]:
    for entry in entries:
        if entry.kind == kind:
            return entry.details
    return {}
