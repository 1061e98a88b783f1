"""Library variable sets and script modules."""

from __future__ import annotations

import uuid

from standins.octopus.api import hooks
from standins.octopus.api.cascade import delete_owned
from standins.octopus.api.crud import find_item
from standins.octopus.api.errors import invalid
from standins.octopus.behaviour.documents import listed
from standins.octopus.contract import Call, Document, Reply, Route


def _prepare(_call: Call, document: Document, existing: Document | None) -> None:
    if document.get("ContentType") not in ("Variables", "ScriptModule"):
        raise invalid("The ContentType must be Variables or ScriptModule.")
    if existing is not None and existing["ContentType"] != document["ContentType"]:
        raise invalid("The ContentType of a library variable set cannot be changed.")
    names: set[str] = set()
    for template in listed(document, "Templates"):
        template["Id"] = template.get("Id") or str(uuid.uuid4())
        if str(template.get("Name")).lower() in names:
            raise invalid(f"There is more than one variable template called '{template['Name']}'.")
        names.add(str(template.get("Name")).lower())


def _after_create(call: Call, document: Document) -> None:
    variables: Document = {
        "Id": f"variableset-{document['Id']}",
        "OwnerId": document["Id"],
        "Version": 0,
        "IsFrozen": False,
        "Variables": [],
        "RelatedDocumentIds": [],
    }
    if "SpaceId" in document:
        variables["SpaceId"] = document["SpaceId"]
    document["VariableSetId"] = call.transaction.insert("VariableSet", variables)["Id"]
    call.transaction.update("LibraryVariableSet", document)


def _users(call: Call, document: Document) -> list[Document]:
    return [
        project
        for project in call.transaction.query(
            "Project", contains={"IncludedLibraryVariableSetIds": document["Id"]}, order_by="Name"
        )
        if document["Id"] in listed(project, "IncludedLibraryVariableSetIds")
    ]


def _before_delete(call: Call, document: Document) -> None:
    users = _users(call, document)
    if users:
        raise invalid(f"This library variable set is used by project {users[0]['Name']} and cannot be deleted.")
    delete_owned(call.transaction, document, "VariableSet")


hooks.register("LibraryVariableSet", prepare=_prepare, after_create=_after_create, before_delete=_before_delete)


def usages(call: Call) -> Reply:
    """Who includes the set now, and which releases froze a copy of it."""
    document = find_item(call, "LibraryVariableSet", call.path["id"])
    copies = {
        copy["Id"]
        for copy in call.transaction.query("VariableSet", where={"OwnerId": document["Id"], "IsFrozen": True})
    }
    projects = {
        project["Id"]: project for project in call.transaction.query("Project", space=call.space, order_by="Name")
    }
    current = {project["Id"] for project in _users(call, document)}
    releases: dict[str, list[Document]] = {}
    if copies:
        for release in call.transaction.query("Release", space=call.space, order_by="Assembled DESC"):
            if copies & set(listed(release, "LibraryVariableSetSnapshotIds")):
                releases.setdefault(release["ProjectId"], []).append(
                    {"ReleaseId": release["Id"], "ReleaseVersion": release["Version"]}
                )
    entries = [
        {
            "ProjectId": document_id,
            "ProjectName": project["Name"],
            "ProjectSlug": project["Slug"],
            "IsCurrentlyBeingUsedInProject": document_id in current,
            "Releases": releases.get(document_id, []),
            **({"RunbookSnapshots": []} if call.server.at_least("2019.11") else {}),
        }
        for document_id, project in projects.items()
        if document_id in current or document_id in releases
    ]
    return Reply({"Projects": entries, "CountOfProjectsUserCannotSee": 0, "CountOfReleasesUserCannotSee": 0})


ROUTES = (
    Route(
        "GET",
        "libraryvariablesets/{id}/usages",
        usages,
        "space",
        "LibraryVariableSetView",
        "2019.1",
        operation="getLibraryVariableSetUsages",
    ),
)
