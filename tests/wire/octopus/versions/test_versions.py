"""Every release starts on what the one before it left; routes and fields come and go when they did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.wire.octopus.versions.conftest import CHAIN, Visit

Look = Callable[[Visit], Any]


def answers(path: str) -> Look:
    return lambda visit: visit.status[path]


def link(name: str) -> Look:
    return lambda visit: name in visit.root["Links"]


def has(path: str, name: str) -> Look:
    """Whether a document, or the first one of a list, has a property."""

    def look(visit: Visit) -> bool:
        found = visit.read[path]
        if hasattr(found, "keys"):
            found = found.get("Items", found)
        return name in (found if hasattr(found, "keys") else found[0])

    return look


#: (what, the version before, the version after, how to tell, before, after). Sources: [1] differences of the models
#: between OctopusClients' tags, [2] version checks in OctopusClients, OctopusCLI and api-client.ts, [3] recorded root
#: documents, [4] OctopusDeploy/Issues, [5] octopus.com/docs.
FACTS: tuple[tuple[str, str, str, Look, Any, Any], ...] = (
    ("spaces [1]", "2018.12.1", "2019.1.0", answers("spaces"), 404, 200),
    ("the link to spaces [2]", "2018.12.1", "2019.1.0", link("Spaces"), False, True),
    ("roles of one list [1]", "2018.12.1", "2019.1.0", has("userroles/all", "GrantedPermissions"), True, False),
    ("roles of two lists [1]", "2018.12.1", "2019.1.0", has("userroles/all", "GrantedSpacePermissions"), False, True),
    ("AuditView [1]", "2018.12.1", "2019.1.0", has("permissions/all", "AuditView"), True, False),
    ("the cluster's summary [1]", "2018.12.1", "2019.1.0", answers("octopusservernodes/summary"), 404, 200),
    (
        "the switch for tenants [1]",
        *("2018.12.1", "2019.1.0"),
        *(has("featuresconfiguration", "IsMultiTenancyEnabled"), True, False),
    ),
    ("TaskViewLog [4]", "2019.1.0", "2019.1.7", has("permissions/all", "TaskViewLog"), True, False),
    ("build information [2]", "2019.8.6", "2019.9.0", answers("build-information"), 404, 200),
    ("its permission [1]", "2019.8.6", "2019.9.0", has("permissions/all", "BuildInformationPush"), False, True),
    ("runbooks [2]", "2019.10.9", "2019.11.0", answers("runbooks"), 404, 200),
    ("their permission [1]", "2019.10.9", "2019.11.0", has("permissions/all", "RunbookView"), False, True),
    ("an old schedule [1]", "2019.10.9", "2019.11.0", lambda visit: visit.trigger["DailySchedule"], 201, 400),
    ("a new schedule [1]", "2019.10.9", "2019.11.0", lambda visit: visit.trigger["OnceDailySchedule"], 400, 201),
    ("long-term support [3]", "2019.13.5", "2020.1.4", lambda visit: visit.root.get("HasLongTermSupport"), None, True),
    ("exporting projects [5]", "2020.6.4855", "2021.1.7006", link("ExportProjects"), False, True),
    ("deployment settings [2]", "2021.1.7006", "2021.2.7462", answers("projects/P/deploymentsettings"), 404, 200),
    ("Git credentials [1]", "2021.3.12912", "2022.1.2495", answers("git-credentials"), 404, 200),
    ("capabilities [2]", "2022.2.7027", "2022.3.7296", answers("capabilities"), 404, 200),
    ("slugs of environments [1]", "2022.2.7027", "2022.3.7296", has("environments/all", "Slug"), False, True),
    ("slugs of spaces [1]", "2022.3.7296", "2022.4.8377", has("spaces/Spaces-1", "Slug"), False, True),
    ("a missing package [4]", "2022.3.7296", "2022.4.8377", answers("packages/packages-Nothing.1.0.0"), 400, 404),
    ("addresses in events [1]", "2022.4.8377", "2023.1.6281", has("events?take=1", "IpAddress"), False, True),
    ("getting started [5]", "2023.2.9755", "2023.3.13181", answers("useronboarding"), 200, 404),
    ("tenants' common values [1]", "2024.4.1576", "2025.1.9592", answers("tenants/T/commonvariables"), 404, 200),
)


@pytest.mark.parametrize(
    ("before", "after", "look", "was", "became"), [row[1:] for row in FACTS], ids=[row[0] for row in FACTS]
)
def test_what_came_and_went(  # noqa: PLR0917 - a row of the table
    visits: Callable[[str], Visit], before: str, after: str, look: Look, was: object, became: object
) -> None:
    assert look(visits(before)) == was, before
    assert look(visits(after)) == became, after


@pytest.mark.parametrize("version", CHAIN)
def test_each_release_starts_on_what_the_one_before_left_and_deploys(
    visits: Callable[[str], Visit], version: str
) -> None:
    visit = visits(version)

    assert visit.root["Version"] == version
    assert visit.root["InstallationId"] == visits(CHAIN[0]).root["InstallationId"]
    assert visit.projects == visits(CHAIN[0]).projects
    assert visit.deployment == "Success"
    assert visit.status["users/me"] == 200


def test_two_releases_of_every_year_are_visited() -> None:
    years = [version[:4] for version in CHAIN]

    assert all(years.count(str(year)) >= 2 for year in range(2018, 2026))
