"""`pytest features/ --cut-over APPROVAL` on a main instance that is an installed service of a host, over SSH."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.line import Line
from tests.support.new_instance import create_instance
from tests.support.sshd import Sshd, needs_sshd
from tests.support.standing import (
    AFTER_THE_UPGRADE,
    HOP,
    LIVING,
    ORIGIN,
    TARGET,
    THE_WAY_BACK,
    TO_THE_UPGRADE,
    Moment,
    Standing,
    approved_installers,
    approver_key,
    moments_of,
    upgrade_settings,
)
from tidegate.cutover.beginning import cut_over
from tidegate.cutover.journal import Direction
from tidegate.cutover.procedure import DRAIN, closed, upgrading
from tidegate.doctor.examined import State
from tidegate.doctor.machine import examine_looks
from tidegate.errors import HarnessError, MainInstanceProtected, UsageError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.contract import SqlServerHost
from tidegate.providers.embedded_servers import EmbeddedFeed
from tidegate.providers.hosts.host import HostPlace, ServerHost
from tidegate.providers.hosts.installed import installed_machine, looks_at_machine
from tidegate.providers.hosts.installer import Installer
from tidegate.providers.hosts.linux import Linux
from tidegate.providers.hosts.process import RemoteProcess
from tidegate.providers.hosts.reach import Reach
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import DatabaseAddress, ServerFolders
from tidegate.rehearsal.main import describe_main
from tidegate.secrets import Secret
from tidegate.settings import MainOnHostSettings, load
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.image import DatabaseImage, image_differences
from tidegate.sqlserver.restore import drop_database

pytestmark = [pytest.mark.journey, needs_sshd]

API_KEY = "API-MAINMAINMAINMAINMAINMAIN"
DATABASE = "OctopusOnHost"


@pytest.fixture(scope="module")
def standing(
    sshd: Sshd, loopback: Reach, sql_server: SqlServerHost, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    """A main instance that runs as a service on the host."""
    folder = tmp_path_factory.mktemp("main-on-host")
    root = folder / "octopus"
    folders = ServerFolders(*(root / name for name in ("Packages", "Artifacts", "TaskLogs")))
    database = DatabaseAddress(sql_server.address, DATABASE)
    master_key = Secret.generated("the main instance's master key", b64encode(bytes(range(16))).decode())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    feed = EmbeddedFeed(folder / "instances-feed", Leftovers(folder / "run"))
    installer = Installer(loopback, Linux(), lambda: feed.feed, str(folder / "installers"), folder / "downloads")
    place = HostPlace(str(root), folders, folders, url, "MAIN", service=True)
    host = ServerHost(loopback, Linux(), place, sql_server, installer)
    try:
        host.install(ORIGIN)
        host.configure(database, master_key)
        create_instance(host, API_KEY, ORIGIN)
        for one in folders.named().values():
            one.mkdir(parents=True, exist_ok=True)
            (one / "something.txt").write_text(one.name, encoding="ascii")
        host.start()
        key = approver_key()
        secrets = {"api-key": API_KEY, "master-key": master_key.reveal(), "sql": database.server.password.reveal()}
        for name, value in secrets.items():
            (folder / name).write_text(value, encoding="ascii")
        settings = folder / "settings.toml"
        settings.write_text(
            f"""
