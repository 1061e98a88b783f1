"""Interrupted at any stage: nothing survives, and the main instance is what it was."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.journeys.conftest import StandingMain
from tests.journeys.runs import Running, rehearse

pytestmark = pytest.mark.journey

UPGRADE = ("features/04_upgrade_the_test_instance.feature", "-k", "still_runs_its_old_version")

#: Stage → what is run. Scenarios that need the stage come to it sooner than all of them, and end in the same order.
STAGES: dict[str, tuple[str, ...]] = {
    "… Backing up the main instance": ("features/",),
    "… Cloning the test instance": ("features/",),
    "… Trying the test instance before its upgrade": UPGRADE,
    "… Looking at the test instance before its upgrade, 1": UPGRADE,
    "… Upgrading the test instance": UPGRADE,
    "… Looking at the test instance after its upgrade": ("features/10_verify_data.feature", "-k", "nothing_is_lost"),
    "… Trying: deployments": ("features/07_verify_deployments.feature", "-k", "representative_projects"),
}


#: The stage that must not be over before the signal comes needs something to deploy.
NEEDS_THE_SAMPLE = "… Trying: deployments"


@pytest.fixture
def main(request: pytest.FixtureRequest, stage: str) -> StandingMain:
    made: StandingMain = request.getfixturevalue("standing_main" if stage == NEEDS_THE_SAMPLE else "small_main")
    return made


#: Each stage meets one of the signals, and both with `--thorough`: what answers them is the same, save for the name
#: that it tells (`test_a_signal_ends_in_order` in tests/unit/process).
SIGNALS = [
    pytest.param(sent, stage, marks=[] if (index + other) % 2 == 0 else pytest.mark.thorough)
    for other, sent in enumerate((signal.SIGINT, signal.SIGTERM))
    for index, stage in enumerate(STAGES)
]


@pytest.mark.parametrize(("sent", "stage"), SIGNALS)
def test_a_signal_is_answered_in_order(tmp_path: Path, main: StandingMain, sent: signal.Signals, stage: str) -> None:
    before = main.fingerprint()
    with Running(*STAGES[stage], f"--settings={main.settings}", reports=tmp_path) as running:
        running.wait_for_line(stage)
        running.process.send_signal(sent)
        ran = running.finish(timeout=120)

    assert ran.exit_code == 10, ran.output
    assert "run-not-finished" in ran.codes
    assert f"stopped by {sent.name} before its end" in ran.output
    assert running.seen.alive() == []
    assert not (ran.run_folder / "instances").exists()
    assert not main.in_maintenance_mode()
    assert main.fingerprint() == before


@pytest.mark.parametrize("stage", STAGES)
def test_after_a_kill_the_next_run_cleans_up_and_says_so(tmp_path: Path, main: StandingMain, stage: str) -> None:
    before = main.fingerprint()
    with Running(*STAGES[stage], f"--settings={main.settings}", reports=tmp_path) as running:
        running.wait_for_line(stage)
        running.process.kill()
        killed = running.finish(timeout=30)

        deadline = time.monotonic() + 60
        while running.seen.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert running.seen.alive() == [], "the servers of a killed run end by themselves"

    ran, _, _ = rehearse("features/01_plan_the_path.feature:9", f"--settings={main.settings}", reports=tmp_path)

    assert f"{killed.run_folder.name} was killed" in ran.output
    assert list(ran.scenarios().values()) == ["passed"]
    assert not (killed.run_folder / "instances").exists()
    assert not main.in_maintenance_mode()
    assert main.fingerprint() == before
