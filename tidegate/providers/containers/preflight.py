"""Whether a rehearsal in containers can be started at all: asked before anything is."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tidegate.errors import SettingsError, UsageError
from tidegate.providers.containers.engine import Engine
from tidegate.settings import Settings
from tidegate.versions import Version, plan, release_knowledge

_GIB: Final = 1024**3


def check_containers(settings: Settings) -> None:
    """Raise :class:`UsageError` for whatever is missing: consent, an engine, its rights, images, disk space."""
    wanted = settings.containers
    if not wanted.accept_eula:
        raise SettingsError(
            "the licences of the images are not accepted",
            where="[containers] accept_eula",
            next_step="read those of Octopus Deploy and of Microsoft SQL Server, then set accept_eula = true",
        )
    engine = Engine()
    try:
        images = [wanted.sql_server_image, wanted.gateway_image]
        if settings.test_instance.provider == "containers":
            images += [wanted.octopus_image_of(version) for version in versions_to_run(settings)]
        _require_images(engine, images)
        _require_disk(engine, settings.reports.folder, wanted.free_disk)
    finally:
        engine.close()


def versions_to_run(settings: Settings) -> list[Version]:
    """The versions whose images are needed, as far as they are known before the main instance was asked for its own."""
    upgrade = settings.upgrade
    if settings.main is not None:
        return [*upgrade.via, upgrade.target]
    path = plan(settings.embedded.version, upgrade.target, release_knowledge(), upgrade.via)
    return [path.origin, *(hop.target for hop in path.hops)]


def _require_images(engine: Engine, images: Sequence[str]) -> None:
    missing: list[str] = []
    for image in images:
        if not engine.has_image(image):
            reason = engine.can_pull(image)
            if reason:
                missing.append(f"{image}: {reason}")
    if missing:
        raise UsageError(
            "images are neither on this machine nor offered by their registry:\n"
            + "\n".join(f"  - {one}" for one in missing),
            where="[containers]",
            next_step="correct the names, log in to the registry (docker login), or load the images (docker load)",
        )


def _require_disk(engine: Engine, reports: Path, gibibytes: int) -> None:
    for what, folder in (("Docker's data folder", engine.data_folder), ("the reports folder", reports.resolve())):
        there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
        free = shutil.disk_usage(there).free
        if free < gibibytes * _GIB:
            raise UsageError(
                f"{what} has {free / _GIB:.1f} GiB free, [containers] free_disk wants {gibibytes}",
                where=str(folder),
                next_step="make room (docker system df shows what Docker holds), or lower free_disk",
            )
