"""Every resource of every version: readable, savable unchanged, linked."""

from __future__ import annotations

import re
from collections.abc import Callable

from standins.octopus.api.left_out import LeftOut
from standins.octopus.contract import Route
from tests.support.octopus_shop import open_shop
from tests.unit.octopus_standin_api.conftest import Client


def test_every_item_reads_back_as_created(any_version: Client) -> None:
    for name, created in open_shop(any_version).items():
        if name in ("tenant values", "project", "variables", "policy"):
            continue  # completed by what came after, or shown with more than the reply to creating
        assert any_version.get(created["Links"]["Self"]) == created, name


def test_saving_an_item_unchanged_changes_nothing(any_version: Client) -> None:
    shop = open_shop(any_version)
    for name in sorted(shop):
        link = shop[name]["Links"]["Self"]
        before = any_version.get(link)
        saved = any_version.put(link, before)
        for document in (before, saved):
            document.pop("Version", None)
        assert saved == before, name


def test_secrets_survive_being_saved_unchanged(any_version: Client) -> None:
    shop = open_shop(any_version)
    for name in ("account", "feed", "proxy", "process", "variables", "tenant values"):
        any_version.put(shop[name]["Links"]["Self"], any_version.get(shop[name]["Links"]["Self"]))

    documents = any_version.store.documents
    seal = any_version.portal.server.master_key.encrypt
    assert documents["Account"][shop["account"]["Id"]]["Password"] == seal("s3cret")
    assert documents["Feed"][shop["feed"]["Id"]]["Password"] == seal("p")
    assert documents["Proxy"][shop["proxy"]["Id"]]["Password"] == seal("open sesame")
    action = documents["DeploymentProcess"][shop["process"]["Id"]]["Steps"][0]["Actions"][0]
    assert action["Properties"]["Secret"] == {"SensitiveValue": seal("inside")}
    held = [value["Value"] for value in documents["TenantVariable"].values()]
    assert {"SensitiveValue": seal("Server=x")} in held


def _is_own(route: Route) -> bool:
    """What the behaviours answer takes a database that speaks SQL."""
    handler: object = getattr(route.handler, "func", route.handler)
    return str(getattr(handler, "__module__", "")).startswith("standins.octopus.api.")


def test_every_route_that_reads_answers(any_version: Client) -> None:
    shop = open_shop(any_version)
    by_path = {item["Links"]["Self"].split("?")[0]: item["Id"] for item in shop.values() if "Id" in item}
    ids = {
        path.removeprefix("/api/").removeprefix("Spaces-1/").rpartition("/")[0]: found
        for path, found in by_path.items()
    }
    ids |= {"tasks": "ServerTasks-999", "users/{userId}/apikeys": "apikeys-1", "configuration": "server-folders"}
    broken: list[str] = []
    for route in any_version.portal.table.routes:
        if route.method != "GET" or route.path.startswith("//") or not _is_own(route):
            continue
        base = route.path.partition("/{")[0]
        path = re.sub(r"\{\w+\}", lambda _match, base=base: ids.get(base, "Unknown-1"), route.path)
        answer = any_version.send("GET", f"/api/{path}".rstrip("/"))
        if isinstance(route.handler, LeftOut):
            assert answer.status == 501
            assert f"GET /api/{path}" in answer.json["ErrorMessage"]
        elif answer.status >= 500:
            broken.append(f"{route.path}: {answer.json.get('FullException', answer.json)[-600:]}")
    assert not broken, "\n".join(broken)


def test_every_link_of_an_item_leads_somewhere(any_version: Client) -> None:
    """Own links, without their query templates; those of behaviours that need a running engine are not followed."""
    shop = open_shop(any_version)
    table = any_version.portal.table
    dead: list[str] = []
    for name, item in shop.items():
        for link, template in item["Links"].items():
            path = re.sub(r"\{[?/][^}]*\}", "", template).partition("?")[0]
            path = re.sub(r"\{\w+\}", "x", path)
            if path.startswith("/api") and table.match(path) is None:
                dead.append(f"{name}.{link}: {path}")
    known = ("git/", "insights", "unbook", "progression", "tasks", "SinglyScopedVariableDetails")
    assert [link for link in dead if not any(word in link for word in known)] == []


def test_the_document_lists_what_pushing_build_information_answers(serve: Callable[[str], Client]) -> None:
    """Found by fuzzing: it answers 200 whether it is new or not, and 409."""
    client = serve("2020.6.4671")
    nothing: dict[str, str] = {}
    body = {"PackageId": "Acme", "Version": "1.0.0", "OctopusBuildInformation": nothing}
    paths = client.get("/api/swagger.json")["paths"]

    for path in ("/api/build-information", "/api/package-metadata"):
        listed = paths[path]["post"]["responses"]
        assert {"200", "409"} <= listed.keys()
        assert "201" not in listed
    first, again = (client.send("POST", "/api/build-information", body) for _ in range(2))
    assert (first.status, again.status) == (200, 409)
