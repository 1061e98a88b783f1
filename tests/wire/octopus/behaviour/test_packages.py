"""The built-in feed: pushing, reading, choosing versions, automatic releases, build information, retention."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import uuid
import zipfile

import pytest

from tests.wire.octopus.behaviour.test_tasks import run_task
from tests.wire.octopus.behaviour.workshop import Json, Workshop, bash, refused, step


def bundle(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("content.txt", text)
    return buffer.getvalue()


def push(
    shop: Workshop, package: str, version: str, content: bytes = b"", query: str = "", *, part: str = "file"
) -> tuple[int, Json]:
    files = {part: (f"{package}.{version}.zip", content or bundle(version), "application/zip")}
    reply = shop.send("POST", f"packages/raw{query}", files=files)
    return reply.status_code, reply.json()


@pytest.fixture
def package() -> str:
    """Starts its last part with a letter: a part of digits alone would belong to the version."""
    return f"Trial.P{uuid.uuid4().hex[:8]}"


def test_a_pushed_package_comes_back_byte_for_byte(shop: Workshop, package: str) -> None:
    content = bundle("some content")

    status, pushed = push(shop, package, "1.0.0", content, part="fileToUpload")

    assert status == 201
    assert pushed["Id"] == f"packages-{package}.1.0.0"
    assert pushed["Hash"] == hashlib.sha1(content, usedforsecurity=False).hexdigest()
    assert pushed["PackageSizeBytes"] == len(content)
    assert shop.send("GET", pushed["Links"]["Raw"]).content == content


def test_what_happens_when_the_version_exists_is_the_callers_choice(shop: Workshop, package: str) -> None:
    push(shop, package, "1.0.0", bundle("first"))

    refused_status, body = push(shop, package, "1.0.0", bundle("second"))
    ignored, _ = push(shop, package, "1.0.0", bundle("second"), "?overwriteMode=IgnoreIfExists")
    kept = shop.get(f"packages/packages-{package}.1.0.0")["Hash"]
    replaced, now = push(shop, package, "1.0.0", bundle("second"), "?overwriteMode=OverwriteExisting")

    assert refused_status == 409
    assert "overwriteMode" in body["ErrorMessage"]
    assert ignored == 200
    assert replaced == 201
    assert now["Hash"] != kept


@pytest.mark.parametrize("name", ["noversion.zip", "Thing.1.0.0.exe", "Thing.one.two.zip"])
def test_files_that_are_not_packages_are_refused(shop: Workshop, name: str) -> None:
    reply = shop.send("POST", "packages/raw", files={"file": (name, b"content", "application/zip")})

    assert "<PackageId>.<Version>" in refused(reply)


def test_versions_are_listed_newest_first_and_filtered(shop: Workshop, package: str) -> None:
    for version in ("1.0.0", "1.10.0", "1.2.0", "2.0.0-beta.1"):
        push(shop, package, version)
    query = f"feeds/feeds-builtin/packages/versions?packageId={package}"

    versions = [item["Version"] for item in shop.get(query)["Items"]]
    released = [item["Version"] for item in shop.get(f"{query}&includePreRelease=false")["Items"]]
    ranged = [item["Version"] for item in shop.get(f"{query}&versionRange=[1.0,1.5)")["Items"]]
    tagged = [item["Version"] for item in shop.get(f"{query}&preReleaseTag=^beta")["Items"]]
    latest = shop.get(f"packages?filter={package}&latest=true")["Items"]

    assert versions == ["2.0.0-beta.1", "1.10.0", "1.2.0", "1.0.0"]
    assert released == ["1.10.0", "1.2.0", "1.0.0"]
    assert ranged == ["1.2.0", "1.0.0"]
    assert tagged == ["2.0.0-beta.1"]
    assert [item["Version"] for item in latest] == ["2.0.0-beta.1"]


def test_packages_are_deleted_one_by_one_and_in_bulk(shop: Workshop, package: str) -> None:
    for version in ("1.0.0", "1.0.1", "1.0.2"):
        push(shop, package, version)

    shop.delete(f"packages/packages-{package}.1.0.0")
    shop.delete(f"packages/bulk?ids=packages-{package}.1.0.1,packages-{package}.1.0.2")

    assert shop.get(f"packages?nuGetPackageId={package}")["TotalResults"] == 0
    # A missing package was a bad request until late 2022 (OctopusDeploy/Issues 7867).
    assert shop.send("GET", f"packages/packages-{package}.1.0.0").status_code == 400


def package_step(package: str) -> Json:
    reference: Json = {"Name": "", "PackageId": package, "FeedId": "feeds-builtin", "Properties": {}}
    return step("Install", "Octopus.TransferPackage", {}, packages=[reference])


def test_channel_rules_keep_other_versions_out(shop: Workshop, package: str) -> None:
    push(shop, package, "1.5.0")
    push(shop, package, "2.0.0")
    project = shop.project([package_step(package)])
    rule = {
        "VersionRange": "[1.0,2.0)",
        "Tag": "^$",
        "ActionPackages": [{"DeploymentAction": "Install", "PackageReference": ""}],
    }
    channel = shop.post("channels", {"Name": "Old", "ProjectId": project["Id"], "Rules": [rule], "TenantTags": []})
    body = {"ProjectId": project["Id"], "ChannelId": channel["Id"], "Version": "9.9.9"}
    chosen = {"SelectedPackages": [{"ActionName": "Install", "Version": "2.0.0"}]}

    broken = shop.send("POST", "releases", {**body, **chosen})
    ignored = shop.send("POST", "releases?ignoreChannelRules=true", {**body, **chosen})

    assert "rules of the channel" in refused(broken)
    assert ignored.status_code == 201


def test_the_release_template_proposes_version_and_packages(shop: Workshop, package: str) -> None:
    push(shop, package, "1.5.0")
    project = shop.project([package_step(package)])
    link = f"deploymentprocesses/{project['DeploymentProcessId']}/template"

    first = shop.get(link)
    shop.release(project, "3.1.4", packages=[{"ActionName": "Install", "Version": "1.5.0"}])
    second = shop.get(link)

    assert first["NextVersionIncrement"] == "0.0.1"
    assert second["LastReleaseVersion"] == "3.1.4"
    assert second["NextVersionIncrement"] == "3.1.5"
    assert [(entry["ActionName"], entry["VersionSelectedLastRelease"]) for entry in second["Packages"]] == [
        ("Install", "1.5.0")
    ]


def test_pushing_creates_a_release_where_the_project_wants_that(shop: Workshop, package: str) -> None:
    donor = {"DeploymentAction": "Install", "PackageReference": ""}
    project = shop.project(
        [package_step(package)],
        AutoCreateRelease=True,
        ReleaseCreationStrategy={"ReleaseCreationPackage": donor},
        VersioningStrategy={"DonorPackage": donor},
    )

    push(shop, package, "4.5.6")

    found = shop.get(f"projects/{project['Id']}/releases")["Items"]
    assert [(item["Version"], item["SelectedPackages"][0]["Version"]) for item in found] == [("4.5.6", "4.5.6")]


def test_build_information_shows_on_packages_and_releases(shop: Workshop, package: str) -> None:
    push(shop, package, "1.0.0")
    information = {"BuildEnvironment": "Jenkins", "BuildNumber": "7", "Commits": [{"Id": "abc", "Comment": "Mend it"}]}
    body = {"PackageId": package, "Version": "1.0.0", "OctopusBuildInformation": information}

    pushed = shop.post("build-information", body)
    again = shop.send("POST", "build-information", body)
    over = shop.send("POST", "build-information?overwriteMode=OverwriteExisting", body)
    project = shop.project([package_step(package)])
    release = shop.release(project, packages=[{"ActionName": "Install", "Version": "1.0.0"}])

    assert pushed["BuildNumber"] == "7"
    assert again.status_code == 409
    assert over.status_code == 200
    assert shop.get(f"packages/packages-{package}.1.0.0")["PackageVersionBuildInformation"]["BuildNumber"] == "7"
    assert release["BuildInformation"][0]["BuildNumber"] == "7"


def test_retention_keeps_what_releases_use(shop: Workshop, package: str) -> None:
    push(shop, package, "1.0.0")
    project = shop.project([package_step(package)])
    shop.release(project, packages=[{"ActionName": "Install", "Version": "1.0.0"}])
    before = shop.get("packages?take=500")["TotalResults"]

    task = run_task(shop, "Retention")

    assert task["State"] == "Success"
    assert shop.get("packages?take=500")["TotalResults"] == before


def test_deleting_a_release_takes_its_deployments_logs_and_artifacts_along(shop: Workshop) -> None:
    release = shop.release(shop.project([bash("Make", "echo x > a.txt; new_octopusartifact a.txt")]))
    deployment = shop.deploy(release)
    shop.finished(deployment)
    artifact = shop.get(f"artifacts?regarding={release['Id']}")["Items"][0]

    shop.delete(f"releases/{release['Id']}")

    for gone in (f"releases/{release['Id']}", f"deployments/{deployment['Id']}", f"artifacts/{artifact['Id']}"):
        assert shop.send("GET", gone).status_code == 404
    assert shop.send("GET", f"/api/tasks/{deployment['TaskId']}").status_code == 404


def test_a_new_version_can_be_pushed_as_a_delta(shop: Workshop, package: str) -> None:
    old = bundle("a line that stays\n" * 500)
    new = old + b"appended"
    push(shop, package, "1.0.0", old)

    offered = shop.get(f"packages/{package}/1.1.0/delta-signature")
    digest = hashlib.sha1(new, usedforsecurity=False).digest()
    delta = (
        b"OCTODELTA\x01\x04SHA1"
        + struct.pack("<i", 20)
        + digest
        + b">>>"
        + b"\x60"
        + struct.pack("<qq", 0, len(old))
        + b"\x80"
        + struct.pack("<q", 8)
        + b"appended"
    )
    files = {"file": (f"{package}.1.1.0.zip", delta, "application/octet-stream")}
    address = f"packages/{package}/{offered['BaseVersion']}/delta?overwriteMode=FailIfExists"
    first, again = shop.send("POST", address, files=files), shop.send("POST", address, files=files)

    assert base64.b64decode(offered["Signature"]).startswith(b"OCTOSIG\x01")
    assert offered["BaseVersion"] == "1.0.0"
    assert (first.status_code, again.status_code) == (201, 409)
    assert shop.send("GET", first.json()["Links"]["Raw"]).content == new


def test_without_a_base_there_is_no_signature_and_a_broken_delta_is_refused(shop: Workshop, package: str) -> None:
    assert shop.send("GET", f"packages/{package}/1.0.0/delta-signature").status_code == 404

    push(shop, package, "1.0.0")
    files = {"file": (f"{package}.1.1.0.zip", b"not a delta", "application/octet-stream")}

    assert "not a delta" in str(refused(shop.send("POST", f"packages/{package}/1.0.0/delta", files=files)))
