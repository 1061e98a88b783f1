"""A rehearsal whose first half is done once: everything up to the upgrade is shared by all that is tried after it.

Seeded regressions act only in servers newer than the one that made the database, so what comes before the upgrade is
the same for each. The bench backs the test instance up as it is then, and goes back to that for every rehearsal.
"""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self, final

from tidegate.checks.comparison import compare
from tidegate.checks.failed_upgrade import failed_upgrade
from tidegate.checks.finding import Finding
from tidegate.checks.live.baseline import Baseline, live_checks, record_baseline
from tidegate.checks.live.context import LiveContext, live_context
from tidegate.checks.live.scripts import Script
from tidegate.errors import HarnessError, UpgradeFailed
from tidegate.observation.observers import Observer, create_observers
from tidegate.observation.scope import SnapshotSource
from tidegate.observation.snapshot import take_snapshot
from tidegate.observation.store import Snapshot
from tidegate.octopus.client import Access, OctopusClient
from tidegate.providers.contract import TestHost
from tidegate.providers.provision import EmbeddedProvision
from tidegate.rehearsal.backup_set import take_backup_set
from tidegate.rehearsal.clone import clone_test_instance
from tidegate.rehearsal.guard import assert_server_is_not_main
from tidegate.rehearsal.instances import MainInstance, SharedFolder, TestInstance
from tidegate.rehearsal.main import describe_main
from tidegate.rehearsal.maintenance import MainWrites
from tidegate.rehearsal.upgrade import rollback_file_name, upgrade_test_instance
from tidegate.secrets import Secret
from tidegate.settings import EmbeddedSettings, Settings
from tidegate.settings.model import UpgradeSettings
from tidegate.sqlserver.backup import back_up_database
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.live import LiveDatabase
from tidegate.sqlserver.restore import drop_database, restore_database
from tidegate.versions import Hop, Version, plan, release_knowledge

#: The environment variable through which the Octopus stand-in is told its regressions.
REGRESSIONS: Final = "OCTOPUS_STANDIN_REGRESSIONS"
ADMINISTRATOR: Final = "administrator"

#: The file of the last snapshot after an upgrade, in the bench's folder.
AFTER: Final = "after.sqlite"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How one rehearsal ended: what it found, and what it took in seconds of clock and of processor."""

    findings: tuple[Finding, ...]
    seconds: float
    processor: float


@dataclass(frozen=True, slots=True)
class Kept:
    """A test instance at one moment: its database's backup and a copy of its folders."""

    instance: TestInstance
    backup: SharedFolder
    home: Path


@dataclass(frozen=True, slots=True)
class Before:
    """The test instance at its old version, and what was seen and done on it."""

    main: MainInstance
    kept: Kept
    hops: tuple[Hop, ...]
    observers: list[Observer]
    baseline: Baseline
    scripts: list[Script]
    first: Snapshot
    second: Snapshot


