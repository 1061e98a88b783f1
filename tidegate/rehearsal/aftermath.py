"""After an upgrade that did not come to its end: what state the instance is in, and the way back that fits it.

Nothing is started before the database was compared with what it was. A server of either version would run on a
half-upgraded database and do damage that no restore of a later backup undoes (OctopusDeploy/Issues#5252, #6242).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tidegate.errors import Refused, SqlServerFailure, Unreachable
from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.maintenance import set_maintenance_mode
from tidegate.providers.contract import TestHost
from tidegate.rehearsal.instances import DatabaseAddress, TestInstance
from tidegate.rehearsal.place import Place
from tidegate.rehearsal.rollback import RolledBack, Way, roll_back, roll_back_without_restore
from tidegate.rehearsal.rollback_point import RollbackPoint
from tidegate.rehearsal.timing import StepKeeper
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import installation_history, schema_journal
from tidegate.sqlserver.image import database_image, image_differences
from tidegate.versions import Version

Report = Callable[[str], None]


class Condition(StrEnum):
    """The state of the database after an upgrade was begun."""

    AS_BEFORE = "as it was"
    CHANGED = "changed without a schema script"
    HALF_UPGRADED = "half upgraded"
    UPGRADED = "upgraded"
    UNREACHABLE = "out of reach"


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was found; ``scripts`` were added to the journal, ``differences`` are one sentence each.

    ``way`` is None while nothing can be known: then nothing may be started either.
    """

    condition: Condition
    way: Way | None
    scripts: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    why: str = ""

    def sentence(self) -> str:
        """For a reader who must decide: what is the case, and what to do."""
        match self.condition:
            case Condition.AS_BEFORE:
                return "The database is byte for byte as it was: install the previous version and start it."
            case Condition.CHANGED:
                return f"No schema script ran, yet {_places(self.differences)} changed: restore the backup."
            case Condition.HALF_UPGRADED:
                return (
                    f"{len(self.scripts)} schema scripts are in, and nothing shows that the upgrade came to its end: "
                    "start neither version on this database, restore the backup."
                )
            case Condition.UPGRADED:
                return (
                    f"The upgrade came to its end ({len(self.scripts)} schema scripts): going back means to restore "
                    "the backup."
                )
            case Condition.UNREACHABLE:
                return f"The database is out of reach ({self.why}): bring SQL Server back first, and start nothing."


def aftermath(point: RollbackPoint, database: DatabaseAddress, target: Version) -> Aftermath:
    """Compare the database with what it was at ``point``. The Octopus Server must be stopped."""
    try:
        with SqlServer(database.server, database.name) as server:
            journal = schema_journal(server)
            versions = [one.version for one in installation_history(server)]
            differences = tuple(image_differences(point.image, database_image(server)))
    except (Unreachable, Refused, SqlServerFailure) as error:
        return Aftermath(Condition.UNREACHABLE, None, why=error.what)
    return judge_aftermath(point.journal, journal, versions, differences, target)


def judge_aftermath(
    before: Sequence[str],
    after: Sequence[str],
    versions: Sequence[str | None],
    differences: tuple[str, ...],
    target: Version,
) -> Aftermath:
    """The condition from both journals, the installation history and the comparison. Doubt counts as half upgraded."""
    if not differences and list(before) == list(after):
        return Aftermath(Condition.AS_BEFORE, Way.SHORT)
    scripts = tuple(after[len(before) :]) if list(after[: len(before)]) == list(before) else tuple(after)
    if not scripts:
        return Aftermath(Condition.CHANGED, Way.RESTORE, differences=differences)
    recorded = bool(versions) and versions[-1] == str(target)
    condition = Condition.UPGRADED if recorded else Condition.HALF_UPGRADED
    return Aftermath(condition, Way.RESTORE, scripts, differences)


def come_back(
    found: Aftermath,
    point: RollbackPoint,
    instance: TestInstance,
    host: TestHost,
    *,
    place: Place,
    steps: StepKeeper,
    report: Report,
) -> RolledBack:
    """Take the way back that fits what was found, with the configuration that the instance had before.

    Raises :class:`Unreachable` while nothing can be known, and what :func:`roll_back` raises.
    """
    report(found.sentence())
    if found.way is None:
        raise Unreachable(
            "the instance cannot be led back yet: its database is out of reach",
            where=f"{place.database.name} on {place.database.server.server}",
            next_step="bring SQL Server back, then look at the state again",
        )
    place.permission()
    host.stop()
    host.configure(place.database, instance.master_key)
    if found.way is Way.RESTORE:
        return roll_back(point, place, host, steps, report=report)
    return roll_back_without_restore(point, place, host, steps)


def go_on_as_before(instance: TestInstance, place: Place, host: TestHost, steps: StepKeeper) -> str:
    """The URL of an instance whose upgrade was refused before anything was changed: started again, open for work."""
    place.permission()
    host.stop()
    host.configure(place.database, instance.master_key)
    with steps.step(f"starting {instance.version}"):
        url = host.start()
    with OctopusClient(url, instance.api_key, access=Access.FULL) as client:
        set_maintenance_mode(client, False)
    return url


def _places(differences: Sequence[str]) -> str:
    first = ", ".join(differences[:3])
    return f"{first} and {len(differences) - 3} more" if len(differences) > 3 else first
