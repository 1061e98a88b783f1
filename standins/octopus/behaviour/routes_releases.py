"""Routes of releases: making, reading, changing and deleting them, their templates, progression and defects."""

from __future__ import annotations

from standins.octopus.api.access import in_reach, require_for
from standins.octopus.api.crud import present_one
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.queries import Selection, select, selection_of
from standins.octopus.api.rendering import page, render, resource, skip_and_take
from standins.octopus.behaviour import deployments, events, progress, releases, version_rules
from standins.octopus.behaviour.documents import folded, is_true, listed, text_of
from standins.octopus.behaviour.lifecycles import PhaseProgress, progression
from standins.octopus.behaviour.moments import iso
from standins.octopus.behaviour.routes_tasks import show as show_task
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

_RESOURCE = "Release"


def find(call: Call, release_id: str) -> Document:
    return in_reach(call, resource(call, _RESOURCE), call.transaction.load("Release", release_id), release_id)


def find_project(call: Call, id_or_slug: str, permission: str = "") -> Document:
    document = call.transaction.load("Project", id_or_slug)
    if document is None:
        space = call.space if call.server.at_least("2019.1") else None
        for column in ("Slug", "Name"):
            named = call.transaction.query("Project", where={column: id_or_slug}, space=space, take=1)
            if named:
                document = named[0]
                break
    found = in_reach(call, resource(call, "Project"), document, id_or_slug)
    if permission and call.rights is not None:
        call.rights.require(
            permission, space=found.get("SpaceId"), projects=[found["Id"]], project_groups=[found["ProjectGroupId"]]
        )
    return found


def show(call: Call, release: Document) -> Document:
    return render(call, _RESOURCE, release)


def _page(call: Call, selection: Selection) -> Reply:
    found, total = select(call, resource(call, _RESOURCE), selection)
    return Reply(page(call, _RESOURCE, [show(call, entry) for entry in found], total))


def list_releases(call: Call) -> Reply:
    return _page(call, selection_of(call, resource(call, _RESOURCE)))


def list_of_project(call: Call) -> Reply:
    """The releases page of a project. The real one reads a view, which an interrupted upgrade leaves behind without the
    columns of the new version (OctopusDeploy/Issues 5252); so does this.
    """
    project = find_project(call, call.path["id"], "ReleaseView")
    conditions, values = ["[ProjectId] = ?"], [project["Id"]]
    if call.space:
        conditions.append("[SpaceId] = ?")
        values.append(call.space)
    if call.query.get("searchbyversion"):
        conditions.append("CHARINDEX(?, [Version]) > 0")
        values.append(call.query["searchbyversion"])
    rows = call.transaction.execute(
        "SELECT [Id] FROM dbo.[Release_WithDeploymentProcess] "
        f"WHERE {' AND '.join(conditions)} ORDER BY [Assembled] DESC, [Id]",
        *values,
    )
    skip, take = skip_and_take(call)
    shown = call.transaction.load_many("Release", [row[0] for row in rows[skip : skip + take]])
    return Reply(page(call, _RESOURCE, [show(call, entry) for entry in shown], len(rows)))


def list_of_channel(call: Call) -> Reply:
    channel = in_reach(
        call, resource(call, "Channel"), call.transaction.load("Channel", call.path["id"]), call.path["id"]
    )
    selection = selection_of(call, resource(call, _RESOURCE))
    selection.where["ChannelId"] = channel["Id"]
    return _page(call, selection)


def by_version(call: Call) -> Reply:
    project = find_project(call, call.path["id"])
    wanted = call.path["version"]
    document = call.transaction.load("Release", wanted) if wanted.startswith("Releases-") else None
    if document is None:
        found = call.transaction.query("Release", where={"ProjectId": project["Id"], "Version": wanted}, take=1)
        document = found[0] if found else None
    return Reply(show(call, in_reach(call, resource(call, _RESOURCE), document, wanted)))


