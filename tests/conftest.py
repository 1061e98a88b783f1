"""Options of the tests. They stand here because pytest reads options from the outermost conftest only."""

from __future__ import annotations

import pytest
from hypothesis import settings

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
        "--octopus-url",
        default=None,
        metavar="URL",
        help=(
            "Octopus Server that answers the tests in tests/wire/octopus/api and clients instead of the stand-in; an "
            "administrator's API key in OCTOPUS_API_KEY. The tests create and delete things there."
        ),
    )
