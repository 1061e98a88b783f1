"""A main instance that is cut over from outside, as `pytest features/ --cut-over APPROVAL` does it."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.journeys.runs import REPOSITORY
from tests.support.deadly_journal import DeadlyJournal
from tidegate.cutover import beginning
from tidegate.cutover.procedure import (
    BACK_UP,
    CHECK,
    DRAIN,
    FETCH,
    KEYS,
    LEAD_BACK,
    LOOK,
    MAINTENANCE,
    OPEN,
    STOP,
    installing,
    starting,
)
from tidegate.gate.approval import Approval, BoundMain, Choice, Statement, plan_digest
from tidegate.gate.policy import Policy
from tidegate.gate.signing import SigningKey
from tidegate.octopus.client import OctopusClient
from tidegate.octopus.maintenance import in_maintenance_mode
from tidegate.octopus.nodes import running, shown_nodes, working
from tidegate.providers.embedded_servers import EmbeddedFeed
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import MainInstance
from tidegate.rehearsal.main_mark import read_mark
from tidegate.rehearsal.timing import DESCRIBING
from tidegate.secrets import Secret
from tidegate.settings import load
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.image import DatabaseImage, database_image
from tidegate.versions import Version, plan, release_knowledge

ORIGIN, TARGET = Version(2020, 6, 4671), Version(2021, 1, 7500)
#: What changes because maintenance mode was switched, or because the server was started again.
LIVING = (
    *("rows of dbo.Event", "rows of dbo.KeyAllocation", "rows of dbo.OctopusServerNode"),
    *("rows of dbo.Configuration", "rows of dbo.ServerTask", "rows of dbo.SchemaVersions"),
)


_SAID = "said"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment to be killed at: as a line is about to be written to the journal, or when it was."""

    kind: str
    step: str
    before: bool = False


def moments_of(*steps: str) -> list[Moment]:
    """With each step begun and nothing of it done, and with all of it done and nothing written down. What comes after
    is the next step's first moment, but for one line."""
    return [one for step in steps for one in (Moment("begun", step), Moment("done", step, before=True))]


HOP = plan(ORIGIN, TARGET, release_knowledge()).hops[0]
#: The steps of a cut-over, by what a kill in the middle of them leads to.
TO_THE_UPGRADE = (FETCH, KEYS, MAINTENANCE, DRAIN, LOOK, STOP, BACK_UP, DESCRIBING, installing(HOP))
AFTER_THE_UPGRADE = (starting(HOP), CHECK, OPEN)
THE_WAY_BACK = (LEAD_BACK, OPEN)


def _attempt(settings: Path, approval: Path, folder: Path, moment: Moment) -> None:
    """What the command does, in a process of its own."""

    def reached(_number: int, kind: str, details: Mapping[str, Any]) -> bool:
        return (kind, details.get("step")) == (moment.kind, moment.step)

    beginning.CutOverJournal = partial(DeadlyJournal, reached=reached, before=moment.before)
    with (folder / _SAID).open("w", encoding="utf-8") as said:

        def report(text: str) -> None:
            said.write(f"{text}\n")
            said.flush()

        loaded = load(settings)
        beginning.cut_over(loaded, approval, loaded.reports.folder, report)


