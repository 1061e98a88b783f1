"""What every host has in common that was there before Tidegate came: the main instance's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from tidegate.errors import HarnessError
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.secrets import Secret


class StandingHost(ABC):
    """The part of a `TestHost` that follows from its belonging to somebody else: nothing of it is made, configured or
    deleted. ``where`` names it in messages."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._installed: dict[str, str] = {}

    @property
    @abstractmethod
    def node_name(self) -> str: ...

    @property
    def node_names(self) -> Sequence[str]:
        return [self.node_name]

    @property
    def sql_server(self) -> SqlServerHost:
        raise HarnessError("a main instance's SQL Server is named in [main.database]")

    @property
    def installed(self) -> Mapping[str, str]:
        return dict(self._installed)

    def configure(self, database: DatabaseAddress, master_key: Secret) -> None:
        del database, master_key
        raise HarnessError("a main instance is configured already", where=self._where)

    @abstractmethod
    def stop(self) -> None: ...

    def remove(self) -> None:
        """Stops the server; everything else belongs to the host's owner."""
        self.stop()
