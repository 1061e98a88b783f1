"""What people decided, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.approvals import by_ada, by_bob, statement
from tests.unit.gate.ledgers import entries, facts, finished, good_run, started
from tidegate.gate.approval import APPROVAL, Approval, Choice
from tidegate.gate.evidence import LEDGER, read_entries
from tidegate.gate.verdict import Verdict, recompute
from tidegate.reporting.decisions import decisions_about


def _decided(folder: Path) -> tuple[Approval, Verdict]:
    approval = by_bob(by_ada(Approval(statement=statement(folder))), Choice.REJECT)
    return approval, recompute(tuple(read_entries(folder / LEDGER)))


def test_names_everybody_who_signed_with_what_they_said(tmp_path: Path) -> None:
    approval, verdict = _decided(tmp_path)
    (tmp_path / APPROVAL).write_bytes(approval.to_bytes())

    shown = [(one.name, one.decision, one.comment, one.time) for one in decisions_about(tmp_path, verdict)]
    assert shown == [
        ("Ada Lovelace", "approve", "looks right", "2026-05-01 14:00 UTC"),
        ("Bob", "reject", "agreed", "2026-05-01 15:00 UTC"),
    ]


def test_nobody_has_decided_before_the_first_signature(tmp_path: Path) -> None:
    assert decisions_about(tmp_path, _decided(tmp_path)[1]) == ()


@pytest.mark.parametrize("change", [{"choice": Choice.APPROVE}, {"comment": "go on"}, {"approver": "Grace Hopper"}])
def test_an_edited_decision_does_not_count(tmp_path: Path, change: Mapping[str, Any]) -> None:
    approval, verdict = _decided(tmp_path)
    ada, bob = approval.decisions
    forged = approval.model_copy(update={"decisions": (ada, bob.model_copy(update=change))})
    (tmp_path / APPROVAL).write_bytes(forged.to_bytes())

    first, second = decisions_about(tmp_path, verdict)
    assert first.time == "2026-05-01 14:00 UTC"
    assert second.time == "the signature does not fit: does not count"


def test_a_decision_about_another_run_does_not_count(tmp_path: Path) -> None:
    approval, _ = _decided(tmp_path / "one")
    other = tmp_path / "other"
    verdict = recompute(entries(other, [started(), *facts(), *good_run()[-4:-1], finished()]))
    (other / APPROVAL).write_bytes(approval.to_bytes())

    assert {one.time for one in decisions_about(other, verdict)} == {"about other evidence: does not count"}


def test_an_unreadable_approval_is_told(tmp_path: Path) -> None:
    approval, verdict = _decided(tmp_path)
    (tmp_path / APPROVAL).write_bytes(approval.to_bytes()[:-40])

    [shown] = decisions_about(tmp_path, verdict)
    assert shown.decision == "cannot be read"
