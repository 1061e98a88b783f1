"""Makes `pytest features/` a rehearsal: the plugins around it, the things it needs, and the steps it is told in."""

from __future__ import annotations

import pytest

from fixtures.plugins import PLUGINS
from fixtures.plugins.whole import refuse_less

pytest_plugins = [
    *PLUGINS,
    "fixtures.settings",
    "fixtures.provided",
    "fixtures.main_instance",
    "fixtures.backup",
    "fixtures.test_instance",
    "fixtures.snapshots",
    "fixtures.upgraded_instance",
    "fixtures.comparison",
    "fixtures.live_checks",
    "fixtures.faults.provided",
    "fixtures.rolled_back",
    "steps.planning",
    "steps.backing_up",
    "steps.cloning",
    "steps.upgrading",
    "steps.verifying",
    "steps.rolling_back",
    "steps.approving",
    "steps.failing",
]


def pytest_configure(config: pytest.Config) -> None:
    refuse_less(config)
