"""Routes of the built-in package feed: push, list, download, delete, and the queries of feeds."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from standins.octopus.api.access import in_reach
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import split_list
from standins.octopus.api.rendering import render, resource, slice_page
from standins.octopus.behaviour import auto_release, events, octodiff, package_store, version_rules
from standins.octopus.behaviour.documents import folded, is_true, space_of, texts
from standins.octopus.behaviour.package_store import PackageName
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

_RESOURCE = "PackageFromBuiltInFeed"

#: The column's width; longer ids are refused (2020.5 swagger: 400 when the id is too long).
_LONGEST_ID = 100

_CONFLICT = (
    "A package with the same ID and version already exists. To replace it, push with overwriteMode=OverwriteExisting; "
    "to keep it, with overwriteMode=IgnoreIfExists."
)


def show(call: Call, package: Document, feed_id: str) -> Document:
    information = _information(call, package) if call.server.at_least("2019.4") else None
    return render(
        call,
        _RESOURCE,
        {
            **package,
            "FeedId": feed_id,
            "NuGetFeedId": feed_id,
            "NuGetPackageId": package["PackageId"],
            "PackageVersionBuildInformation": information,
            "PackageMetadata": information,
        },
    )


def _information(call: Call, package: Document) -> Document | None:
    where = {"PackageId": package["PackageId"], "Version": package["Version"]}
    found = call.transaction.query("BuildInformation", where=where, space=package.get("SpaceId"), take=1)
    return render(call, "BuildInformation", found[0]) if found else None


def _feed_id(call: Call) -> str:
    return package_store.built_in_feed_id(call.server, call.transaction, call.space)


# -- push --------------------------------------------------------------------------------------------------------


def push(call: Call) -> Reply:
    """``packages/raw``: one file, multipart with any part name."""
    if not call.files:
        raise invalid("No file was uploaded. Please send the package as multipart/form-data.")
    statuses: list[int] = []
    shown: list[Document] = []
    for file in call.files:
        document, status = _store(call, file.name, file.content)
        statuses.append(status)
        shown.append(document)
    return Reply(shown[0], max(statuses))


def push_nuget(call: Call) -> Reply:
    """``/nuget/packages``: what NuGet.exe sends; the id and version come from the file name."""
    if not call.files:
        raise invalid("No file was uploaded.")
    document, status = _store(call, call.files[0].name, call.files[0].content)
    return Reply(document, status)


def _mode(call: Call) -> str:
    """``overwriteMode`` since 2019.7 at the latest; ``replace`` before and beside it."""
    mode = call.query.get("overwritemode")
    if mode in {"FailIfExists", "OverwriteExisting", "IgnoreIfExists"}:
        return mode
    return "OverwriteExisting" if is_true(call.query.get("replace")) else "FailIfExists"


def _store(call: Call, file_name: str, content: bytes) -> tuple[Document, int]:
    if not content:
        raise invalid("The package file is empty.")
    try:
        name = package_store.parse_name(file_name)
        index = package_store.index_document(call.server, name, content, space_of(call))
    except (package_store.NotAPackage, version_rules.InvalidVersion):
        raise invalid(f"The file name '{file_name}' must be <PackageId>.<Version>.<extension>.") from None
    if len(name.id) > _LONGEST_ID:
        raise invalid(f"The package id must be {_LONGEST_ID} characters or fewer.")
    feed = _feed_id(call)
    existing = package_store.find(call.transaction, name.id, name.version, space_of(call))
    mode = _mode(call)
    if existing is not None and mode == "IgnoreIfExists":
        return show(call, existing, feed), 200
    if existing is not None:
        if mode == "FailIfExists":
            raise ApiError(409, _CONFLICT)
        if call.rights is not None:
            call.rights.require("BuiltInFeedAdminister", space=call.space)
        index["Id"] = existing["Id"]
    else:
        index["Id"] = _free_id(call, name)
    package_store.write(call.server, name, content, space_of(call), feed)
    if existing is None:
        call.transaction.insert("NuGetPackage", index)
    else:
        call.transaction.update("NuGetPackage", index)
    _record(call, "Created" if existing is None else "Modified", index, "was pushed to the built-in feed")
    auto_release.package_pushed(call, name)
    return show(call, index, feed), 201


def _free_id(call: Call, name: PackageName) -> str:
    """Ids are unique over all spaces, names only within one."""
    taken = call.transaction.load("NuGetPackage", name.document_id)
    return f"{name.document_id}-{call.space}" if taken is not None else name.document_id


def _record(call: Call, category: str, package: Document, verb: str) -> None:
    text = f"Package {package['PackageId']} version {package['Version']}"
    events.record(
        call.server,
        call.transaction,
        category,
        f"{text} {verb}",
        references={text: package["Id"]},
        source=events.Source.of(call),
        space=call.space,
    )


# -- read and delete ---------------------------------------------------------------------------------------------


def list_packages(call: Call) -> Reply:
    where = {"PackageId": call.query["nugetpackageid"]} if call.query.get("nugetpackageid") else {}
    contains = {"PackageId": call.query["filter"]} if call.query.get("filter") else {}
    found = call.transaction.query("NuGetPackage", where=where, contains=contains, space=space_of(call))
    if not is_true(call.query.get("latest")):
        ordered = sorted(found, key=_order, reverse=True)
    else:
        newest: dict[str, Document] = {}
        for package in found:
            held = newest.get(package["PackageId"])
            if held is None or _version(held) < _version(package):
                newest[package["PackageId"]] = package
        ordered = list(newest.values())
    ordered.sort(key=lambda package: package["PackageId"].lower())
    feed = _feed_id(call)
    window = slice_page(call, _RESOURCE, ordered)
    window["Items"] = [show(call, package, feed) for package in window["Items"]]
    return Reply(window)


def _version(package: Document) -> version_rules.PackageVersion:
    return version_rules.PackageVersion.parse(package["Version"])


def _order(package: Document) -> tuple[version_rules.PackageVersion, str]:
    return _version(package), package["Id"]


def _find(call: Call, package_id: str) -> Document:
    package = call.transaction.load("NuGetPackage", package_id)
    if package is None or (call.space is not None and package.get("SpaceId") != call.space):
        if not call.server.at_least("2022.4"):
            # A missing package was a bad request until late 2022 (OctopusDeploy/Issues 7867).
            raise invalid(f"The package '{package_id}' was not found.")
        raise not_found(package_id)
    return package


def get_package(call: Call) -> Reply:
    return Reply(show(call, _find(call, call.path["id"]), _feed_id(call)))


def download(call: Call) -> Reply:
    package = _find(call, call.path["id"])
    path = package_store.path_of(call.server, package, _feed_id(call))
    if not path.is_file():
        raise not_found(package["Id"])
    return Reply(
        path,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{path.name}"'},
    )


def _delete(call: Call, package: Document) -> None:
    path = package_store.path_of(call.server, package, _feed_id(call))
    call.transaction.delete("NuGetPackage", package["Id"])
    _record(call, "Deleted", package, "was deleted from the built-in feed")
    path.unlink(missing_ok=True)


def delete_package(call: Call) -> Reply:
    _delete(call, _find(call, call.path["id"]))
    return Reply({})


def delete_bulk(call: Call) -> Reply:
    for package_id in split_list(call.query.get("ids")) or texts(folded(call.body), "ids"):
        _delete(call, _find(call, package_id))
    return Reply({})


def notes(call: Call) -> Reply:
    """``packages/notes?packageIds=``: release notes of several packages, built-in ones by id."""
    feed = _feed_id(call)
    shown: list[Document] = []
    for package_id in split_list(call.query.get("packageids")):
        package = call.transaction.load("NuGetPackage", package_id)
        shown.append(
            {
                "PackageId": package["PackageId"] if package else package_id,
                "FeedId": feed,
                "Version": package["Version"] if package else None,
                "Notes": {
                    "Succeeded": package is not None,
                    "Notes": (package or {}).get("ReleaseNotes"),
                    "FailureReason": None if package else "NotFound",
                    "DisplayMessage": None if package else "The package was not found.",
                },
            }
        )
    return Reply({"Packages": shown})


def stats(call: Call) -> Reply:
    return Reply({"TotalPackages": call.transaction.count("NuGetPackage", space=space_of(call))})


# -- delta push --------------------------------------------------------------------------------------------------


def delta_signature(call: Call) -> Reply:
    """The signature of the newest version there is; 404 without one: the client then sends the whole package."""
    package_id = call.path["packageId"]
    found = call.transaction.query("NuGetPackage", where={"PackageId": package_id}, space=space_of(call))
    feed = _feed_id(call)
    for base in sorted(found, key=_order, reverse=True):
        path = package_store.path_of(call.server, base, feed)
        if path.is_file():
            made = base64.b64encode(octodiff.signature(path.read_bytes())).decode()
            return Reply({"Signature": made, "BaseVersion": base["Version"]})
    raise not_found(f"packages-{package_id}.{call.path['version']}")


def push_delta(call: Call) -> Reply:
    """``packages/{packageId}/{baseVersion}/delta``: the file is named as the new package, its content is the delta."""
    if not call.files:
        raise invalid("A delta file must be provided")
    file = call.files[0]
    if not file.content:
        raise invalid("The uploaded delta file had length equal to 0. Please upload a non-empty file.")
    base = package_store.find(call.transaction, call.path["packageId"], call.path["baseVersion"], space_of(call))
    path = package_store.path_of(call.server, base, _feed_id(call)) if base is not None else None
    if path is None or not path.is_file():
        raise not_found(f"packages-{call.path['packageId']}.{call.path['baseVersion']}")
    try:
        content = octodiff.apply(path.read_bytes(), file.content)
    except octodiff.CorruptDelta as problem:
        raise invalid(f"The delta could not be applied: {problem}.") from problem
    document, status = _store(call, file.name, content)
    return Reply(document, status)


# -- queries of feeds --------------------------------------------------------------------------------------------


def _feed(call: Call) -> Document:
    wanted = call.path["id"]
    feed = call.transaction.load("Feed", wanted)
    if feed is None and wanted == "feeds-builtin":
        return {"Id": wanted, "FeedType": "BuiltIn", "Name": "Octopus Server (built-in)", "SpaceId": call.space}
    return in_reach(call, resource(call, "Feed"), feed, wanted)


def _stored(call: Call, feed: Document, package_id: str | None = None) -> list[Document]:
    """Packages of the built-in feed; a stand-in reaches no other feed, and says so."""
    if feed["FeedType"] != "BuiltIn" and feed["Id"] != "feeds-builtin":
        raise ApiError(
            400, "There was a problem with your request.", [f"The feed '{feed['Name']}' could not be contacted."]
        )
    where = {"PackageId": package_id} if package_id else {}
    found = call.transaction.query("NuGetPackage", where=where, space=space_of(call))
    return sorted(found, key=_order, reverse=True)


def _eligible(call: Call, packages: Sequence[Document]) -> list[Document]:
    low, tag = call.query.get("versionrange", ""), call.query.get("prereleasetag", "")
    prerelease = call.query.get("includeprerelease", "true").lower() != "false"
    wanted = call.query.get("filter", "").lower()
    return [
        package
        for package in packages
        if version_rules.test_rule(package["Version"], low, tag).satisfied
        and (prerelease or not _version(package).special)
        and wanted in package["Version"].lower()
    ]


def feed_packages(call: Call) -> Reply:
    """The legacy query: an array of packages, one version each unless several are asked for."""
    feed = _feed(call)
    wanted = call.query.get("packageid", "")
    partial = is_true(call.query.get("partialmatch"))
    found = _eligible(call, _stored(call, feed, None if partial else wanted or None))
    if partial:
        found = [package for package in found if wanted.lower() in package["PackageId"].lower()]
    if not is_true(call.query.get("includemultipleversions")):
        found = list({package["PackageId"]: package for package in reversed(found)}.values())
    take = call.query.get("take", "")
    shown = [show(call, package, feed["Id"]) for package in found[: int(take) if take.isdigit() else None]]
    # PackageResource, the class of packages of any feed, has neither (2020.5 swagger).
    return Reply([{name: item[name] for name in item if name not in {"Hash", "PackageSizeBytes"}} for item in shown])


def feed_search(call: Call) -> Reply:
    feed = _feed(call)
    term = call.query.get("term", "").lower()
    newest = {package["PackageId"]: package for package in reversed(_stored(call, feed))}
    found: list[Document] = [
        {
            "Id": package["PackageId"],
            "Name": package["PackageId"],
            "LatestVersion": package["Version"],
            "Description": package.get("Description"),
            "Links": {},
        }
        for package_id, package in sorted(newest.items())
        if term in package_id.lower()
    ]
    return Reply(slice_page(call, "PackageDescription", found))


def feed_versions(call: Call) -> Reply:
    feed = _feed(call)
    found: list[Document] = [
        {
            "Id": package["Id"],
            "PackageId": package["PackageId"],
            "FeedId": feed["Id"],
            "Version": package["Version"],
            "Title": package.get("Title"),
            "Published": package.get("Published"),
            "SizeBytes": package.get("PackageSizeBytes") or 0,
            "ReleaseNotes": package.get("ReleaseNotes"),
            "Links": {},
        }
        for package in _eligible(call, _stored(call, feed, call.query.get("packageid")))
    ]
    return Reply(slice_page(call, "PackageVersion", found))


def feed_notes(call: Call) -> Reply:
    feed = _feed(call)
    package = package_store.find(
        call.transaction, call.query.get("packageid", ""), call.query.get("version", ""), feed.get("SpaceId")
    )
    if package is None:
        raise not_found()
    return Reply(package.get("ReleaseNotes") or "", media_type="text/plain")


_PUSHED = (200, 201, 409)  # 2020.5 swagger
ROUTES = (
    Route("GET", "packages", list_packages, permission="FeedView"),
    Route("POST", "packages/raw", push, permission="BuiltInFeedPush", statuses=_PUSHED),
    Route("PUT", "//nuget/packages", push_nuget, permission="BuiltInFeedPush", statuses=_PUSHED),
    Route("DELETE", "packages/bulk", delete_bulk, permission="BuiltInFeedAdminister"),
    Route("GET", "packages/notes", notes, permission="FeedView"),
    Route("GET", "packages/{id}", get_package, permission="FeedView"),
    Route("DELETE", "packages/{id}", delete_package, permission="BuiltInFeedAdminister"),
    Route("GET", "packages/{id}/raw", download, permission="BuiltInFeedDownload"),
    Route("GET", "packages/{packageId}/{version}/delta-signature", delta_signature, permission="BuiltInFeedPush"),
    Route(
        "POST", "packages/{packageId}/{baseVersion}/delta", push_delta, permission="BuiltInFeedPush", statuses=_PUSHED
    ),
    Route("GET", "feeds/stats", stats, permission="FeedView"),
    Route("GET", "feeds/{id}/packages", feed_packages, permission="FeedView"),
    Route("GET", "feeds/{id}/packages/notes", feed_notes, permission="FeedView"),
    Route("GET", "feeds/{id}/packages/search", feed_search, permission="FeedView"),
    Route("GET", "feeds/{id}/packages/versions", feed_versions, permission="FeedView"),
)
