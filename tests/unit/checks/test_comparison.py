"""A clean upgrade is silent; whatever is broken is found, at the right place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from tests.unit.observation.tiny_octopus import Reply, Request, TinyOctopus
from tidegate.checks.finding import Finding, Severity

Upgrade = Callable[[TinyOctopus, TinyOctopus], list[Finding]]
Damage = Callable[[TinyOctopus], None]

HOPS = [("2018.12.1", "2018.12.1"), ("2018.12.1", "2019.1.0"), ("2019.1.0", "2021.1.7500")]


@pytest.mark.parametrize(("origin", "target"), HOPS)
def test_a_clean_upgrade_is_silent(upgrade: Upgrade, origin: str, target: str) -> None:
    assert upgrade(TinyOctopus(origin), TinyOctopus(target)) == []


def answering(path: str, status: int, body: Any = None, user: str = "") -> Damage:
    """Damage: this path answers otherwise (for this user)."""

    def damage(server: TinyOctopus) -> None:
        def override(request: Request) -> Reply | None:
            plain = request.path.replace("/Spaces-1", "")
            if plain != path or (user and request.user != user):
                return None
            return status, body if body is not None else {"ErrorMessage": "broken"}

        server.overrides.append(override)

    return damage


def editing(collection: str, number: int, **values: Any) -> Damage:
    """Damage: an item's properties have other values."""

    def damage(server: TinyOctopus) -> None:
        server.collections[collection][number].update(values)

    return damage


def hide_from_lists(server: TinyOctopus) -> None:
    """Projects-2 can be read, but lists leave it out."""

    def override(request: Request) -> Reply | None:
        if request.path.endswith(("/projects", "/projects/all")):
            hidden = TinyOctopus(server.version)
            del hidden.collections["projects"][1]
            return hidden.respond(request)
        return None

    server.overrides.append(override)


def first_page_only(server: TinyOctopus) -> None:
    """Lists have no link to the next page."""

    def override(request: Request) -> Reply | None:
        status, body = TinyOctopus(server.version).respond(request)
        if isinstance(body, dict):
            cast("dict[str, dict[str, str]]", body).get("Links", {}).pop("Page.Next", None)
        return status, cast("Any", body)

    server.overrides.append(override)


def other_items(server: TinyOctopus) -> None:
    """Pages of environments say that their items are something else."""

    def override(request: Request) -> Reply | None:
        if not request.path.endswith("/environments"):
            return None
        server.overrides.remove(override)
        try:
            status, body = server.respond(request)
        finally:
            server.overrides.append(override)
        return status, {**cast("dict[str, Any]", body), "ItemType": "Machine"}

    server.overrides.append(override)


def link_of_permissions_lost(server: TinyOctopus) -> None:
    server.linked_permissions = False


def secret_lost(server: TinyOctopus) -> None:
    server.collections["variables"][0]["Variables"][1] = {"Id": "1-2", "Name": "Password", "Value": None}


def file_cut(server: TinyOctopus) -> None:
    server.files["artifacts/Artifacts-1/content"] = ("application/octet-stream", b"the rep")


def rights_lost(server: TinyOctopus) -> None:
    server.collections["userroles"][1]["GrantedPermissions"] = []


def rights_gained(server: TinyOctopus) -> None:
    server.collections["userroles"][1]["GrantedPermissions"].append("ReleaseCreate")


def deployed_by_itself(server: TinyOctopus) -> None:
    server.collections["projects"].append({"Id": "Projects-9", "Name": "Surprise"})