def get_release(call: Call) -> Reply:
    return Reply(show(call, find(call, call.path["id"])))


def create_release(call: Call) -> Reply:
    body = folded(call.body)
    project_id = text_of(body.get("projectid"))
    try:
        project = find_project(call, project_id, "ReleaseCreate")
    except ApiError as error:
        raise (
            invalid(f"ProjectId: the resource '{project_id}' was not found.") if error.status == 404 else error
        ) from None
    channel_id = text_of(body.get("channelid"))
    channel = call.transaction.load("Channel", channel_id) if channel_id else None
    if channel_id and channel is None:
        raise invalid(f"ChannelId: the resource '{channel_id}' was not found.")
    draft = releases.Draft(
        project,
        text_of(body.get("version")).strip(),
        channel or releases.default_channel(call.transaction, project),
        body.get("releasenotes"),
        [selected(entry) for entry in listed(body, "selectedpackages")],
        is_true(call.query.get("ignorechannelrules")) or is_true(body.get("ignorechannelrules")),
    )
    return Reply(show(call, make(call, draft)), 201)


def selected(entry: object) -> Document:
    """One selected package; clients that know no references leave the name out."""
    given = folded(entry)
    action = text_of(given.get("actionname")) or text_of(given.get("stepname"))
    return {
        "ActionName": action,
        "StepName": action,
        "PackageReferenceName": text_of(given.get("packagereferencename")),
        "Version": text_of(given.get("version")),
    }


def make(call: Call, draft: releases.Draft) -> Document:
    """Create the release, tell the audit log, and let the lifecycle send it on."""
    source = events.Source.of(call)
    release = releases.create(call.server, call.transaction, draft)
    events.record(
        call.server,
        call.transaction,
        "Created",
        f"Release {release['Version']} was created for {draft.project['Name']}",
        references={f"Release {release['Version']}": release["Id"], draft.project["Name"]: draft.project["Id"]},
        related=[draft.channel["Id"]],
        source=source,
        space=release.get("SpaceId"),
        project=draft.project["Id"],
    )
    deployments.deploy_automatically(call.server, call.transaction, release, source)
    return release


def update_release(call: Call) -> Reply:
    release = find(call, call.path["id"])
    require_for(call, resource(call, _RESOURCE), "ReleaseEdit", release)
    before = dict(release)
    body = folded(call.body)
    version = text_of(body.get("version")) or release["Version"]
    packages = [selected(entry) for entry in listed(body, "selectedpackages")]
    channel_id = text_of(body.get("channelid")) or release["ChannelId"]
    if channel_id != release["ChannelId"]:
        channel = call.transaction.load("Channel", channel_id)
        if channel is None or channel["ProjectId"] != release["ProjectId"]:
            raise invalid(f"ChannelId: the resource '{channel_id}' was not found.")
    release.update(
        {
            "Version": version,
            "ChannelId": channel_id,
            "ReleaseNotes": body.get("releasenotes"),
            "SelectedPackages": packages,
            "IgnoreChannelRules": is_true(body.get("ignorechannelrules"))
            or is_true(call.query.get("ignorechannelrules")),
        }
    )
    call.transaction.update("Release", release)
    events.modified(call, "Release", release, before)
    return Reply(show(call, release))


def delete_release(call: Call) -> Reply:
    release = find(call, call.path["id"])
    require_for(call, resource(call, _RESOURCE), "ReleaseDelete", release)
    running = [
        task
        for deployment in call.transaction.query("Deployment", where={"ReleaseId": release["Id"]})
        if (task := call.transaction.load("ServerTask", deployment["TaskId"]))
        and task["State"] in {"Executing", "Cancelling"}
    ]
    if running:
        raise invalid("The release cannot be deleted while it is being deployed.")
    releases.delete(call.server, call.transaction, release)
    events.deleted(call, "Release", release)
    return Reply({})


