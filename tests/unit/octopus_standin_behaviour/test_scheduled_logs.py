"""Where a version keeps the logs of its scheduled tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from standins.octopus.behaviour.scheduled_logs import path_of
from standins.octopus.contract import Server, ServerFolders, Version


@pytest.mark.parametrize(
    ("version", "usual"),
    [
        ("2018.12.1", True),
        ("2022.2.3989", True),
        ("2022.2.3990", False),
        ("2022.2.6895", True),
        ("2022.3.3155", False),
        ("2022.3.10957", True),
        ("2025.4.10338", True),
    ],
)
def test_some_builds_keep_the_logs_elsewhere_and_later_ones_are_back(
    tmp_path: Path, version: str, *, usual: bool
) -> None:
    folders = ServerFolders(tmp_path, tmp_path, tmp_path, tmp_path)
    server = Server(Version.parse(version), cast("Any", None), cast("Any", None), folders, "node-1", "")

    path = path_of(server, "ProcessSubscriptions")

    assert (path == tmp_path / "scheduled-ProcessSubscriptions.txt") is usual
