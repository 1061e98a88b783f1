"""Less than everything: it runs alone, passes, and is not mistaken for the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.runs import rehearse

pytestmark = pytest.mark.journey


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["features/01_plan_the_path.feature:9"], 1),
        (["features/02_back_up.feature", "-k", "maintenance or serves"], 1),
        (["features/", "-m", "clone and not api", "-k", "version_of_the_main"], 1),
        pytest.param(["features/05_verify_people.feature:9"], 1, marks=pytest.mark.thorough),  # as the next one
        (["features/01_plan_the_path.feature::test_the_download_feed_offers_every_version_of_the_path"], 1),
        # As the one before; that what follows the upgrade runs without the rest is seen in test_seeded_regressions.py.
        pytest.param(["features/10_verify_data.feature::test_nothing_is_lost"], 1, marks=pytest.mark.thorough),
    ],
)
def test_one_scenario_runs_alone(tmp_path: Path, arguments: list[str], passed: int) -> None:
    ran, seen, _ = rehearse(*arguments, reports=tmp_path)

    assert list(ran.scenarios().values()) == ["passed"] * passed, ran.output
    assert ran.exit_code == 10
    assert "scenario-missing" in ran.codes
    assert seen.alive() == []


def test_planning_starts_no_test_instance(tmp_path: Path) -> None:
    ran, _, _ = rehearse("features/01_plan_the_path.feature", reports=tmp_path)

    assert [event["title"] for event in ran.events("stage")] == ["Providing the main instance"]
