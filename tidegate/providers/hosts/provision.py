"""The servers of one run on a host; the sample main instance, where none is configured, stays a local process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import final
from urllib.parse import urlsplit

from tidegate.errors import HarnessError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.closing import close_all
from tidegate.providers.cluster import HostCluster
from tidegate.providers.contract import SqlServerHost, TestHost
from tidegate.providers.embedded_provision import EmbeddedProvision, ProvidedMain
from tidegate.providers.hosts.host import HostPlace, ServerHost
from tidegate.providers.hosts.installer import Installer
from tidegate.providers.hosts.ownership import OwnedFolder
from tidegate.providers.hosts.reaching import reached
from tidegate.providers.hosts.reaper import MSI_FOLDER, described_run, remove_run
from tidegate.providers.hosts.sql_server import open_folder, provide_sql_server
from tidegate.providers.hosts.systems import system_of
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import ServerFolders
from tidegate.settings import Settings
from tidegate.settings.hosts import HostSettings

#: Names of the server folders in the shared one.
_FOLDERS = {
    "packages": "Packages",
    "artifacts": "Artifacts",
    "task_logs": "TaskLogs",
    "imports": "Imports",
    "event_exports": "EventExports",
}


@final
class HostsProvision:
    """What the run puts on the host, into the shared folders and on the SQL Server carries its name, and is found and
    removed by it."""

    def __init__(self, settings: Settings, wanted: HostSettings, folder: Path) -> None:
        self._settings = settings
        self._wanted = wanted
        self._folder = folder / "instances" / "host"
        self._owned = OwnedFolder.of(folder.name, timedelta(hours=wanted.lifetime))
        self._leftovers = Leftovers(folder)
        self._around = EmbeddedProvision(settings, folder)
        self._system = system_of(wanted.system)
        self._stack = ExitStack()
        self._reach = self._stack.enter_context(reached(wanted))
        self._nodes: Sequence[ServerHost] = ()
        self._host: TestHost | None = None
        self._begun = False

    def feed(self) -> DownloadFeed:
        return self._around.feed()

    def main(self, report: Callable[[str], None]) -> ProvidedMain:
        return self._around.main(report)

    def test_host(self) -> TestHost:
        if self._host is None:
            self._begun = True
            self._leftovers.host(described_run(self._wanted, self._settings.sql_server, self._owned))
            self._folder.mkdir(parents=True, exist_ok=True)
            sql_server = provide_sql_server(self._wanted.sql_server, self._settings.sql_server, self._owned.name)
            open_folder(self._wanted.server_folders.local / self._owned.name)
            count = self._settings.test_instance.nodes
            self._nodes = [self._node(number, count, sql_server) for number in range(1, count + 1)]
            self._host = HostCluster(self._nodes) if count > 1 else self._nodes[0]
        return self._host

    def described(self) -> Mapping[str, str]:
        if self._host is None:
            return {}
        return {
            "Host of the test instance": f"{self._reach.where}, {self._system.name}",
            "SQL Server of the test instance": self._wanted.sql_server.server,
        }

    def log_files(self) -> Mapping[str, Path]:
        logs = dict(self._around.log_files())
        for node in self._nodes:
            try:
                text = node.server_log()
            except HarnessError as error:  # what is to be removed comes after this
                text = f"the log could not be read: {error}\n"
            if text:
                file = self._folder / f"{node.node_name.lower()}.log"
                file.write_text(text, encoding="utf-8")
                logs[f"test instance, {file.name}"] = file
        return logs

    def close(self, *, keep: bool = False) -> str:
        """What is kept goes on running until it is reaped."""
        if keep:
            close_all(lambda: self._around.close(keep=True), self._stack.close)
            return self._kept()
        close_all(self._remove, self._remove_rest, self._stack.close, self._around.end)
        self._leftovers.finished()
        return ""

    def _remove(self) -> None:
        if self._host is not None:
            self._host.remove()

    def _remove_rest(self) -> None:
        """Whatever was missed, by an error or an interruption, has our name."""
        if self._begun:
            remove_run(self._wanted, self._settings.sql_server, self._owned)

    def _kept(self) -> str:
        if self._host is None:
            return ""
        there = self._system.path(self._wanted.folder, self._owned.name)
        return (
            f"kept until {self._owned.expires:%Y-%m-%d %H:%M} UTC: {there} on {self._reach.where}; "
            "afterwards `tidegate reap` with these settings removes it"
        )

    def _node(self, number: int, count: int, sql_server: SqlServerHost) -> ServerHost:
        wanted, system, name = self._wanted, self._system, self._owned.name
        node = "TEST" if count == 1 else f"TEST-{number}"
        root = system.path(wanted.folder, name, node)
        service = wanted.system == "windows"
        place = HostPlace(
            root=root,
            views=self._folders(wanted.server_folders.local / name),
            paths=self._folders(Path(system.path(wanted.server_folders.on_host, name))),
            url=_url_of(wanted.url, number),
            node_name=node,
            instance=f"{name}-{node}" if service else "OctopusServer",
            install_folder=(wanted.install_folder or MSI_FOLDER) if service else "",
            service=service,
        )
        # Nodes install the same files: they are brought once.
        there = system.path(wanted.folder, name, "downloads")
        installer = Installer(self._reach, system, self.feed, there, self._folder / "downloads")
        return ServerHost(self._reach, system, place, sql_server, installer)

    def _folders(self, parent: Path) -> ServerFolders:
        separator = "\\" if "\\" in str(parent) else "/"
        return ServerFolders(**{field: Path(f"{parent}{separator}{name}") for field, name in _FOLDERS.items()})


def _url_of(url: str, number: int) -> str:
    """Each node on a port of its own: the one that is configured, and those after it."""
    parts = urlsplit(url)
    if not parts.port:
        return url
    return parts._replace(netloc=f"{parts.hostname}:{parts.port + number - 1}").geturl()
