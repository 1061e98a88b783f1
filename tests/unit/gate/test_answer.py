"""The one question of the production pipeline, and everything that answers it with no or not known."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.approvals import (
    ADA,
    BOB,
    BOB_KEY,
    COPIED,
    answered,
    asked,
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
from tests.unit.gate.ledgers import entries, good_run, planned, started, subset_run
from tidegate.errors import Refused, Unreachable
from tidegate.gate.answer import answer
from tidegate.gate.approval import Approval, Choice
from tidegate.gate.drift import everyday_events, that_matter
from tidegate.gate.objections import malformed
from tidegate.gate.policy import Policy
from tidegate.gate.question import Trusted


@pytest.fixture
def approval(tmp_path: Path) -> Approval:
    return signed(tmp_path)


def test_yes_when_nothing_has_changed(approval: Approval) -> None:
    given = answer(approval, asked())

    assert (given.says, given.reasons, given.approvers) == ("yes", (), ("Ada Lovelace",))
    assert given.says.exit_code == 0
    assert "audit log" in given.compared
    assert "plan" not in given.compared


#: What has changed on the main instance → (how it is now, answer, objection)
NOW: dict[str, tuple[dict[str, Any], str, str]] = {
    "a newer version": ({"version": "2018.12.2"}, "no", "version-drift"),
    "the target version": ({"version": "2021.1.7500"}, "no", "version-drift"),
    "a schema script ran": ({"schema": "6d"}, "no", "schema-drift"),
    "the database was not read": ({"schema": None}, "unknown", "not-compared"),
    "another installation id": ({"installation_id": "3333"}, "no", "other-instance"),
    "no installation id": ({"installation_id": ""}, "no", "other-instance"),
    "another address": ({"url": "https://other.example.com"}, "no", "other-instance"),
    "a restored database": ({"database_guid": "bbbb"}, "no", "other-instance"),
    "a project was changed": ({"events": (audited(),)}, "no", "audit-drift"),
    "something nobody has heard of": ({"events": (audited("Teleported", "Ducks-1"),)}, "no", "audit-drift"),
}


@pytest.mark.parametrize(("change", "says", "code"), NOW.values(), ids=NOW)
def test_the_main_instance_is_not_what_it_was(approval: Approval, change: dict[str, Any], says: str, code: str) -> None:
    assert answered(approval, main=main_now(**change)) == (says, [code])


@pytest.mark.parametrize("error", [Unreachable("no answer", where="https://x"), Refused("401"), Refused("no event")])
def test_what_cannot_be_read_is_not_known(approval: Approval, error: Exception) -> None:
    assert answered(approval, main=error) == ("unknown", ["unreachable"])


def test_leaving_the_schema_out_knowingly_is_told(approval: Approval) -> None:
    given = answer(approval, asked(main=main_now(schema=None), without_database=True))

    assert given.says == "yes"
    assert "schema" not in given.compared


def test_everyday_work_is_no_drift(approval: Approval) -> None:
    events = (
        audited("DeploymentSucceeded", "Deployments-1", "Projects-1"),
        audited("Created", "Releases-7", "Projects-1"),
        audited("LoginSucceeded", "Users-1"),
        audited("Modified", "maintenance", agent="tidegate"),
        audited("MachineHealthy", "Machines-1"),
    )

    assert that_matter(events) == []
    assert answered(approval, main=main_now(events=events)) == ("yes", [])


@pytest.mark.parametrize(
    "event",
    [
        audited("Modified", "Projects-1"),
        audited("Modified", "deploymentprocess-Projects-1", "Projects-1"),
        audited("Modified", "variableset-Projects-1"),
        audited("Created", "Users-3"),
        audited("Deleted", "Teams-3"),
        audited("Modified", "userroles-projectviewer"),
        audited("MachineAdded", "Machines-3"),
        audited("MachineDeploymentRelatedPropertyWasUpdated", "Machines-3"),
        audited("CertificateReplaced", "Certificates-1"),
        audited("RunbookSnapshotPublished", "Runbooks-1"),
        audited("Created", "Environments-3", agent="tidegate"),
        audited("Deleted", "Teams-4", agent="tidegate"),
    ],
    ids=lambda event: f"{event.category} {event.documents[0]}",
)
def test_what_a_rehearsal_would_have_seen_matters(event: Any) -> None:
    assert that_matter([event]) == [event]


def test_every_rule_of_everyday_work_has_a_source() -> None:
    assert [rule.what for rule in everyday_events() if len(rule.source) < 10] == []


def test_drift_is_counted_and_listed(approval: Approval) -> None:
    events = (audited(number=12), audited("Deleted", "Teams-1", number=11), audited(number=10))
    drift = answer(approval, asked(main=main_now(events=events))).as_json()["drift"]

    assert (drift["events"], drift["byCategory"]) == (3, {"Modified": 2, "Deleted": 1})
    assert [one["id"] for one in drift["listed"]] == ["Events-12", "Events-11", "Events-10"]
    assert drift["listed"][1]["documents"] == ["Teams-1"]


def test_as_much_drift_as_the_policy_allows(tmp_path: Path) -> None:
    approval = signed(tmp_path, maximum_drift=2)
    two, three = (main_now(events=tuple(audited(number=one) for one in range(count))) for count in (2, 3))

    assert answered(approval, main=two) == ("yes", [])
    assert answered(approval, main=three) == ("no", ["audit-drift"])


def test_the_rules_of_the_pipeline_can_only_be_stricter(tmp_path: Path) -> None:
    lenient = signed(tmp_path / "lenient", maximum_drift=9)
    strict = signed(tmp_path / "strict", maximum_drift=0)
    changed = main_now(events=(audited(),))

    assert answered(lenient, main=changed, policy=Policy(maximum_drift=0)) == ("no", ["audit-drift"])
    assert answered(strict, main=changed, policy=Policy(maximum_drift=9)) == ("no", ["audit-drift"])
    assert answered(lenient, main=changed, policy=Policy(maximum_drift=9)) == ("yes", [])


@pytest.mark.parametrize(("hours", "says"), [(167, "yes"), (169, "no")])
def test_evidence_expires_by_the_age_of_the_copy(approval: Approval, hours: int, says: str) -> None:
    assert answered(approval, now=COPIED + timedelta(hours=hours))[0] == says


def test_a_clock_that_was_set_back_is_not_believed(approval: Approval) -> None:
    assert answered(approval, now=COPIED - timedelta(days=1)) == ("unknown", ["clock"])


def test_nobody_signs_before_there_is_a_verdict(tmp_path: Path) -> None:
    unsigned = Approval(statement=statement(tmp_path))
    early = unsigned.signed("Bob", Choice.APPROVE, "in advance", BOB_KEY, COPIED)

    assert answered(early) == ("unknown", ["clock"])


#: Text in the statement that is not what was signed; `main.` is text about the instance.
FORGED: dict[str, dict[str, Any]] = {
    "the path": {"path": ("2018.12.1", "2025.4.1")},
    "the evidence": {"evidence_sha256": "0" * 64},
    "the verdict": {"verdict_sha256": "0" * 64},
    "the plan": {"plan_sha256": "0" * 64},
    "an installer": {"installed": {"2021.1.7500": "sha256:ff"}},
    "the policy": {"policy": Policy(maximum_drift=999)},
    "who rehearsed": {"rehearsed_by": "carol"},
    "the time of the copy": {"main.copied": COPIED + timedelta(minutes=1)},
    "the instance": {"main.installation_id": "3333"},
    "the newest event": {"main.newest_events": ()},
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_changed_statement_does_not_fit_its_signature(approval: Approval, change: dict[str, Any]) -> None:
    says, codes = answered(edited(approval, change))

    assert says == "no"
    assert "bad-signature" in codes
    assert "too-few-approvals" in codes


@pytest.mark.parametrize(
    "change", [{"comment": "no"}, {"approver": "Bob"}, {"choice": Choice.REJECT}, {"signature": ""}]
)
def test_a_changed_decision_does_not_fit_its_signature(approval: Approval, change: dict[str, str]) -> None:
    decision = approval.decisions[0].model_copy(update=change)
    says, codes = answered(approval.model_copy(update={"decisions": (decision,)}))

    assert says == "no"
    assert "bad-signature" in codes


def test_a_no_that_was_taken_out_before_a_yes_is_noticed(tmp_path: Path) -> None:
    both = by_ada(by_bob(Approval(statement=statement(tmp_path)), Choice.REJECT))
    without = Approval(statement=both.statement, decisions=both.decisions[1:])

    assert answered(both) == ("no", ["rejected-by-approver"])
    assert answered(without) == ("no", ["bad-signature", "too-few-approvals"])


def test_a_signature_of_another_approval_does_not_fit(tmp_path: Path) -> None:
    other = signed(tmp_path / "other", maximum_age=999)
    moved = Approval(statement=statement(tmp_path / "this"), decisions=other.decisions)

    assert answered(moved) == ("no", ["bad-signature", "too-few-approvals"])


def test_a_stranger_cannot_approve(tmp_path: Path) -> None:
    stranger = Approval(statement=statement(tmp_path)).signed(
        "Mallory", Choice.APPROVE, "trust me", signing_key(), COPIED + timedelta(hours=2)
    )

    assert answered(stranger) == ("no", ["unknown-signer", "too-few-approvals"])


def test_a_known_name_with_another_key_is_a_stranger(approval: Approval) -> None:
    assert answered(approval, trusted=(Trusted("Ada Lovelace", BOB.key),))[1] == ["unknown-signer", "too-few-approvals"]


def test_a_known_key_under_another_name_is_a_stranger(approval: Approval) -> None:
    assert answered(approval, trusted=(Trusted("Somebody", ADA.key),))[1] == ["unknown-signer", "too-few-approvals"]


def test_nobody_has_signed(tmp_path: Path) -> None:
    assert answered(Approval(statement=statement(tmp_path))) == ("no", ["too-few-approvals"])


def test_as_many_approvers_as_the_policy_asks_for(tmp_path: Path) -> None:
    one = signed(tmp_path, approvals=2)

    assert answered(one) == ("no", ["too-few-approvals"])
    assert answered(by_bob(one)) == ("yes", [])


def test_whoever_rehearsed_may_not_be_the_only_approver(tmp_path: Path) -> None:
    alone = signed(tmp_path, separation_of_duties=True)

    assert answered(alone) == ("no", ["duties-not-separated"])
    assert answered(by_bob(alone)) == ("yes", [])


def test_nobody_can_be_separate_from_an_unknown_rehearser(tmp_path: Path) -> None:
    events = [started(policy={"separation_of_duties": True}, by=""), *good_run()[1:]]

    assert answered(by_bob(Approval(statement=statement(tmp_path, events)))) == ("no", ["duties-not-separated"])


def test_a_subset_suffices_only_where_the_policy_of_the_rehearsal_and_of_the_pipeline_say_so(tmp_path: Path) -> None:
    def subset(name: str, **policy: Any) -> Approval:
        return by_ada(Approval(statement=statement(tmp_path / name, subset_run(policy=policy))))

    enough = Policy(subset_is_enough=True)
    assert answered(subset("strict")) == ("no", ["only-a-subset"])
    assert answered(subset("later"), policy=enough) == ("no", ["only-a-subset"])
    assert answered(subset("both", subset_is_enough=True), policy=enough) == ("yes", [])
    assert answered(subset("pipeline", subset_is_enough=True), policy=Policy()) == ("no", ["only-a-subset"])
    assert answered(signed(tmp_path / "whole"), policy=Policy()) == ("yes", [])


def _plan(folder: Path) -> dict[str, Any]:
    [entry] = entries(folder, [planned()])
    return dict(entry.details)


def test_another_plan_is_not_approved(approval: Approval, tmp_path: Path) -> None:
    same = _plan(tmp_path / "same")
    elsewhere = same | {"to": "2025.4.1", "hops": [same["hops"][0] | {"to": "2025.4.1"}]}
    riskier = same | {"hops": [same["hops"][0] | {"risks": [{"when": "always", "why": "x", "source": "y"}]}]}

    assert answered(approval, plan=same) == ("yes", [])
    assert answered(approval, plan=elsewhere) == ("no", ["other-plan"])
    assert answered(approval, plan=riskier) == ("no", ["other-plan"])


def test_another_installer_is_not_approved(approval: Approval) -> None:
    assert answered(approval, installers={"2021.1.7500": "sha256:02"}) == ("yes", [])
    assert answered(approval, installers={"2021.1.7500": "sha256:ff"}) == ("no", ["other-installer"])
    assert answered(approval, installers={}) == ("no", ["other-installer"])
    assert answered(approval, installers=Unreachable("the feed is silent")) == ("unknown", ["unreachable"])


def test_other_evidence_is_not_approved(approval: Approval) -> None:
    assert answered(approval, evidence=evidence_now(approval)) == ("yes", [])
    assert answered(approval, evidence=evidence_now(approval, head="0"))[1] == ["other-evidence"]
    assert answered(approval, evidence=evidence_now(approval, verdict_sha256="0"))[1] == ["other-evidence"]
    assert answered(approval, evidence=evidence_now(approval, seal_sha256="0"))[1] == ["other-evidence"]
    assert answered(approval, evidence=evidence_now(approval, damage=("a: was changed",)))[1] == ["other-evidence"]


def test_a_no_outweighs_what_is_not_known(approval: Approval) -> None:
    says, codes = answered(approval, main=Unreachable("no answer"), now=COPIED + timedelta(days=99))

    assert (says, codes) == ("no", ["expired", "unreachable"])


def test_what_is_no_approval_is_no() -> None:
    assert (malformed("x").says, malformed("x").says.exit_code) == ("no", 1)
