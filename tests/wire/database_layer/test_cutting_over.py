"""The cut-over of a main instance: to its end, or back to exactly where it began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.wire.database_layer.cut_over_scene import (
    TARGET,
    Looked,
    Standing,
    assert_old,
    assert_upgraded,
)
from tidegate.cutover.journal import PREFIX, Direction, unfinished_cut_overs
from tidegate.cutover.procedure import BACK_UP, CHECK, LEAD_BACK
from tidegate.cutover.running import alone, run_cut_over
from tidegate.errors import HarnessError, Unreachable

# ------------------------------------------------------------------ one after the other


def test_a_cut_over_follows_the_guide_and_ends_open(standing: Standing) -> None:
    standing.machine.calls.clear()

    ended = standing.run()

    assert ended.direction is Direction.UPGRADED
    assert_upgraded(standing)
    assert standing.machine.calls == [
        "node ['--drain=true', '--wait=600']",
        "stop",
        "stop",
        f"install {TARGET}",
        "upgrade",
        "stop",
        "start",
        "node ['--drain=false']",
    ]
    assert standing.machine.octopus.history[-2:] == [True, False]
    facts = standing.journal.progress.facts | {
        name: value for entry in standing.journal.entries for name, value in entry.get("facts", {}).items()
    }
    assert facts["foldersCopied"]
    assert (standing.folder / "licence.xml").stat().st_mode & 0o077 == 0
    assert standing.scratch() == []


def test_running_a_finished_cut_over_again_does_nothing(standing: Standing) -> None:
    standing.run()
    standing.machine.calls.clear()

    ended = standing.run()

    assert ended.direction is Direction.UPGRADED
    assert standing.machine.calls == []
    assert "nothing is left to do" in standing.said[-1]


def test_a_finished_cut_over_can_be_led_back_on_demand(standing: Standing) -> None:
    before, files = standing.image(), standing.files()
    standing.run()
    (standing.main.folders.packages / "pushed-since.zip").write_bytes(b"lost by going back")

    ended = standing.run(roll_back=True)

    assert ended.direction is Direction.ROLLED_BACK
    assert any("what was done on it since is lost" in line for line in standing.said)
    assert_old(standing, before, files)


def _script_fails(standing: Standing) -> None:
    standing.machine.broken_upgrades[str(TARGET)] = "FATAL Duplicate key PK_ProjectLibraryVariableSet"


def _does_not_start(standing: Standing) -> None:
    standing.machine.broken_starts.add(str(TARGET))


def _checks_fail(standing: Standing) -> None:
    standing.checks.found.append("[PERM] breaking at users/Users-1: …")


def _task_runs(standing: Standing) -> None:
    standing.machine.octopus.tasks.append({"Id": "ServerTasks-9"})


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (_script_fails, "ended with exit code 1"),
        (_does_not_start, "ended with exit code 1 while starting"),
        (_checks_fail, "is not what was approved: [PERM] breaking at users/Users-1"),
        (_task_runs, "1 tasks still run"),
    ],
)
def test_whatever_fails_leads_back_to_exactly_what_was_there(
    standing: Standing, fault: Callable[[Standing], None], why: str
) -> None:
    before, files = standing.image(), standing.files()
    fault(standing)

    ended = standing.run()

    assert ended.direction is Direction.ROLLED_BACK
    assert why in ended.why
    assert_old(standing, before, files)


def test_an_installer_other_than_the_approved_one_is_not_used(standing: Standing) -> None:
    work = replace(standing.work(), installers={str(TARGET): "sha256:approved"})

    ended = run_cut_over(work, standing.holds)

    assert ended.direction is Direction.ROLLED_BACK
    assert f"{TARGET} was approved with installer sha256:approved" in ended.why
    assert "upgrade" not in standing.machine.calls[-5:]


def test_without_a_valid_approval_nothing_is_touched(standing: Standing) -> None:
    standing.holds = lambda: "the approval has expired"
    calls, history = list(standing.machine.calls), list(standing.machine.octopus.history)

    with pytest.raises(HarnessError, match="the cut-over is refused: the approval has expired"):
        standing.run()

    assert standing.machine.calls == calls
    assert standing.machine.octopus.history == history
    assert standing.journal.entries == []
    standing.holds = lambda: ""
    standing.run()


def test_an_approval_for_another_instance_changes_nothing(standing: Standing) -> None:
    identity = replace(standing.main.identity, installation_id="another")
    calls, history = list(standing.machine.calls), list(standing.machine.octopus.history)

    with pytest.raises(HarnessError, match="the approval is for the instance another"):
        run_cut_over(replace(standing.work(), main=replace(standing.main, identity=identity)), standing.holds)

    assert standing.machine.calls == calls
    assert standing.machine.octopus.history == history


def test_two_processes_do_not_work_on_one_cut_over(tmp_path: Path) -> None:
    with (
        alone(tmp_path / "cut-over"),
        pytest.raises(HarnessError, match="another process"),
        alone(tmp_path / "cut-over"),
    ):
        raise AssertionError("never reached")

    with alone(tmp_path / "cut-over"):  # it is free again
        assert (tmp_path / "cut-over").stat().st_mode & 0o077 == 0


def test_the_next_rehearsal_is_told_of_an_unfinished_cut_over(standing: Standing) -> None:
    url = standing.main.url
    folder = replace(standing, folder=standing.folder.parent / f"{PREFIX}abc")
    standing.machine.broken_starts |= {str(TARGET), "2018.12.1"}
    with pytest.raises(HarnessError):
        folder.run()

    [told] = unfinished_cut_overs(standing.folder.parent, url)

    assert "the main instance may be in maintenance mode or down" in told
    assert unfinished_cut_overs(standing.folder.parent, "http://another") == []
    standing.machine.broken_starts.clear()
    folder.run()
    assert unfinished_cut_overs(standing.folder.parent, url) == []


def test_an_unfinished_cut_over_says_in_which_state_it_leaves_the_main_instance(standing: Standing) -> None:
    standing.machine.broken_starts |= {str(TARGET), "2018.12.1"}

    with pytest.raises(HarnessError) as error:
        standing.run()

    assert "is unfinished (back" in error.value.what
    assert "its server does not answer" in error.value.what
    assert "--roll-back" in error.value.next_step
    assert standing.journal.progress.doubtful == LEAD_BACK
    standing.machine.broken_starts.clear()
    assert standing.run().direction is Direction.ROLLED_BACK


def test_neither_the_unforeseen_nor_an_approval_that_cannot_be_asked_hides_that_it_is_in_maintenance_mode(
    standing: Standing,
) -> None:
    def unforeseen() -> None:
        raise RuntimeError("nobody thought of this")

    def not_to_be_asked() -> str:
        raise Unreachable("the feed is silent", where="https://feed.example")

    standing.checks.before = unforeseen
    with pytest.raises(RuntimeError, match="nobody thought of this"):
        standing.run()
    assert "is unfinished (forward, in the middle of" in standing.said[-1]
    assert standing.said[-1].endswith("it is in maintenance mode")

    standing.checks.before, standing.holds = Looked().before, not_to_be_asked
    with pytest.raises(HarnessError, match="the feed is silent") as error:
        standing.run()
    assert error.value.what.endswith("it is in maintenance mode")
    assert standing.machine.octopus.maintenance


def test_an_approval_that_cannot_be_asked_for_a_cut_over_that_was_not_begun_says_no_more(standing: Standing) -> None:
    def not_to_be_asked() -> str:
        raise Unreachable("the feed is silent")

    standing.holds = not_to_be_asked
    with pytest.raises(HarnessError) as error:
        standing.run()

    assert error.value.what == "the feed is silent"
    standing.holds = lambda: ""
    standing.run()


def test_a_journal_that_somebody_changed_is_not_believed(standing: Standing) -> None:
    standing.run()
    file = standing.journal.file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(BACK_UP, CHECK), encoding="utf-8")

    with pytest.raises(HarnessError, match="does not follow the one before it"):
        standing.run()

    file.write_text(text, encoding="utf-8")
