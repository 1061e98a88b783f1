"""Where the main instance itself runs: the machine that a cut-over works on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.cluster import HostCluster
from tidegate.providers.contract import TestHost
from tidegate.providers.embedded_machine import EmbeddedMachine
from tidegate.providers.embedded_servers import EmbeddedFeed
from tidegate.providers.hosts.installed import installed_machine
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import MainInstance
from tidegate.settings import Settings
from tidegate.settings.hosts import MainOnHostSettings
from tidegate.settings.model import MainHostSettings, MainInContainerSettings
from tidegate.versions import Version


def _nothing() -> None:
    """Most machines hold nothing back."""


@dataclass(frozen=True, slots=True)
class MainMachine:
    """``host`` installs, starts and stops the main instance's server.

    ``offered`` tells the digest of what would be installed as a version, as ``host.installed`` tells it afterwards; it
    raises :class:`tidegate.errors.HarnessError` when that cannot be had. ``settled`` is called when the cut-over has
    reached one of its ends: what was held back for the way to the other may go.
    """

    host: TestHost
    offered: Callable[[Version], str]
    settled: Callable[[], None] = _nothing


def gets_installers(settings: Settings) -> bool:
    """Whether the main instance is upgraded by installers of the download feed, as far as the settings tell."""
    host = settings.main.host if settings.main else None
    return not isinstance(host, MainInContainerSettings)


@contextmanager
def main_machine(
    settings: Settings, wanted: MainHostSettings, main: MainInstance, folder: Path
) -> Generator[MainMachine]:
    """The machine of ``main``; what is started besides it ends with the block. ``folder`` is the cut-over's, for
    downloads, logs and what must be remembered between two attempts. Raises :class:`tidegate.errors.UsageError` for a
    machine that cannot be reached or has no Octopus Server."""
    leftovers = Leftovers(folder)
    embedded = EmbeddedFeed(folder / "feed", leftovers)

    def source() -> DownloadFeed:
        return DownloadFeed(settings.feed.url) if settings.feed.url else embedded.feed

    def offered(version: Version) -> str:
        return f"sha256:{source().checksum(version, package=settings.package)}"

    try:
        match wanted:
            case MainOnHostSettings():
                with ExitStack() as reached:
                    downloads = folder / "downloads"
                    machines = [
                        reached.enter_context(installed_machine(one, main, source, downloads)) for one in wanted.nodes
                    ]
                    yield MainMachine(_one_host(machines), offered)
            case MainInContainerSettings():
                with _in_container(settings, wanted, main, folder) as machine:
                    yield machine
            case _:
                nodes = [
                    (wanted.folder, wanted.url or main.url),
                    *((one.folder, one.url) for one in wanted.other_nodes),
                ]
                machines = [EmbeddedMachine(place, url, source, leftovers) for place, url in nodes]
                yield MainMachine(_one_host(machines), offered)
    finally:
        embedded.stop()
        leftovers.finished()


@contextmanager
def _in_container(
    settings: Settings, wanted: MainInContainerSettings, main: MainInstance, folder: Path
) -> Generator[MainMachine]:
    from tidegate.providers.containers.engine import Engine  # noqa: PLC0415 -- loads Docker's client
    from tidegate.providers.containers.main_container import MainContainer  # noqa: PLC0415

    engine = Engine()
    try:
        named = [wanted.model_copy(update={"container": name, "nodes": ()}) for name in wanted.nodes] or [wanted]
        nodes = [
            MainContainer(engine, one, settings.containers, main, folder, follows=number > 0)
            for number, one in enumerate(named)
        ]

        def settled() -> None:
            for node in nodes:
                node.settled()

        yield MainMachine(_one_host(nodes), nodes[0].offered, settled)
    finally:
        engine.close()


def _one_host(nodes: Sequence[TestHost]) -> TestHost:
    """One node is its own host; several are told by the cut-over whether they take work."""
    return nodes[0] if len(nodes) == 1 else HostCluster(nodes, drains=False)
