"""Options and order of the tests. They stand here because pytest reads options from the outermost conftest only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

from tests.support.workers import Told, comes_late, scheduler

#: How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("tidegate", deadline=None)
settings.load_profile("tidegate")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("tidegate tests").addoption(
        "--sql-server",
        default="standin",
        metavar="standin|container[:IMAGE]|HOST,PORT",
        help=(
            "SQL Server that answers the contract tests in tests/wire/sqlserver: the stand-in (default), a container "
            "(needs Docker), or one that already runs (password of 'sa' in MSSQL_SA_PASSWORD)"
        ),
    )
    parser.getgroup("tidegate tests").addoption(
        "--thorough",
        action="store_true",
        help="run also the tests that prove once more what others prove (marked `thorough`)",
    )
    parser.getgroup("tidegate tests").addoption(
        "--octopus-url",
        default=None,
        metavar="URL",
        help=(
            "Octopus Server that answers the tests in tests/wire/octopus/api and clients instead of the stand-in; an "
            "administrator's API key in OCTOPUS_API_KEY. The tests create and delete things there."
        ),
    )


@pytest.hookimpl(trylast=True)  # pytest makes the reporter in this hook
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and getattr(config.option, "numprocesses", None):
        config.pluginmanager.register(Told(terminal))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--thorough"):
        left_out = [item for item in items if item.get_closest_marker("thorough")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: comes_late(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    chosen = config.getoption("dist") != "load"  # the default of `-n`
    return None if chosen else scheduler(config, log)
