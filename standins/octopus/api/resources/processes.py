"""Deployment processes, runbook processes, deployment settings: steps in the stored form, optimistic concurrency."""

from __future__ import annotations

import uuid

from standins.octopus.api import hooks
from standins.octopus.api.crud import accept, body_of, find_item, present, present_one
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import select, selection_of
from standins.octopus.api.rendering import page, resource
from standins.octopus.api.slugs import slugify
from standins.octopus.behaviour import events
from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

#: The 400 of the 2020.5 swagger; runbook processes say "process" where deployment processes say so in full.
_STALE = (
    "Changes to this {0} could not be saved, because another user has made changes to the {0} between when you "
    "started editing and when you saved your changes. Please reload or open a new tab to make your changes."
)
_FROZEN = "You cannot modify this {0} because it is frozen. You'll need to create a new {0} instead."
_WORDS = {"DeploymentProcess": "deployment process", "RunbookProcess": "process"}


def complete_steps(call: Call, steps: list[Document]) -> list[str]:
    """Fill in what the server makes itself, and return the ids of the documents the steps refer to."""
    related: dict[str, None] = {}
    names: set[str] = set()
    for step in steps:
        step["Id"] = step.get("Id") or str(uuid.uuid4())
        name = str(step.get("Name") or "").strip()
        if not name:
            raise invalid("Please provide a name for each step.")
        if name.lower() in names:
            raise invalid(f"There is more than one step called '{name}'. Step names must be unique.")
        names.add(name.lower())
        for action in listed(step, "Actions"):
            action["Id"] = action.get("Id") or str(uuid.uuid4())
            action["Name"] = action.get("Name") or name
            for package in listed(action, "Packages"):
                package["Id"] = package.get("Id") or str(uuid.uuid4())
                related[package.get("FeedId") or ""] = None
            for document_id in (
                *listed(action, "Environments"),
                *listed(action, "ExcludedEnvironments"),
                *listed(action, "Channels"),
            ):
                related[document_id] = None
            for reference in (
                action.get("WorkerPoolId"),
                mapped(action, "Properties").get("Octopus.Action.Template.Id"),
            ):
                if isinstance(reference, str):
                    related[reference] = None
            if call.server.at_least("2022.3"):
                action["Slug"] = action.get("Slug") or slugify(action["Name"])
        if call.server.at_least("2022.3"):
            step["Slug"] = step.get("Slug") or slugify(name)
    related.pop("", None)
    return list(related)


def _no_more_than_template_changes(call: Call, name: str, existing: Document, body: Document) -> Document:
    wanted = resource(call, name)
    document = accept(call, wanted, body, existing)
    sent = {key.lower(): value for key, value in body.items()}
    if existing.get("IsFrozen"):
        raise ApiError(400, _FROZEN.format(_WORDS[name]))
    if sent.get("version") is not None and str(sent["version"]) != str(existing["Version"]):
        raise ApiError(400, _STALE.format(_WORDS[name]))
    if sent.get("steps") is None and call.server.at_least("2023.2"):
        # Stricter from 2023.2 on (OctopusDeploy/Issues 8187).
        raise invalid("The Steps field is required.")
    document["RelatedDocumentIds"] = complete_steps(call, listed(document, "Steps"))
    document["Version"] = int(existing["Version"]) + 1
    return document


def save_process(call: Call, name: str, existing: Document) -> Reply:
    """PUT of a process: the version sent must be the stored one, which then goes up by one."""
    if call.rights is not None:
        call.rights.require(resource(call, name).edit, space=call.space, projects=[existing["ProjectId"]])
    document = _no_more_than_template_changes(call, name, existing, body_of(call))
    if not call.transaction.claim(resource(call, name).kind, existing["Id"], int(existing["Version"])):
        raise ApiError(400, _STALE.format(_WORDS[name]))
    call.transaction.update(resource(call, name).kind, document)
    events.modified(call, name, document, existing)
    return Reply(present_one(call, name, document))


def _list(call: Call, name: str) -> Reply:
    wanted = resource(call, name)
    selection = selection_of(call, wanted)
    selection.where.setdefault("IsFrozen", False)
    documents, total = select(call, wanted, selection)
    return Reply(page(call, name, present(call, name, documents), total))


def list_processes(call: Call) -> Reply:
    return _list(call, "DeploymentProcess")


def get_process(call: Call) -> Reply:
    return Reply(present_one(call, "DeploymentProcess", find_item(call, "DeploymentProcess", call.path["id"])))


def put_process(call: Call) -> Reply:
    return save_process(call, "DeploymentProcess", find_item(call, "DeploymentProcess", call.path["id"]))


def list_runbook_processes(call: Call) -> Reply:
    return _list(call, "RunbookProcess")


def get_runbook_process(call: Call) -> Reply:
    return Reply(present_one(call, "RunbookProcess", find_item(call, "RunbookProcess", call.path["id"])))


