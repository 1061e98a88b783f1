"""What one run provisions, by its settings: the download feed, the main instance's description, the test host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.contract import TestHost
from tidegate.providers.embedded_provision import EmbeddedProvision, ProvidedMain
from tidegate.settings import Settings

__all__ = ["ProvidedMain", "Provision", "check_provider", "provision", "remove_expired"]


class Provision(Protocol):
    """The servers of one run; each is started when first asked for."""

    def feed(self) -> DownloadFeed: ...

    def main(self, report: Callable[[str], None]) -> ProvidedMain: ...

    def test_host(self) -> TestHost: ...

    def log_files(self) -> Mapping[str, Path]:
        """What the provisioned servers logged, by a name that says which server it was."""
        ...

    def described(self) -> Mapping[str, str]:
        """What the reader of the evidence must know about these servers, such as the images they are made of."""
        ...

    def close(self, *, keep: bool = False) -> str:
        """End and delete everything, or leave all of it to be looked at; safe to call twice.

        Returns a sentence that says what was kept and for how long; empty when nothing was.
        """
        ...


def check_provider(settings: Settings) -> None:
    """Raise :class:`tidegate.errors.UsageError` when the settings ask for what cannot be provided; starts nothing."""
    if settings.test_instance.provider == "host":
        from tidegate.providers.hosts.preflight import check_host  # noqa: PLC0415 -- only where it is used

        check_host(settings)
    if _wants_containers(settings):
        from tidegate.providers.containers.preflight import check_containers  # noqa: PLC0415 -- loads Docker's client

        check_containers(settings)


def provision(settings: Settings, folder: Path) -> Provision:
    """What the settings ask for, below ``folder``; starts nothing."""
    if settings.test_instance.provider == "host" and settings.host is not None:
        from tidegate.providers.hosts.provision import HostsProvision  # noqa: PLC0415 -- as above

        return HostsProvision(settings, settings.host, folder)
    if _wants_containers(settings):
        from tidegate.providers.containers.provision import ContainersProvision  # noqa: PLC0415 -- as above

        return ContainersProvision(settings, folder)
    return EmbeddedProvision(settings, folder)


def remove_expired(settings: Settings, now: datetime) -> list[str]:
    """Remove what rehearsals in containers or on a host left and whose time is over; in words. Where the settings name
    neither, nobody is asked. Raises :class:`tidegate.errors.TidegateError` when the engine or host cannot be used.
    """
    removed: list[str] = []
    if settings.host is not None:
        from tidegate.providers.hosts.reaper import remove_expired as remove_from_host  # noqa: PLC0415 -- as above

        removed += remove_from_host(settings.host, settings.sql_server, now)
    if _wants_containers(settings):
        from tidegate.providers.containers.engine import Engine  # noqa: PLC0415 -- as above
        from tidegate.providers.containers.reaper import remove_expired as remove  # noqa: PLC0415

        engine = Engine()
        try:
            removed += remove(engine.client, now)
        finally:
            engine.close()
    return removed


def _wants_containers(settings: Settings) -> bool:
    return settings.test_instance.provider == "containers" or settings.test_instance.sql_server == "container"
