"""A tiny instance, looked at before and after an upgrade."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.observation.tiny_octopus import TinyOctopus
from tidegate.checks.comparison import compare
from tidegate.checks.finding import Finding
from tidegate.observation.scope import SnapshotScope, SnapshotSource
from tidegate.observation.snapshot import Snapshot, take_snapshot

USERS = ("admin", "deployer")

Look = Callable[..., Snapshot]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Takes a snapshot of a tiny instance."""
    count = 0

    def take(server: TinyOctopus, like: Snapshot | None = None) -> Snapshot:
        nonlocal count
        count += 1
        scope = SnapshotScope(patience=0.2, outage=1.0, page=2)
        clients = {user: server.client(user) for user in USERS}
        source = SnapshotSource(clients, "admin", scope=scope, like=like.file if like else None)
        return take_snapshot(source, tmp_path / f"{count}.sqlite")

    return take


@pytest.fixture
def upgrade(look: Look) -> Callable[[TinyOctopus, TinyOctopus], list[Finding]]:
    """Findings of an upgrade from one tiny instance to another."""

    def run(before: TinyOctopus, after: TinyOctopus) -> list[Finding]:
        first, second = look(before), look(before)
        return compare(first, second, look(after, second))

    return run
