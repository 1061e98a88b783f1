"""`[test_instance] keep` on the embedded provider: what stays is on disk; processes end with the run."""

from __future__ import annotations

import pytest

from tests.journeys.runs import rehearse

CLONE = ("features/03_clone_the_test_instance.feature", "-k", "runs_the_version")


@pytest.mark.parametrize("keep", ["always", "on-failure"])
def test_what_is_kept_is_told_and_changes_nothing_else(tmp_path_factory: pytest.TempPathFactory, keep: str) -> None:
    """The run passes, so `on-failure` keeps nothing. Kept processes once turned it into a failure of the harness."""
    reports = tmp_path_factory.mktemp("reports")

    ran, seen, _ = rehearse(*CLONE, reports=reports, environment={"TIDEGATE_TEST_INSTANCE__KEEP": keep})

    assert set(ran.scenarios().values()) == {"passed"}
    assert ran.exit_code == 10, "only a part of the features was run"
    assert "Warning" not in ran.output
    assert seen.alive() == []
    instances = ran.run_folder / "instances"
    assert (instances / "test" / "sql" / "data").is_dir() is (keep == "always")
    assert instances.exists() is (keep == "always")
    assert (f"kept: {instances}" in ran.output) is (keep == "always")
    assert not (ran.run_folder / "provisioned.jsonl").exists(), "nothing is left for a later run to remove"
