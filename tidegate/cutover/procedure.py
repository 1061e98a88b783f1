"""The cut-over of the main instance in the guide's order, and the way back when it fails.

Every step can be done again after a crash: it looks at what is there before it acts, or redoes all of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from tidegate.cutover.checks import MainChecks
from tidegate.cutover.journal import CutOverJournal, Direction
from tidegate.errors import HarnessError, MainInstanceProtected, UpgradeFailed
from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.maintenance import in_maintenance_mode, set_maintenance_mode
from tidegate.octopus.nodes import Node, await_nodes, running, working
from tidegate.providers.contract import TestHost
from tidegate.rehearsal.backup_set import prove_key_of
from tidegate.rehearsal.budget import Budget
from tidegate.rehearsal.instances import MainInstance, SharedFolder
from tidegate.rehearsal.place import Place
from tidegate.rehearsal.readiness import assert_nobody_works, assert_sql_server_suffices
from tidegate.rehearsal.rollback import roll_back
from tidegate.rehearsal.rollback_point import load_point, take_rollback_point
from tidegate.rehearsal.timing import DESCRIBING
from tidegate.rehearsal.upgrade import DEFAULT_BUDGET, judge_started, upgrade_schema
from tidegate.sqlserver.backup import back_up_database, verify_backup
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.counts import count_rows
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.reaper import owned_databases
from tidegate.sqlserver.restore import default_data_folder, drop_database
from tidegate.sqlserver.sanitise import installation_id
from tidegate.versions import ChangeKind, Hop, Plan

Report = Callable[[str], None]

FETCH: Final = "fetching the installers, that of the way back as well"
KEYS: Final = "proving that master key and licence are safe"
MAINTENANCE: Final = "switching maintenance mode on"
DRAIN: Final = "draining the node"
LOOK: Final = "looking at the main instance before its upgrade"
STOP: Final = "stopping the server"
BACK_UP: Final = "backing up the database and restoring the backup to prove it"
CHECK: Final = "checking the upgraded main instance"
OPEN: Final = "leaving maintenance mode"
LEAD_BACK: Final = "leading the main instance back"

#: Seconds that running tasks get to end before the server is stopped.
_DRAINING: Final = 600


def installing(hop: Hop) -> str:
    return f"installing {hop.target}"


def upgrading(hop: Hop) -> str:
    return f"upgrading the database to {hop.target}"


def starting(hop: Hop) -> str:
    return f"starting {hop.target}"


def irreversible(plan: Plan) -> frozenset[str]:
    """The steps after whose interruption nobody knows what the database holds."""
    return frozenset(upgrading(hop) for hop in plan.hops)


@dataclass(frozen=True, slots=True)
class Work:
    """What a cut-over works with. ``installers`` are the digests that were approved, by version; ``name`` is a short
    word of its own for files and databases; ``folder`` holds the journal, the way back and logs."""

    main: MainInstance
    host: TestHost
    plan: Plan
    installers: Mapping[str, str]
    name: str
    folder: Path
    journal: CutOverJournal
    checks: MainChecks
    report: Report
    budget: Budget = DEFAULT_BUDGET

    @property
    def way_back(self) -> Path:
        return self.folder / "way-back"


@final
class Procedure:
    """Does the steps that are not done yet, in one direction or the other."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._main = work.main
        self._host = work.host
        self._journal = work.journal

    # ------------------------------------------------------------------ forward

    def forward(self) -> None:
        """To the target version; raises whatever stops it, with the journal saying how far it came."""
        self._once(FETCH, self._fetch)
        self._once(KEYS, self._keep_keys)
        self._once(MAINTENANCE, self._close)
        self._once(DRAIN, self._drain)
        self._once(LOOK, self._look)
        self._once(STOP, self._stop)
        self._once(BACK_UP, self._back_up)
        self._once(DESCRIBING, self._describe)
        for hop in self._work.plan.hops:
            self._once(installing(hop), lambda hop=hop: self._install(hop))
            self._once(upgrading(hop), lambda hop=hop: self._upgrade(hop))
            self._once(starting(hop), lambda hop=hop: self._start(hop))
        self._once(CHECK, self._check)
        self._once(OPEN, self._open)
        self._journal.turn(Direction.UPGRADED, f"{self._work.plan.target} runs and was verified")

    def _once(self, name: str, act: Callable[[], Mapping[str, Any] | None]) -> None:
        if name in self._journal.progress.done:
            return
        with self._journal.step(name) as facts:
            self._work.report(name)
            facts.update(act() or {})

    def _fetch(self) -> None:
        """Everything that is installed later is brought here while the main instance still works."""
        plan = self._work.plan
        for hop in plan.hops:
            assert_sql_server_suffices(self._main.database, hop.target)
        for version in (plan.origin, *(hop.target for hop in plan.hops)):
            self._host.fetch(version)

    def _keep_keys(self) -> Mapping[str, Any]:
        proof = prove_key_of(self._main)
        licence = "the main instance's own"
        with self._client(Access.READ_ONLY) as client:
            text = str(client.get("/api/licenses/licenses-current").get("LicenseText") or "")
        if text:
            file = self._work.folder / "licence.xml"
            _write_private(file, text)
            licence = str(file)
        return {"key": proof, "masterKey": self._main.master_key.reference, "licence": licence}

    def _close(self) -> None:
        self._permission()
        with self._client() as client:
            set_maintenance_mode(client, True)

    def _drain(self) -> None:
        self._node("--drain=true", f"--wait={_DRAINING}")
        with self._client(Access.READ_ONLY) as client:
            # What waits for a person holds no slot and goes on after the upgrade.
            running = [
                str(task["Id"])
                for task in client.items("/api/tasks", states="Executing")
                if not task.get("HasPendingInterruptions")
            ]
        if running:
            raise HarnessError(
                f"{len(running)} tasks still run after {_DRAINING} s: {', '.join(running[:5])}",
                where=self._main.url,
                next_step="let them end or cancel them, then begin the cut-over again",
            )

    def _look(self) -> None:
        self._work.checks.before()

    def _stop(self) -> None:
        self._permission()
        self._host.stop()
        if closed(self._main) is not None:
            raise HarnessError(
                "the server that was stopped is not the main instance's, which still answers",
                where=self._main.url,
                next_step="correct [main.host]: it names another machine",
            )
        assert_nobody_works(self._main.database, self._host.node_names)

    def _back_up(self) -> Mapping[str, Any]:
        database, folder = self._main.database, self._main.backup_folder
        name = f"{database.name}-{self._main.version}-before-cut-over-{self._work.name}.bak"
        with SqlServer(database.server) as server:
            self._drop_scratch(server)
            (folder.here / name).unlink(missing_ok=True)  # of an earlier attempt, which did not come to its end
            with server.using(database.name):
                counts = count_rows(server)
            file = back_up_database(server, database.name, folder, name, copy_only=True, report=self._work.report)
            verified = verify_backup(
                server,
                file.on_server,
                scratch=OwnedDatabase.make("verify", self._work.name).name,
                data_folder=default_data_folder(server),
                expected=counts,
                report=self._work.report,
            )
        return {
            "backup": {"onServer": file.on_server, "here": str(file.here)},
            "rows": sum(verified.row_counts.values()),
        }

    def _describe(self) -> Mapping[str, Any]:
        backup = self._journal.progress.facts["backup"]
        point = take_rollback_point(
            self._main.version,
            self._main.database,
            self._main.folders,
            backup=SharedFolder(backup["onServer"], Path(backup["here"])),
            folder=self._work.way_back,
            report=self._work.report,
            copy_folders=any(hop.change is ChangeKind.MAJOR for hop in self._work.plan.hops),
        )
        return {"backupSha256": point.sha256, "files": point.files, "foldersCopied": point.copied}

    def _install(self, hop: Hop) -> Mapping[str, Any]:
        self._permission()
        self._host.stop()  # of the hop before
        self._host.install(hop.target)
        installed, approved = self._host.installed.get(str(hop.target)), self._work.installers.get(str(hop.target))
        if installed != approved:
            raise HarnessError(
                f"{hop.target} was approved with installer {approved}, but {installed} was installed",
                next_step="find out why they differ; what was approved must be what is installed",
            )
        return {"installed": installed}

    def _upgrade(self, hop: Hop) -> None:
        self._permission()
        upgrade_schema(self._host, self._main.database, _Told(self._work.report), self._log(hop), self._work.budget)

    def _start(self, hop: Hop) -> Mapping[str, Any]:
        self._host.stop()
        url = self._host.start()
        point = load_point(self._work.way_back)
        scripts = judge_started(
            self._host,
            self._main.api_key,
            self._main.database,
            (url, hop.target),
            before=point.journal,
            log=self._log(hop),
        )
        self._await_nodes(running, "run")
        return {"scripts": len(scripts)}

    def _check(self) -> Mapping[str, Any]:
        found = self._work.checks.after()
        if found:
            # The first line is what the journal keeps of it, and what whoever runs this again is told.
            told = "\n".join(found[:10])
            raise UpgradeFailed(f"the upgraded main instance is not what was approved: {told}", where=self._main.url)
        return {"checked": self._work.checks.covered}

    def _open(self) -> None:
        self._permission()
        self._take_work()
        with self._client() as client:
            set_maintenance_mode(client, False)

    # ------------------------------------------------------------------ back

    def back(self) -> None:
        """To the version before. What was not touched yet is only opened again; everything else is restored, and
        opened when it is proven to be what it was. After that it is never restored a second time."""
        if OPEN not in self._journal.progress.begun:
            self._once(LEAD_BACK, self._restore if self._touched else self._resume)
        self._once(OPEN, self._reopen)
        self._journal.turn(Direction.ROLLED_BACK, self._journal.progress.why)

    @property
    def _touched(self) -> bool:
        """Whether anything was begun that only the backup undoes."""
        return self._journal.ever_begun(installing(self._work.plan.hops[0]))

    def _restore(self) -> Mapping[str, Any]:
        point = load_point(self._work.way_back)
        place = Place(
            self._main.database,
            self._main.folders,
            self._main.api_key,
            self._main.identity.installation_id,
            self._permission,
        )
        result = roll_back(point, place, self._host, _Told(self._work.report), report=self._work.report, reopen=False)
        if result.differences:
            raise HarnessError(
                "after the rollback the main instance is not what it was; it stays in maintenance mode:\n"
                + "\n".join(result.differences[:10]),
                where=self._main.url,
                next_step="compare with the backup by hand (docs/cut-over.md), or run this again",
            )
        return {"tables": result.tables, "rows": result.rows, "files": result.files, "equal": True}

    def _resume(self) -> Mapping[str, Any]:
        """Nothing of the upgrade was begun: the server is only to run again."""
        if self._journal.ever_begun(STOP):
            self._permission()
            self._host.stop()
            self._host.start()
        with SqlServer(self._main.database.server) as server:
            self._drop_scratch(server)
        return {"equal": True, "untouched": True}

    def _reopen(self) -> None:
        if self._journal.ever_begun(DRAIN):
            self._take_work()
        if self._journal.ever_begun(MAINTENANCE):
            self._permission()
            with self._client() as client:
                set_maintenance_mode(client, False)

    # ------------------------------------------------------------------ means

    def _permission(self) -> None:
        """The database must still say that it is the approved main instance's. One that is being restored, because an
        earlier rollback was killed, cannot be asked: its name must do then, and the journal that says so."""
        database, approved = self._main.database, self._main.identity.installation_id
        with SqlServer(database.server) as server:
            state = server.value("SELECT state_desc FROM sys.databases WHERE name = ?", database.name)
        if state == "ONLINE":
            with SqlServer(database.server, database.name) as server:
                found = installation_id(server)
            if found.lower() != approved.lower():
                raise MainInstanceProtected(
                    f"the approval is for the instance {approved}, but this database belongs to {found or 'none'}",
                    where=f"{database.server.server}, database {database.name}",
                    next_step="correct [main.database]",
                )
        elif not self._journal.ever_begun(LEAD_BACK):
            raise HarnessError(
                f"the main instance's database is {state or 'gone'}",
                where=f"{database.server.server}, database {database.name}",
            )

    def _node(self, *options: str) -> None:
        self._permission()
        result = self._host.octopus_server("node", list(options), timeout=_DRAINING + 60)
        if not result.ok:
            raise HarnessError(
                f"`Octopus.Server node` ended with exit code {result.exit_code}:\n{result.output[-2000:]}",
                where=self._host.node_name,
            )

    def _take_work(self) -> None:
        self._node("--drain=false")
        self._await_nodes(working, "take work")

    def _await_nodes(self, good: Callable[[Node], bool], what: str) -> None:
        if len(names := self._host.node_names) > 1:
            await_nodes(self._main.url, self._main.api_key, names, good, what)

    def _client(self, access: Access = Access.FULL) -> OctopusClient:
        return OctopusClient(self._main.url, self._main.api_key, access=access)

    def _drop_scratch(self, server: SqlServer) -> None:
        """Copies for verification that an attempt before this one left."""
        for one in owned_databases(server):
            if one.purpose == "verify" and one.run.startswith(self._work.name):
                drop_database(server, one.name)

    def _log(self, hop: Hop) -> Path:
        return self._work.folder / "logs" / f"upgrade-to-{hop.target}.log"


@dataclass(frozen=True, slots=True)
class _Told:
    """Tells about the smaller steps inside one of the journal's."""

    report: Report

    def step(self, name: str) -> AbstractContextManager[None]:
        @contextmanager
        def telling() -> Generator[None]:
            self.report(name)
            yield

        return telling()


def closed(main: MainInstance) -> bool | None:
    """Whether the main instance is in maintenance mode; None when it does not answer."""
    try:
        with OctopusClient(main.url, main.api_key) as client:
            return in_maintenance_mode(client)
    except HarnessError:
        return None


def _write_private(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
