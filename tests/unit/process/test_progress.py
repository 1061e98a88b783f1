"""Progress of long work, and what signals do to it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.process.inner import GOOD, Rehearsal

pytest_plugins = ["pytester"]

SLOW = """
    import time

    @pytest.fixture(scope="session")
    def clone(stages, pytestconfig):
        from fixtures.plugins.run import RUN
        try:
            with stages.stage("Cloning") as report:
                report("2 of 4 tables")
                open("started", "w").close()
                until = time.monotonic() + SECONDS
                while time.monotonic() < until: time.sleep(0.02)
            yield
        finally:
            with stages.stage("Restoring the main instance"):
                until = time.monotonic() + 0.6
                while time.monotonic() < until: time.sleep(0.02)
            pytestconfig.stash[RUN].evidence.record("restored")

    @given("a clone")
    def _(clone): pass
"""

FEATURE = "Feature: F\n  Scenario: One\n    Given a clone\n  Scenario: Two\n    Given a clone\n"


def _slow(rehearsal: Rehearsal, seconds: float) -> None:
    rehearsal.steps(SLOW.replace("SECONDS", str(seconds)))
    rehearsal.feature(FEATURE)


def test_stages_are_shown_while_pytest_captures(rehearsal: Rehearsal) -> None:
    _slow(rehearsal, 0.1)
    ran = rehearsal.run("features", apart=True)

    assert "… Cloning (0.0 s)" in ran.output
    assert re.search(r"✓ Cloning \(0\.\d s\) 2 of 4 tables", ran.output)


def test_a_heartbeat_tells_the_newest_note(rehearsal: Rehearsal) -> None:
    _slow(rehearsal, 0.5)
    ran = rehearsal.run("features", "--heartbeat", "0.2", apart=True)

    assert re.search(r"… Cloning \(0\.[234] s\) 2 of 4 tables", ran.output)


def test_a_stage_that_fails_says_so_and_is_recorded(rehearsal: Rehearsal) -> None:
    rehearsal.steps("""
        @given("trouble")
        def _(stages):
            with stages.stage("Cloning"): raise Unreachable("no")
    """)
    rehearsal.feature("Feature: F\n  Scenario: One\n    Given trouble\n")
    ran = rehearsal.run("features", apart=True)

    assert re.search(r"✗ Cloning \(0\.\d s\) failed", ran.output)
    assert [(stage["title"], stage["failed"]) for stage in ran.events("stage")] == [("Cloning", True)]


def test_secrets_in_notes_are_masked(rehearsal: Rehearsal) -> None:
    rehearsal.steps("""
        @given("a note")
        def _(stages):
            secret = Secret.generated("s", "hunter2hunter2").reveal()
            with stages.stage("Working") as report: report(f"with {secret}")
            stages.say(f"said {secret}")
    """)
    rehearsal.feature("Feature: F\n  Scenario: One\n    Given a note\n")
    ran = rehearsal.run("features", apart=True)

    assert "said ********" in ran.output
    assert "hunter2" not in ran.output


def test_a_terminal_shows_one_live_line(rehearsal: Rehearsal) -> None:
    _slow(rehearsal, 0.6)
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "features"],
        cwd=rehearsal.path,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    while chunk := _read(controller):
        shown += chunk
    process.wait(20)
    os.close(controller)

    assert b"2 of 4 tables" in shown
    assert "✓ Cloning".encode() in shown
    assert "… Cloning".encode() not in shown, "the live line replaces the plain ones"


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side was closed
        return b""


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one process", "with workers"])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_in_order(rehearsal: Rehearsal, sent: signal.Signals, workers: list[str]) -> None:
    _slow(rehearsal, 60)
    process = _start(rehearsal, *workers)
    _wait_for(rehearsal.path / "started")
    process.send_signal(sent)
    output, _ = process.communicate(timeout=30)

    folder = rehearsal.latest()
    assert folder is not None
    assert process.returncode == 10, output
    evidence = (folder / "evidence.jsonl").read_text(encoding="utf-8")
    assert '"kind":"restored"' in evidence, "the fixture was torn down"
    assert '"kind":"run.finished"' in evidence.splitlines()[-1]
    assert f"stopped by {sent.name} before its end" in output


@pytest.mark.parametrize("lost", ["pass", "raise SystemError('returned a result with an exception set')"])
def test_an_interrupt_that_is_lost_on_its_way_ends_the_run_all_the_same(rehearsal: Rehearsal, lost: str) -> None:
    """As pyodbc loses it, in whose place an error of its own comes."""
    rehearsal.feature(GOOD.replace("Given nothing", "Given a signal"))
    rehearsal.steps(f"""
        import os, signal

        @given("a signal")
        def _():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except KeyboardInterrupt:
                {lost}
    """)

    ran = rehearsal.run(apart=True)

    assert ran.exit_code == 10, ran.output
    assert "run-not-finished" in ran.codes
    assert "stopped by SIGTERM before its end" in ran.output
    assert "The second thing is good" not in ran.scenarios()


def test_more_signals_do_not_interrupt_the_teardown(rehearsal: Rehearsal) -> None:
    _slow(rehearsal, 60)
    process = _start(rehearsal)
    _wait_for(rehearsal.path / "started")
    process.send_signal(signal.SIGINT)
    for _ in range(3):
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)

    assert process.returncode == 10
    assert "already stopping; the main instance is being restored, please wait" in output
    assert '"kind":"restored"' in (rehearsal.path / "reports" / "latest" / "evidence.jsonl").read_text(encoding="utf-8")


def test_signals_mean_what_they_meant_after_the_run(rehearsal: Rehearsal) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    rehearsal.feature(GOOD)
    rehearsal.run()

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_two_runs_at_once_do_not_meet(rehearsal: Rehearsal) -> None:
    _slow(rehearsal, 0.3)
    processes = [_start(rehearsal) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)

    runs = list((rehearsal.path / "reports").glob("2*"))
    assert len(runs) == 2
    assert all((run / "verdict.json").is_file() for run in runs)


def _start(rehearsal: Rehearsal, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "features", *arguments],
        cwd=rehearsal.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)
