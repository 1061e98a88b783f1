"""`pytest features/ --cut-over APPROVAL` on a main instance that runs: refused, killed and led back, and to its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.journeys.runs import REPOSITORY
from tidegate.gate.approval import Approval, BoundMain, Choice, Statement, plan_digest
from tidegate.gate.policy import Policy
from tidegate.gate.signing import SigningKey
from tidegate.lab import Lab
from tidegate.octopus.client import OctopusClient
from tidegate.octopus.maintenance import in_maintenance_mode
from tidegate.providers.embedded_servers import EmbeddedFeed
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import MainInstance
from tidegate.rehearsal.main import describe_main
from tidegate.rehearsal.main_mark import read_mark
from tidegate.secrets import Secret
from tidegate.settings import EmbeddedSettings, load
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.image import DatabaseImage, database_image, image_differences
from tidegate.versions import Version, plan, release_knowledge

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(
        not hasattr(os, "mkfifo"), reason="the lab's server cannot be started again without named pipes"
    ),
]

ORIGIN, TARGET = Version(2020, 6, 4671), Version(2021, 1, 7500)
#: What changes because maintenance mode was switched, or because the server was started again.
LIVING = (
    *("rows of dbo.Event", "rows of dbo.KeyAllocation", "rows of dbo.OctopusServerNode"),
    *("rows of dbo.Configuration", "rows of dbo.ServerTask", "rows of dbo.SchemaVersions"),
)


@dataclass
class Standing:
    """The main instance of a lab, and what it takes to approve its upgrade."""

    folder: Path
    settings: Path
    main: MainInstance
    key: SigningKey
    installers: dict[str, str]

    def approve(self, run: str) -> Path:
        """An approval as a rehearsal of this moment would have led to."""
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
            policy=Policy(),
            rehearsed_by="somebody",
            decided=datetime.now(UTC),
        )
        signed = Approval(statement=statement).signed("Ada", Choice.APPROVE, "rehearsed", self.key, datetime.now(UTC))
        file = self.folder / f"{run}.json"
        file.write_bytes(signed.to_bytes())
        return file

    def version(self) -> Version:
        with OctopusClient(self.main.url, None) as client:
            return client.server().version

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

    def cut_over(self, approval: Path, *options: str) -> tuple[int, str]:
        process = self.start(approval, *options)
        output, _ = process.communicate(timeout=400)
        return process.returncode, output


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    folder = tmp_path_factory.mktemp("cut-over")
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = SigningKey(Secret.generated("a test's signing key", private.decode()))
    leftovers = Leftovers(folder / "feed-run")
    feed = EmbeddedFeed(folder / "feed", leftovers)
    try:
        installers = {str(TARGET): f"sha256:{feed.feed.checksum(TARGET)}"}
    finally:
        feed.stop()
    with Lab(folder / "lab", EmbeddedSettings(version=ORIGIN)) as lab:
        address = lab.start(lambda _: None)
        text = address.settings.read_text(encoding="utf-8")
        text += f'[upgrade]\ntarget = "{TARGET}"\n[[approval.approvers]]\nname = "Ada"\nkey = "{key.public}"\n'
        address.settings.write_text(text, encoding="utf-8")
        settings = load(address.settings)
        assert settings.main is not None
        yield Standing(folder, address.settings, describe_main(settings.main), key, installers)


def test_an_approval_that_nobody_signed_changes_nothing(standing: Standing) -> None:
    approval = standing.approve("unsigned")
    content = json.loads(approval.read_text(encoding="utf-8")) | {"decisions": []}
    approval.write_text(json.dumps(content), encoding="utf-8")
    before = standing.image()

    code, output = standing.cut_over(approval)

    assert code == 10, output
    assert "the cut-over is refused: too-few-approvals" in output
    assert "nothing was touched" in output
    assert (standing.version(), standing.closed()) == (ORIGIN, False)
    assert [one for one in image_differences(before, standing.image()) if not one.startswith(LIVING[:3])] == []


def test_a_cut_over_that_is_killed_in_the_middle_of_the_schema_upgrade_is_led_back(standing: Standing) -> None:
    approval = standing.approve("killed")
    before = standing.image()
    process = standing.start(approval)
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if f"upgrading the database to {TARGET}" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL, "".join(said)

    code, output = standing.cut_over(approval)

    assert code == 1, output
    assert 'ended in the middle of "upgrading the database' in output
    assert "ROLLED-BACK" in output
    assert (standing.version(), standing.closed()) == (ORIGIN, False)
    assert [one for one in image_differences(before, standing.image()) if not one.startswith(LIVING)] == []


def test_a_cut_over_upgrades_the_main_instance_and_verifies_it(standing: Standing) -> None:
    approval = standing.approve("whole")

    code, output = standing.cut_over(approval)

    assert code == 0, output
    assert "UPGRADED" in output
    assert (standing.version(), standing.closed()) == (TARGET, False)
    for secret in (standing.main.api_key, standing.main.master_key, standing.main.database.server.password):
        assert secret.reveal() not in output
    assert standing.cut_over(approval)[0] == 0  # run again: it says that nothing is left to do
