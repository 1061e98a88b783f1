"""The migration API: projects packed by one server and imported into another of the same version."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.octopus_sample import load_sample
from tests.wire.octopus.behaviour.workshop import Json, Workshop, enter, refused

PASSWORD = "open sesame"
CHOSEN = ("Release train", "Tenant portal", "Payments")
EXPORT: Json = {
    "Projects": list(CHOSEN),
    "PackageId": "Moving",
    "PackageVersion": "1.0.0",
    "Password": PASSWORD,
    "EncryptPackage": True,
    "IgnoreMachines": True,
    "IgnoreDeployments": True,
}
IMPORT: Json = {
    "PackageId": "Moving",
    "PackageVersion": "1.0.0",
    "Password": PASSWORD,
    "IsEncryptedPackage": True,
    "DeletePackageOnCompletion": True,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers, the package that came out of the first, and the task that made it."""

    source: Workshop
    target: Workshop
    package: bytes
    exported: Json
    secrets: list[str]


@pytest.fixture(scope="module", params=["2018.12.1", "2020.6.4671"])
def pair(
    request: pytest.FixtureRequest, serve: Callable[[str, str], Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    version = request.param
    name = version.replace(".", "")
    with (
        serve(version, f"Leaving{name}") as source,
        serve(version, f"Arriving{name}") as target,
        enter(source.url) as here,
        enter(target.url) as there,
    ):
        facts = load_sample(source.url, tmp_path_factory.mktemp("sample") / "sample.json")
        exported = migrate(here, "partialexport", EXPORT)
        assert exported["State"] == "Success", here.log({"TaskId": exported["Id"]})
        (package,) = here.get("packages?nuGetPackageId=Moving")["Items"]
        content = here.send("GET", f"packages/{package['Id']}/raw").content
        yield Pair(here, there, content, exported, list(facts["Secrets"].values()))


def migrate(shop: Workshop, what: str, body: Json) -> Json:
    """The finished task of a migration; the space is the shop's."""
    space = {"SpaceId": shop.space, "PackageFeedSpaceId": shop.space} if shop.space else {}
    answer = shop.post(f"/api/migrations/{what}", {**body, **space})
    assert PASSWORD not in str(answer)
    return shop.finished(answer)


def bring(pair: Pair, **changed: Any) -> Json:
    """The package pushed into the target's feed and imported."""
    pushed = pair.target.http.post(
        pair.target.path("packages/raw?overwriteMode=OverwriteExisting&replace=true"),
        files={"file": ("Moving.1.0.0.zip", pair.package)},
    )
    assert pushed.is_success, pushed.text
    return migrate(pair.target, "import", {**IMPORT, **changed})


def in_maintenance(shop: Workshop) -> bool:
    return bool(shop.get("/api/maintenanceconfiguration")["IsInMaintenanceMode"])


def test_the_server_is_in_maintenance_mode_while_it_exports_and_not_afterwards(pair: Pair) -> None:
    lines = pair.source.lines({"TaskId": pair.exported["Id"]})

    assert (lines[0], lines[-1]) == ("Maintenance mode is on", "Maintenance mode is off")
    assert not in_maintenance(pair.source)


def test_the_package_shows_nothing(pair: Pair) -> None:
    with zipfile.ZipFile(io.BytesIO(pair.package)) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())

    assert len(pair.secrets) > 5
    assert not [word for word in (*pair.secrets, *CHOSEN, PASSWORD) if word.encode() in whole]


def test_a_wrong_password_a_dry_run_and_another_reading_of_the_package_change_nothing(pair: Pair) -> None:
    wrong = bring(pair, Password="no")
    plain = bring(pair, IsEncryptedPackage=False)
    dry = bring(pair, IsDryRun=True)

    assert (wrong["State"], plain["State"], dry["State"]) == ("Failed", "Failed", "Success")
    assert "could not be decrypted" in wrong["ErrorMessage"]
    assert "encrypted" in plain["ErrorMessage"]
    assert not set(CHOSEN) & {project["Name"] for project in pair.target.get("projects/all")}
    assert not in_maintenance(pair.target)


def test_projects_arrive_with_their_secrets_and_the_package_goes(pair: Pair) -> None:
    imported = bring(pair)

    assert imported["State"] == "Success", pair.target.log({"TaskId": imported["Id"]})
    assert {project["Name"] for project in pair.target.get("projects/all")} == {*CHOSEN, "Canary"}
    assert not pair.target.get("packages?nuGetPackageId=Moving")["Items"]
    assert not pair.target.get("machines/all")
    digests: list[list[str]] = []
    for shop in (pair.source, pair.target):
        deployment = shop.deploy(shop.release(shop.named("projects", "Canary"), "77.0.0"))
        assert shop.finished(deployment)["State"] == "Success", shop.log(deployment)
        digests.append(sorted(line for line in shop.lines(deployment) if line.startswith(("Canary.", "Database."))))
    assert len(digests[0]) >= 4
    assert digests[0] == digests[1]


def test_a_failed_export_leaves_no_package_and_no_maintenance_mode(pair: Pair) -> None:
    failed = migrate(pair.source, "partialexport", {**EXPORT, "Projects": ["Nobody"], "PackageVersion": "2.0.0"})

    assert failed["State"] == "Failed"
    assert "Nobody" in failed["ErrorMessage"]
    assert not in_maintenance(pair.source)
    assert [one["Version"] for one in pair.source.get("packages?nuGetPackageId=Moving")["Items"]] == ["1.0.0"]


@pytest.mark.parametrize("missing", ["Password", "Projects"])
def test_what_an_export_needs_is_named(pair: Pair, missing: str) -> None:
    body = {name: value for name, value in EXPORT.items() if name != missing}

    told = refused(pair.source.send("POST", "/api/migrations/partialexport", body))

    assert f"Missing expected '{missing}' parameter." in told