@dataclass
class Standing:
    """The main instance of a lab, and what it takes to approve its upgrade."""

    folder: Path
    settings: Path
    main: MainInstance
    key: SigningKey
    installers: dict[str, str]

    def approve(self, run: str, *, reach: str = "", policy: Policy | None = None) -> Path:
        """An approval as a rehearsal of this moment would have led to; with ``reach``, one of a subset.

        It is made here because a whole rehearsal, in containers most of all, takes far longer than what is tried with
        it, and every attempt needs a new one. `tidegate approval sign` itself is tried on the main job's rehearsal.
        """
        path = plan(ORIGIN, TARGET, release_knowledge())
        with (
            OctopusClient(self.main.url, self.main.api_key) as client,
            SqlServer(self.main.database.server, self.main.database.name) as server,
        ):
            mark = read_mark(client, server)
        statement = Statement(
            run=run,
            tidegate="test",
            main=BoundMain(
                url=self.main.url,
                installation_id=self.main.identity.installation_id,
                version=str(ORIGIN),
                database_guid="",
                schema_sha256=mark.schema,
                audited=mark.audited,
                newest_events=mark.newest,
                copied=datetime.now(UTC),
            ),
            path=(str(ORIGIN), str(TARGET)),
            plan_sha256=plan_digest(path.as_json()),
            installed=self.installers,
            evidence_sha256="0" * 64,
            evidence_entries=1,
            verdict_sha256="0" * 64,
            seal_sha256="0" * 64,
            waived_until=None,
            reach=reach,
            policy=policy or Policy(),
            rehearsed_by="somebody",
            decided=datetime.now(UTC),
        )
        signed = Approval(statement=statement).signed("Ada", Choice.APPROVE, "rehearsed", self.key, datetime.now(UTC))
        file = self.folder / f"{run}.json"
        file.write_bytes(signed.to_bytes())
        return file

    def version(self) -> Version:
        return version_of(self.main.url)

    def closed(self) -> bool:
        with OctopusClient(self.main.url, self.main.api_key) as client:
            return in_maintenance_mode(client)

    def image(self) -> DatabaseImage:
        with SqlServer(self.main.database.server, self.main.database.name) as server:
            return database_image(server)

    def start(self, approval: Path, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "features/"),
                *("--settings", str(self.settings), "--cut-over", str(approval), *options),
            ],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kill_at_each(self, approval: Path, *moments: Moment) -> None:
        """An attempt for each of these moments, killed there; each goes on where the one before was killed."""
        # Forked from a process without threads that has everything imported: a new interpreter each time takes seconds.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, "tidegate.cutover.beginning"])
        for moment in moments:
            process = context.Process(target=_attempt, args=(self.settings, approval, self.folder, moment))
            process.start()
            process.join(300)
            said = (self.folder / _SAID).read_text(encoding="utf-8")
            assert process.exitcode == -signal.SIGKILL, f"{moment} was never reached ({process.exitcode}):\n{said}"
            assert "found: " in said, said

    def cut_over(self, approval: Path, *options: str) -> tuple[int, str]:
        process = self.start(approval, *options)
        output, _ = process.communicate(timeout=400)
        return process.returncode, output

    def kill(self, approval: Path, *, at: str) -> None:
        """Begin a cut-over, and kill it as soon as it says ``at``."""
        process = self.start(approval)
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if at in line:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert process.returncode == -signal.SIGKILL, "".join(said)


def nodes_of(main: MainInstance) -> dict[str, tuple[bool, bool]]:
    """Of each node whether it runs and whether it takes work, as the instance tells."""
    with OctopusClient(main.url, main.api_key) as client:
        return {str(node["Name"]): (running(node), working(node)) for node in shown_nodes(client)}


def version_of(url: str) -> Version:
    with OctopusClient(url, None) as client:
        return client.server().version


def approver_key() -> SigningKey:
    """A key of somebody who approves; the public half belongs into the settings (:func:`upgrade_settings`)."""
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningKey(Secret.generated("a test's signing key", private.decode()))


def upgrade_settings(key: SigningKey) -> str:
    """What a settings file says about the upgrade and about who approves it."""
    return f'[upgrade]\ntarget = "{TARGET}"\n[[approval.approvers]]\nname = "Ada"\nkey = "{key.public}"\n'


def approved_installers(folder: Path) -> dict[str, str]:
    """The target's installer, as the feed knows it."""
    feed = EmbeddedFeed(folder / "feed", Leftovers(folder / "feed-run"))
    try:
        return {str(TARGET): f"sha256:{feed.feed.checksum(TARGET)}"}
    finally:
        feed.stop()
