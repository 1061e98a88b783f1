"""Lifecycles and project groups."""

from __future__ import annotations

import uuid

from standins.octopus.api import hooks
from standins.octopus.api.crud import find_item, present
from standins.octopus.api.errors import invalid
from standins.octopus.api.queries import select, selection_of, split_list
from standins.octopus.api.rendering import page, render, render_all, resource
from standins.octopus.behaviour.documents import listed
from standins.octopus.behaviour.lifecycles import phases_of
from standins.octopus.contract import Call, Document, Reply, Route


def _prepare(call: Call, document: Document, existing: Document | None) -> None:
    named: set[str] = set()
    names: set[str] = set()
    for phase in listed(document, "Phases"):
        # A phase keeps its id for life; the server gives one to a new phase.
        phase["Id"] = phase.get("Id") or str(uuid.uuid4())
        if not str(phase.get("Name") or "").strip():
            raise invalid("Please provide a name for each phase.")
        if phase["Name"].lower() in names:
            raise invalid(f"There is more than one phase called '{phase['Name']}'. Phase names must be unique.")
        names.add(phase["Name"].lower())
        targets = [*phase.get("AutomaticDeploymentTargets", ()), *phase.get("OptionalDeploymentTargets", ())]
        if len(set(targets)) != len(targets) or named & set(targets):
            raise invalid("An environment can only be in one phase of a lifecycle, once.")
        named |= set(targets)
    if existing is None or named != _environments(existing):
        known = (
            {found["Id"] for found in call.transaction.load_many("DeploymentEnvironment", named)}
            if named
            else set[str]()
        )
        if named - known:
            raise invalid(*(f"The environment '{document_id}' was not found." for document_id in sorted(named - known)))


def _environments(document: Document) -> set[str]:
    return {
        document_id
        for phase in listed(document, "Phases")
        for document_id in (
            *listed(phase, "AutomaticDeploymentTargets"),
            *listed(phase, "OptionalDeploymentTargets"),
        )
    }


hooks.register("Lifecycle", prepare=_prepare)


def preview_of(call: Call, lifecycle: Document) -> Document:
    """The lifecycle with the phases it really has: one a environment where it defines none."""
    environments = call.transaction.query("DeploymentEnvironment", space=call.space, order_by="SortOrder, Name")
    stored = {phase.get("Id"): phase for phase in listed(lifecycle, "Phases")}
    phases = [
        {
            **stored.get(phase.id, {}),
            "Id": phase.id or str(uuid.uuid5(uuid.NAMESPACE_OID, phase.name)),
            "Name": phase.name,
            "AutomaticDeploymentTargets": list(phase.automatic),
            "OptionalDeploymentTargets": list(phase.optional),
            "MinimumEnvironmentsBeforePromotion": phase.minimum,
            "IsOptionalPhase": phase.is_optional,
        }
        for phase in phases_of(lifecycle, environments)
    ]
    return render(call, "Lifecycle", {**lifecycle, "Phases": phases})


def preview(call: Call) -> Reply:
    return Reply(preview_of(call, find_item(call, "Lifecycle", call.path["id"])))


def previews(call: Call) -> Reply:
    wanted = split_list(call.query.get("ids"))
    lifecycles, _ = select(call, resource(call, "Lifecycle"), paged=False)
    return Reply([preview_of(call, lifecycle) for lifecycle in lifecycles if not wanted or lifecycle["Id"] in wanted])


def projects_of_lifecycle(call: Call) -> Reply:
    """Projects that use the lifecycle themselves or in one of their channels."""
    lifecycle = find_item(call, "Lifecycle", call.path["id"])
    by_channel = {
        channel["ProjectId"]
        for channel in call.transaction.query("Channel", where={"LifecycleId": lifecycle["Id"]}, space=call.space)
    }
    projects, _ = select(call, resource(call, "Project"), paged=False)
    return Reply(
        render_all(
            call,
            "Project",
            [
                project
                for project in projects
                if project["LifecycleId"] == lifecycle["Id"] or project["Id"] in by_channel
            ],
        )
    )


def projects_of_group(call: Call) -> Reply:
    group = find_item(call, "ProjectGroup", call.path["id"])
    projects = resource(call, "Project")
    selection = selection_of(call, projects)
    selection.where["ProjectGroupId"] = group["Id"]
    documents, total = select(call, projects, selection)
    return Reply(page(call, "Project", present(call, "Project", documents), total))


ROUTES = (
    Route("GET", "lifecycles/{id}/preview", preview, "space", "LifecycleView", operation="getLifecyclePreview"),
    Route("GET", "lifecycles/previews", previews, "space", "LifecycleView", "2022.1", operation="getLifecyclePreviews"),
    Route(
        "GET",
        "lifecycles/{id}/projects",
        projects_of_lifecycle,
        "space",
        "LifecycleView",
        operation="listProjectsOfLifecycle",
    ),
    Route(
        "GET",
        "projectgroups/{id}/projects",
        projects_of_group,
        "space",
        "ProjectView",
        operation="indexProjectsInGroup",
    ),
)
