"""Look ahead at the upgrade of the configured main instance, and change nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tidegate.providers.provision import provision
from tidegate.rehearsal.main import describe_main
from tidegate.rehearsal.outlook import Outlook, look_ahead
from tidegate.settings import Settings
from tidegate.versions import release_knowledge


def plan_upgrade(settings: Settings, reports: Path, report: Callable[[str], None]) -> Outlook:
    """The outlook for the main instance of ``settings``; ``reports`` holds the rehearsals that may have measured it.

    Without a main instance the embedded sample is made, looked at and removed. Its folder is below ``reports``, so that
    the next run removes it if this one is killed.
    """
    reports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="plan-", dir=reports) as name:
        folder = Path(name)
        servers = provision(settings, folder)
        try:
            main = describe_main(servers.main(report).settings, settings.sql_server)
            knowledge = release_knowledge().with_versions(servers.feed().versions())
            return look_ahead(main, settings.upgrade, knowledge, reports, report)
        finally:
            servers.close()