def snapshot_variables(call: Call) -> Reply:
    release = find(call, call.path["id"])
    require_for(call, resource(call, _RESOURCE), "ReleaseEdit", release)
    project = find_project(call, release["ProjectId"])
    before = dict(release)
    releases.snapshot_variables(call.transaction, project, release)
    events.modified(call, "Release", release, before)
    return Reply(show(call, release))


# -- templates and rules -----------------------------------------------------------------------------------------


def release_template(call: Call) -> Reply:
    process_id = call.path["id"]
    process = call.transaction.load("DeploymentProcess", process_id)
    if process is None:
        raise not_found(process_id)
    project = find_project(call, process["OwnerId"])
    channel_id = call.query.get("channel")
    channel = call.transaction.load("Channel", channel_id) if channel_id else None
    template = releases.template(call.transaction, project, process, channel)
    return Reply({"Id": None, **template, "Links": {"Self": call.url.partition("?")[0]}})


def rule_test(call: Call) -> Reply:
    """GET with a query, POST with a body; the misspelt ``feetType`` is the query's real name and has no effect here."""
    body = folded(call.body)
    version, version_range, tag = (
        text_of(body.get(name)) or call.query.get(name, "") for name in ("version", "versionrange", "prereleasetag")
    )
    tested = version_rules.test_rule(version, version_range, tag)
    return Reply(
        {
            "SatisfiesVersionRange": tested.range_ok,
            "SatisfiesPreReleaseTag": tested.tag_ok,
            "IsSatisfied": tested.satisfied,
            "Errors": list(tested.errors),
        }
    )


# -- progression and defects -------------------------------------------------------------------------------------


def reach_of(call: Call, release: Document) -> progress.Reach:
    project = find_project(call, release["ProjectId"])
    channel = call.transaction.load("Channel", release["ChannelId"]) if release.get("ChannelId") else None
    environments = progress.environments(call.transaction, release.get("SpaceId"))
    return progress.reach(call.transaction, project, release, channel, environments)


def release_progression(call: Call) -> Reply:
    release = find(call, call.path["id"])
    reach = reach_of(call, release)
    done = call.transaction.query("Deployment", where={"ReleaseId": release["Id"]}, order_by="Created DESC")
    tasks = {task["Id"]: task for task in call.transaction.load_many("ServerTask", [entry["TaskId"] for entry in done])}
    phases = progression(reach.phases, reach.deployed, blocked=reach.blocked)
    return Reply(
        {
            "Id": None,
            "Phases": [_phase(call, entry, done, tasks) for entry in phases],
            "NextDeployments": reach.next,
            "NextDeploymentsMinimumRequired": next(
                (entry.phase.minimum for entry in phases if entry.progress == "Current"), 0
            ),
            "Links": {"Self": call.url.partition("?")[0]},
        }
    )


def _phase(call: Call, entry: PhaseProgress, done: list[Document], tasks: dict[str, Document]) -> Document:
    return {
        "Id": entry.phase.id or None,
        "Name": entry.phase.name,
        "Blocked": entry.blocked,
        "Progress": entry.progress,
        "AutomaticDeploymentTargets": list(entry.phase.automatic),
        "OptionalDeploymentTargets": list(entry.phase.optional),
        "MinimumEnvironmentsBeforePromotion": entry.phase.minimum,
        "IsOptionalPhase": entry.phase.is_optional,
        "Deployments": [
            {
                "Task": show_task(call, tasks[deployment["TaskId"]]),
                "Deployment": render(call, "Deployment", deployment),
            }
            for deployment in done
            if deployment["EnvironmentId"] in entry.phase.environments and deployment["TaskId"] in tasks
        ],
    }


def list_defects(call: Call) -> Reply:
    defects = listed(find(call, call.path["id"]), "Defects")
    return Reply(page(call, "Defect", [_defect(call, entry) for entry in defects], len(defects)))


