"""Writes to the main instance: announced, undone whatever happens, and recovered after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.main_instance import main_instance
from tests.wire.rehearsal.small_octopus import API_KEY, SmallOctopus, small_octopus
from tidegate.errors import HarnessError, Refused
from tidegate.rehearsal.instances import MainInstance
from tidegate.rehearsal.maintenance import MainWrites, recover, unfinished_writes
from tidegate.versions import Version
from tidegate.waiting import wait_until

ROOT = Path(__file__).parents[3]


@pytest.fixture
def octopus() -> Iterator[SmallOctopus]:
    with small_octopus() as server:
        yield server


@pytest.fixture
def main(octopus: SmallOctopus, tmp_path: Path) -> MainInstance:
    return main_instance(octopus.url, API_KEY, Version(2018, 12, 1), tmp_path)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "run" / "main-writes.jsonl"


def lines(journal: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").split("\n") if line]


def test_maintenance_mode_is_on_inside_and_off_afterwards(
    octopus: SmallOctopus, main: MainInstance, journal: Path
) -> None:
    with MainWrites(journal, main).maintenance_mode():
        assert octopus.maintenance

    assert octopus.history == [True, False]
    assert unfinished_writes(journal) == []


def test_the_intent_is_on_disk_before_the_server_is_touched(
    octopus: SmallOctopus, main: MainInstance, journal: Path
) -> None:
    octopus.stubborn = True  # it accepts the request and changes nothing

    with pytest.raises(Refused, match="could not be switched on"), MainWrites(journal, main).maintenance_mode():
        raise AssertionError("never reached")

    assert [line["kind"] for line in lines(journal)] == ["owner", "intent", "done"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_happens_inside_the_server_leaves_maintenance_mode(
    octopus: SmallOctopus, main: MainInstance, journal: Path, failure: type[BaseException]
) -> None:
    with pytest.raises(failure), MainWrites(journal, main).maintenance_mode():
        raise failure

    assert not octopus.maintenance
    assert unfinished_writes(journal) == []


def test_a_server_that_was_in_maintenance_mode_already_stays_in_it(
    octopus: SmallOctopus, main: MainInstance, journal: Path
) -> None:
    octopus.maintenance = True

    with MainWrites(journal, main).maintenance_mode():
        assert octopus.maintenance

    assert octopus.maintenance
    assert octopus.history == []


def test_somebody_who_switches_it_off_meanwhile_is_noticed(
    octopus: SmallOctopus, main: MainInstance, journal: Path
) -> None:
    with (
        pytest.raises(HarnessError, match="somebody switched maintenance mode off"),
        MainWrites(journal, main).maintenance_mode(),
    ):
        octopus.maintenance = False


def test_the_undo_is_tried_again_when_the_server_does_not_answer(
    octopus: SmallOctopus, main: MainInstance, journal: Path
) -> None:
    def lose_the_server() -> None:
        octopus.deaf = 1
        raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"), MainWrites(journal, main).maintenance_mode():
        lose_the_server()

    assert not octopus.maintenance


def test_a_backup_file_that_was_not_finished_is_deleted(main: MainInstance, journal: Path, tmp_path: Path) -> None:
    writes = MainWrites(journal, main)
    kept, broken = tmp_path / "kept.bak", tmp_path / "broken.bak"

    with writes.backup_file(kept):
        kept.touch()

    def run_out_of_room() -> None:
        broken.touch()
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"), writes.backup_file(broken):
        run_out_of_room()

    assert kept.exists()
    assert not broken.exists()
    assert unfinished_writes(journal) == []


KILLED = """
import sys
from pathlib import Path
from tests.support.main_instance import main_instance
from tests.wire.rehearsal.small_octopus import API_KEY
from tidegate.rehearsal.maintenance import MainWrites
from tidegate.versions import Version