@pytest.mark.parametrize(("origin", "target"), HOPS)
@pytest.mark.parametrize(
    ("damage", "check", "place"),
    [
        (answering("/api/projects/Projects-2", 500), "DIFF", "projects/Projects-2"),
        (answering("/api/projects/Projects-2", 404), "DIFF", "projects/Projects-2"),
        (answering("/api/variables/variableset-Projects-3", 500), "DIFF", "variables/variableset-Projects-3"),
        (answering("/api/environments", 403, user="deployer"), "PERM", "environments as deployer"),
        (answering("/api/tasks/ServerTasks-1/raw", 404), "ART", "tasks/ServerTasks-1/raw"),
        (editing("projects", 0, AutoCreateRelease=True), "DIFF", "projects/Projects-1: AutoCreateRelease"),
        (editing("projects", 0, VariableSetId=None), "DIFF", "projects/Projects-1: VariableSetId"),
        (editing("projecttriggers", 0, IsDisabled=False), "TRIG", "projecttriggers/ProjectTriggers-1: IsDisabled"),
        (editing("environments", 1, Name={"Value": "Production"}), "API", "environments/Environments-2: Name"),
        (secret_lost, "DIFF", "variables/variableset-Projects-1: Variables[Password].IsSensitive"),
        (file_cut, "ART", "artifacts/Artifacts-1/content"),
        (rights_lost, "PERM", "users/Users-2/permissions (deployer): ProjectView"),
        (rights_gained, "PERM", "users/Users-3/permissions (reader): ReleaseCreate"),
        (deployed_by_itself, "DIFF", "projects/Projects-9"),
        (hide_from_lists, "DIFF", "projects/Projects-2"),
        (hide_from_lists, "COUNT", "projects"),
        (first_page_only, "API", "users: Links"),
        (other_items, "API", "environments: ItemType"),
        (link_of_permissions_lost, "PERM", "users/Users-1/permissions: Links.Export"),
    ],
)
def test_damage_is_found_at_its_place(  # noqa: PLR0917 - one parameter for each column of the table
    upgrade: Upgrade, origin: str, target: str, damage: Damage, check: str, place: str
) -> None:
    broken = TinyOctopus(target)
    damage(broken)

    findings = upgrade(TinyOctopus(origin), broken)

    found = [finding for finding in findings if finding.check == check and finding.place.startswith(place)]
    assert found, [finding.sentence() for finding in findings]
    assert all(finding.severity is not Severity.INFO for finding in found)


def test_a_server_that_stops_answering_is_incomplete(upgrade: Upgrade) -> None:
    silent = TinyOctopus("2019.1.0")
    answering("/api/projects/Projects-2", 0)(silent)

    findings = upgrade(TinyOctopus(), silent)

    assert [(finding.kind, finding.place) for finding in findings] == [("incomplete", "projects/Projects-2")]


def test_what_changes_by_itself_is_no_finding(upgrade: Upgrade) -> None:
    """A clock that moves between the two first snapshots may move again; a secret that vanishes may not."""

    def ticking(server: TinyOctopus) -> None:
        ticks = 0

        def override(request: Request) -> Reply | None:
            nonlocal ticks
            if not request.path.endswith("/featuresconfiguration"):
                return None
            ticks += 1
            return 200, {"Id": "features", "LastSeen": f"2020-01-01T00:00:{ticks % 60:02}.000+00:00"}

        server.overrides.append(override)

    before, after = TinyOctopus(), TinyOctopus()
    ticking(before)
    ticking(after)

    assert upgrade(before, after) == []


def test_a_new_field_on_every_item_is_told_once_and_only_as_information(upgrade: Upgrade) -> None:
    after = TinyOctopus()
    for project in after.collections["projects"]:
        project["Shine"] = "new"

    (finding,) = upgrade(TinyOctopus(), after)

    assert (finding.check, finding.severity) == ("API", Severity.INFO)
    assert finding.place.startswith("projects/*: Shine (3 of them")


def test_the_same_change_everywhere_is_told_together(upgrade: Upgrade) -> None:
    before, after = TinyOctopus(), TinyOctopus()
    for server, color in ((before, "red"), (after, "blue")):
        server.collections["environments"] = [
            {"Id": f"Environments-{n}", "Name": f"Env {n}", "Color": color} for n in range(20)
        ]

    findings = upgrade(before, after)

    assert len(findings) == 1
    assert findings[0].place.startswith("environments/*: Color (20 of them: environments/Environments-0, ")
