"""A cut-over killed at any point ends, when it is run again, upgraded or rolled back and equal."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from tests.support.deadly_journal import DeadlyJournal
from tests.wire.database_layer.cut_over_scene import TARGET, Standing, assert_old, assert_upgraded, nothing
from tidegate.cutover.journal import Direction
from tidegate.cutover.procedure import OPEN
from tidegate.cutover.running import run_cut_over
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.backup import back_up_database
from tidegate.sqlserver.connection import SqlServer


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
    journal = DeadlyJournal(
        standing.folder / "journal.jsonl", lambda number, _kind, _details: number == line, before=before
    )
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
