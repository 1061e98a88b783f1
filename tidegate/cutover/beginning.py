"""Everything between a command line and a cut-over: the approval, the main instance it is for, and its machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.cutover.checks import SnapshotChecks
from tidegate.cutover.journal import JOURNAL, PREFIX, CutOverJournal
from tidegate.cutover.procedure import Work
from tidegate.cutover.running import Ended, alone, run_cut_over, unfinished
from tidegate.errors import HarnessError, SettingsError, TidegateError, UsageError
from tidegate.gate import waivers
from tidegate.gate.answer import answer
from tidegate.gate.approval import Approval, Statement, load_approval, utc_now
from tidegate.gate.evidence import LEDGER, canonical
from tidegate.gate.judged_again import evidence_now
from tidegate.gate.objections import Says
from tidegate.gate.policy import with_settings
from tidegate.gate.question import Asked, EvidenceNow, Trusted
from tidegate.octopus.client import OctopusClient
from tidegate.octopus.maintenance import in_maintenance_mode
from tidegate.octopus.nodes import running, shown_nodes
from tidegate.providers.leftovers import dead_runs, remove_leftovers
from tidegate.providers.main_machine import main_machine
from tidegate.rehearsal.instances import Identity, MainInstance, ServerFolders, SharedFolder
from tidegate.rehearsal.main import database_address, describe_main
from tidegate.rehearsal.main_now import MainNow, read_main_now
from tidegate.settings import MainHostSettings, MainSettings, Settings
from tidegate.versions import ChangeKind, Plan, Version, plan, release_knowledge

Report = Callable[[str], None]
#: Version → digest of what would be installed (`MainMachine.offered`).
Offered = Callable[[Version], str]


def cut_over(settings: Settings, approval: Path, reports: Path, report: Report, *, roll_back: bool = False) -> Ended:
    """Upgrade the main instance of ``settings`` on the strength of an approval, or go on where an earlier attempt
    ended. Raises :class:`UsageError` for what the user must change first, :class:`HarnessError` for a refusal and for
    an end that could not be reached."""
    given = _readable(approval)
    statement = given.statement
    if settings.main is None or settings.main.host is None:
        raise SettingsError(
            "a cut-over needs the main instance and its machine",
            where="[main] and [main.host]",
            next_step="name them in the settings file (docs/cut-over.md)",
        )
    name = hashlib.sha256(canonical(statement.model_dump(mode="json"))).hexdigest()[:12]
    folder = reports / f"{PREFIX}{name}"
    with alone(folder):
        for dead in [one for one in dead_runs(reports) if one == folder]:
            for removed in remove_leftovers(dead):
                report(f"an earlier attempt was killed: {removed.what} removed")
        asking = Asking(given, settings, settings.main, approval, CutOverJournal(folder / JOURNAL))
        return _attempt(asking, settings.main.host, folder, report, roll_back=roll_back)


def _attempt(asking: Asking, wanted: MainHostSettings, folder: Path, report: Report, *, roll_back: bool) -> Ended:
    settings, statement = asking.settings, asking.approval.statement
    main = bound_main(settings, asking.main, statement)
    with ExitStack() as stack:
        try:
            machine = stack.enter_context(main_machine(settings, wanted, main, folder))
        except TidegateError as error:
            raise unfinished(main, asking.journal, error) from error
        work = Work(
            main=main,
            host=machine.host,
            plan=path_of(statement),
            installers=statement.installed,
            name=folder.name.removeprefix(PREFIX),
            folder=folder,
            journal=asking.journal,
            checks=SnapshotChecks(
                main,
                folder / "snapshots",
                statement.policy,
                waivers.load(settings.policy.waivers) if settings.policy.waivers else (),
                utc_now().date(),
                report,
            ),
            report=report,
            budget=settings.upgrade.budget,
        )
        ended = run_cut_over(
            work, lambda: asking.why_not(machine.offered, machine.host.node_names), roll_back=roll_back
        )
        machine.settled()
        return ended


def bound_main(settings: Settings, main: MainSettings, statement: Statement) -> MainInstance:
    """The main instance that the settings name and the approval is for, without asking it: it may be down."""
    address = database_address(main, settings.sql_server)
    bound = statement.main
    return MainInstance(
        url=main.url,
        api_key=main.api_key,
        version=Version.parse(bound.version),
        database=address,
        folders=ServerFolders(**main.folders.model_dump()),
        backup_folder=SharedFolder(main.backup_folder.on_server, main.backup_folder.local),
        master_key=main.master_key,
        license=main.license,
        identity=Identity(main.url, bound.installation_id, address.server.server, address.name, bound.database_guid),
    )


def path_of(statement: Statement) -> Plan:
    """The approved path, as the planner sees it today; whether it is the same plan is asked when the approval is."""
    versions = [Version.parse(one) for one in statement.path]
    knowledge = release_knowledge()
    return plan(versions[0], versions[-1], knowledge.with_versions((*knowledge.versions, *versions)), versions[1:-1])


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks whether the approval holds for what is about to be done."""

    approval: Approval
    settings: Settings
    main: MainSettings
    file: Path
    journal: CutOverJournal

    def why_not(self, offered: Offered, nodes: Sequence[str]) -> str:
        """The reasons against it, one a line; "" when there are none. ``nodes`` are those that will be led."""
        given = answer(
            self.approval,
            Asked(
                now=utc_now(),
                main=self._main_now(),
                trusted=self._trusted(),
                policy=with_settings(self.approval.statement.policy, self.settings.policy),
                plan=self._plan(),
                installers=self._installers(offered),
                evidence=_beside(self.file),
                runners=self.settings.approval.runners,
            ),
        )
        if given.says is not Says.YES:
            return "\n".join(f"{reason.objection}: {reason.message}" for reason in given.reasons)
        return self._in_the_way(offered, nodes)

    def _trusted(self) -> tuple[Trusted, ...]:
        trusted = tuple(Trusted(one.name, one.key, one.logins) for one in self.settings.approval.approvers)
        if not trusted:
            raise SettingsError(
                "nobody's signature counts: no approver is known", next_step="name them in [[approval.approvers]]"
            )
        return trusted

    def _main_now(self) -> MainNow | HarnessError:
        bound = self.approval.statement.main
        database = database_address(self.main, self.settings.sql_server)
        try:
            return read_main_now(self.main.url, self.main.api_key, database, bound.audited, bound.newest_events)
        except HarnessError as error:
            return error

    def _plan(self) -> Mapping[str, Any]:
        """What the settings ask for now."""
        approved = [Version.parse(one) for one in self.approval.statement.path]
        knowledge = release_knowledge()
        known = knowledge.with_versions((*knowledge.versions, *approved))
        return plan(approved[0], self.settings.upgrade.target, known, self.settings.upgrade.via).as_json()

    def _installers(self, offered: Offered) -> Mapping[str, str] | HarnessError:
        try:
            return {one: offered(Version.parse(one)) for one in self.approval.statement.path[1:]}
        except HarnessError as error:
            return error

    def _in_the_way(self, offered: Offered, nodes: Sequence[str]) -> str:
        """What would make the cut-over fail later, looked at while nothing is touched."""
        try:
            offered(Version.parse(self.approval.statement.path[0]))
        except HarnessError as error:
            return f"the installer that a rollback needs cannot be had: {error.what}"
        main = describe_main(self.main, self.settings.sql_server)
        with OctopusClient(main.url, main.api_key) as client:
            if self.journal.progress.untouched and in_maintenance_mode(client):
                return "the main instance is in maintenance mode already: somebody else is working on it"
            up = [str(node["Name"]) for node in shown_nodes(client) if running(node)]
        led = {one.casefold() for one in nodes}
        if len(up) > 1 and (strange := [one for one in up if one.casefold() not in led]):
            return f"{len(up)} nodes run, and [main.host] does not name {', '.join(strange)}"
        if any(hop.change is ChangeKind.MAJOR for hop in path_of(self.approval.statement).hops):
            closed = [str(folder) for folder in main.folders.named().values() if not os.access(folder, os.W_OK)]
            if closed:
                return (
                    f"a rollback could not put these server folders back, they are read-only here: {', '.join(closed)}"
                )
        return ""


def _beside(approval: Path) -> EvidenceNow | None:
    """The run folder that the approval lies in; None when it lies elsewhere."""
    folder = approval.resolve().parent
    return evidence_now(folder) if (folder / LEDGER).exists() else None


def _readable(file: Path) -> Approval:
    try:
        return load_approval(file)
    except ValueError as error:
        raise UsageError(str(error), where=str(file)) from None
