"""Lead an instance back to where it was before its upgrade, by the vendor's steps, and prove that it is there.

The same code serves the test instance, in every rehearsal, and the main instance after a failed cut-over. Everything
here can be repeated after a crash.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tidegate.digests import sha256_of
from tidegate.errors import HarnessError, ProvisioningFailed, UpgradeFailed
from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.maintenance import set_maintenance_mode
from tidegate.providers.contract import TestHost
from tidegate.rehearsal.folders import aside_of, differences, put_back
from tidegate.rehearsal.place import Place
from tidegate.rehearsal.rollback_point import RollbackPoint
from tidegate.rehearsal.timing import StepKeeper
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import installation_history, schema_journal
from tidegate.sqlserver.image import database_image, image_differences, schema_differences, schema_digests
from tidegate.sqlserver.restore import replace_database
from tidegate.sqlserver.schema import read_schema
from tidegate.versions import ChangeKind, Plan, Version

Report = Callable[[str], None]
#: From here on a server refuses a database that a newer one has used (OctopusDeploy/Issues#6366).
_REFUSES_NEWER: Final = Version(2020, 3, 0)


class Way(StrEnum):
    """How one gets back."""

    SHORT = "installing the previous version"
    RESTORE = "restoring the backup"


@dataclass(frozen=True, slots=True)
class RolledBack:
    """An instance after its rollback. ``differences`` is what is not as it was; empty when everything is."""

    version: Version
    url: str
    way: Way
    differences: tuple[str, ...]
    tables: int
    rows: int
    files: int


def way_back_of(plan: Plan, scripts: int) -> Way:
    """The short way for patches, as far as it is allowed: the database was not changed by any schema script, and the
    previous version does not refuse one that a newer version has used (Octopus docs, administration/upgrading)."""
    patches = all(hop.change is ChangeKind.PATCH for hop in plan.hops)
    return Way.SHORT if patches and not scripts and plan.origin < _REFUSES_NEWER else Way.RESTORE


def roll_back(
    point: RollbackPoint, place: Place, host: TestHost, steps: StepKeeper, *, report: Report, reopen: bool = True
) -> RolledBack:
    """Stop, restore the very backup, put the server folders back, prove that database and folders are what they were,
    install the previous version, start it, look at it, leave maintenance mode (Octopus docs, "Rollback failed
    upgrade"). What is not as it was stays in maintenance mode; without ``reopen`` everything does.

    Raises :class:`UpgradeFailed` when the previous version does not run on what was restored: the product's answer.
    """
    place.permission()
    _assert_usable(point, place)
    with steps.step("stopping the server"):
        host.stop()
    with steps.step("restoring the database"), SqlServer(place.database.server) as server:
        replace_database(server, point.file.on_server, point.database, permission=place.permission, report=report)
    with steps.step("putting the server folders back"):
        _put_folders_back(point, place, report)
    with steps.step("comparing database and server folders with what they were"):
        found = [*_database_differences(point, place), *_folder_differences(point, place)]
    url = _start_previous(point, place, host, steps, reopen=reopen and not found)
    _forget_asides(point, place)
    return RolledBack(
        point.version, url, Way.RESTORE, tuple(found), len(point.image.tables), point.image.rows, point.files
    )


def roll_back_without_restore(point: RollbackPoint, place: Place, host: TestHost, steps: StepKeeper) -> RolledBack:
    """The short way: stop, prove that no script changed the schema, install the previous version, start it, look at it.

    What was done since the upgrade stays.
    """
    place.permission()
    with steps.step("stopping the server"):
        host.stop()
    with steps.step("comparing the database's schema with what it was"):
        found = _schema_differences(point, place)
    url = _start_previous(point, place, host, steps, reopen=not found)
    return RolledBack(point.version, url, Way.SHORT, tuple(found), len(point.image.tables), 0, 0)


def _assert_usable(point: RollbackPoint, place: Place) -> None:
    if point.database.lower() != place.database.name.lower():
        raise HarnessError(f"the backup is one of {point.database}, the instance uses {place.database.name}")
    if not point.file.here.is_file() or sha256_of(point.file.here) != point.sha256:
        raise ProvisioningFailed(
            "the backup that was taken before the upgrade is gone or was changed",
            where=str(point.file.here),
            next_step="nothing was touched; find the backup again before anything else",
        )


def _put_folders_back(point: RollbackPoint, place: Place, report: Report) -> None:
    if not point.copied:
        return
    folders = place.folders.named()
    for name, manifest in point.manifests.items():
        place.permission()
        put_back(folders[name], point.folder / name, manifest, report)


def _forget_asides(point: RollbackPoint, place: Place) -> None:
    """The guide's last step: once the rollback is complete, what was put aside is deleted."""
    folders = place.folders.named()
    for name in point.manifests if point.copied else ():
        place.permission()
        shutil.rmtree(aside_of(folders[name]), ignore_errors=False)


def _database_differences(point: RollbackPoint, place: Place) -> list[str]:
    with SqlServer(place.database.server, place.database.name) as server:
        return image_differences(point.image, database_image(server))


def _schema_differences(point: RollbackPoint, place: Place) -> list[str]:
    with SqlServer(place.database.server, place.database.name) as server:
        found = schema_differences(point.image.schema, schema_digests(read_schema(server)))
        if tuple(schema_journal(server)) != point.journal:
            found.append("journal of schema scripts: changed")
    return found


def _folder_differences(point: RollbackPoint, place: Place) -> list[str]:
    """Every difference where the folders were put back. Where the guide leaves them alone (no major change), what came
    meanwhile stays on disk, and only what is missing or changed counts."""
    folders = place.folders.named()
    found = [
        f"{name}: {complaint}"
        for name, manifest in point.manifests.items()
        for complaint in differences(folders[name], manifest)
    ]
    return found if point.copied else [one for one in found if ": not in the manifest: " not in one]


def _start_previous(point: RollbackPoint, place: Place, host: TestHost, steps: StepKeeper, *, reopen: bool) -> str:
    with steps.step(f"installing {point.version}"):
        host.install(point.version)
    with steps.step(f"starting {point.version}"):
        url = host.start()
    with steps.step("looking at the previous version"):
        _look(point, place, url)
    if reopen:
        place.permission()
        with OctopusClient(url, place.api_key, access=Access.FULL) as client:
            set_maintenance_mode(client, False)  # the backup was taken in it
    return url


def _look(point: RollbackPoint, place: Place, url: str) -> None:
    """The guide's sanity checks: it is the version it was, the instance it was, and lets its administrator in."""
    with OctopusClient(url, place.api_key) as client:
        server = client.server()
        if server.version != point.version:
            raise UpgradeFailed(f"after the rollback the server calls itself {server.version}", where=url)
        if server.installation_id.lower() != place.installation_id.lower():
            raise UpgradeFailed(f"after the rollback the instance calls itself {server.installation_id}", where=url)
        client.get("/api/users/me")
    with SqlServer(place.database.server, place.database.name) as database:
        history = installation_history(database)
    if not history or history[-1].version != str(point.version):
        found = history[-1].version if history else "nothing"
        raise UpgradeFailed(f"the installation history ends with {found}, expected {point.version}", where=url)
