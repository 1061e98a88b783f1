"""Routes of build information, and of ``package-metadata``, its name until 2019.9 (both served for a while after)."""

from __future__ import annotations

from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import split_list
from standins.octopus.api.rendering import page, render, skip_and_take
from standins.octopus.behaviour import events
from standins.octopus.behaviour.documents import folded, is_true, listed, mapped, space_of, text_of, texts
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

#: Request property (lower case) → stored property.
_FIELDS = {
    "buildenvironment": "BuildEnvironment",
    "buildnumber": "BuildNumber",
    "buildurl": "BuildUrl",
    "branch": "Branch",
    "vcstype": "VcsType",
    "vcsroot": "VcsRoot",
    "vcscommitnumber": "VcsCommitNumber",
    "vcscommiturl": "VcsCommitUrl",
    "issuetrackername": "IssueTrackerName",
}


def _name(call: Call) -> str:
    return "PackageMetadata" if "/package-metadata" in call.url.lower() else "BuildInformation"


def show(call: Call, document: Document) -> Document:
    return render(call, _name(call), document)


def push(call: Call) -> Reply:
    """200 with the stored record; 409 when there is one already and nothing says to overwrite it."""
    body = folded(call.body)
    package, version = text_of(body.get("packageid")), text_of(body.get("version"))
    if not package or not version:
        raise invalid("Please provide a PackageId and a Version.")
    given = folded(body.get("octopusbuildinformation") or body.get("octopuspackagemetadata"))
    existing = call.transaction.query(
        "BuildInformation", where={"PackageId": package, "Version": version}, space=space_of(call), take=1
    )
    mode = call.query.get("overwritemode") or (
        "OverwriteExisting" if is_true(call.query.get("replace")) else "FailIfExists"
    )
    if existing and mode == "IgnoreIfExists":
        return Reply(show(call, existing[0]))
    if existing and mode != "OverwriteExisting":
        raise ApiError(409, f"Build information for {package} version {version} exists already.")
    if existing and call.rights is not None and call.server.at_least("2019.9"):
        call.rights.require("BuildInformationAdminister", space=call.space)
    document: Document = {
        "PackageId": package,
        "Version": version,
        "Created": iso(call.server.now()),
        "Commits": [
            {"Id": text_of(entry.get("id")), "Comment": text_of(entry.get("comment")), "LinkUrl": None}
            for entry in map(folded, listed(given, "commits"))
        ],
        "WorkItems": [],
        "IncompleteDataWarning": None,
        **{stored: given.get(sent) for sent, stored in _FIELDS.items()},
    }
    if call.server.at_least("2019.1"):
        document["SpaceId"] = call.space
    if existing:
        document["Id"] = existing[0]["Id"]
        call.transaction.update("BuildInformation", document)
    else:
        document = call.transaction.insert("BuildInformation", document)
    events.record(
        call.server,
        call.transaction,
        "Modified" if existing else "Created",
        f"Build information for {package} {version} was pushed",
        related=[document["Id"]],
        source=events.Source.of(call),
        space=call.space,
    )
    return Reply(show(call, document))


def list_all(call: Call) -> Reply:
    where = {"PackageId": call.query["packageid"]} if call.query.get("packageid") else {}
    contains = {"PackageId": call.query["filter"]} if call.query.get("filter") else {}
    found = call.transaction.query(
        "BuildInformation", where=where, contains=contains, space=space_of(call), order_by="Id"
    )
    if is_true(call.query.get("latest")):
        found = list({entry["PackageId"]: entry for entry in found}.values())
    skip, take = skip_and_take(call)
    return Reply(page(call, _name(call), [show(call, entry) for entry in found[skip : skip + take]], len(found)))


def _find(call: Call, wanted: str) -> Document:
    document = call.transaction.load("BuildInformation", wanted)
    if document is None or (call.space is not None and document.get("SpaceId") != call.space):
        raise not_found(wanted)
    return document


def get_one(call: Call) -> Reply:
    return Reply(show(call, _find(call, call.path["id"])))


def delete_one(call: Call) -> Reply:
    _delete(call, call.path["id"])
    return Reply({})


def _delete(call: Call, wanted: str) -> None:
    document = _find(call, wanted)
    call.transaction.delete("BuildInformation", wanted)
    events.record(
        call.server,
        call.transaction,
        "Deleted",
        f"Build information for {document['PackageId']} {document['Version']} was deleted",
        related=[wanted],
        source=events.Source.of(call),
        space=call.space,
    )


def delete_bulk(call: Call) -> Reply:
    for wanted in split_list(call.query.get("ids")) or texts(mapped({"b": call.body}, "b"), "Ids"):
        _delete(call, wanted)
    return Reply({})


_PUSH, _VIEW = "BuildInformationPush", "FeedView"
_PUSHED = (200, 409)  # 200 whether it is new or replaces another (2020.5 swagger)
ROUTES = (
    Route("GET", "build-information", list_all, permission=_VIEW, since="2019.9"),
    Route("POST", "build-information", push, permission=_PUSH, since="2019.9", statuses=_PUSHED),
    Route("DELETE", "build-information/bulk", delete_bulk, permission="BuildInformationAdminister", since="2019.9"),
    Route("GET", "build-information/{id}", get_one, permission=_VIEW, since="2019.9"),
    Route("DELETE", "build-information/{id}", delete_one, permission="BuildInformationAdminister", since="2019.9"),
    # The permission was PackageMetadataPush until build information replaced it (OctopusClients 7.0.5 to 8.0.1).
    Route("POST", "package-metadata", push, "space", "PackageMetadataPush", "2019.4", "2019.9", statuses=_PUSHED),
    Route("POST", "package-metadata", push, "space", _PUSH, "2019.9", "2022.1", statuses=_PUSHED),
    Route("GET", "package-metadata", list_all, permission=_VIEW, since="2019.4", until="2022.1"),
    Route("GET", "package-metadata/{id}", get_one, permission=_VIEW, since="2019.4", until="2022.1"),
)
