"""Where the main instance itself runs: the machine that a cut-over works on."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.contract import TestHost
from tidegate.providers.embedded_machine import EmbeddedMachine
from tidegate.providers.embedded_servers import EmbeddedFeed
from tidegate.providers.hosts.installed import installed_machine
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import MainInstance
from tidegate.settings.hosts import MainOnHostSettings
from tidegate.settings.model import FeedSettings, MainHostSettings


@dataclass(frozen=True, slots=True)
class MainMachine:
    """``host`` installs, starts and stops the main instance's server; ``feed`` is where its installers come from."""

    host: TestHost
    feed: Callable[[], DownloadFeed]


@contextmanager
def main_machine(
    wanted: MainHostSettings, main: MainInstance, feed: FeedSettings, folder: Path
) -> Generator[MainMachine]:
    """The machine of the main instance; what is started besides it ends with the block. ``folder`` is for downloads and
    logs. Raises :class:`tidegate.errors.UsageError` for a machine that cannot be reached or has no Octopus Server."""
    leftovers = Leftovers(folder)
    embedded = EmbeddedFeed(folder / "feed", leftovers)

    def source() -> DownloadFeed:
        return DownloadFeed(feed.url) if feed.url else embedded.feed

    try:
        match wanted:
            case MainOnHostSettings():
                with installed_machine(wanted, main, source, folder / "downloads") as host:
                    yield MainMachine(host, source)
            case _:
                yield MainMachine(EmbeddedMachine(wanted.folder, main.url, source, leftovers), source)
    finally:
        embedded.stop()
        leftovers.finished()
