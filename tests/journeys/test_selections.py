"""Less than everything: it runs alone, passes, and is not mistaken for the whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
        (["features/05_verify_people.feature:9"], 1),
        (["features/10_verify_data.feature::test_nothing_is_lost"], 1),
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


def test_two_rehearsals_at_once_do_not_meet_and_workers_come_to_the_same_verdict(tmp_path: Path) -> None:
    """One of the two runs on workers: each is a whole rehearsal, and they are dear."""
    with ThreadPoolExecutor(2) as pool:
        alone = pool.submit(rehearse, "features/", reports=tmp_path / "alone")
        with_workers = pool.submit(rehearse, "features/", "-n2", reports=tmp_path / "workers")
        both = [alone.result(), with_workers.result()]

    for ran, seen, _ in both:
        assert (ran.exit_code, ran.verdict["outcome"]) == (0, "approved"), ran.output
        assert len(ran.events("clone")) == 1
        assert seen.alive() == []
    ports = [seen.ports for _, seen, _ in both]
    assert ports[0].isdisjoint(ports[1])
