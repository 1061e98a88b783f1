"""Each fault scenario fails when what handles its fault is taken away: none of them is green by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.faults.catalogue import FAULTS
from tests.journeys import unhandled
from tests.journeys.runs import REPOSITORY

pytestmark = [pytest.mark.journey, pytest.mark.thorough]


def test_every_fault_scenario_fails_without_its_handling(tmp_path: Path) -> None:
    result = tmp_path / "result.json"

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "features/faults", "-q", "-p", unhandled.__name__],
        cwd=REPOSITORY,
        env={**os.environ, unhandled.RESULT: str(result)},
        capture_output=True,
        text=True,
        check=False,
    )

    failed: dict[str, str] = json.loads(result.read_text(encoding="utf-8"))
    assert set(failed) == set(FAULTS) == set(unhandled.WITHOUT), ran.stdout[-4000:]
    # Before the fault nothing may fail: then the scenario would say nothing about its handling.
    assert [fault for fault, where in failed.items() if not where.startswith(("when: ", "then: "))] == [], failed
