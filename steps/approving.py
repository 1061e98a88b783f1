"""Approving the upgrade of the main instance."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_bdd import then, when

from fixtures.plugins.run import Run
from tidegate.checks.finding import Finding
from tidegate.gate.evidence import Evidence
from tidegate.gate.integrity import verify
from tidegate.gate.judging import Judge
from tidegate.gate.verdict import checks_without_trace


@when("everything that was found is put together")
def _(everything_found: Sequence[Finding], evidence: Evidence) -> None:
    recorded = [entry for entry in evidence.entries() if entry.kind == "finding"]
    assert len(recorded) == len(everything_found), "a finding was not recorded"


@then("no finding that blocks is without a waiver")
def _(everything_found: Sequence[Finding], judge: Judge) -> None:
    judge.require_none(everything_found)


@then("every required check has been made")
def _(run: Run) -> None:
    missing = checks_without_trace(run.evidence.entries(), run.policy)
    assert not missing, f"no trace of {', '.join(missing)}"


@then("no line and no file of the evidence was changed")
def _(run: Run) -> None:
    damage = verify(run.folder).damage
    assert not damage, "\n".join(map(str, damage))
