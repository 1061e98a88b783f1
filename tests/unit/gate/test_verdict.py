"""Nothing is approved for lack of bad news: each way in which evidence can be wrong, missing or partial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.ledgers import (
    SCENARIOS,
    Event,
    checked,
    entries,
    finding,
    finished,
    found,
    good_run,
    judged,
    main,
    planned,
    scenario,
    started,
    upgraded,
)
from tidegate.gate.policy import Policy
from tidegate.gate.verdict import Code, Outcome, decide, recompute

WAIVER: dict[str, Any] = {
    "check": "DIFF",
    "place": "Projects-1/*",
    "reason": "renamed on purpose",
    "owner": "Ada",
    "link": "https://tracker.example.com/1",
    "expires": str(date.today() + timedelta(days=1)),
}


def test_approves_a_complete_run_without_findings(tmp_path: Path) -> None:
    verdict = judged(tmp_path, good_run())

    assert (verdict.outcome, verdict.reasons) == (Outcome.APPROVED, ())
    assert verdict.exit_code == 0
    assert (verdict.from_version, verdict.to_version, verdict.main) == (
        "2018.12.1",
        "2021.1.7500",
        "https://octopus.example.com",
    )


def _without(*unwanted: int) -> list[Event]:
    return [event for number, event in enumerate(good_run()) if number not in unwanted]


def _before_end(*more: Event) -> list[Event]:
    return [*good_run()[:-1], *more, finished()]


def _last_scenario(event: Event) -> list[Event]:
    return [*good_run()[:-2], event, finished()]


# What happened → (the events, the outcome, the reason that must be among those given)
CASES: dict[str, tuple[Callable[[], list[Event]], Outcome, Code]] = {
    "no evidence at all": (list, Outcome.INCOMPLETE, Code.EVIDENCE_MISSING),
    "the start is missing": (lambda: _without(0), Outcome.INCOMPLETE, Code.EVIDENCE_MISSING),
    "the end is missing": (lambda: good_run()[:-1], Outcome.INCOMPLETE, Code.RUN_NOT_FINISHED),
    "something follows the end": (lambda: [*good_run(), main()], Outcome.INCOMPLETE, Code.RUN_NOT_FINISHED),
    "two runs in one ledger": (lambda: [*good_run(), *good_run()], Outcome.INCOMPLETE, Code.EVIDENCE_MISSING),
    "nothing was required": (
        lambda: [started(required=[]), *good_run()[1:]],
        Outcome.INCOMPLETE,
        Code.EVIDENCE_MISSING,
    ),
    "only the start and the end": (lambda: [started(), finished()], Outcome.INCOMPLETE, Code.SCENARIO_MISSING),
    "a scenario never reported": (lambda: _without(len(good_run()) - 2), Outcome.INCOMPLETE, Code.SCENARIO_MISSING),
    "a selection left scenarios out": (
        lambda: [started(selection="only -k One"), *good_run()[1:-2], finished()],
        Outcome.INCOMPLETE,
        Code.SCENARIO_MISSING,
    ),
    "a scenario was skipped": (
        lambda: _last_scenario(scenario(SCENARIOS[2], "not-run", "skipped")),
        Outcome.INCOMPLETE,
        Code.SCENARIO_NOT_RUN,
    ),
    "a scenario broke": (
        lambda: _last_scenario(scenario(SCENARIOS[2], "broken", "no answer")),
        Outcome.INCOMPLETE,
        Code.SCENARIO_BROKEN,
    ),
    "a scenario failed": (
        lambda: _last_scenario(scenario(SCENARIOS[2], "failed", "lost")),
        Outcome.REJECTED,
        Code.SCENARIO_FAILED,
    ),
    "a scenario ran twice": (lambda: _before_end(scenario(SCENARIOS[0])), Outcome.INCOMPLETE, Code.SCENARIO_REPEATED),
    "a repetition hides a failure": (
        lambda: _before_end(scenario(SCENARIOS[0], "failed", "lost"), scenario(SCENARIOS[0])),
        Outcome.REJECTED,
        Code.SCENARIO_FAILED,
    ),
    "a scenario that is not required failed": (
        lambda: _before_end(scenario("elsewhere.feature: Other", "failed")),
        Outcome.REJECTED,
        Code.SCENARIO_FAILED,
    ),
    "a breaking finding": (lambda: _before_end(found()), Outcome.REJECTED, Code.FINDING_BLOCKS),
    "a degrading finding": (lambda: _before_end(found(severity="degraded")), Outcome.REJECTED, Code.FINDING_BLOCKS),
    "a check that could not run": (
        lambda: _before_end(found(kind="incomplete", severity="info")),
        Outcome.INCOMPLETE,
        Code.CHECK_NOT_RUN,
    ),
    "the clone lost something": (lambda: _before_end(found(kind="clone")), Outcome.INCOMPLETE, Code.CLONE_DIFFERS),
    "a required check left no trace": (lambda: _without(8), Outcome.INCOMPLETE, Code.CHECK_NOT_RUN),
    "the run was interrupted": (
        lambda: [*good_run()[:-1], finished(ended="interrupted", why="stopped by SIGTERM")],
        Outcome.INCOMPLETE,
        Code.RUN_NOT_FINISHED,
    ),
    "the run does not say how it ended": (
        lambda: [*good_run()[:-1], finished(ended=None)],
        Outcome.INCOMPLETE,
        Code.RUN_NOT_FINISHED,
    ),
    "something outside of the scenarios failed": (
        lambda: [*good_run()[:-1], finished(failures=1)],
        Outcome.INCOMPLETE,
        Code.RUN_NOT_FINISHED,
    ),
    "a worker died": (
        lambda: _before_end(lambda evidence: evidence.record("crash", nodeid="x", why="gone")),
        Outcome.INCOMPLETE,
        Code.RUN_NOT_FINISHED,
    ),
    "cleaning up failed": (
        lambda: _before_end(
            lambda evidence: evidence.record("clean-up.failed", what="main", why="still in maintenance")
        ),
        Outcome.INCOMPLETE,
        Code.CLEAN_UP_FAILED,
    ),
    "the waiver has expired": (
        lambda: [started(waivers=[WAIVER | {"expires": "2020-01-01"}]), *good_run()[1:-1], found(), finished()],
        Outcome.REJECTED,
        Code.FINDING_BLOCKS,
    ),
    "the waiver is for another place": (
        lambda: [started(waivers=[WAIVER | {"place": "Projects-2/*"}]), *good_run()[1:-1], found(), finished()],
        Outcome.REJECTED,
        Code.FINDING_BLOCKS,
    ),
    "the waiver is for another check": (
        lambda: [started(waivers=[WAIVER | {"check": "COUNT"}]), *good_run()[1:-1], found(), finished()],
        Outcome.REJECTED,
        Code.FINDING_BLOCKS,
    ),
    "a waiver cannot stand for a check that did not run": (
        lambda: [started(waivers=[WAIVER]), *good_run()[1:-1], found(kind="incomplete"), finished()],
        Outcome.INCOMPLETE,
        Code.CHECK_NOT_RUN,
    ),
    "a waiver added afterwards": (
        lambda: [*good_run()[:-1], found(), lambda evidence: evidence.record("waivers", waivers=[WAIVER]), finished()],
        Outcome.REJECTED,
        Code.FINDING_BLOCKS,
    ),
    "a milder policy added afterwards": (
        lambda: [*good_run()[:-1], found(), lambda evidence: evidence.record("policy", blocking=[]), finished()],
        Outcome.REJECTED,
        Code.FINDING_BLOCKS,
    ),
}


@pytest.mark.parametrize(("events", "outcome", "code"), CASES.values(), ids=CASES)
def test_does_not_approve_when(tmp_path: Path, events: Callable[[], list[Event]], outcome: Outcome, code: Code) -> None:
    verdict = judged(tmp_path, events())

    assert verdict.outcome is outcome
    assert code in {reason.code for reason in verdict.reasons}
    assert verdict.exit_code == {Outcome.REJECTED: 1, Outcome.INCOMPLETE: 10}[outcome]


def test_a_rejection_outweighs_what_is_missing(tmp_path: Path) -> None:
    verdict = judged(tmp_path, [started(), found(), finished()])

    assert verdict.outcome is Outcome.REJECTED
    assert verdict.reasons[0].code is Code.FINDING_BLOCKS
    assert Code.SCENARIO_MISSING in {reason.code for reason in verdict.reasons}


def test_a_waiver_lets_its_finding_pass_and_is_named(tmp_path: Path) -> None:
    verdict = judged(tmp_path, [started(waivers=[WAIVER]), *good_run()[1:-1], found(), finished()])

    assert verdict.outcome is Outcome.APPROVED
    assert [(one.finding.place, one.owner) for one in verdict.waived] == [("Projects-1/Name", "Ada")]
    assert verdict.findings == ()


def test_expired_and_unused_waivers_are_reported(tmp_path: Path) -> None:
    listed = [WAIVER | {"expires": "2020-01-01"}, WAIVER | {"place": "Tenants-9/*"}]
    verdict = judged(tmp_path, [started(waivers=listed), *good_run()[1:-1], found(), finished()])

    assert ["expired" in verdict.notes[0], "covers nothing" in verdict.notes[1]] == [True, True]


def test_a_finding_below_the_policy_does_not_block_but_is_told(tmp_path: Path) -> None:
    verdict = judged(tmp_path, _before_end(found(severity="info")))

    assert verdict.outcome is Outcome.APPROVED
    assert [one.severity for one in verdict.findings] == ["info"]


def test_damaged_evidence_is_never_approved(tmp_path: Path) -> None:
    verdict = recompute(entries(tmp_path, good_run()), ["evidence.jsonl:3: a line before it was changed"])

    assert verdict.outcome is Outcome.INCOMPLETE
    assert verdict.reasons[0].code is Code.EVIDENCE_DAMAGED


def test_a_clock_that_went_backwards_is_damage(tmp_path: Path) -> None:
    recorded = list(entries(tmp_path, good_run()))
    recorded[4] = replace(recorded[4], time=recorded[4].time - timedelta(hours=1))
    verdict = recompute(recorded)

    assert [reason.code for reason in verdict.reasons] == [Code.EVIDENCE_DAMAGED]


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path) -> None:
    recorded = entries(tmp_path, _before_end(found(), found(check="PERM", place="Users-7", severity="degraded")))

    assert recompute(recorded).to_bytes() == recompute(recorded).to_bytes()


def test_counts_every_scenario_by_what_became_of_it(tmp_path: Path) -> None:
    run = [started(required=[*SCENARIOS, "features/03.feature: Three"]), *good_run()[1:-3]]
    run += [scenario(SCENARIOS[1], "failed"), scenario(SCENARIOS[2], "broken"), finished(failures=2)]
    count = judged(tmp_path, run).scenarios

    assert (count.required, count.passed, count.failed, count.broken, count.missing) == (4, 1, 1, 1, 1)


def test_decides_by_the_policy_it_is_given(tmp_path: Path) -> None:
    recorded = entries(tmp_path, _before_end(found(severity="degraded")))
    lenient = Policy(blocking=(finding().severity,), required_checks=())

    assert decide(recorded, lenient, ()).outcome is Outcome.APPROVED
    assert decide(recorded, Policy(), ()).outcome is Outcome.REJECTED


def test_an_extra_check_does_not_replace_a_required_one(tmp_path: Path) -> None:
    run = [event for number, event in enumerate(good_run()) if number not in {8, 9, 10, 11}]
    verdict = judged(tmp_path, [*run[:-1], checked("EXTRA"), planned(), finished()])

    assert verdict.outcome is Outcome.INCOMPLETE


def test_a_waiver_that_is_too_broad_is_reported_and_does_not_count(tmp_path: Path) -> None:
    listed = [WAIVER | {"at_most": 1}]
    run = [started(waivers=listed), *good_run()[1:-1], found(), found(place="Projects-1/Logo"), finished()]
    verdict = judged(tmp_path, run)

    assert verdict.outcome is Outcome.REJECTED
    assert "covers more than 1 findings, so it counts for none" in verdict.notes[0]


def test_an_upgrade_within_the_outage_window_is_approved(tmp_path: Path) -> None:
    def run(minutes: int) -> list[Event]:
        return [started(policy={"outage_window": minutes}), *good_run()[1:5], upgraded(), *good_run()[6:]]

    assert judged(tmp_path / "two", run(2)).outcome is Outcome.APPROVED
    long = judged(tmp_path / "one", run(1))
    assert [(reason.code, reason.message) for reason in long.reasons] == [
        (Code.OUTAGE_TOO_LONG, "the upgrade's own steps took 1.5 minutes; 1 are allowed")
    ]