def _defect(call: Call, defect: Document) -> Document:
    return {
        "Id": None,
        "Status": defect["Status"],
        "Description": defect["Description"],
        "Links": {"Self": call.url.partition("?")[0]},
    }


def report_defect(call: Call) -> Reply:
    release = find(call, call.path["id"])
    require_for(call, resource(call, _RESOURCE), "DefectReport", release)
    description = text_of(folded(call.body).get("description"))
    if not description:
        raise invalid("Please provide a description of the problem.")
    if progress.has_unresolved_defect(release):
        raise invalid("The release is blocked by an unresolved defect already.")
    defect = {"Status": "Unresolved", "Description": description, "Reported": iso(call.server.now())}
    release["Defects"] = [*listed(release, "Defects"), defect]
    call.transaction.update("Release", release)
    _record_defect(call, release, "was blocked", description)
    return Reply(_defect(call, defect))


def resolve_defect(call: Call) -> Reply:
    release = find(call, call.path["id"])
    require_for(call, resource(call, _RESOURCE), "DefectResolve", release)
    open_defects = [entry for entry in listed(release, "Defects") if entry["Status"] == "Unresolved"]
    if not open_defects:
        raise invalid("The release has no unresolved defect.")
    for defect in open_defects:
        defect["Status"] = "Resolved"
    call.transaction.update("Release", release)
    _record_defect(call, release, "was unblocked", "")
    return Reply(_defect(call, open_defects[-1]))


def _record_defect(call: Call, release: Document, verb: str, comments: str) -> None:
    events.record(
        call.server,
        call.transaction,
        "Modified",
        f"Release {release['Version']} {verb}",
        references={f"Release {release['Version']}": release["Id"]},
        source=events.Source.of(call),
        space=release.get("SpaceId"),
        project=release["ProjectId"],
        comments=comments,
    )


def release_variables(call: Call) -> Reply:
    """The frozen project variables of a release (route of 2023)."""
    release = find(call, call.path["release"])
    variables = call.transaction.load("VariableSet", release["ProjectVariableSetSnapshotId"])
    if variables is None:
        raise not_found(release["ProjectVariableSetSnapshotId"])
    return Reply([present_one(call, "VariableSet", variables)])


ROUTES = (
    Route("GET", "releases", list_releases, permission="ReleaseView", operation="indexReleases"),
    Route("POST", "releases", create_release, permission="ReleaseCreate", operation="createRelease"),
    Route("GET", "releases/{id}", get_release, permission="ReleaseView", operation="getReleaseById"),
    Route("PUT", "releases/{id}", update_release, permission="ReleaseEdit", operation="updateRelease"),
    Route("DELETE", "releases/{id}", delete_release, permission="ReleaseDelete", operation="deleteRelease"),
    Route("GET", "releases/{id}/progression", release_progression, permission="ReleaseView"),
    Route("POST", "releases/{id}/snapshot-variables", snapshot_variables, permission="ReleaseEdit"),
    Route("GET", "releases/{id}/defects", list_defects, permission="ReleaseView"),
    Route("POST", "releases/{id}/defects", report_defect, permission="DefectReport"),
    Route("POST", "releases/{id}/defects/resolve", resolve_defect, permission="DefectResolve"),
    Route("GET", "projects/{id}/releases", list_of_project, permission="ReleaseView"),
    Route("GET", "projects/{id}/releases/{version}", by_version, permission="ReleaseView"),
    Route(
        "GET",
        "projects/{id}/releases/{release}/variables",
        release_variables,
        permission="VariableView",
        since="2023.1",
    ),
    Route("GET", "channels/{id}/releases", list_of_channel, permission="ReleaseView"),
    Route("GET", "channels/rule-test", rule_test, permission="ProcessView"),
    Route("POST", "channels/rule-test", rule_test, permission="ProcessView"),
    Route("GET", "deploymentprocesses/{id}/template", release_template, permission="ProcessView"),
)
