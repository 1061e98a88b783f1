"""Projects: what comes with a new one, cloning, slugs, deletion, and the routes below a project."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence

from standins.octopus.api import hooks
from standins.octopus.api.cascade import delete_project_documents
from standins.octopus.api.crud import create_from, find_item, present
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import select, selection_of
from standins.octopus.api.rendering import page, resource, slice_page
from standins.octopus.api.slugs import unique_slug
from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import Call, Document, Reply, Route

_DEFAULT_VERSION = "#{Octopus.Version.LastMajor}.#{Octopus.Version.LastMinor}.#{Octopus.Version.NextPatch}"


def _prepare(call: Call, document: Document, existing: Document | None) -> None:
    if not document.get("ProjectGroupId"):
        raise invalid("Please select a project group.")
    if not document.get("LifecycleId"):
        raise invalid("Please select a lifecycle.")
    strategy = mapped(document, "VersioningStrategy")
    if not (strategy.get("Template") or strategy.get("DonorPackage") or strategy.get("DonorPackageStepId")):
        document["VersioningStrategy"] = {**strategy, "Template": _DEFAULT_VERSION}
    included = listed(document, "IncludedLibraryVariableSetIds")
    document["IncludedLibraryVariableSetIds"] = list(dict.fromkeys(included))
    for template in listed(document, "Templates"):
        template["Id"] = template.get("Id") or str(uuid.uuid4())
    if existing is None or not document.get("Slug"):
        taken = {
            other["Slug"]
            for other in call.transaction.query("Project", space=call.space)
            if not existing or other["Id"] != existing["Id"]
        }
        document["Slug"] = (
            existing["Slug"] if existing and existing.get("Slug") else unique_slug(document["Name"], taken)
        )


def _own_set(project: Document, variables: list[Document] | None = None) -> Document:
    return _owned(
        project,
        {"Id": f"variableset-{project['Id']}", "Version": 0, "Variables": variables or [], "RelatedDocumentIds": []},
    )


def _own_process(project: Document, steps: list[Document] | None = None) -> Document:
    return _owned(
        project,
        {
            "Id": f"deploymentprocess-{project['Id']}",
            "ProjectId": project["Id"],
            "Version": 0,
            "Steps": steps or [],
            "RelatedDocumentIds": [],
        },
    )


def _owned(project: Document, document: Document) -> Document:
    owned = {**document, "OwnerId": project["Id"], "IsFrozen": False}
    return {**owned, "SpaceId": project["SpaceId"]} if "SpaceId" in project else owned


def _after_create(call: Call, project: Document) -> None:
    """A project comes with a variable set, a deployment process and a channel called Default."""
    variables, process = (
        call.transaction.insert("VariableSet", _own_set(project)),
        call.transaction.insert("DeploymentProcess", _own_process(project)),
    )
    project["VariableSetId"], project["DeploymentProcessId"] = variables["Id"], process["Id"]
    call.transaction.update("Project", project)
    channel: Document = {
        "Name": "Default",
        "Description": None,
        "ProjectId": project["Id"],
        "LifecycleId": None,
        "IsDefault": True,
        "Rules": [],
        "TenantTags": [],
    }
    if "SpaceId" in project:
        channel["SpaceId"] = project["SpaceId"]
    call.transaction.insert("Channel", channel)
    if call.server.at_least("2021.2"):
        call.transaction.insert("DeploymentSettings", deployment_settings_of(project))


def deployment_settings_of(project: Document) -> Document:
    """The settings of a project as their own resource, which they are from 2021.2 on."""
    return {
        "Id": f"deploymentsettings-{project['Id']}",
        "ProjectId": project["Id"],
        "SpaceId": project.get("SpaceId"),
        "ConnectivityPolicy": project.get("ProjectConnectivityPolicy"),
        "DefaultGuidedFailureMode": project.get("DefaultGuidedFailureMode"),
        "DefaultToSkipIfAlreadyInstalled": project.get("DefaultToSkipIfAlreadyInstalled"),
        "VersioningStrategy": project.get("VersioningStrategy"),
        "ReleaseNotesTemplate": project.get("ReleaseNotesTemplate"),
        "DeploymentChangesTemplate": project.get("DeploymentChangesTemplate"),
    }


def _create(call: Call, body: Document) -> Document:
    source_id = call.query.get("clone")
    if not source_id:
        return create_from(call, "Project", body)
    source = find_item(call, "Project", source_id)
    return _clone(call, source, body)


#: What a clone takes from its source whatever the request says besides name, description, group and lifecycle.
_CLONED = (
    "AutoCreateRelease",
    "DefaultGuidedFailureMode",
    "DefaultToSkipIfAlreadyInstalled",
    "DiscreteChannelRelease",
    "IncludedLibraryVariableSetIds",
    "ProjectConnectivityPolicy",
    "TenantedDeploymentMode",
    "Templates",
    "VersioningStrategy",
    "ReleaseNotesTemplate",
)


def _clone(call: Call, source: Document, body: Document) -> Document:
    lowered = {name.lower(): value for name, value in body.items()}
    wanted = {name: copy.deepcopy(source[name]) for name in _CLONED if name in source}
    wanted.update(
        Name=lowered.get("name"),
        Description=lowered.get("description"),
        ProjectGroupId=lowered.get("projectgroupid") or source["ProjectGroupId"],
        LifecycleId=lowered.get("lifecycleid") or source["LifecycleId"],
        ClonedFromProjectId=source["Id"],
    )
    project = create_from(call, "Project", wanted)
    transaction = call.transaction
    process = transaction.load("DeploymentProcess", source["DeploymentProcessId"])
    new_ids: dict[str, str] = {}
    if process is not None:
        steps = copy.deepcopy(listed(process, "Steps"))
        for step in steps:
            for thing in (step, *listed(step, "Actions")):
                new_ids[thing["Id"]] = thing["Id"] = str(uuid.uuid4())
        transaction.update("DeploymentProcess", _own_process(project, steps))
    variables = transaction.load("VariableSet", source["VariableSetId"])
    if variables is not None:
        copied = copy.deepcopy(listed(variables, "Variables"))
        for variable in copied:
            variable["Id"] = str(uuid.uuid4())
            scope = mapped(variable, "Scope")
            if "Action" in scope:
                scope["Action"] = [new_ids.get(document_id, document_id) for document_id in scope["Action"]]
        transaction.update("VariableSet", _own_set(project, copied))
    return project


def _show(call: Call, shown: Sequence[Document], stored: Sequence[Document]) -> None:
    """Before 2019.1 the step that gives the version was named by its id, since then by action and package."""
    for item, project in zip(shown, stored, strict=True):
        strategy, before = item["VersioningStrategy"], mapped(project, "VersioningStrategy")
        step_id = before.get("DonorPackageStepId")
        if step_id and "DonorPackage" in strategy and not strategy["DonorPackage"]:
            process = call.transaction.load("DeploymentProcess", project["DeploymentProcessId"]) or {}
            for step in listed(process, "Steps"):
                if step["Id"] == step_id and listed(step, "Actions"):
                    strategy["DonorPackage"] = {"DeploymentAction": step["Actions"][0]["Name"], "PackageReference": ""}


def _find(call: Call, slug: str) -> Document | None:
    found = call.transaction.query("Project", where={"Slug": slug}, space=call.space, take=1)
    return found[0] if found else None


def _before_delete(call: Call, project: Document) -> None:
    for trigger in call.transaction.query("ProjectTrigger", where={"ProjectId": project["Id"]}):
        call.transaction.delete("ProjectTrigger", trigger["Id"])
    delete_project_documents(call.transaction, call.server.version, project)


hooks.register(
    "Project",
    prepare=_prepare,
    after_create=_after_create,
    before_delete=_before_delete,
    find=_find,
    create=_create,
    show=_show,
)


def _below(call: Call, name: str) -> Reply:
    """A page of the documents of a project."""
    project = find_item(call, "Project", call.path["id"])
    wanted = resource(call, name)
    selection = selection_of(call, wanted)
    selection.where["ProjectId"] = project["Id"]
    documents, total = select(call, wanted, selection)
    return Reply(page(call, wanted.item_type, present(call, name, documents), total))


def channels(call: Call) -> Reply:
    return _below(call, "Channel")


def triggers(call: Call) -> Reply:
    project = find_item(call, "Project", call.path["id"])
    wanted = resource(call, "ProjectTrigger")
    selection = selection_of(call, wanted)
    selection.where["ProjectId"] = project["Id"]
    actions = {part for part in call.query.get("triggeractiontype", "").split(",") if part}
    if actions:
        selection.tests.append(lambda trigger: mapped(trigger, "Action").get("ActionType") in actions)
    documents, total = select(call, wanted, selection)
    return Reply(page(call, "ProjectTrigger", present(call, "ProjectTrigger", documents), total))


def scheduled_triggers(call: Call) -> Reply:
    """Triggers whose filter is a schedule."""
    project = find_item(call, "Project", call.path["id"])
    found = call.transaction.query("ProjectTrigger", where={"ProjectId": project["Id"]}, order_by="Name")
    scheduled = [trigger for trigger in found if "Schedule" in str(mapped(trigger, "Filter").get("FilterType"))]
    return Reply(slice_page(call, "ProjectTrigger", present(call, "ProjectTrigger", scheduled)))


def _all_scheduled(call: Call) -> list[Document]:
    found, _ = select(call, resource(call, "ProjectTrigger"), paged=False)
    return [trigger for trigger in found if "Schedule" in str(mapped(trigger, "Filter").get("FilterType"))]


def every_scheduled_trigger(call: Call) -> Reply:
    """The collection behind a root link that servers from 2019 to 2021 had."""
    return Reply(slice_page(call, "ScheduledProjectTrigger", present(call, "ProjectTrigger", _all_scheduled(call))))


def scheduled_trigger(call: Call) -> Reply:
    found = next((trigger for trigger in _all_scheduled(call) if trigger["Id"] == call.path["id"]), None)
    if found is None:
        raise not_found(call.path["id"])
    return Reply(present(call, "ProjectTrigger", [found])[0])


def project_runbooks(call: Call) -> Reply:
    return _below(call, "Runbook")


def channel_of_project(call: Call) -> Reply:
    channel = find_item(call, "Channel", call.path["channelId"])
    project = find_item(call, "Project", call.path["id"])
    if channel["ProjectId"] != project["Id"]:
        raise not_found(channel["Id"])
    return Reply(present(call, "Channel", [channel])[0])


def order_channels(call: Call) -> Reply:
    """The channels of a project, in the order the portal lists them."""
    return channels(call)


def metadata(call: Call) -> Reply:
    """Settings that extensions add; the stand-in has no such extension."""
    find_item(call, "Project", call.path["id"])
    return Reply([])


def summary(call: Call) -> Reply:
    project = find_item(call, "Project", call.path["id"])
    process = call.transaction.load("DeploymentProcess", project["DeploymentProcessId"])
    runbooks = call.transaction.count("Runbook", where={"ProjectId": project["Id"]})
    return Reply({"HasDeploymentProcess": bool(process and process.get("Steps")), "HasRunbooks": runbooks > 0})


def pulse(call: Call) -> Reply:
    """The least a dashboard polls: which projects exist and since when they are as they are."""
    projects, _ = select(call, resource(call, "Project"), paged=False)
    wanted = {part for part in call.query.get("projectids", "").split(",") if part}
    return Reply([{"ProjectId": project["Id"]} for project in projects if not wanted or project["Id"] in wanted])


def summaries(call: Call) -> Reply:
    projects, _ = select(call, resource(call, "Project"), paged=False)
    return Reply(
        [
            {
                name: project.get(name)
                for name in ("Id", "Name", "Slug", "ProjectGroupId", "IsDisabled", "TenantedDeploymentMode")
            }
            for project in projects
        ]
    )


ROUTES = (
    Route("GET", "projects/{id}/channels", channels, "space", "ProcessView", operation="indexChannelsOfProject"),
    Route("GET", "projects/{id}/channels/order", order_channels, "space", "ProcessView"),
    Route("GET", "projects/{id}/channels/{channelId}", channel_of_project, "space", "ProcessView", "2022.1"),
    Route("GET", "projects/{id}/triggers", triggers, "space", "TriggerView", operation="indexTriggersOfProject"),
    Route("GET", "projects/{id}/triggers/scheduled", scheduled_triggers, "space", "TriggerView", "2019.11"),
    Route(
        "GET",
        "projects/{id}/runbooks",
        project_runbooks,
        "space",
        "RunbookView",
        "2019.11",
        operation="indexRunbooksOfProject",
    ),
    Route("GET", "projects/{id}/metadata", metadata, "space", "ProjectView", "2019.1", operation="getProjectMetadata"),
    Route("GET", "projects/{id}/summary", summary, "space", "ProjectView", "2019.11", operation="getProjectSummary"),
    Route("GET", "scheduledprojecttriggers", every_scheduled_trigger, "space", "TriggerView", "2019.1", "2022.1"),
    Route("GET", "scheduledprojecttriggers/{id}", scheduled_trigger, "space", "TriggerView", "2019.1", "2022.1"),
    Route("GET", "projects/pulse", pulse, "space", "ProjectView", operation="getProjectPulse"),
    Route("GET", "projects/experimental/summaries", summaries, "space", "ProjectView", "2020.1"),
)
