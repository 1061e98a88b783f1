"""`pytest features/ --cut-over APPROVAL` on a main instance that is an installed service of a host, over SSH."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from tests.support.line import Line
from tests.support.sshd import Sshd, needs_sshd
from tests.support.standing import (
    AFTER_THE_UPGRADE,
    HOP,
    ORIGIN,
    TARGET,
    THE_WAY_BACK,
    TO_THE_UPGRADE,
    Moment,
    Standing,
    moments_of,
)
from tests.wire.hosts.main_on_host import DATABASE, INSTANCE, assert_back, installed_main, machine_of
from tidegate.cutover.beginning import cut_over
from tidegate.cutover.journal import Direction
from tidegate.cutover.procedure import DRAIN, FETCH, OPEN, STOP, closed, installing, starting, upgrading
from tidegate.doctor.examined import State
from tidegate.doctor.machine import examine_looks
from tidegate.errors import HarnessError, MainInstanceProtected, UsageError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.contract import SqlServerHost
from tidegate.providers.hosts.installed import installed_machine, looks_at_machine
from tidegate.providers.hosts.process import RemoteProcess
from tidegate.providers.hosts.reach import Reach
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.settings import Settings, load
from tidegate.waiting import wait_until

pytestmark = [pytest.mark.journey, needs_sshd]


@pytest.fixture(scope="module")
def standing(
    sshd: Sshd, loopback: Reach, sql_server: SqlServerHost, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    with installed_main(sshd, loopback, sql_server, tmp_path_factory.mktemp("main-on-host")) as made:
        yield made


def no_feed() -> DownloadFeed:
    raise AssertionError("nothing may be downloaded")


def test_another_instance_s_machine_is_refused_before_anything_is_brought(standing: Standing, tmp_path: Path) -> None:
    other = replace(standing.main, database=DatabaseAddress(standing.main.database.server, "OctopusDeploy"))
    with (
        installed_machine(machine_of(standing), other, no_feed, tmp_path) as machine,
        pytest.raises(MainInstanceProtected, match=f"works on the database {DATABASE}"),
    ):
        machine.fetch(TARGET)


def test_a_machine_without_octopus_server_is_refused(standing: Standing, tmp_path: Path) -> None:
    wrong = machine_of(standing, install_folder=str(tmp_path))
    with (
        pytest.raises(UsageError, match="no Octopus Server is installed there"),
        installed_machine(wrong, standing.main, no_feed, tmp_path),
    ):
        pass


def test_the_doctor_looks_at_the_machine_of_a_cut_over(standing: Standing, tmp_path: Path) -> None:
    good = list(examine_looks(looks_at_machine(machine_of(standing))))
    wrong = list(examine_looks(looks_at_machine(machine_of(standing, work_folder="/proc/work"))))

    assert [one.state for one in good] == [State.GOOD] * 4, good
    assert [one.state for one in wrong] == [State.GOOD, State.BAD, State.UNKNOWN, State.UNKNOWN], wrong
    assert "work_folder" in wrong[1].next_step


def test_a_stopped_machine_runs_nothing_more_of_a_killed_attempt_and_is_started_where_it_was(
    standing: Standing, loopback: Reach, tmp_path: Path
) -> None:
    wanted = machine_of(standing)
    lingering = ["sh", "-c", "while :; do sleep 0.2; done", wanted.install_folder, f"--instance={INSTANCE}"]
    process = RemoteProcess(loopback, lingering, str(tmp_path / "pid"), str(tmp_path / "log"))
    process.start()
    assert process.runs()

    with installed_machine(wanted, standing.main, no_feed, tmp_path) as machine:
        machine.stop()
        stopped = process.runs(), closed(standing.main)
        url = machine.start()

    assert stopped == (False, None)
    assert (url, standing.version()) == (standing.main.url, ORIGIN)


def test_killed_at_each_point_on_the_way_there_and_back_it_ends_rolled_back(standing: Standing) -> None:
    before = standing.image()
    approval = standing.approve("killed")

    standing.kill_at_each(
        approval, *moments_of(*TO_THE_UPGRADE), Moment("begun", upgrading(HOP)), *moments_of(*THE_WAY_BACK)
    )
    code, output = standing.cut_over(approval)

    assert code == 1, output
    assert "ROLLED-BACK" in output
    assert_back(standing, before)


def test_killed_at_each_point_after_the_upgrade_it_ends_upgraded(standing: Standing) -> None:
    approval = standing.approve("killed-later")

    standing.kill_at_each(approval, Moment("done", upgrading(HOP)), *moments_of(*AFTER_THE_UPGRADE))
    code, output = standing.cut_over(approval)

    assert code == 0, output
    assert "UPGRADED" in output
    assert (standing.version(), standing.closed()) == (TARGET, False)
    assert standing.cut_over(approval, "--roll-back")[0] == 1


@dataclass
class Lost:
    """Attempts at a cut-over whose connection to the machine is cut, and stays so until the next one."""

    standing: Standing
    settings: Settings
    approval: Path
    line: Line

    def attempt(self, cut_at: str = "", *, running: str = "") -> Direction:
        """Cut as the cut-over tells of the step ``cut_at``, or as soon as the machine runs a command of it."""

        def report(text: str) -> None:
            if text == cut_at and running:
                # Not here: what is waited for is begun when this returns.
                threading.Thread(target=self._cut_while, args=(running,), daemon=True).start()
            elif text == cut_at:
                self.line.cut()

        self.line.mend()
        return cut_over(self.settings, self.approval, self.settings.reports.folder, report).direction

    def _cut_while(self, running: str) -> None:
        def runs() -> bool:
            return any({running, f"--instance={INSTANCE}"} <= set(words) for words in command_lines())

        wait_until(runs, timeout=60, what=f"{running} to run", poll=0.02)
        self.line.cut()


def command_lines() -> Iterator[list[str]]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            yield process.cmdline()


@pytest.fixture
def lost(standing: Standing, sshd: Sshd, tmp_path: Path) -> Iterator[Lost]:
    line, known = Line(sshd.port), tmp_path / "known"
    known.write_text(sshd.known_hosts.read_text("ascii").replace(f":{sshd.port} ", f":{line.port} "), "ascii")
    settings = load(standing.settings)
    assert settings.main is not None
    way = machine_of(standing, port=line.port, known_hosts=known)
    settings = settings.model_copy(update={"main": settings.main.model_copy(update={"host": way})})
    try:
        yield Lost(standing, settings, standing.approve(f"lost-{tmp_path.name}"), line)
    finally:
        line.cut()


def test_a_connection_that_is_lost_does_not_hide_that_the_main_instance_is_in_maintenance_mode(lost: Lost) -> None:
    with pytest.raises(HarnessError) as first:
        lost.attempt(DRAIN)
    assert "is unfinished (back" in first.value.what
    assert first.value.what.endswith("it is in maintenance mode")
    with pytest.raises(UsageError) as still_lost:
        cut_over(lost.settings, lost.approval, lost.settings.reports.folder, lambda _: None)
    assert still_lost.value.what.endswith("it is in maintenance mode")
    with pytest.raises(HarnessError) as again:
        lost.attempt(OPEN)  # of the way back, where the node is told to take work again
    assert again.value.what.endswith("it is in maintenance mode")
    assert lost.standing.closed()

    assert lost.attempt() is Direction.ROLLED_BACK
    assert (lost.standing.version(), lost.standing.closed()) == (ORIGIN, False)


def test_a_connection_that_is_lost_before_anything_was_touched_needs_no_way_back(lost: Lost) -> None:
    assert lost.attempt(FETCH) is Direction.ROLLED_BACK
    assert (lost.standing.version(), lost.standing.closed()) == (ORIGIN, False)


@pytest.mark.parametrize(
    ("there", "running", "back"),
    [
        pytest.param(STOP, "", "", marks=pytest.mark.thorough),
        pytest.param(installing(HOP), "", f"installing {ORIGIN}", marks=pytest.mark.thorough),
        (upgrading(HOP), "--upgrade", f"starting {ORIGIN}"),
        pytest.param(starting(HOP), "", OPEN, marks=pytest.mark.thorough),
    ],
)
def test_a_connection_that_is_lost_there_and_again_on_the_way_back_ends_rolled_back_and_equal(
    lost: Lost, there: str, running: str, back: str
) -> None:
    before = lost.standing.image()

    with pytest.raises(HarnessError, match=r"is unfinished \(back"):
        lost.attempt(there, running=running)
    if back:
        with pytest.raises(HarnessError, match=r"is unfinished \(back"):
            lost.attempt(back)

    assert lost.attempt() is Direction.ROLLED_BACK
    assert_back(lost.standing, before)


def test_the_main_instance_is_cut_over_and_led_back_though_the_connection_is_lost_as_its_doors_are_opened(
    standing: Standing, lost: Lost
) -> None:
    before = standing.image()

    with pytest.raises(HarnessError) as shut:
        lost.attempt(OPEN)
    assert "is unfinished (forward" in shut.value.what, "people may work on it: it is not led back by itself"
    assert shut.value.what.endswith("it is in maintenance mode")
    code, output = standing.cut_over(lost.approval)

    assert code == 0, output
    assert "UPGRADED" in output
    assert (standing.version(), standing.closed()) == (TARGET, False)

    code, output = standing.cut_over(lost.approval, "--roll-back")

    assert code == 1, output
    assert "ROLLED-BACK" in output
    assert_back(standing, before)
