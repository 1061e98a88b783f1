"""What every way to make a test instance shares: its server's commands and start, and nothing left on failure."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from tidegate.errors import ProvisioningFailed, UpgradeFailed
from tidegate.providers.contract import TestHost
from tidegate.rehearsal.guard import assert_not_main
from tidegate.rehearsal.instances import DatabaseAddress, MainInstance
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.restore import drop_database


def server_command(host: TestHost, command: str, options: Sequence[str]) -> None:
    """Run one command of the test instance's server. Raises :class:`ProvisioningFailed` unless it ends with 0."""
    result = host.octopus_server(command, options)
    if not result.ok:
        raise ProvisioningFailed(
            f"`Octopus.Server {command}` ended with exit code {result.exit_code}:\n{result.output[-2000:]}",
            where=host.node_name,
        )


def started(host: TestHost, what: str) -> str:
    """The URL of ``what``, which starts as the main instance's version. Raises :class:`ProvisioningFailed`: no upgrade
    is to blame."""
    try:
        return host.start()
    except UpgradeFailed as error:
        raise ProvisioningFailed(f"{what} does not start: {error.what}", where=error.where) from None


@contextmanager
def dropped_on_failure(main: MainInstance, host: TestHost, database: DatabaseAddress) -> Generator[None]:
    """When the block fails, the server is stopped and its database, as far as there is one, is dropped."""
    try:
        yield
    except BaseException:
        host.stop()
        assert_not_main(main.identity, database)
        with SqlServer(database.server) as server:
            drop_database(server, database.name)
        raise
