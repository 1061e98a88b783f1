"""Upgrade a test instance by the vendor's steps, and judge what the upgrade itself said."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tidegate import log_ends
from tidegate.errors import TimedOut, UpgradeFailed
from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.maintenance import set_maintenance_mode
from tidegate.providers.contract import CommandResult, TestHost
from tidegate.rehearsal.budget import Budget
from tidegate.rehearsal.guard import (
    assert_database_is_not_main,
    assert_made_by_a_rehearsal,
    assert_not_main,
    assert_server_is_not_main,
)
from tidegate.rehearsal.instances import DatabaseAddress, Identity, SharedFolder, TestInstance, UpgradedInstance
from tidegate.rehearsal.readiness import assert_database_answers, assert_nobody_works, assert_sql_server_suffices
from tidegate.rehearsal.rollback_point import take_rollback_point
from tidegate.rehearsal.size import database_bytes
from tidegate.rehearsal.timing import BACKING_UP, DESCRIBING, UPGRADING, StepClock, StepKeeper
from tidegate.secrets import Secret, redact
from tidegate.sqlserver.backup import back_up_database
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import installation_history, schema_journal
from tidegate.versions import Version

Report = Callable[[str], None]
DEFAULT_BUDGET: Final = Budget()
#: Exit code 0 is no success when the log says otherwise. Lines look like `2021-06-01 10:00:00.1234   12   1  FATAL  …`.
_FATAL: Final = re.compile(
    r"^.*(?:\bFATAL\b|Upgrade failed due to an unexpected exception|transaction will be rolled back).*$", re.MULTILINE
)
#: Trouble between server and database that a second attempt usually survives; Octopus's own upgrade script retries
#: `database --upgrade` for it (OctopusDeploy/docs#1931). Deadlock victim, time-outs, lost connections.
_TRANSIENT: Final = re.compile(
    r"deadlock victim|Execution Timeout Expired|Connection Timeout Expired|Timeout expired\.|"
    r"A network-related or instance-specific error|A transport-level error|The wait operation timed out",
    re.IGNORECASE,
)
#: How many of the last log lines an error carries.
_LINES: Final = 40


def upgrade_test_instance(
    instance: TestInstance,
    host: TestHost,
    target: Version,
    report: Report,
    *,
    main: Identity,
    logs: Path,
    way_back: Path | None = None,
    budget: Budget = DEFAULT_BUDGET,
) -> UpgradedInstance:
    """Fetch the installer while everything runs; then maintenance mode on, stop, back up, install, upgrade the
    database, start, read the journal back, maintenance mode off (Octopus docs, administration/upgrading/guide).
    ``logs`` is a folder for what the commands print; ``way_back`` one for a :class:`RollbackPoint` with the backup of
    this hop, without it none is kept.

    Raises :class:`UpgradeFailed` with the last log lines for whatever is the product's fault, also for an upgrade that
    exceeds its ``budget``. A download that cannot be trusted raises before anything is stopped, and a database on which
    somebody else still works before anything is changed.
    """
    assert_not_main(main, instance.identity)
    assert_not_main(main, instance.database)
    assert_made_by_a_rehearsal(instance.database)
    with SqlServer(instance.database.server, instance.database.name) as server:
        assert_database_is_not_main(main, server)
        journal = schema_journal(server)
    steps = StepClock(report)
    with OctopusClient(instance.url, instance.api_key, access=Access.FULL) as client:
        assert_server_is_not_main(main, client)
        assert_sql_server_suffices(instance.database, target)
        report(f"fetching {target}")
        host.fetch(target)
        set_maintenance_mode(client, True)
    with steps.step("stopping the server"):
        host.stop()
    assert_nobody_works(instance.database, host.node_names)
    with steps.step(BACKING_UP):
        backup = _back_up(instance, host, target, report)
    if way_back is not None:
        with steps.step(DESCRIBING):
            take_rollback_point(
                instance.version, instance.database, instance.folders, backup=backup, folder=way_back, report=report
            )
    with steps.step(f"installing {target}"):
        host.install(target)
    log = upgrade_log(logs, instance.version, target)
    upgrade_schema(host, instance.database, steps, log, budget)
    with steps.step(f"starting {target}"):
        url = host.start()
    upgraded = replace(instance, url=url, version=target, identity=replace(instance.identity, url=url))
    scripts = judge_started(host, upgraded.api_key, upgraded.database, (url, target), before=journal, log=log)
    with OctopusClient(url, instance.api_key, access=Access.FULL) as client:
        set_maintenance_mode(client, False)
    return UpgradedInstance(upgraded, instance.version, tuple(scripts), steps.timings, log)


def upgrade_log(logs: Path, origin: Version, target: Version) -> Path:
    """What the commands of a hop print; there is none before the first of them has ended."""
    return logs / f"upgrade-{origin}-to-{target}.log"


def rollback_file_name(instance: TestInstance, target: Version) -> str:
    """The backup that is taken in front of a hop, in the test host's backup folder."""
    return f"{instance.database.name}-{instance.version}-before-{target}.bak"


