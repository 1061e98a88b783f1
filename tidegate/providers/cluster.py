"""Several Octopus Server nodes over one database, as one test host, in the order that upgrades want.

Drain, stop all, back up once, let the first node upgrade the database, then bring the others to the same version and
start one after the other (Octopus docs, administration/high-availability and upgrading/guide). All nodes at once tend
to deadlock, and since 2023.2.9755 a server refuses to upgrade while it sees others running
(OctopusDeploy/Issues#8241).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from tidegate.errors import ProvisioningFailed, TimedOut, UpgradeFailed
from tidegate.octopus.client import OctopusClient
from tidegate.providers.contract import CommandResult, CreatesInstances, SqlServerHost, TestHost
from tidegate.rehearsal.instances import DatabaseAddress, ServerFolders
from tidegate.secrets import Secret
from tidegate.versions import Version
from tidegate.waiting import wait_until

#: Answers 200 when a node is up and takes work; anonymous (OctopusDeploy/helm-charts, octopus-deploy).
_PING: Final = "/api/octopusservernodes/ping"
#: How a server says that it sees other nodes. The wording is not published; these words belong to any.
_OTHERS_RUN: Final = re.compile(r"nodes?\b[^.]*\brunning|stop all nodes", re.IGNORECASE)
#: Seconds that running tasks get to come to their end, and seconds until nodes that were stopped count as gone. When
#: Octopus takes a node for gone is not published either.
_DRAIN: Final = 60
_GONE: Final = 330.0


@final
class HostCluster:
    """A `TestHost` of several nodes, each of them one; the first leads. Without ``drains`` somebody else tells them to
    take work or not: the main instance's nodes are told by its cut-over."""

    def __init__(self, nodes: Sequence[TestHost], *, drains: bool = True) -> None:
        self._first, *others = nodes
        self._others = tuple(others)
        self._drains = drains
        self._running = False

    @property
    def sql_server(self) -> SqlServerHost:
        return self._first.sql_server

    @property
    def folders(self) -> ServerFolders:
        return self._first.folders

    @property
    def server_paths(self) -> ServerFolders:
        return self._first.server_paths

    @property
    def node_name(self) -> str:
        return self._first.node_name

    @property
    def node_names(self) -> Sequence[str]:
        return [node.node_name for node in self._nodes]

    @property
    def installed(self) -> Mapping[str, str]:
        return self._first.installed

    def fetch(self, version: Version) -> None:
        for node in self._nodes:
            node.fetch(version)

    def install(self, version: Version) -> None:
        for node in self._nodes:
            node.install(version)

    def configure(self, database: DatabaseAddress, master_key: Secret) -> None:
        for node in self._nodes:
            node.configure(database, master_key)

    def create_instance(self, database: DatabaseAddress, master_key: Secret, administrator_key: Secret) -> None:
        """By the first node; the others join its database when they start."""
        if not isinstance(self._first, CreatesInstances):
            raise ProvisioningFailed("these nodes cannot make an instance out of nothing", where=self.node_name)
        self._first.create_instance(database, master_key, administrator_key)
        for node in self._others:
            node.configure(database, master_key)

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        """What is said about a node is said of each; everything else is stored once, in the database."""
        result = self._first.octopus_server(command, options, timeout=timeout)
        for node in self._others if command == "node" else ():
            if not result.ok:
                break
            result = node.octopus_server(command, options, timeout=timeout)
        return result

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        """By the first node alone. All are stopped by now, but their last signs of life may be too fresh: then the
        server refuses, having changed nothing, and is asked again until it takes them for gone."""
        last: list[CommandResult] = []

        def settled() -> bool:
            last[:] = [self._first.upgrade_database(timeout=timeout)]
            return last[0].ok or not _OTHERS_RUN.search(last[0].output)

        with suppress(TimedOut):  # then the refusal is the answer
            wait_until(settled, timeout=_GONE, what="the stopped nodes to count as gone", poll=2.0)
        return last[0]

    def start(self, *, timeout: float = 300) -> str:
        """The first node, then one after the other; each must answer, take work, and run the version of the first."""
        for node in self._nodes if self._drains else ():
            self._tell(node, "--drain=false")
        url = self._first.start(timeout=timeout)
        require = _require_ping if self._drains else _require_answer
        try:
            version = require(self.node_name, url)
            for node in self._others:
                _require_same(version, node.node_name, require(node.node_name, node.start(timeout=timeout)))
        except BaseException:
            self._stop_all()
            raise
        self._running = self._drains
        return url

    def stop(self) -> None:
        """Drains every node, so that no task is cut off, then stops all of them."""
        if self._running:
            self._running = False
            for node in self._nodes:
                self._tell(node, "--drain=true", f"--wait={_DRAIN}")
        self._stop_all()

    def server_log(self) -> str:
        return "\n".join(node.server_log() for node in self._nodes)

    def log_files(self) -> Sequence[Path]:
        """One a node, and SQL Server's once."""
        return sorted({file for node in self._nodes for file in node.log_files()})

    def remove(self) -> None:
        self._running = False
        for node in reversed(self._nodes):  # the first one brought SQL Server
            node.remove()

    def _stop_all(self) -> None:
        for node in reversed(self._nodes):
            node.stop()

    def _tell(self, node: TestHost, *options: str) -> None:
        result = node.octopus_server("node", options, timeout=_DRAIN + 120)
        if not result.ok:
            raise UpgradeFailed(
                f"`Octopus.Server node {options[0]}` ended with exit code {result.exit_code}:\n{result.output[-2000:]}",
                where=node.node_name,
            )

    @property
    def _nodes(self) -> tuple[TestHost, ...]:
        return (self._first, *self._others)


def _require_same(version: Version, name: str, found: Version) -> None:
    if found != version:
        raise UpgradeFailed(
            f"the node {name} was left behind: it runs {found}, the first node runs {version}",
            where=name,
            next_step=f"stop it at once and install {version} on it",
        )


def _require_answer(_name: str, url: str) -> Version:
    """A node that is drained answers everything but its ping."""
    with OctopusClient(url, None) as client:
        return client.server().version


def _require_ping(name: str, url: str) -> Version:
    with OctopusClient(url, None) as client:
        status = client.send("GET", _PING).status
        if status != 200:
            raise UpgradeFailed(f"the node {name} runs, but takes no work: its ping answers {status}", where=url)
        return client.server().version
