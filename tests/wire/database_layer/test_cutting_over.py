"""The cut-over of a main instance: to its end, or back to exactly where it began, wherever it is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.wire.database_layer.main_machine import Machine, MainOctopus, RemoteHost, switched_on
from tests.wire.database_layer.scene import fill_main, main_instance
from tests.wire.rehearsal.small_octopus import small_octopus
from tidegate.cutover.journal import PREFIX, CutOverJournal, Direction, unfinished_cut_overs
from tidegate.cutover.procedure import BACK_UP, CHECK, LEAD_BACK, OPEN, Work
from tidegate.cutover.running import Ended, alone, run_cut_over
from tidegate.errors import HarnessError, Unreachable
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.folders import describe_folder
from tidegate.rehearsal.instances import DatabaseAddress, FileEntry, MainInstance, SharedFolder
from tidegate.secrets import Secret
from tidegate.sqlserver.backup import back_up_database
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.image import DatabaseImage, database_image, image_differences
from tidegate.sqlserver.reaper import OwnedDatabase, owned_databases
from tidegate.sqlserver.restore import drop_database, replace_database
from tidegate.versions import Version, plan, release_knowledge

TARGET = Version(2019, 13, 5)
PLAN = plan(Version(2018, 12, 1), TARGET, release_knowledge())
#: What changes because the server runs: its heartbeat, and how its maintenance mode and draining are written down.
LIVING = ("rows of dbo.OctopusServerNode:", "rows of dbo.Configuration:")


def nothing(_: str) -> None:
    """A report that nobody reads."""


@dataclass
class Looked:
    """Checks that find what a test wants to be found."""

    found: list[str] = field(default_factory=list[str])
    covered: str = "whatever the test says"

    def before(self) -> None:
        """Nothing has to be remembered."""

    def after(self) -> Sequence[str]:
        return self.found


class Deadly(CutOverJournal):
    """Kills its process before or after one of its lines is written."""

    def __init__(self, file: Path, line: int, *, before: bool) -> None:
        super().__init__(file)
        self._line = line
        self._before = before

    def append(self, kind: str, **details: Any) -> None:
        if self._before and len(self.entries) + 1 == self._line:
            os.kill(os.getpid(), signal.SIGKILL)
        super().append(kind, **details)
        if len(self.entries) == self._line:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Standing:
    """A main instance that outlives every attempt on it."""

    main: MainInstance
    machine: Machine
    address: str
    sql: SqlServerHost
    folder: Path
    said: list[str] = field(default_factory=list[str])
    holds: Callable[[], str] = lambda: ""
    checks: Looked = field(default_factory=Looked)

    def work(self, journal: CutOverJournal | None = None) -> Work:
        return Work(
            main=self.main,
            host=RemoteHost(self.address, self.sql, self.main.folders),
            plan=PLAN,
            installers={str(TARGET): f"sha256:{TARGET}"},
            name="abc123",
            folder=self.folder,
            journal=journal or self.journal,
            checks=self.checks,
            report=self.said.append,
        )

    @property
    def journal(self) -> CutOverJournal:
        return CutOverJournal(self.folder / "journal.jsonl")

    def run(self, *, roll_back: bool = False) -> Ended:
        return run_cut_over(self.work(), self.holds, roll_back=roll_back)

    def image(self) -> DatabaseImage:
        with SqlServer(self.main.database.server, self.main.database.name) as server:
            return database_image(server)

    def files(self) -> dict[str, tuple[FileEntry, ...]]:
        return {name: describe_folder(folder) for name, folder in self.main.folders.named().items()}

    def reset(self, backup: SharedFolder) -> None:
        """To the old version the short way, where the way itself is not what is tested."""
        database = self.main.database
        self.machine.act("stop", {})
        with SqlServer(database.server) as server:
            replace_database(server, backup.on_server, database.name, permission=lambda: None, report=nothing)
        self.machine.act("install", {"version": "2018.12.1"})
        self.machine.act("start", {})

    def scratch(self) -> list[OwnedDatabase]:
        with SqlServer(self.sql.address) as server:
            return [one for one in owned_databases(server) if one.purpose == "verify"]


@pytest.fixture(scope="module")
def lasting(host: SqlServerHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    name = OwnedDatabase.make("main").name
    folder = tmp_path_factory.mktemp("main")
    address = DatabaseAddress(host.address, name)
    with SqlServer(host.address) as server:
        server.execute(f"CREATE DATABASE [{name}]")
        with SqlServer(host.address, name) as database:
            fill_main(database)
        try:
            with small_octopus(MainOctopus(database=address)) as octopus:
                assert isinstance(octopus, MainOctopus)
                main = main_instance(octopus, host, name, folder / "folders")
                machine = Machine(octopus)
                with switched_on(machine) as url:
                    yield Standing(main, machine, url, host, folder)
        finally:
            drop_database(server, name)


@pytest.fixture
def standing(lasting: Standing, tmp_path: Path) -> Iterator[Standing]:
    """The main instance at its old version, with a cut-over of its own in front of it."""
    fresh = replace(lasting, folder=tmp_path / "cut-over", said=[], checks=Looked())
    before, files = fresh.image(), fresh.files()
    yield fresh
    fresh.machine.broken_starts.clear()
    fresh.machine.broken_upgrades.clear()
    fresh.machine.octopus.tasks.clear()
    fresh.checks.found.clear()
    if fresh.journal.progress.direction is not Direction.ROLLED_BACK:
        fresh.run(roll_back=True)
    assert_old(fresh, before, files)


def assert_upgraded(standing: Standing) -> None:
    machine = standing.machine
    assert machine.running
    assert machine.octopus.version == str(TARGET)
    assert not machine.octopus.maintenance
    assert not machine.octopus.recalls("drain")
    with SqlServer(standing.main.database.server, standing.main.database.name) as server:
        assert server.value("SELECT COUNT(*) FROM dbo.SchemaVersions WHERE ScriptName = ?", f"Script {TARGET}") == 1


def assert_old(standing: Standing, before: DatabaseImage, files: dict[str, tuple[FileEntry, ...]]) -> None:
    machine = standing.machine
    assert machine.running
    assert machine.octopus.version == "2018.12.1"
    assert not machine.octopus.maintenance
    assert not machine.octopus.recalls("drain")
    different = [one for one in image_differences(before, standing.image()) if not one.startswith(LIVING)]
    assert different == []
    assert standing.files() == files
    assert standing.scratch() == []


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
        (_checks_fail, "is not what was approved"),
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


# ------------------------------------------------------------------ killed


@dataclass(frozen=True)
class Plain:
    """What another process needs to work on the same main instance: secrets travel as plain text, in a pipe."""

    without_secrets: Standing
    password: str
    api_key: str
    master_key: str

    @classmethod
    def of(cls, standing: Standing) -> Plain:
        main, nothing = standing.main, cast("Any", None)
        password = main.database.server.password.reveal()
        server = replace(main.database.server, password=nothing)
        bare = replace(main, api_key=nothing, master_key=nothing, database=DatabaseAddress(server, main.database.name))
        sql = replace(standing.sql, address=server)
        stripped = replace(standing, main=bare, sql=sql, machine=nothing, said=[], holds=nothing)
        return cls(stripped, password, main.api_key.reveal(), main.master_key.reveal())

    def standing(self) -> Standing:
        bare = self.without_secrets
        password = Secret.generated("the test SQL Server's password", self.password)
        server = replace(bare.main.database.server, password=password)
        main = replace(
            bare.main,
            api_key=Secret.generated("the main instance's API key", self.api_key),
            master_key=Secret.generated("the main instance's master key", self.master_key),
            database=DatabaseAddress(server, bare.main.database.name),
        )
        return replace(bare, main=main, sql=replace(bare.sql, address=server))


def _attempt(plain: Plain, line: int, before: bool, roll_back: bool) -> None:
    standing = plain.standing()
    journal = Deadly(standing.folder / "journal.jsonl", line, before=before)
    run_cut_over(standing.work(journal), lambda: "", roll_back=roll_back)


def kill(standing: Standing, line: int, *, before: bool, roll_back: bool = False) -> None:
    """An attempt in a process of its own, killed at one of its lines."""
    # Forked from a process without threads that has everything imported: a new interpreter each time takes seconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_attempt, args=(Plain.of(standing), line, before, roll_back))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, f"line {line} was never reached (exit code {process.exitcode})"


def points(standing: Standing) -> list[tuple[int, bool, str]]:
    """Every moment to be killed at: after each line, and with a step's effects made but not yet recorded."""
    found: list[tuple[int, bool, str]] = []
    for entry in standing.journal.entries:
        name = f"{entry['kind']} {entry.get('step', '')}".strip()
        if entry["kind"] == "done":
            found.append((entry["number"], True, f"before {name}"))
        found.append((entry["number"], False, f"after {name}"))
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_cut_over_killed_at_any_point_ends_upgraded_or_rolled_back_when_it_is_run_again(lasting: Standing) -> None:
    before, files = lasting.image(), lasting.files()
    with SqlServer(lasting.sql.address) as server:
        pristine = back_up_database(
            server, lasting.main.database.name, lasting.sql.backups, "pristine.bak", copy_only=True, report=nothing
        )
    first = replace(lasting, folder=lasting.folder / "undisturbed", said=[])
    first.run()
    moments = points(first)
    first.reset(pristine)
    assert len(moments) > 30

    ends: dict[str, Direction] = {}
    for line, early, name in moments:
        standing = replace(lasting, folder=lasting.folder / f"killed-{line}-{early}", said=[])
        kill(standing, line, before=early)

        ended = standing.run()

        ends[name] = ended.direction
        assert standing.said[0].startswith("found: "), name
        assert standing.said[1].startswith("will do: "), name
        if ended.direction is Direction.UPGRADED:
            assert_upgraded(standing)
            standing.reset(pristine)
        assert_old(standing, before, files)
    rolled_back = {name for name, end in ends.items() if end is Direction.ROLLED_BACK}
    assert rolled_back == {
        f"after begun upgrading the database to {TARGET}",
        f"before done upgrading the database to {TARGET}",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_rollback_killed_at_any_point_ends_rolled_back_when_it_is_run_again(lasting: Standing) -> None:
    before, files = lasting.image(), lasting.files()
    first = replace(lasting, folder=lasting.folder / "back-undisturbed", said=[])
    first.run()
    forward = len(first.journal.entries)
    first.run(roll_back=True)
    moments = [moment for moment in points(first) if moment[0] > forward]
    assert len(moments) > 5

    for line, early, name in moments:
        standing = replace(lasting, folder=lasting.folder / f"back-killed-{line}-{early}", said=[])
        standing.run()
        (standing.main.folders.packages / "pushed-since.zip").write_bytes(b"lost by going back")
        kill(standing, line, before=early, roll_back=True)

        # A kill before the decision is on disk leaves an upgraded instance; the wish is told again.
        ended = standing.run(roll_back=True)

        assert ended.direction is Direction.ROLLED_BACK, name
        assert_old(standing, before, files)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_people_did_after_the_doors_were_opened_is_never_restored_away(standing: Standing) -> None:
    first = replace(standing, folder=standing.folder / "first", said=[])
    first.run()
    first.run(roll_back=True)
    line = next(one["number"] for one in first.journal.entries if one["kind"] == "done" and one["step"] == OPEN
                and one["number"] > len(first.journal.entries) - 3)  # fmt: skip
    standing.run()
    kill(standing, line, before=True, roll_back=True)
    (standing.main.folders.packages / "pushed-by-users.zip").write_bytes(b"kept")

    ended = standing.run()

    assert ended.direction is Direction.ROLLED_BACK
    assert (standing.main.folders.packages / "pushed-by-users.zip").exists()
    (standing.main.folders.packages / "pushed-by-users.zip").unlink()


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
