"""Makes `pytest features/` a rehearsal: the plugins around it, the things it needs, and the steps it is told in."""

from __future__ import annotations

pytest_plugins = [
    "fixtures.plugins.usage",
    "fixtures.plugins.tags",
    "fixtures.plugins.features",
    "fixtures.plugins.lint",
    "fixtures.plugins.progress",
    "fixtures.plugins.run",
    "fixtures.plugins.signals",
    "fixtures.plugins.one_worker",
    "fixtures.plugins.chain",
    "fixtures.plugins.allure_gherkin",
    "fixtures.plugins.allure_files",
    "fixtures.plugins.outcome",
]
