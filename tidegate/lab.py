"""A main instance to explore and to rehearse against: the embedded sample, kept running until it is stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tidegate.errors import UsageError
from tidegate.providers.closing import close_all
from tidegate.providers.contract import SqlServerHost
from tidegate.providers.embedded import EmbeddedHost
from tidegate.providers.embedded_machine import EmbeddedMachine, switched_on
from tidegate.providers.embedded_main import Filler, provide_embedded_main
from tidegate.providers.embedded_servers import EmbeddedFeed
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.secrets import Secret
from tidegate.settings import EmbeddedSettings, MainSettings

_SETTINGS: Final = "settings.toml"
_SECRETS: Final = "secrets"


@dataclass(frozen=True, slots=True)
class LabAddress:
    """Where the lab's main instance is, and the settings file that describes it to a rehearsal. The files of its keys
    can be read by their owner only."""

    url: str
    sql_server: str
    settings: Path

    @property
    def api_key(self) -> Path:
        return self.settings.parent / _SECRETS / "api-key"

    @property
    def sql_password(self) -> Path:
        return self.settings.parent / _SECRETS / "sql-password"


@dataclass(frozen=True, slots=True)
class _OfAnother:
    """The SQL Server that another host brought, and ends."""

    owner: EmbeddedHost

    @property
    def host(self) -> SqlServerHost:
        return self.owner.sql_server

    def stop(self) -> None:
        """It goes on."""


class Lab:
    """The sample main instance in a folder of its own; a context manager that removes its servers at the end.

    The settings file refers to secrets in files beside it, which only their owner may read. With more than one of the
    ``nodes`` it is a cluster, over one database and one set of server folders. A ``filler`` puts something else into it
    than the sample.
    """

    def __init__(self, folder: Path, wanted: EmbeddedSettings, *, nodes: int = 1, filler: Filler | None = None) -> None:
        self._folder = folder.resolve()
        self._wanted = wanted
        self._filler = filler
        if self._folder.exists() and any(self._folder.iterdir()):
            raise UsageError(
                "the lab's folder is not empty", where=str(folder), next_step="name a folder that does not exist yet"
            )
        self._leftovers = Leftovers(self._folder)
        self._feed = EmbeddedFeed(self._folder / "feed", self._leftovers)
        self._host = EmbeddedHost(self._main, lambda: self._feed.feed, self._leftovers, node_name="MAIN")
        self._others = [self._other(number) for number in range(2, nodes + 1)]
        self._power = ExitStack()
        self._urls: dict[Path, str] = {}

    @property
    def _main(self) -> Path:
        return self._folder / "main"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._power.close()  # a server that a cut-over started stops by itself now
        machines = [
            EmbeddedMachine(one, url, lambda: self._feed.feed, self._leftovers) for one, url in self._urls.items()
        ]
        hosts = [*self._others, self._host]  # the last one brought SQL Server
        close_all(*(one.remove for one in (*machines, *hosts)), self._feed.stop, self._leftovers.finished)

    def start(self, report: Callable[[str], None]) -> LabAddress:
        """Make the instance and write its settings file."""
        main = provide_embedded_main(self._host, self._wanted, self._leftovers, report, filler=self._filler).settings
        self._urls[self._main] = main.url
        for number, host in enumerate(self._others, 2):
            report(f"adding the node {host.node_name}")
            host.install(self._wanted.version)
            host.configure(DatabaseAddress(self._host.sql_server.address, main.database.name), main.master_key)
            self._urls[self._folder_of(number)] = host.start()
        for folder in self._urls:
            self._power.enter_context(switched_on(folder))
        settings = self._folder / _SETTINGS
        settings.write_text(self._settings(main), encoding="utf-8")
        return LabAddress(main.url, main.database.server, settings)

    def _folder_of(self, number: int) -> Path:
        return self._folder / f"main-{number}"

    def _other(self, number: int) -> EmbeddedHost:
        return EmbeddedHost(
            self._folder_of(number),
            lambda: self._feed.feed,
            self._leftovers,
            node_name=f"MAIN-{number}",
            sql_server=_OfAnother(self._host),
        )

    def _settings(self, main: MainSettings) -> str:
        database, folders, urls = main.database, main.folders, self._urls
        others = [one for one in urls if one != self._main]
        lines = [
            "[main]",
            f'url = "{main.url}"',
            f'api_key = "{self._kept("api-key", main.api_key)}"',
            f'master_key = "{self._kept("master-key", main.master_key)}"',
            "",
            "[main.database]",
            f'server = "{database.server}"',
            f'name = "{database.name}"',
            f'user = "{database.user}"',
            f'password = "{self._kept("sql-password", database.password)}"',
            "trust_server_certificate = true",
            "",
            "[main.folders]",
            *(f"{name} = '{path}'" for name, path in folders.model_dump(exclude_none=True).items()),
            "",
            "[main.backup_folder]",
            f"on_server = '{main.backup_folder.on_server}'",
            f"here = '{main.backup_folder.local}'",
            "",
            "[main.host]",
            f"folder = '{self._main}'",
            *(
                line
                for one in others
                for line in ("[[main.host.other_nodes]]", f"folder = '{one}'", f'url = "{urls[one]}"')
            ),
            "",
            "[reports]",
            f"folder = '{self._folder / 'reports'}'",
            "",
        ]
        return "\n".join(lines)

    def _kept(self, name: str, secret: Secret) -> str:
        file = self._folder / _SECRETS / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(secret.reveal())
        return f"file:{file}"
