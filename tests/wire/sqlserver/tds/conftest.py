from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.sqlserver.drivers import Address
from tests.wire.sqlserver.processes import ServerProcess, server_process

FAKE_SERVER = Path(__file__).parent / "fake_server.py"


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The TDS layer around an engine without SQL (see ``fake_server``)."""
    with server_process(tmp_path_factory.mktemp("tds"), [str(FAKE_SERVER)]) as server:
        yield server


@pytest.fixture(scope="session")
def address(fake: ServerProcess) -> Address:
    return fake.address
