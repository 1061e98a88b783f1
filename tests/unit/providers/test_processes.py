from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tidegate.errors import HarnessError, ProvisioningFailed
from tidegate.providers.leftovers import Leftovers
from tidegate.providers.processes import ChildProcess, run_command
from tidegate.secrets import Secret
from tidegate.waiting import wait_until

LISTENER = """
import sys, pathlib
print("starting with", __import__("os").environ["CANARY"], flush=True)
file = pathlib.Path(sys.argv[1]); part = file.with_suffix(".part")
part.write_text("4711"); part.rename(file)
sys.stdin.read()
"""


def child(tmp_path: Path, program: str, *arguments: str) -> ChildProcess:
    return ChildProcess(
        "the program",
        [sys.executable, "-c", program, *arguments],
        log=tmp_path / "program.log",
        environment={"CANARY": "canary-in-a-log"},
        leftovers=Leftovers(tmp_path / "run"),
    )


def test_the_port_is_known_as_soon_as_the_program_listens(tmp_path: Path) -> None:
    process = child(tmp_path, LISTENER, str(tmp_path / "port"))
    assert process.wait_for_port(tmp_path / "port", 20) == 4711
    process.stop()
    assert process.exit_code is not None


def test_a_program_that_ends_before_it_listens_is_told_with_its_last_lines(tmp_path: Path) -> None:
    process = child(tmp_path, "raise SystemExit('no room on the disk')")
    with pytest.raises(ProvisioningFailed, match="no room on the disk"):
        process.wait_for_port(tmp_path / "port", 20)
    process.stop()


def test_a_secret_in_a_log_is_not_shown(tmp_path: Path) -> None:
    Secret.generated("a canary", "canary-in-a-log")
    process = child(tmp_path, LISTENER, str(tmp_path / "port"))
    process.wait_for_port(tmp_path / "port", 20)
    assert "starting with" in process.log_text()
    assert "canary-in-a-log" not in process.log_text()
    process.stop()


def test_a_child_ends_when_its_harness_is_killed(tmp_path: Path) -> None:
    harness = f"""
import sys, time
sys.path.insert(0, {str(Path.cwd())!r})
from pathlib import Path
from tidegate.providers.leftovers import Leftovers
from tidegate.providers.processes import ChildProcess
folder = Path({str(tmp_path)!r})
process = ChildProcess("x", [sys.executable, "-c", {LISTENER!r}, str(folder / "port")], log=folder / "log",
                       environment={{"CANARY": "x"}}, leftovers=Leftovers(folder / "run"))
process.wait_for_port(folder / "port", 20)
print(process.pid, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen([sys.executable, "-c", harness], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())

    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()

    wait_until(lambda: not psutil.pid_exists(pid), timeout=10, what="the child to end")


def test_a_command_that_does_not_end_is_killed_and_told_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="still migrating"):
        run_command(
            "the upgrade",
            [sys.executable, "-c", "print('still migrating', flush=True); import time; time.sleep(60)"],
            timeout=2,
            leftovers=Leftovers(tmp_path),
        )


def test_a_command_that_fails_hands_back_its_exit_code_and_output(tmp_path: Path) -> None:
    result = run_command(
        "the upgrade", [sys.executable, "-c", "raise SystemExit(7)"], timeout=20, leftovers=Leftovers(tmp_path)
    )
    assert (result.ok, result.exit_code) == (False, 7)


def test_a_program_that_does_not_exist_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ProvisioningFailed, match="could not be started"):
        run_command("the upgrade", [str(tmp_path / "nothing")], timeout=20, leftovers=Leftovers(tmp_path))
