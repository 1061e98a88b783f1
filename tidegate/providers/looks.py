"""What a provider needs before anything is started, one look at a time: for the doctor, who shows each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tidegate.settings import MainOnHostSettings, MainSettings, Settings

#: A name, and a look that returns a sentence or raises :class:`tidegate.errors.TidegateError`; each rests on those
#: before it.
Look = tuple[str, Callable[[], str]]


def looks_at_provider(settings: Settings) -> Iterator[Look]:
    """What the servers of a rehearsal by these settings need."""
    if settings.test_instance.provider == "containers" or settings.test_instance.sql_server == "container":
        yield "Docker", lambda: _containers(settings)
    if settings.test_instance.provider == "host":
        from tidegate.providers.hosts.preflight import looks  # noqa: PLC0415 -- only where it is used

        yield from looks(settings)


def looks_at_main_machine(main: MainSettings) -> Iterator[Look]:
    """What a cut-over needs of the machine of the main instance, where the settings name one that is reached."""
    if isinstance(main.host, MainOnHostSettings):
        from tidegate.providers.hosts.installed import looks_at_machine  # noqa: PLC0415 -- as above

        yield from looks_at_machine(main.host)


def _containers(settings: Settings) -> str:
    from tidegate.providers.containers.preflight import check_containers  # noqa: PLC0415 -- loads Docker's client

    check_containers(settings)
    return "the engine answers, its images can be had, and there is room for them"
