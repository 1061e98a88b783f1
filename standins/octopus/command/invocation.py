"""One run of a command: which server, which instance, which options."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.instances import CONNECTION_STRING, MASTER_KEY, InstanceConfiguration, find_configuration
from standins.octopus.command.options import Options
from standins.octopus.command.output import Output
from standins.octopus.contract import Version

if TYPE_CHECKING:
    from standins.octopus.crypto import MasterKey
    from standins.octopus.schema.database import Database


@dataclass
class Invocation:
    """Handed to the command's function. What is expensive is made when first asked for."""

    name: str
    version: Version
    install_folder: Path
    options: Options
    output: Output

    @cached_property
    def configuration(self) -> InstanceConfiguration:
        return InstanceConfiguration.read(find_configuration(self.options.get("instance"), self.options.get("config")))

    @property
    def instance_name(self) -> str:
        return self.options.get("instance") or "OctopusServer"

    @property
    def connection_string(self) -> str:
        return self.configuration.required(CONNECTION_STRING, "The database")

    def master_key(self) -> MasterKey:
        from standins.octopus.crypto import MasterKey  # noqa: PLC0415 - not every command needs it

        text = self.configuration.required(MASTER_KEY, "The master key")
        try:
            return MasterKey.parse(text)
        except ValueError as error:
            raise ControlledFailure(str(error)) from None

    @property
    def regressions(self) -> frozenset[int]:
        text = os.environ.get("OCTOPUS_STANDIN_REGRESSIONS", "")
        return frozenset(int(part) for part in text.split(",") if part.strip())

    @contextmanager
    def database(self, *, current: bool = True) -> Generator[Database]:
        """The instance's database. ``current``: refuse one of another schema, unless told to skip that check."""
        from standins.octopus.schema.compatibility import check_compatibility, check_schema  # noqa: PLC0415
        from standins.octopus.schema.database import Database  # noqa: PLC0415 - pyodbc takes time to import

        database = Database(self.connection_string)
        try:
            if current and not self.options.has("skipDatabaseCompatibilityCheck"):
                check_compatibility(database, self.version)
            if current and not self.options.has("skipDatabaseSchemaUpgradeCheck"):
                check_schema(database, self.version)
            yield database
        finally:
            database.close()
