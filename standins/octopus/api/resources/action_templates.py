"""Step templates: custom ones with their versions, those of the community, and where they are used."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator

from standins.octopus.api import hooks
from standins.octopus.api.crud import body_of, find_item, present, present_one
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.rendering import render
from standins.octopus.behaviour import events
from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

#: The built-in steps a search offers, by type (step names of the portal's documentation).
_BUILT_IN = (
    ("Octopus.Script", "Run a Script", "Script"),
    ("Octopus.TentaclePackage", "Deploy a Package", "Package"),
    ("Octopus.Manual", "Manual intervention required", "Other"),
    ("Octopus.Email", "Send an Email", "Other"),
    ("Octopus.DeployRelease", "Deploy a Release", "Other"),
    ("Octopus.HealthCheck", "Health Check", "Other"),
    ("Octopus.WindowsService", "Deploy a Windows Service", "WindowsServer"),
    ("Octopus.IIS", "Deploy to IIS", "WindowsServer"),
    ("Octopus.TransferPackage", "Transfer a Package", "Package"),
)
_CATEGORIES = ("Script", "Package", "WindowsServer", "Other", "StepTemplate")

#: The properties by which an action says that it came from a template, and from which version of it.
_TEMPLATE, _VERSION = "Octopus.Action.Template.Id", "Octopus.Action.Template.Version"


def _prepare(call: Call, document: Document, existing: Document | None) -> None:
    if not document.get("ActionType"):
        raise invalid("Please provide a value for ActionType.")
    for parameter in listed(document, "Parameters"):
        parameter["Id"] = parameter.get("Id") or str(uuid.uuid4())
        if not parameter.get("Name"):
            raise invalid("Please provide a name for each parameter.")
    feeds = {package.get("FeedId") for package in listed(document, "Packages")} - {None, ""}
    for package in listed(document, "Packages"):
        package["Id"] = package.get("Id") or str(uuid.uuid4())
    known = {feed["Id"] for feed in call.transaction.load_many("Feed", feeds)} | {"feeds-builtin"} if feeds else feeds
    if feeds - known:
        raise ApiError(400, f"The following Feed Ids cannot be found: {', '.join(sorted(feeds - known))}")
    document["Version"] = int(existing["Version"]) + 1 if existing is not None else 0


def _keep_version(call: Call, document: Document) -> None:
    """Every saved state stays as a version of its own."""
    kept = {**copy.deepcopy(document), "LatestActionTemplateId": document["Id"]}
    del kept["Id"]
    call.transaction.insert("ActionTemplateVersion", kept)


def _after_update(call: Call, document: Document, _before: Document) -> None:
    _keep_version(call, document)


def _before_delete(call: Call, document: Document) -> None:
    used = next(_usages(call, document["Id"]), None)
    if used is not None:
        raise invalid(
            f"This step template is used by step {used['StepName']} of project {used['ProjectName']} "
            "and cannot be deleted."
        )
    for version in call.transaction.query("ActionTemplateVersion", where={"LatestActionTemplateId": document["Id"]}):
        call.transaction.delete("ActionTemplateVersion", version["Id"])


hooks.register(
    "ActionTemplate",
    prepare=_prepare,
    after_create=_keep_version,
    after_update=_after_update,
    before_delete=_before_delete,
)


def _usages(call: Call, template_id: str) -> Iterator[Document]:
    """Every action made from the template, in deployment processes and runbooks."""
    projects = {project["Id"]: project for project in call.transaction.query("Project", space=call.space)}
    kinds = ["DeploymentProcess", *(["RunbookProcess"] if call.server.at_least("2019.11") else [])]
    for kind in kinds:
        for process in call.transaction.query(kind, where={"IsFrozen": False}, space=call.space):
            project = projects.get(str(process.get("ProjectId") or process["OwnerId"]), {})
            for step in listed(process, "Steps"):
                for action in listed(step, "Actions"):
                    properties = mapped(action, "Properties")
                    if properties.get(_TEMPLATE) == template_id:
                        yield {
                            "ActionTemplateId": template_id,
                            "DeploymentProcessId": process["Id"] if kind == "DeploymentProcess" else None,
                            "ProcessId": process["Id"],
                            "ProcessType": kind.removesuffix("Process"),
                            "StepId": step["Id"],
                            "StepName": step["Name"],
                            "ActionId": action["Id"],
                            "ActionName": action["Name"],
                            "ProjectId": project.get("Id"),
                            "ProjectName": project.get("Name"),
                            "ProjectSlug": project.get("Slug"),
                            "RunbookId": process["OwnerId"] if kind == "RunbookProcess" else None,
                            "RunbookName": None,
                            "Version": properties.get(_VERSION),
                        }


def usage(call: Call) -> Reply:
    template = find_item(call, "ActionTemplate", call.path["id"])
    found = list(_usages(call, template["Id"]))
    if not call.server.at_least("2019.11"):
        later = ("ProcessId", "ProcessType", "RunbookId", "RunbookName")
        found = [{name: value for name, value in entry.items() if name not in later} for entry in found]
    return Reply(found)


def _versions(call: Call, template: Document) -> list[Document]:
    found = call.transaction.query(
        "ActionTemplateVersion", where={"LatestActionTemplateId": template["Id"]}, order_by="Version DESC"
    )
    return [{**version, "Id": template["Id"]} for version in found]


def versions(call: Call) -> Reply:
    template = find_item(call, "ActionTemplate", call.path["id"])
    return Reply(present(call, "ActionTemplate", _versions(call, template)))


def version(call: Call) -> Reply:
    template = find_item(call, "ActionTemplate", call.path["id"])
    wanted = call.path["version"]
    found = next((entry for entry in _versions(call, template) if str(entry["Version"]) == wanted), None)
    if found is None:
        raise not_found(f"{template['Id']} version {wanted}")
    return Reply(present_one(call, "ActionTemplate", found))


def update_actions(call: Call) -> Reply:
    """Bring the named actions to a version of the template; parameters keep the values the action gave them."""
    template = find_item(call, "ActionTemplate", call.path["id"])
    body = {name.lower(): value for name, value in body_of(call).items()}
    wanted_version = int(body.get("version") or template["Version"])
    source = next((entry for entry in _versions(call, template) if int(entry["Version"]) == wanted_version), template)
    by_process: dict[str, list[str]] = mapped(body, "actionidsbyprocessid")
    for entry in listed(body, "actionstoupdate"):
        lowered = {name.lower(): value for name, value in entry.items()}
        by_process.setdefault(str(lowered.get("processid")), []).extend(listed(lowered, "actionids"))
    defaults = mapped(body, "defaultpropertyvalues")
    results: list[Document] = []
    for process_id, action_ids in by_process.items():
        kind = "RunbookProcess" if process_id.lower().startswith("runbookprocess") else "DeploymentProcess"
        process = call.transaction.load(kind, process_id)
        if process is None:
            raise not_found(process_id)
        before = copy.deepcopy(process)
        for step in listed(process, "Steps"):
            chosen = [action for action in listed(step, "Actions") if action["Id"] in action_ids]
            results.extend(_bring_up(action, source, defaults) for action in chosen)
        process["Version"] = int(process["Version"]) + 1
        call.transaction.update(kind, process)
        events.modified(call, kind, process, before)
    return Reply(results)


def _bring_up(action: Document, template: Document, defaults: Document) -> Document:
    own = mapped(action, "Properties")
    properties = {**mapped(template, "Properties")}
    missing: list[str] = []
    for parameter in listed(template, "Parameters"):
        name = parameter["Name"]
        value = own.get(name, defaults.get(name, parameter.get("DefaultValue")))
        if value is None:
            missing.append(name)
        else:
            properties[name] = value
    kept = {
        name: value
        for name, value in own.items()
        if name not in properties and name not in mapped(template, "Properties")
    }
    action["Properties"] = {**kept, **properties, _TEMPLATE: template["Id"], _VERSION: str(template["Version"])}
    return {
        "Id": action["Id"],
        "Outcome": "DefaultParamterValueMissing" if missing else "Success",  # sic: the 2020.5 swagger spells it so
        "ManualMergeRequiredReasonsByPropertyName": {},
        "NamesOfNewParametersMissingDefaultValue": missing,
        "RemovedPackageUsages": [],
    }


def categories(_call: Call) -> Reply:
    return Reply([{"Id": name, "Name": name, "DisplayOrder": position} for position, name in enumerate(_CATEGORIES)])


def search(call: Call) -> Reply:
    """Built-in steps and the step templates of the space."""
    found: list[Document] = [
        {
            "Id": None,
            "Name": name,
            "Type": kind,
            "Description": name,
            "Keywords": None,
            "Category": category,
            "Categories": [category],
            "Author": "Octopus Deploy",
            "Website": None,
            "IsBuiltIn": True,
            "IsInstalled": True,
            "HasUpdate": False,
            "CommunityActionTemplateId": None,
            "Links": {},
        }
        for kind, name, category in _BUILT_IN
    ]
    for template in call.transaction.query("ActionTemplate", space=call.space, order_by="Name"):
        found.append(
            {
                **found[0],
                "Id": template["Id"],
                "Name": template["Name"],
                "Type": template["ActionType"],
                "Description": template.get("Description"),
                "Category": "StepTemplate",
                "Categories": ["StepTemplate"],
                "Author": None,
                "IsBuiltIn": False,
                "CommunityActionTemplateId": template.get("CommunityActionTemplateId"),
                "Links": {"Logo": render(call, "ActionTemplate", template)["Links"]["Logo"]},
            }
        )
    wanted = call.query.get("type")
    return Reply([entry for entry in found if not wanted or entry["Type"] == wanted])


# -- the community's -------------------------------------------------------------------------------------------------


def _community(call: Call) -> Document:
    document = call.transaction.load("CommunityActionTemplate", call.path["id"])
    if document is None:
        raise not_found(call.path["id"])
    return document


def _space_for(call: Call) -> str | None:
    """Installations name their space in the path from 2019.1 on; the default space without one."""
    if not call.server.at_least("2019.1"):
        return None
    named = call.path.get("spaceId")
    if named:
        return named
    spaces = call.transaction.query("Space", where={"IsDefault": True}, take=1)
    return spaces[0]["Id"] if spaces else None


def _installed(call: Call, community: Document) -> Document | None:
    found = call.transaction.query(
        "ActionTemplate", where={"CommunityActionTemplateId": community["Id"]}, space=_space_for(call), take=1
    )
    return found[0] if found else None


def installed(call: Call) -> Reply:
    template = _installed(call, _community(call))
    if template is None:
        raise not_found()
    return Reply(present_one(call, "ActionTemplate", template))


_COPIED = ("Name", "Description", "Properties", "Parameters", "Packages")


def install(call: Call) -> Reply:
    community = _community(call)
    if _installed(call, community) is not None:
        raise ApiError(400, "Action Template already installed.")
    document: Document = {
        **{name: copy.deepcopy(community.get(name)) for name in _COPIED},
        "ActionType": community.get("Type"),
        "CommunityActionTemplateId": community["Id"],
        "Version": 0,
    }
    space = _space_for(call)
    stored = call.transaction.insert("ActionTemplate", {**document, "SpaceId": space} if space else document)
    _keep_version(call, stored)
    events.created(call, "ActionTemplate", stored)
    return Reply(present_one(call, "ActionTemplate", stored), 201)


def update_installed(call: Call) -> Reply:
    community = _community(call)
    template = _installed(call, community)
    if template is None:
        raise ApiError(400, "Action template not yet installed.")
    renewed = {
        **template,
        **{name: copy.deepcopy(community.get(name)) for name in _COPIED},
        "Version": int(template["Version"]) + 1,
    }
    call.transaction.update("ActionTemplate", renewed)
    _keep_version(call, renewed)
    events.modified(call, "ActionTemplate", renewed, template)
    return Reply(present_one(call, "ActionTemplate", renewed))


ROUTES = (
    Route(
        "GET",
        "actiontemplates/categories",
        categories,
        "space",
        "ActionTemplateView",
        "2019.1",
        operation="listActionTemplateCategories",
    ),
    Route("GET", "actiontemplates/search", search, "space", "ActionTemplateView", operation="searchActionTemplates"),
    Route(
        "GET", "actiontemplates/{id}/usage", usage, "space", "ActionTemplateView", operation="listActionTemplateUsage"
    ),
    Route(
        "GET",
        "actiontemplates/{id}/versions",
        versions,
        "space",
        "ActionTemplateView",
        operation="listActionTemplateVersions",
    ),
    Route(
        "GET",
        "actiontemplates/{id}/versions/{version}",
        version,
        "space",
        "ActionTemplateView",
        operation="getActionTemplateVersion",
    ),
    Route(
        "POST",
        "actiontemplates/{id}/actionsUpdate",
        update_actions,
        "space",
        "ProcessEdit",
        operation="updateActionsOfTemplate",
    ),
    Route(
        "GET", "communityactiontemplates/{id}/actiontemplate", installed, "system", "", operation="getInstalledTemplate"
    ),
    Route("GET", "communityactiontemplates/{id}/actiontemplate/{spaceId}", installed, "system", "", "2019.1"),
    Route(
        "POST",
        "communityactiontemplates/{id}/installation",
        install,
        "system",
        "ActionTemplateCreate",
        operation="installTemplate",
    ),
    Route(
        "POST",
        "communityactiontemplates/{id}/installation/{spaceId}",
        install,
        "system",
        "ActionTemplateCreate",
        "2019.1",
    ),
    Route(
        "PUT",
        "communityactiontemplates/{id}/installation",
        update_installed,
        "system",
        "ActionTemplateEdit",
        operation="updateInstalledTemplate",
    ),
    Route(
        "PUT",
        "communityactiontemplates/{id}/installation/{spaceId}",
        update_installed,
        "system",
        "ActionTemplateEdit",
        "2019.1",
    ),
)