def judge_command(result: CommandResult, log: Path) -> None:
    """Raise :class:`UpgradeFailed` unless the command ended well and said nothing that contradicts it."""
    if not result.ok:
        raise UpgradeFailed(
            f"{result.command} {_ending(result.exit_code)}:\n{last_lines(result.output)}",
            where=str(log),
        )
    fatal = _FATAL.findall(result.output)
    if fatal:
        raise UpgradeFailed(
            f"{result.command} ended with exit code 0, but its log says:\n" + "\n".join(fatal[:_LINES]), where=str(log)
        )


def judge_server_log(text: str, log: Path) -> None:
    """Raise :class:`UpgradeFailed` when the started server logged a FATAL line: it answers, yet something is broken."""
    fatal = _FATAL.findall(text)
    if fatal:
        raise UpgradeFailed(
            "the upgraded server started, but its log says:\n" + "\n".join(fatal[:_LINES]), where=str(log)
        )


def judge_journal(before: Sequence[str], after: Sequence[str], log: Path) -> list[str]:
    """The scripts that were added; raises :class:`UpgradeFailed` when entries vanished from the journal."""
    remaining = list(after)
    lost = [script for script in before if not _take(remaining, script)]
    if lost:
        raise UpgradeFailed(
            f"{len(lost)} entries vanished from the journal of schema scripts: {', '.join(lost[:5])}", where=str(log)
        )
    return remaining


def is_transient(output: str) -> bool:
    """Whether an upgrade failed through trouble that a second attempt usually survives."""
    return _TRANSIENT.search(output) is not None


def last_lines(text: str, count: int = _LINES) -> str:
    return log_ends.last_lines(redact(text).rstrip(), count)


def _ending(exit_code: int) -> str:
    if exit_code < 0:  # how Python tells the signal that ended a child
        return f"was killed by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code} ({_MEANINGS.get(exit_code, 'unknown')})"


#: Exit codes of Octopus programs (OctopusDeploy/OctopusTentacle, OctopusProgram.cs).
_MEANINGS: Final = {
    1: "a failed condition",
    2: "an unknown command",
    42: "not enough rights",
    43: "a library that cannot be loaded",
    100: "an unexpected exception",
}


def upgrade_schema(host: TestHost, database: DatabaseAddress, steps: StepKeeper, log: Path, budget: Budget) -> None:
    """The vendor's schema upgrade within its budget of time, tried again once after transient trouble; raises
    :class:`UpgradeFailed`."""
    with SqlServer(database.server, database.name) as server:
        limit = budget.seconds(database_bytes(server))
    with steps.step(UPGRADING):
        result = _run_upgrade(host, limit, log)
    if not result.ok and is_transient(result.output):
        # The failed attempt was rolled back; a second failure is the answer.
        assert_database_answers(database)
        with steps.step(f"{UPGRADING} again after a transient failure"):
            result = _run_upgrade(host, limit, log)
    if not result.ok:
        assert_database_answers(database)  # without it nothing is known about the product
    judge_command(result, log)


def _run_upgrade(host: TestHost, limit: float, log: Path) -> CommandResult:
    try:
        result = host.upgrade_database(timeout=limit)
    except TimedOut as error:
        _append(log, error.output)
        raise UpgradeFailed(
            f"the schema upgrade hangs: it was stopped after {limit:g} s, its budget for a database of this size\n"
            f"{last_lines(error.output)}",
            where=str(log),
            next_step="if it only needed longer, raise [upgrade] budget_minutes or budget_minutes_per_gb",
        ) from None
    _append(log, result.output)
    return result


def _back_up(instance: TestInstance, host: TestHost, target: Version, report: Report) -> SharedFolder:
    name = rollback_file_name(instance, target)
    (host.sql_server.backups.here / name).unlink(missing_ok=True)  # of an earlier, failed attempt at this hop
    with SqlServer(instance.database.server) as server:
        return back_up_database(
            server, instance.database.name, host.sql_server.backups, name, copy_only=True, report=report
        )


def judge_started(
    host: TestHost,
    api_key: Secret,
    database: DatabaseAddress,
    expected: tuple[str, Version],
    *,
    before: Sequence[str],
    log: Path,
) -> list[str]:
    """The schema scripts that were added since ``before``, when the started server is what it should be: no FATAL line,
    the ``expected`` version at the ``expected`` URL, the same at the end of the installation history, no journal entry
    lost. Raises :class:`UpgradeFailed` otherwise."""
    url, version = expected
    _append(log, host.server_log())
    judge_server_log(host.server_log(), log)
    with SqlServer(database.server, database.name) as server:
        scripts = judge_journal(before, schema_journal(server), log)
        history = installation_history(server)
    if not history or history[-1].version != str(version):
        found = history[-1].version if history else "nothing"
        raise UpgradeFailed(f"the installation history ends with {found}, expected {version}", where=str(log))
    with OctopusClient(url, api_key) as client:
        found_version = client.server().version
    if found_version != version:
        raise UpgradeFailed(f"the server calls itself {found_version}, expected {version}", where=str(log))
    return scripts


def _take(remaining: list[str], script: str) -> bool:
    if script not in remaining:
        return False
    remaining.remove(script)
    return True


def _append(log: Path, text: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        stream.write(redact(text).rstrip() + "\n")
