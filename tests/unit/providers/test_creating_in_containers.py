"""An instance out of nothing, by the environment of an image's first start."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from tidegate.providers.containers.host import ContainerHost
from tidegate.providers.contract import CreatesInstances
from tidegate.rehearsal.instances import DatabaseAddress, SqlServerAddress
from tidegate.secrets import Secret


def secret(value: str) -> Secret:
    return Secret.generated(f"a test's {value}", value)


def test_the_first_start_alone_hears_of_an_administrator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[dict[str, str]] = []

    def start(self: Any) -> str:
        starts.append({**self._environment, **self._next_start})
        self._next_start.clear()  # as a launch does
        return "http://127.0.0.1:1"

    def as_it_is(_: Any, database: DatabaseAddress) -> DatabaseAddress:
        return database

    def stop(_: Any) -> None:
        """Nothing runs here."""

    monkeypatch.setattr(ContainerHost, "_as_seen_inside", as_it_is)
    monkeypatch.setattr(ContainerHost, "start", start)
    monkeypatch.setattr(ContainerHost, "stop", stop)
    host = ContainerHost(cast("Any", None), cast("Any", None), tmp_path, node_name="TEST", prove=lambda _: "")
    database = DatabaseAddress(SqlServerAddress("sql,1433", "sa", secret("sql-password-1")), "subset")

    assert isinstance(host, CreatesInstances)
    host.create_instance(database, secret("master-key-1"), secret("API-ADMINISTRATOR1"))
    host.start()

    first, second = starts
    assert first["ADMIN_API_KEY"] == "API-ADMINISTRATOR1"
    assert first["ADMIN_PASSWORD"]
    assert (first["MASTER_KEY"], second["MASTER_KEY"]) == ("master-key-1", "master-key-1")
    assert "subset" in first["DB_CONNECTION_STRING"]
    assert not [name for name in second if name.startswith("ADMIN_")]