[main]
url = "{url}"
api_key = "file:{folder / "api-key"}"
master_key = "file:{folder / "master-key"}"
[main.database]
server = "{database.server.server}"
name = "{DATABASE}"
user = "{database.server.user}"
password = "file:{folder / "sql"}"
trust_server_certificate = true
[main.folders]
packages = "{folders.packages}"
artifacts = "{folders.artifacts}"
task_logs = "{folders.task_logs}"
[main.backup_folder]
on_server = "{sql_server.backups.on_server}"
[main.host]
provider = "host"
address = "127.0.0.1"
port = {sshd.port}
identity_file = "{sshd.identity}"
known_hosts = "{sshd.known_hosts}"
install_folder = "{root / "install"}"
home = "{root / "home"}"
work_folder = "{folder / "work"}"
[feed]
url = "{feed.feed.url}"
[reports]
folder = "{folder / "reports"}"
pdf = false
{upgrade_settings(key)}
""",
            encoding="utf-8",
        )
        main = load(settings).main
        assert main is not None
        yield Standing(folder, settings, describe_main(main), key, approved_installers(folder))
    finally:
        host.remove()
        feed.stop()
        with SqlServer(sql_server.address) as server:
            drop_database(server, DATABASE)


def machine_of(standing: Standing, **changes: object) -> MainOnHostSettings:
    main = load(standing.settings).main
    assert main is not None
    assert isinstance(main.host, MainOnHostSettings)
    return main.host.model_copy(update=changes)


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

    assert [one.state for one in good] == [State.GOOD] * 3, good
    assert [one.state for one in wrong] == [State.GOOD, State.BAD, State.UNKNOWN], wrong
    assert "work_folder" in wrong[1].next_step


def test_a_stopped_machine_runs_nothing_more_of_a_killed_attempt_and_is_started_where_it_was(
    standing: Standing, loopback: Reach, tmp_path: Path
) -> None:
    wanted = machine_of(standing)
    lingering = ["sh", "-c", "while :; do sleep 0.2; done", wanted.install_folder, "--instance=OctopusServer"]
    process = RemoteProcess(loopback, lingering, str(tmp_path / "pid"), str(tmp_path / "log"))
    process.start()
    assert process.runs()

    with installed_machine(wanted, standing.main, no_feed, tmp_path) as machine:
        machine.stop()
        stopped = process.runs(), closed(standing.main)
        url = machine.start()

    assert stopped == (False, None)
    assert (url, standing.version()) == (standing.main.url, ORIGIN)


def assert_back(standing: Standing, before: DatabaseImage) -> None:
    assert (standing.version(), standing.closed()) == (ORIGIN, False)
    assert [one for one in image_differences(before, standing.image()) if not one.startswith(LIVING)] == []
    for name, folder in standing.main.folders.named().items():
        assert (folder / "something.txt").read_text(encoding="ascii") == folder.name, name


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


def test_a_connection_that_is_lost_does_not_hide_that_the_main_instance_is_in_maintenance_mode(
    standing: Standing, sshd: Sshd, tmp_path: Path
) -> None:
    line, known = Line(sshd.port), tmp_path / "known"
    known.write_text(sshd.known_hosts.read_text("ascii").replace(f":{sshd.port} ", f":{line.port} "), "ascii")
    settings = load(standing.settings)
    assert settings.main is not None
    way = machine_of(standing, port=line.port, known_hosts=known)
    settings = settings.model_copy(update={"main": settings.main.model_copy(update={"host": way})})
    approval = standing.approve("lost")

    def attempt(cut_at: str = "") -> Direction:
        def report(text: str) -> None:
            if text == cut_at:
                line.cut()

        return cut_over(settings, approval, settings.reports.folder, report).direction

    line.mend()
    with pytest.raises(HarnessError) as lost:
        attempt(cut_at=DRAIN)
    assert "is unfinished (back" in lost.value.what
    assert lost.value.what.endswith("it is in maintenance mode")
    with pytest.raises(UsageError) as still_lost:
        attempt()
    assert still_lost.value.what.endswith("it is in maintenance mode")
    assert standing.closed()

    line.mend()
    try:
        assert attempt() is Direction.ROLLED_BACK
    finally:
        line.cut()
    assert (standing.version(), standing.closed()) == (ORIGIN, False)


def test_the_main_instance_is_cut_over_and_led_back(standing: Standing) -> None:
    before = standing.image()
    approval = standing.approve("on-host")

    code, output = standing.cut_over(approval)

    assert code == 0, output
    assert "UPGRADED" in output
    assert (standing.version(), standing.closed()) == (TARGET, False)

    code, output = standing.cut_over(approval, "--roll-back")

    assert code == 1, output
    assert "ROLLED-BACK" in output
    assert_back(standing, before)
