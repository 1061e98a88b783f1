"""What is due is not lost when the database fails in the middle of doing it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from standins.octopus.behaviour import triggers
from standins.octopus.behaviour.chores import Chores
from standins.octopus.contract import Document, Server, ServerFolders, Version
from standins.octopus.regressions import hooks

TRIGGER: Document = {
    "Id": "ProjectTriggers-1",
    "Name": "Soon",
    "ProjectId": "Projects-1",
    "IsDisabled": False,
    "Filter": {"FilterType": "CronExpressionSchedule", "CronExpression": "0 * * * * *", "Timezone": "UTC"},
    "Action": {"ActionType": "DeployLatestRelease"},
}
ANOTHER: Document = {**TRIGGER, "Id": "ProjectTriggers-2", "Name": "New"}


class Broken(Exception):
    """The database went away."""


class Store:
    """Answers what the chores ask, and fails the next commits when told to."""

    def __init__(self) -> None:
        self.failures = 0
        self.inserted: list[Document] = []
        self.enabled: list[Document] = [TRIGGER]

    @contextmanager
    def transaction(self) -> Generator[Store]:
        kept = list(self.inserted)
        yield self
        if self.failures:
            self.failures -= 1
            self.inserted = kept
            raise Broken

    def query(self, kind: str, **_: Any) -> list[Document]:
        return list(self.enabled) if kind == "ProjectTrigger" else []

    def load(self, kind: str, id: str) -> Document | None:
        return {"Id": id, "Name": "Web", "IsDisabled": False} if kind == "Project" else None

    def load_many(self, kind: str, ids: list[str]) -> list[Document]:
        del kind, ids
        return []

    def insert(self, kind: str, document: Document) -> Document:
        stored = {**document, "Id": f"{kind}-{len(self.inserted) + 1}", "Kind": kind}
        self.inserted.append(stored)
        return stored

    def execute(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        del parameters
        return [(0,)] if "MAX" in sql else []


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2024, 6, 3, 10, 0, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def fired(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Triggers that acted; the deployment itself is another matter."""
    acted: list[str] = []

    def act(_server: object, transaction: Store, trigger: Document, _project: Document) -> bool:
        acted.append(trigger["Id"])
        transaction.insert("ServerTask", {"Name": "Deploy"})
        return True

    monkeypatch.setattr(triggers, "perform", act)
    return acted


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[tuple[Chores, Store, Clock]]:
    store, clock = Store(), Clock()
    folders = ServerFolders(tmp_path, tmp_path, tmp_path, tmp_path)
    server = Server(Version(2020, 6, 4671), store, None, folders, "node-1", "", now=clock)  # type: ignore[arg-type]
    chores = Chores(server)
    chores.begin()
    yield chores, store, clock
    hooks.clear()


def tasks_of(store: Store, name: str) -> int:
    return sum(entry["Kind"] == "ServerTask" and entry["Name"] == name for entry in store.inserted)


def test_a_trigger_whose_transaction_failed_fires_at_the_next_look(
    scene: tuple[Chores, Store, Clock], fired: list[str]
) -> None:
    chores, store, clock = scene
    chores.due()
    clock.now += timedelta(seconds=40)
    store.failures = 1

    with pytest.raises(Broken):
        chores.due()
    lost = tasks_of(store, "Deploy")
    chores.due()
    chores.due()

    assert lost == 0
    assert tasks_of(store, "Deploy") == 1, "once, not never and not twice"
    assert len(fired) == 2


def test_the_first_integrity_check_survives_a_failed_start(
    scene: tuple[Chores, Store, Clock], fired: list[str]
) -> None:
    chores, store, _ = scene
    del fired
    store.failures = 2
    for _ in range(2):
        with pytest.raises(Broken):
            chores.due()

    chores.due()
    chores.due()

    assert tasks_of(store, "SystemIntegrityCheck") == 1


@pytest.mark.parametrize("failures", [0, 1])
def test_a_trigger_that_fires_when_enabled_does_so_even_after_a_failure(
    scene: tuple[Chores, Store, Clock], fired: list[str], failures: int
) -> None:
    """The seeded regression 82: enabling is seen once, so a lost look would hide the defect.

    The one that was enabled when the server started does not fire, and the other does at the very first look.
    """
    chores, store, _ = scene
    hooks.on("fires when enabled", _always)
    store.enabled = [TRIGGER, ANOTHER]
    store.failures = failures
    if failures:
        with pytest.raises(Broken):
            chores.due()

    chores.due()

    assert tasks_of(store, "Deploy") == 1
    assert set(fired) == {ANOTHER["Id"]}


def _always(fires: bool, trigger: Document) -> bool:
    del fires, trigger
    return True