folder = Path(sys.argv[2])
writes = MainWrites(Path(sys.argv[3]), main_instance(sys.argv[1], API_KEY, Version(2018, 12, 1), folder))
with writes.maintenance_mode(), writes.backup_file(folder / "half.bak"):
    (folder / "half.bak").touch()
    print("inside", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def running(octopus: SmallOctopus, journal: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of its own that is inside maintenance mode and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, octopus.url, str(tmp_path), str(journal)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "inside"
    yield process
    process.kill()
    process.communicate()


def test_a_killed_run_is_recovered_by_the_next_one(
    octopus: SmallOctopus, main: MainInstance, journal: Path, tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    running.kill()
    running.wait()
    assert octopus.maintenance

    undone = recover(journal, main)

    assert len(undone) == 2
    assert not octopus.maintenance
    assert not (tmp_path / "half.bak").exists()
    assert recover(journal, main) == []
    assert octopus.history == [True, False]


def test_a_run_that_is_alive_is_left_alone(
    octopus: SmallOctopus, main: MainInstance, journal: Path, running: subprocess.Popen[str]
) -> None:
    assert recover(journal, main) == []
    assert octopus.maintenance


def test_ctrl_c_undoes_before_the_run_ends(
    octopus: SmallOctopus, journal: Path, running: subprocess.Popen[str]
) -> None:
    running.send_signal(signal.SIGINT)

    wait_until(lambda: running.poll() is not None, timeout=20, what="the run to end")
    assert not octopus.maintenance
    assert unfinished_writes(journal) == []


def test_a_write_to_another_main_instance_is_left_to_a_human(
    main: MainInstance, journal: Path, running: subprocess.Popen[str]
) -> None:
    running.kill()
    running.wait()

    with pytest.raises(HarnessError, match="cannot be undone from here"):
        recover(journal, replace(main, url="https://another.example.com"))


def test_a_line_that_was_cut_off_announces_nothing(octopus: SmallOctopus, main: MainInstance, journal: Path) -> None:
    journal.parent.mkdir(parents=True)
    journal.write_text(
        '{"kind": "owner", "pid": 999999999, "started": 1.0}\n{"kind": "intent", "number": 2, "wri', encoding="utf-8"
    )

    assert recover(journal, main) == []
    assert octopus.history == []


def test_a_cut_off_line_does_not_hide_what_was_announced_before_it(
    octopus: SmallOctopus, main: MainInstance, journal: Path, running: subprocess.Popen[str]
) -> None:
    running.kill()
    running.wait()
    with journal.open("a", encoding="utf-8") as stream:
        stream.write('{"kind": "inte')

    assert len(recover(journal, main)) == 2
    assert unfinished_writes(journal) == []


EXPORTED = {"Artifacts-1": "Octopus-Export-2026-01-01.zip", "Artifacts-2": "report.txt"}


def test_an_export_is_announced_named_and_its_file_deleted(
    octopus: SmallOctopus, main: MainInstance, journal: Path
) -> None:
    with MainWrites(journal, main).project_export("Spaces-1") as (_, started):
        assert [line["kind"] for line in lines(journal)] == ["owner", "intent"]
        started("ServerTasks-5")
        octopus.artifacts.update(EXPORTED)

    assert list(octopus.artifacts) == ["Artifacts-2"]
    assert unfinished_writes(journal) == []


def test_the_file_of_an_export_that_failed_here_is_deleted_too(
    octopus: SmallOctopus, main: MainInstance, journal: Path
) -> None:
    def fail() -> None:
        with MainWrites(journal, main).project_export("Spaces-1") as (_, started):
            started("ServerTasks-5")
            octopus.artifacts.update(EXPORTED)
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        fail()

    assert list(octopus.artifacts) == ["Artifacts-2"]


@pytest.mark.parametrize(("known", "left"), [(True, ["Artifacts-2"]), (False, ["Artifacts-1", "Artifacts-2"])])
def test_the_file_of_a_dead_run_s_export_is_deleted_where_its_task_is_known(
    octopus: SmallOctopus, main: MainInstance, journal: Path, known: bool, left: list[str]
) -> None:
    """A run that died before it heard of the task left no file that could be told from somebody else's."""
    octopus.artifacts.update(EXPORTED)
    journal.parent.mkdir(parents=True, exist_ok=True)
    told = [
        {"kind": "intent", "number": 1, "write": "project-export", "at": "now", "url": main.url, "space": "Spaces-1"}
    ]
    told += [{"kind": "task", "number": 1, "task": "ServerTasks-5"}] if known else []
    journal.write_text("\n".join(json.dumps(line) for line in told), encoding="utf-8")

    [sentence] = recover(journal, main)

    assert ("deleted" in sentence) is known
    assert list(octopus.artifacts) == left
    assert unfinished_writes(journal) == []


def test_the_journal_shows_no_secret(main: MainInstance, journal: Path) -> None:
    with MainWrites(journal, main).maintenance_mode():
        pass

    text = journal.read_text(encoding="utf-8")
    assert API_KEY not in text
    assert "canary-2c90aa" not in text
