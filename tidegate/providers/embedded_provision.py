"""The embedded provision: stand-ins as local processes below one folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.closing import close_all
from tidegate.providers.cluster import HostCluster
from tidegate.providers.contract import TestHost
from tidegate.providers.embedded import EmbeddedHost
from tidegate.providers.embedded_main import provide_embedded_main
from tidegate.providers.embedded_servers import EmbeddedFeed, EmbeddedSqlServer, SqlServerSource, module
from tidegate.providers.leftovers import Leftovers
from tidegate.settings import MainSettings, ScriptSettings, Settings


@dataclass(frozen=True, slots=True)
class ProvidedMain:
    """The main instance to rehearse. ``sample`` is what the loader of an embedded sample told, ``scripts`` what its
    organisation runs against it; both are empty for a real one, whose scripts the settings name."""

    settings: MainSettings
    sample: Mapping[str, Any] = field(default_factory=dict[str, Any])
    scripts: tuple[ScriptSettings, ...] = ()


@final
class EmbeddedProvision:
    """Local processes below one folder, journalled so that the next run can remove what a killed one left."""

    def __init__(self, settings: Settings, folder: Path, *, sql_server: SqlServerSource | None = None) -> None:
        """``sql_server`` serves the test instance, instead of a stand-in of its own."""
        self._settings = settings
        self._folder = folder
        self._sql_server = sql_server
        self._leftovers = Leftovers(folder)
        self._leftovers.folder(folder / "instances")
        self._embedded_feed = EmbeddedFeed(folder / "instances" / "feed", self._leftovers)
        self._main_host: EmbeddedHost | None = None
        self._test_host: TestHost | None = None
        self._own_sql_servers: list[EmbeddedSqlServer] = []

    def feed(self) -> DownloadFeed:
        url = self._settings.feed.url
        return DownloadFeed(url) if url else self._embedded_feed.feed

    def main(self, report: Callable[[str], None]) -> ProvidedMain:
        if self._settings.main is not None:
            return ProvidedMain(self._settings.main)
        self._main_host = self._host("main", "MAIN")
        made = provide_embedded_main(self._main_host, self._settings.embedded, self._leftovers, report)
        report_script = ScriptSettings(name="nightly report", command=tuple(module("standins.sample.nightly_report")))
        return ProvidedMain(made.settings, made.sample, (report_script,))

    def test_host(self) -> TestHost:
        if self._test_host is None:
            self._test_host = self._cluster(self._settings.test_instance.nodes)
        return self._test_host

    def log_files(self) -> Mapping[str, Path]:
        hosts = {"main instance": self._main_host, "test instance": self._test_host}
        return {
            f"{name}, {log.name}": log for name, host in hosts.items() if host is not None for log in host.log_files()
        }

    def described(self) -> Mapping[str, str]:
        return {}

    def close(self, *, keep: bool = False) -> str:
        kept = self.end(keep=keep)
        self._leftovers.finished()
        return kept

    def end(self, *, keep: bool = False) -> str:
        """As :meth:`close`, where more was provided than this: whether nothing is left for a later run is known there.

        Kept is what is on disk. The processes hold pipes of this one and cannot outlive it: they end in order.
        """
        hosts = [host for host in (self._test_host, self._main_host) if host is not None]
        instances = self._folder / "instances"
        if keep:
            servers = [sql_server.stop for sql_server in self._own_sql_servers]
            close_all(*(host.stop for host in hosts), *servers, self._embedded_feed.stop)
            return (
                f"kept: {instances}, with databases, configurations and the secrets in them; "
                "delete the folder when you have looked at it"
            )
        close_all(
            *(host.remove for host in hosts),
            self._embedded_feed.stop,
            lambda: shutil.rmtree(instances, ignore_errors=True),
        )
        return ""

    def _cluster(self, count: int) -> TestHost:
        if count == 1:
            return self._host("test", "TEST", self._sql_server)
        sql_server = self._sql_server or self._own_sql_server("test-1")
        shared = self._folder / "instances" / "test-1" / "home"
        return HostCluster([self._host(f"test-{n}", f"TEST-{n}", sql_server, shared) for n in range(1, count + 1)])

    def _host(
        self, name: str, node_name: str, sql_server: SqlServerSource | None = None, shared: Path | None = None
    ) -> EmbeddedHost:
        # Installers always come from the embedded feed: the real ones do not run here.
        folder = self._folder / "instances" / name
        return EmbeddedHost(
            folder,
            lambda: self._embedded_feed.feed,
            self._leftovers,
            node_name=node_name,
            sql_server=sql_server or self._own_sql_server(name),
            shared=shared,
        )

    def _own_sql_server(self, name: str) -> EmbeddedSqlServer:
        made = EmbeddedSqlServer(self._folder / "instances" / name / "sql", self._leftovers)
        self._own_sql_servers.append(made)
        return made
