"""A main instance that outlives the rehearsals of it, so that what they did to it can be seen."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.octopus_shop import open_shop
from tests.wire.octopus.api.client import WireClient
from tidegate.lab import Lab
from tidegate.octopus.client import OctopusClient
from tidegate.octopus.maintenance import in_maintenance_mode
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.rehearsal.main import database_address
from tidegate.secrets import Secret
from tidegate.settings import EmbeddedSettings, load
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.fingerprints import Fingerprint, fingerprints
from tidegate.waiting import wait_until

#: Tables that change because maintenance mode was switched (the audit log, and the counters from which its ids come) or
#: because the server lives (its node's heartbeat).
_MOVING = frozenset({"dbo.Event", "dbo.EventRelatedDocument", "dbo.KeyAllocation", "dbo.OctopusServerNode"})


@dataclass(frozen=True, slots=True)
class StandingMain:
    """A main instance with its settings file."""

    settings: Path
    url: str
    api_key: Secret
    database: DatabaseAddress

    def in_maintenance_mode(self) -> bool:
        with OctopusClient(self.url, self.api_key) as client:
            return in_maintenance_mode(client)

    def fingerprint(self) -> dict[str, Fingerprint]:
        """Every table, except the audit log."""
        with SqlServer(self.database.server, self.database.name) as server:
            return {name: one for name, one in fingerprints(server).items() if name not in _MOVING}

    def secrets(self) -> set[str]:
        folder = self.settings.parent / "secrets"
        return {file.read_text(encoding="utf-8") for file in folder.iterdir()}

    def with_changes(self, target: Path, *changes: tuple[str, str]) -> Path:
        """A copy of the settings file in which texts were replaced; each must occur."""
        text = self.settings.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, f"{old!r} is not in the settings"
            text = text.replace(old, new)
        target.write_text(text, encoding="utf-8")
        return target


@pytest.fixture(scope="session")
def standing_main(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingMain]:
    with Lab(tmp_path_factory.mktemp("lab"), EmbeddedSettings()) as lab:
        yield _standing(lab)


@pytest.fixture(scope="session")
def small_main(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingMain]:
    """With one thing of each kind, for rehearsals of which it does not matter what they look at: looking at all of the
    sample, twice before an upgrade and once after it, is half of what a rehearsal costs."""
    with Lab(tmp_path_factory.mktemp("small-lab"), EmbeddedSettings(), filler=one_of_each) as lab:
        yield _standing(lab)


def one_of_each(url: str, api_key: Secret) -> Mapping[str, Any]:
    client = WireClient(url, api_key.reveal())
    try:
        made = open_shop(client)
        # A server checks itself soon after its first start; a small instance is filled before that, and would be
        # another one while a test looks at it.
        wait_until(
            lambda: any(task["IsCompleted"] for task in client.get("/api/tasks?name=SystemIntegrityCheck")["Items"]),
            timeout=120,
            what="the first system integrity check to end",
            where=url,
        )
        return made
    finally:
        client.close()


def _standing(lab: Lab) -> StandingMain:
    address = lab.start(lambda _: None)
    settings = load(address.settings)
    assert settings.main is not None
    assert tomllib.loads(address.settings.read_text(encoding="utf-8"))["main"]["url"] == address.url
    return StandingMain(
        address.settings,
        address.url,
        settings.main.api_key,
        database_address(settings.main, settings.sql_server),
    )
