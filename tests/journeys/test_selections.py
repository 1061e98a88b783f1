"""Less than everything: it runs alone, passes, and is not mistaken for the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.conftest import StandingMain
from tests.journeys.runs import rehearse

pytestmark = pytest.mark.journey


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["features/01_plan_the_path.feature:9"], 1),
        (["features/02_back_up.feature", "-k", "maintenance or serves"], 1),
        (["features/", "-m", "clone and not api", "-k", "version_of_the_main"], 1),
        (["features/01_plan_the_path.feature::test_the_download_feed_offers_every_version_of_the_path"], 1),
    ],
)
def test_one_scenario_runs_alone(tmp_path: Path, arguments: list[str], passed: int) -> None:
    ran, seen, _ = rehearse(*arguments, reports=tmp_path)

    assert list(ran.scenarios().values()) == ["passed"] * passed, ran.output
    assert ran.exit_code == 10
    assert "scenario-missing" in ran.codes
    assert seen.alive() == []


@pytest.mark.parametrize(
    "scenario",
    [
        "features/10_verify_data.feature::test_nothing_is_lost",
        pytest.param("features/05_verify_people.feature:9", marks=pytest.mark.thorough),  # in the same way
    ],
)
def test_what_follows_the_upgrade_runs_alone(tmp_path: Path, small_main: StandingMain, scenario: str) -> None:
    ran, seen, _ = rehearse(scenario, f"--settings={small_main.settings}", reports=tmp_path)

    assert list(ran.scenarios().values()) == ["passed"], ran.output
    assert ran.exit_code == 10
    assert "scenario-missing" in ran.codes
    assert ran.events("clone"), "what it needs was done before it"
    assert seen.alive() == []


def test_planning_starts_no_test_instance(tmp_path: Path) -> None:
    ran, _, _ = rehearse("features/01_plan_the_path.feature", reports=tmp_path)

    assert [event["title"] for event in ran.events("stage")] == ["Providing the main instance"]
