"""A main instance that is a unit of a real systemd, stopped, upgraded, started and led back over SSH."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.containers.systemd_host import SystemdHost, running_systemd_host
from tests.support.standing import ORIGIN, TARGET, Standing
from tests.wire.hosts.main_on_host import INSTANCE, assert_back, installed_main, machine_of
from tidegate.cutover.beginning import cut_over
from tidegate.cutover.journal import Direction
from tidegate.errors import HarnessError, UpgradeFailed, UsageError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.containers.engine import Engine
from tidegate.providers.embedded_servers import EmbeddedSqlServer
from tidegate.providers.hosts.installed import InstalledMachine, installed_machine
from tidegate.providers.hosts.reaching import reached
from tidegate.providers.leftovers import Leftovers
from tidegate.settings import ReachSettings, load

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="SYSTEMD IS NOT TESTED: it takes root to remove what it leaves")
]

UNIT = f"{INSTANCE}.service"
FILE = f"/etc/systemd/system/{UNIT}"


@pytest.fixture(scope="module")
def host(engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdHost]:
    with running_systemd_host(engine, tmp_path_factory.mktemp("systemd")) as made:
        yield made


@pytest.fixture(scope="module")
def standing(host: SystemdHost) -> Iterator[Standing]:
    sshd, folder = host.sshd, host.sshd.folder
    wanted = ReachSettings(
        address="127.0.0.1", port=sshd.port, identity_file=sshd.identity, known_hosts=sshd.known_hosts
    )
    sql_server = EmbeddedSqlServer(folder / "sql-server", Leftovers(folder / "sql-run"))
    try:
        with reached(wanted) as reach, installed_main(sshd, reach, sql_server.host, folder) as made:
            yield made
    finally:
        sql_server.stop()


def no_feed() -> DownloadFeed:
    raise AssertionError("nothing may be downloaded")


@contextmanager
def machine(standing: Standing, tmp_path: Path) -> Generator[InstalledMachine]:
    with installed_machine(machine_of(standing), standing.main, no_feed, tmp_path) as made:
        yield made


@contextmanager
def changed(host: SystemdHost, drop_in: str) -> Generator[None]:
    """The unit with these lines more, as an administrator would add them."""
    folder = f"/run/systemd/system/{UNIT}.d"
    host.run(f"mkdir -p {folder} && cat >{folder}/test.conf <<'END'\n{drop_in}\nEND\nsystemctl daemon-reload")
    try:
        yield
    finally:
        host.run(f"rm -r {folder} && systemctl daemon-reload")


def state(host: SystemdHost) -> tuple[str, str, str]:
    shown = host.show(UNIT, "ActiveState", "SubState", "NRestarts")
    return shown["ActiveState"], shown["SubState"], shown["NRestarts"]


def test_the_main_instance_is_cut_over_and_led_back(host: SystemdHost, standing: Standing) -> None:
    before, first = standing.image(), host.show(UNIT, "InvocationID")
    assert state(host) == ("active", "running", "0")
    approval, settings = standing.approve("systemd"), load(standing.settings)
    said: list[str] = []

    ended = cut_over(settings, approval, settings.reports.folder, said.append)

    assert (ended.direction, standing.version(), standing.closed()) == (Direction.UPGRADED, TARGET, False), said
    assert state(host) == ("active", "running", "0"), "systemd had to start it again"
    assert host.show(UNIT, "InvocationID") != first
    unit = host.show(UNIT, "UnitFileState", "MainPID")
    assert unit["UnitFileState"] == "enabled"
    assert f"--instance={INSTANCE}" in host.run(f"tr '\\0' '\\n' </proc/{unit['MainPID']}/cmdline").splitlines()

    ended = cut_over(settings, approval, settings.reports.folder, said.append, roll_back=True)

    assert ended.direction is Direction.ROLLED_BACK, said
    assert_back(standing, before)
    assert state(host) == ("active", "running", "0")


def test_a_server_that_is_killed_as_it_starts_is_led_back_though_systemd_starts_it_again(
    host: SystemdHost, standing: Standing
) -> None:
    before, approval, settings = standing.image(), standing.approve("systemd-killed"), load(standing.settings)
    release = Path(machine_of(standing).install_folder) / "release.json"
    killed = host.sshd.folder / "killed"
    said: list[str] = []
    once = f"grep -qF {TARGET} {release} && [ ! -e {killed} ] && touch {killed} && systemctl kill -s KILL {UNIT}; true"

    with changed(host, f"[Service]\nExecStartPost=/bin/sh -c '{once}'"):
        ended = cut_over(settings, approval, settings.reports.folder, said.append)

    assert killed.exists()
    assert ended.direction is Direction.ROLLED_BACK, said
    assert any(UNIT in one and "its journal:" in one for one in said), said
    assert_back(standing, before)


def test_a_user_who_may_not_stop_the_unit_is_refused(host: SystemdHost, standing: Standing, tmp_path: Path) -> None:
    wanted = machine_of(standing, user="ordinary", work_folder="/home/ordinary/work")
    above = Path(wanted.install_folder).parent
    host.run(f"useradd --create-home --password '*' ordinary && chmod a+x {host.sshd.folder} {above}")

    with (
        pytest.raises(UsageError, match="is not root on the machine and has no sudo"),
        installed_machine(wanted, standing.main, no_feed, tmp_path),
    ):
        pass


def test_a_unit_that_is_still_there_after_the_stop_is_told(
    host: SystemdHost, standing: Standing, tmp_path: Path
) -> None:
    with machine(standing, tmp_path) as there:
        with changed(host, "[Unit]\nRefuseManualStop=yes"), pytest.raises(HarnessError, match=f"systemctl stop {UNIT}"):
            there.stop()
        assert standing.version() == ORIGIN


@pytest.fixture(scope="module")
def stopped(standing: Standing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMachine]:
    """The machine with its server stopped; it is started again afterwards."""
    with machine(standing, tmp_path_factory.mktemp("downloads")) as made:
        made.stop()
        yield made
        made.start()
        assert standing.version() == ORIGIN


@pytest.fixture
def without_its_file(host: SystemdHost, stopped: InstalledMachine) -> Iterator[None]:
    host.run(f"mv {FILE} {FILE}.away && systemctl daemon-reload")
    yield
    host.run(f"mv {FILE}.away {FILE} && systemctl daemon-reload")


def test_a_unit_that_does_not_start_is_told_with_its_journal(host: SystemdHost, stopped: InstalledMachine) -> None:
    broken = "[Service]\nExecStart=\nExecStart=/bin/sh -c 'echo out of moonlight; exit 3'"
    with changed(host, broken), pytest.raises(UpgradeFailed) as failed:
        stopped.start(timeout=60)

    assert state(host)[0] in {"inactive", "failed"}, "systemd goes on trying"
    assert f"{UNIT}: " in failed.value.what
    assert "exit-code, exit status 3" in failed.value.what
    assert "its journal:" in failed.value.what
    assert "out of moonlight" in failed.value.what


@pytest.mark.usefixtures("without_its_file")
def test_a_masked_unit_is_refused_before_anything_is_touched_and_when_it_is_to_be_started(
    host: SystemdHost, standing: Standing, stopped: InstalledMachine, tmp_path: Path
) -> None:
    host.run(f"systemctl mask {UNIT}")
    try:
        with pytest.raises(UpgradeFailed, match=f"{UNIT} is masked"):
            stopped.start(timeout=60)
        with pytest.raises(UsageError, match="is masked: nothing can start it"), machine(standing, tmp_path):
            pass
    finally:
        host.run(f"systemctl unmask {UNIT}")


@pytest.mark.usefixtures("without_its_file")
def test_a_unit_that_is_not_there_is_told(stopped: InstalledMachine) -> None:
    with pytest.raises(UpgradeFailed, match=f"systemd has no {UNIT}: .*service --install"):
        stopped.start(timeout=60)


def test_a_unit_of_an_administrator_s_own_for_the_same_server_is_refused(
    host: SystemdHost, standing: Standing, tmp_path: Path
) -> None:
    own = "/etc/systemd/system/our-octopus.service"
    host.run(f"cp {FILE} {own} && systemctl daemon-reload")
    try:
        with (
            pytest.raises(UsageError, match=r"our-octopus\.service runs this installation as well"),
            machine(standing, tmp_path),
        ):
            pass
    finally:
        host.run(f"rm {own} && systemctl daemon-reload")
