from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from tidegate.providers.leftovers import Leftovers, dead_runs, remove_leftovers


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return process.pid


def run_of(reports: Path, owner: dict[str, object], *entries: dict[str, object]) -> Path:
    run = reports / "run-1"
    run.mkdir(parents=True)
    lines = [{"kind": "owner", **owner}, *entries]
    (run / "provisioned.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return run


def test_a_run_that_lives_is_not_taken_for_dead(tmp_path: Path) -> None:
    Leftovers(tmp_path / "run-1")
    assert list(dead_runs(tmp_path)) == []


def test_a_run_that_finished_leaves_no_journal(tmp_path: Path) -> None:
    leftovers = Leftovers(tmp_path / "run-1")
    leftovers.finished()
    assert list((tmp_path / "run-1").iterdir()) == []


def test_what_a_dead_run_left_is_stopped_deleted_and_told(tmp_path: Path) -> None:
    survivor = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    started = psutil.Process(survivor.pid).create_time()
    folder = tmp_path / "run-1" / "work"
    run = run_of(
        tmp_path,
        {"pid": dead_pid(), "started": 1.0},
        {"kind": "process", "what": "the server", "pid": survivor.pid, "started": started},
        {"kind": "folder", "path": str(folder)},
    )
    (folder / "data").mkdir(parents=True)

    assert list(dead_runs(tmp_path)) == [run]
    removed = remove_leftovers(run)

    assert not psutil.pid_exists(survivor.pid)
    assert not folder.exists()
    assert [entry.what for entry in removed] == [f"process {survivor.pid} (the server)", f"folder {folder}"]
    assert list(dead_runs(tmp_path)) == []
    survivor.wait()


def test_a_recycled_process_id_is_not_killed(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        {"pid": dead_pid(), "started": 1.0},
        {"kind": "process", "what": "somebody else", "pid": os.getpid(), "started": 1.0},
    )
    assert remove_leftovers(run) == []


def test_a_folder_outside_the_run_is_never_deleted(tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.mkdir()
    run = run_of(tmp_path / "reports", {"pid": dead_pid(), "started": 1.0}, {"kind": "folder", "path": str(outside)})
    assert remove_leftovers(run) == []
    assert outside.is_dir()


def test_a_journal_cut_off_in_the_middle_of_a_line_is_read_up_to_there(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"pid": dead_pid(), "started": 1.0})
    with (run / "provisioned.jsonl").open("a", encoding="utf-8") as journal:
        journal.write('\n{"kind": "process", "pi')
    assert remove_leftovers(run) == []
