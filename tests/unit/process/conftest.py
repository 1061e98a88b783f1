"""Gives each test a small rehearsal of its own."""

from __future__ import annotations

import pytest

from tests.unit.process.inner import REPOSITORY, Rehearsal


@pytest.fixture
def rehearsal(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.delenv("TIDEGATE_SETTINGS", raising=False)
    monkeypatch.setenv("TIDEGATE_REPORTS__PDF", "false")  # takes longer than the small rehearsal itself
    return Rehearsal(pytester)
