"""Gives each test a small rehearsal of its own."""

from __future__ import annotations

import pytest

from tests.unit.process.inner import REPOSITORY, Rehearsal


@pytest.fixture
def rehearsal(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.delenv("TIDEGATE_SETTINGS", raising=False)
    return Rehearsal(pytester)