def put_runbook_process(call: Call) -> Reply:
    return save_process(call, "RunbookProcess", find_item(call, "RunbookProcess", call.path["id"]))


def _own_process(call: Call) -> Document:
    project = find_item(call, "Project", call.path["id"])
    process = call.transaction.load("DeploymentProcess", project["DeploymentProcessId"])
    if process is None:
        raise not_found(project["DeploymentProcessId"])
    return process


def get_project_process(call: Call) -> Reply:
    return Reply(present_one(call, "DeploymentProcess", _own_process(call)))


def put_project_process(call: Call) -> Reply:
    return save_process(call, "DeploymentProcess", _own_process(call))


def _settings(call: Call) -> Document:
    project = find_item(call, "Project", call.path["id"])
    settings = call.transaction.load("DeploymentSettings", f"deploymentsettings-{project['Id']}")
    if settings is None:
        raise not_found(f"deploymentsettings-{project['Id']}")
    return settings


def get_settings(call: Call) -> Reply:
    return Reply(present_one(call, "DeploymentSettings", _settings(call)))


#: Settings that the project resource goes on showing under these names.
_SHARED = {
    "ConnectivityPolicy": "ProjectConnectivityPolicy",
    "DefaultGuidedFailureMode": "DefaultGuidedFailureMode",
    "DefaultToSkipIfAlreadyInstalled": "DefaultToSkipIfAlreadyInstalled",
    "VersioningStrategy": "VersioningStrategy",
    "ReleaseNotesTemplate": "ReleaseNotesTemplate",
    "DeploymentChangesTemplate": "DeploymentChangesTemplate",
}


def put_settings(call: Call) -> Reply:
    existing = _settings(call)
    if call.rights is not None:
        call.rights.require("ProjectEdit", space=call.space, projects=[existing["ProjectId"]])
    settings = accept(call, resource(call, "DeploymentSettings"), body_of(call), existing)
    call.transaction.update("DeploymentSettings", settings)
    project = call.transaction.load("Project", existing["ProjectId"])
    if project is not None:
        call.transaction.update(
            "Project", {**project, **{theirs: settings.get(ours) for ours, theirs in _SHARED.items()}}
        )
    return Reply(present_one(call, "DeploymentSettings", settings))


def _settings_follow(call: Call, project: Document, _before: Document) -> None:
    """Until clients use the separate resource they change the settings through the project."""
    if call.server.at_least("2021.2"):
        settings = call.transaction.load("DeploymentSettings", f"deploymentsettings-{project['Id']}")
        if settings is not None:
            call.transaction.update(
                "DeploymentSettings", {**settings, **{ours: project.get(theirs) for ours, theirs in _SHARED.items()}}
            )


hooks.register("Project", after_update=_settings_follow)

_OF_PROJECT = "projects/{projectId}/runbookProcesses/{id}"
ROUTES = (
    Route("GET", "deploymentprocesses", list_processes, "space", "ProcessView", operation="indexDeploymentProcesses"),
    Route("GET", "deploymentprocesses/{id}", get_process, "space", "ProcessView", operation="getDeploymentProcessById"),
    Route("PUT", "deploymentprocesses/{id}", put_process, "space", "ProcessEdit", operation="updateDeploymentProcess"),
    # Below their project as well, for projects whose runbooks are not in Git (api-client.ts, go-octopusdeploy).
    Route("GET", _OF_PROJECT, get_runbook_process, "space", "RunbookView", "2024.1"),
    Route("PUT", _OF_PROJECT, put_runbook_process, "space", "RunbookEdit", "2024.1"),
    Route(
        "GET",
        "runbookProcesses",
        list_runbook_processes,
        "space",
        "RunbookView",
        "2019.11",
        operation="indexRunbookProcesses",
    ),
    Route(
        "GET",
        "runbookProcesses/{id}",
        get_runbook_process,
        "space",
        "RunbookView",
        "2019.11",
        operation="getRunbookProcessById",
    ),
    Route(
        "PUT",
        "runbookProcesses/{id}",
        put_runbook_process,
        "space",
        "RunbookEdit",
        "2019.11",
        operation="updateRunbookProcess",
    ),
    Route("GET", "projects/{id}/deploymentprocesses", get_project_process, "space", "ProcessView", "2021.1"),
    Route("PUT", "projects/{id}/deploymentprocesses", put_project_process, "space", "ProcessEdit", "2021.1"),
    Route("GET", "projects/{id}/deploymentsettings", get_settings, "space", "ProjectView", "2021.2"),
    Route("PUT", "projects/{id}/deploymentsettings", put_settings, "space", "ProjectEdit", "2021.2"),
)


def _show_owner(_call: Call, shown: list[Document], stored: list[Document]) -> None:
    for item, document in zip(shown, stored, strict=True):
        item["RunbookId"] = document["OwnerId"]


hooks.register("RunbookProcess", show=_show_owner)
