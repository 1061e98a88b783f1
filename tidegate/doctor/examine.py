"""The whole examination, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidegate.doctor.examined import Examined, State, good, of_error
from tidegate.doctor.machine import examine_machine
from tidegate.doctor.main_instance import examine_main
from tidegate.doctor.storage import LEAST, examine_room
from tidegate.errors import TidegateError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.settings import Settings
from tidegate.versions import plan, release_knowledge


def examine(settings: Settings) -> Iterator[Examined]:
    """Everything that a rehearsal by these settings needs, one answer at a time."""
    yield from examine_machine(settings)
    yield from _feed(settings)
    if settings.main is not None:
        yield from examine_main(settings, settings.main)
    else:
        yield _sample(settings)
        yield examine_room("reports folder", settings.reports.folder, LEAST, "what a rehearsal of the sample leaves")


def healthy(found: Iterable[Examined]) -> bool:
    """Whether a rehearsal may begin."""
    return all(one.state in {State.GOOD, State.OPTIONAL} for one in found)


def _sample(settings: Settings) -> Examined:
    try:
        path = plan(settings.embedded.version, settings.upgrade.target, release_knowledge(), settings.upgrade.via)
    except TidegateError as error:
        return of_error("main instance", error)
    told = f"none is configured: the embedded sample {path.origin} plays its part, to {path.target}"
    return good("main instance", told)


def _feed(settings: Settings) -> Iterator[Examined]:
    if settings.feed.url is None:
        return
    try:
        offered = DownloadFeed(settings.feed.url).versions()
    except TidegateError as error:
        yield of_error("download feed", error)
        return
    yield good("download feed", f"{settings.feed.url} offers {len(offered)} versions")
