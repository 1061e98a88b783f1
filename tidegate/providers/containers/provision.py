"""The servers of one run in containers; the sample main instance, where none is configured, stays a local process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import final
from urllib.parse import urlsplit

from tidegate.errors import TidegateError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.closing import close_all
from tidegate.providers.cluster import HostCluster
from tidegate.providers.containers.container import Blueprint, Container
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.host import ContainerHost
from tidegate.providers.containers.network import IsolatedNetwork
from tidegate.providers.containers.ownership import RUN, Owner
from tidegate.providers.containers.reaper import remove_run
from tidegate.providers.containers.sql_server import ContainerSqlServer
from tidegate.providers.containers.surroundings import Surroundings
from tidegate.providers.contract import TestHost
from tidegate.providers.embedded_provision import EmbeddedProvision, ProvidedMain
from tidegate.providers.leftovers import Leftovers
from tidegate.settings import Settings
from tidegate.settings.model import MainSettings
from tidegate.sqlserver.connection import split_server

_LOOPBACK = ("localhost", "127.", "::1", "[::1]", "(local)", ".")


@final
class ContainersProvision:
    """Everything of the run on the engine carries its name, and is found and removed by it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder / "instances" / "containers"
        self._leftovers = Leftovers(folder)
        self._leftovers.containers(folder.name)
        wanted = settings.containers
        self._owner = Owner.of(folder.name, timedelta(hours=wanted.lifetime))
        self._engine = Engine()
        self._network = IsolatedNetwork(self._owner, wanted.gateway_image)
        self._surroundings = Surroundings(self._engine, self._network, self._owner, wanted)
        self._sql_server = ContainerSqlServer(self._surroundings, self._folder / "sql-server")
        self._around = EmbeddedProvision(settings, folder, sql_server=self._sql_server)
        self._nodes: list[ContainerHost] = []
        self._host: TestHost | None = None

    def feed(self) -> DownloadFeed:
        return self._around.feed()

    def main(self, report: Callable[[str], None]) -> ProvidedMain:
        return self._around.main(report)

    def test_host(self) -> TestHost:
        if self._settings.test_instance.provider != "containers":
            return self._around.test_host()
        if self._host is None:
            count = self._settings.test_instance.nodes
            self._nodes = [self._node("TEST" if count == 1 else f"TEST-{n}") for n in range(1, count + 1)]
            self._host = HostCluster(self._nodes) if count > 1 else self._nodes[0]
        return self._host

    def described(self) -> Mapping[str, str]:
        facts = {"Docker engine": self._engine.version}
        if self._sql_server.digest:
            facts["SQL Server image"] = f"{self._settings.containers.sql_server_image} ({self._sql_server.digest})"
        if self._host is not None:
            for version, digest in self._host.installed.items():
                facts[f"Octopus Server image {version}"] = digest
            facts["Nodes of the clone"] = ", ".join(self._host.node_names)
            if self._nodes[0].isolation:
                facts["Network of the clone"] = self._nodes[0].isolation
        return facts

    def log_files(self) -> Mapping[str, Path]:
        logs = dict(self._around.log_files())
        if self._host is not None:
            logs |= {f"test instance, {log.name}": log for log in self._host.log_files()}
        return logs

    def close(self, *, keep: bool = False) -> str:
        """The containers that are kept go on running until they are reaped."""
        if keep:
            try:
                folders = self._around.close(keep=True)
            finally:
                self._engine.close()
            return (
                f"kept until {self._owner.expires:%Y-%m-%d %H:%M} UTC: "
                f"docker ps --filter label={RUN}={self._owner.run}; "
                f"afterwards `tidegate reap` with these settings removes them\n{folders}"
            )
        close_all(
            self._remove,
            # Whatever was missed, by an error or an interruption, has our label.
            lambda: remove_run(self._engine.client, self._owner.run),
            self._engine.close,
            lambda: shutil.rmtree(self._folder, ignore_errors=True),
            self._around.end,
        )
        self._leftovers.finished()
        return ""

    def _remove(self) -> None:
        if self._host is not None:
            self._host.remove()
            self._own_the_volumes()
        self._sql_server.remove()
        self._network.remove()

    def _node(self, name: str) -> ContainerHost:
        others = _addresses(self._settings.main)
        return ContainerHost(
            self._surroundings,
            self._sql_server,
            self._folder / "volumes",
            node_name=name,
            prove=lambda container: self._network.prove_isolated(container, others),
        )

    def _own_the_volumes(self) -> None:
        """What servers wrote as root into the shared folders can be deleted by root only."""
        volumes = self._folder / "volumes"
        if os.getuid() == 0 or not volumes.exists():
            return
        container = Container(
            Blueprint(
                self._settings.containers.gateway_image,
                "hand-over",
                entry_point=["chown", "-R", f"{os.getuid()}:{os.getgid()}", "/volumes"],
                mounts={str(volumes.resolve()): "/volumes"},
            ),
            self._owner,
            self._network.inside,
        )
        try:
            code = container.wait(600)
            if code != 0:
                raise TidegateError(f"the clone's folders could not be handed over:\n{container.last_lines()}")
        finally:
            container.remove()


def _addresses(main: MainSettings | None) -> list[tuple[str, int]]:
    """Where the main instance is: a clone must not reach it. On this machine, the network's own proof covers it."""
    if main is None:
        return []
    url = urlsplit(main.url)
    host, port = split_server(main.database.server)
    found = [
        (url.hostname or "", url.port or (443 if url.scheme == "https" else 80)),
        (host.partition("\\")[0], port or 1433),
    ]
    return [(name, number) for name, number in found if name and not name.lower().startswith(_LOOPBACK)]