@final
class Bench:
    """One pair of versions, prepared once; everything lives below ``folder`` and ends with the bench."""

    def __init__(
        self,
        folder: Path,
        origin: Version,
        target: Version,
        *,
        size: str = "s",
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._report = report
        self._settings = Settings(
            embedded=EmbeddedSettings.model_validate({"version": str(origin), "size": size}),
            upgrade=UpgradeSettings(target=target),
        )
        self._provision = EmbeddedProvision(self._settings, folder)
        self._before: Before | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._provision.close()

    @property
    def before(self) -> Before:
        """The state before the upgrade; made when first asked for."""
        if self._before is None:
            self._before = self._prepare()
        return self._before

    def rehearse(
        self,
        regressions: Iterable[int] = (),
        *,
        live: Collection[str] | None = None,
        around: Callable[[str], str] = lambda url: url,
    ) -> Rehearsed:
        """Upgrade with these regressions seeded, look and compare, and run the live checks (all, or those named).

        ``around`` may put something between the harness and the upgraded server: it gets the server's address and
        returns the one to talk to.
        """
        before = self.before
        began, spent = time.monotonic(), _processor()
        os.environ[REGRESSIONS] = ",".join(map(str, regressions))
        host = self._provision.test_host()
        try:
            findings = self._rehearse(before, host, live, around)
        finally:
            os.environ.pop(REGRESSIONS)
            host.stop()
        return Rehearsed(tuple(findings), time.monotonic() - began, _processor() - spent)

    # --- before ----------------------------------------------------------------------------------------------------

    def _prepare(self) -> Before:
        provided = self._provision.main(self._report)
        main = describe_main(provided.settings, self._settings.sql_server)
        knowledge = release_knowledge().with_versions(self._provision.feed().versions())
        hops = plan(main.version, self._settings.upgrade.target, knowledge, ()).hops
        host = self._provision.test_host()
        writes = MainWrites(self._folder / "main-writes.jsonl", main)
        backup_set = take_backup_set(
            main, writes, self._folder / "backup-set", self._report, verify_on=host.sql_server
        )  # fmt: skip
        instance = clone_test_instance(backup_set, main, host, self._report)
        scripts = [Script(one.name, one.command, one.timeout) for one in provided.scripts]
        with OctopusClient(instance.url, instance.api_key, access=Access.FULL) as client:
            observers = create_observers(client, report=self._report)
            context = _context(client, main, observers)
            baseline = record_baseline(context, scripts=scripts, api_key=instance.api_key)
        with _source(instance, observers) as source:
            first = take_snapshot(source, self._folder / "before-1.sqlite", self._report)
        with _source(instance, observers) as source:
            second = take_snapshot(source, self._folder / "before-2.sqlite", self._report)
        kept = self._kept(instance, host, "before-the-upgrade")
        return Before(main, kept, tuple(hops), observers, baseline, scripts, first, second)

    def _kept(self, instance: TestInstance, host: TestHost, name: str) -> Kept:
        """The instance as it is now, to come back to; its server is stopped."""
        host.stop()
        with SqlServer(instance.database.server) as server:
            backup = back_up_database(
                server, instance.database.name, host.sql_server.backups, f"{name}.bak", copy_only=True,
                report=self._report,
            )  # fmt: skip
        home = self._folder / name
        shutil.copytree(_home(instance), home, symlinks=True)
        return Kept(instance, backup, home)

    def _restore(self, kept: Kept, host: TestHost) -> TestInstance:
        """The test instance as it was kept, running."""
        host.stop()
        instance = kept.instance
        with SqlServer(instance.database.server) as server:
            drop_database(server, instance.database.name)
            restore_database(
                server, kept.backup.on_server, instance.database.name, host.sql_server.data_folder,
                report=self._report,
            )  # fmt: skip
        shutil.rmtree(_home(instance))
        shutil.copytree(kept.home, _home(instance), symlinks=True)
        host.install(instance.version)
        return replace(instance, url=host.start())

    # --- after -----------------------------------------------------------------------------------------------------

    def _rehearse(
        self, before: Before, host: TestHost, live: Collection[str] | None, around: Callable[[str], str]
    ) -> list[Finding]:
        instance = self._upgrade(before, host)
        if isinstance(instance, Finding):
            return [instance]
        instance = replace(instance, url=around(instance.url))
        after = self._look(instance, AFTER)
        return compare(before.first, before.second, after) + self._try(instance, after, live)

    def _upgrade(self, before: Before, host: TestHost) -> TestInstance | Finding:
        """The upgraded instance, or what stopped the upgrade."""
        instance = self._restore(before.kept, host)
        for hop in before.hops:
            (host.sql_server.backups.here / rollback_file_name(instance, hop.target)).unlink(missing_ok=True)
            try:
                done = upgrade_test_instance(
                    instance, host, hop.target, self._report, main=before.main.identity, logs=self._folder / "logs"
                )
            except UpgradeFailed as error:
                return failed_upgrade(error, hop)
            instance = done.instance
        return instance

    def _look(self, instance: TestInstance, name: str) -> Snapshot:
        with _source(instance, self.before.observers, like=self.before.second) as source:
            return take_snapshot(source, self._folder / name, self._report)

    def _try(self, instance: TestInstance, after: Snapshot, live: Collection[str] | None) -> list[Finding]:
        """What the live checks find, all of them or those named."""
        before = self.before
        findings: list[Finding] = []
        with OctopusClient(instance.url, instance.api_key, access=Access.FULL) as client:
            checks = live_checks(
                _context(client, before.main, before.observers), before.baseline, before.second, after,
                scripts=before.scripts, api_key=instance.api_key,
            )  # fmt: skip
            for name, check in checks.items():
                if live is None or name in live:
                    self._report(f"trying: {name}")
                    findings.extend(check().findings)
        return findings

    # --- one upgraded instance, looked at many times ---------------------------------------------------------------

    def upgraded(self) -> Upgraded:
        """The upgraded test instance: to be looked at, changed, and brought back as it was."""
        host = self._provision.test_host()
        instance = self._upgrade(self.before, host)
        if isinstance(instance, Finding):
            raise HarnessError(f"the upgrade failed without any regression: {instance.place}")
        kept = self._kept(instance, host, "after-the-upgrade")
        keys = {one.name: one.api_key for one in self.before.observers}
        return Upgraded(
            kept.instance,
            {ADMINISTRATOR: kept.instance.api_key, **keys},
            lambda: self._restore(kept, host),
            host.stop,
            self._look,
            lambda after: compare(self.before.first, self.before.second, after),
            self._try,
        )


def _context(client: OctopusClient, main: MainInstance, observers: list[Observer]) -> LiveContext:
    return live_context(client, lambda: assert_server_is_not_main(main.identity, client), observers=observers)


@contextmanager
def _source(
    instance: TestInstance, observers: list[Observer], like: Snapshot | None = None
) -> Generator[SnapshotSource]:
    keys = {ADMINISTRATOR: instance.api_key} | {one.name: one.api_key for one in observers}
    with ExitStack() as stack:
        yield SnapshotSource(
            clients={name: stack.enter_context(OctopusClient(instance.url, key)) for name, key in keys.items()},
            administrator=ADMINISTRATOR,
            database=stack.enter_context(LiveDatabase(instance.database, instance.master_key)),
            folders=instance.folders,
            observers=frozenset(user for one in observers for user in (one.user_id, one.login_id)),
            like=like.file if like is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What can be done with one upgraded instance; the functions are those of its bench."""

    instance: TestInstance
    keys: Mapping[str, Secret]  # by name of the user
    restored: Callable[[], TestInstance]  # back to right after the upgrade, running, perhaps at another address
    stop: Callable[[], None]  # until it is restored
    look: Callable[[TestInstance, str], Snapshot]  # a snapshot in the file of this name
    compared: Callable[[Snapshot], list[Finding]]
    tried: Callable[[TestInstance, Snapshot, Collection[str] | None], list[Finding]]


def _home(instance: TestInstance) -> Path:
    """The folder that holds all server folders of an embedded test instance, and its configuration."""
    return instance.folders.packages.parent


def _processor() -> float:
    """Seconds of processor that this process and those of its children that have ended took."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
