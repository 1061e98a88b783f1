"""Routes of server tasks: lists with filters, details, logs, cancel, state, re-run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from standins.octopus.api.access import in_reach, require_for
from standins.octopus.api.errors import invalid
from standins.octopus.api.queries import Selection, select, split_list
from standins.octopus.api.rendering import page, render, resource
from standins.octopus.behaviour import activity, events, task_logs, task_types, tasks
from standins.octopus.behaviour.documents import folded, is_true, mapped, space_of, text_of
from standins.octopus.behaviour.moments import asked_moment, duration_text, iso, long_text, moment
from standins.octopus.contract import ApiError, Call, Document, Reply, Route, Server

_RESOURCE = "Task"
_WAITING_TEXT = {
    "Queued": "Queued...",
    "Executing": "Executing...",
    "Cancelling": "Cancelling...",
    "TimedOut": "Timed out",
}

#: Query name → column, for filters that are one value.
_COLUMNS = {
    "environment": "EnvironmentId",
    "tenant": "TenantId",
    "project": "ProjectId",
    "runbook": "RunbookId",
    "name": "Name",
}


def show(call: Call, task: Document) -> Document:
    """A task as the API shows it: what is computed from the stored state, then the properties of the version."""
    state = task["State"]
    completed_at = moment(task.get("CompletedTime"))
    started_at = moment(task.get("StartTime"))
    end = completed_at or call.server.now()
    seconds = (end - started_at).total_seconds() if started_at else 0.0
    return render(
        call,
        _RESOURCE,
        {
            **task,
            "Completed": _WAITING_TEXT.get(state) or (long_text(completed_at) if completed_at else state),
            "IsCompleted": state in tasks.COMPLETED,
            "FinishedSuccessfully": state == "Success",
            "HasBeenPickedUpByProcessor": state != "Queued",
            "Duration": duration_text(seconds),
            "CanRerun": state in tasks.COMPLETED and task["Name"] in task_types.RERUNNABLE,
            "LastUpdatedTime": task.get("CompletedTime") or task.get("LastUpdatedTime"),
            "ServerNode": _node(call.server, task.get("ServerNodeId")),
        },
    )


def _node(server: Server, node_id: str | None) -> str | None:
    """The bare name before Spaces (tasks page recorded in 2017), the node's id since."""
    if node_id and not server.at_least("2019.1"):
        return node_id.removeprefix("OctopusServerNodes-")
    return node_id


def _selection(call: Call) -> Selection:
    selection = Selection()
    query = call.query
    ids = split_list(query.get("ids"))
    if ids:
        selection.where["Id"] = ids
    for name, column in _COLUMNS.items():
        if query.get(name) and (column != "RunbookId" or call.server.at_least("2019.11")):
            selection.where[column] = query[name]
    states = split_list(query.get("states"))
    if is_true(query.get("active")):
        states = ["Queued", "Executing", "Cancelling"]
    elif is_true(query.get("running")):
        states = ["Executing", "Cancelling"]
    if states:
        selection.where["State"] = states
    for name, column in (
        ("haspendinginterruptions", "HasPendingInterruptions"),
        ("haswarningsorerrors", "HasWarningsOrErrors"),
    ):
        if query.get(name):
            selection.where[column] = is_true(query[name])
    node = query.get("node")
    if node:
        selection.where["ServerNodeId"] = (
            node if node.startswith("OctopusServerNodes-") else f"OctopusServerNodes-{node}"
        )
    text = query.get("partialname") or query.get("description")
    if text:
        selection.contains["Description"] = text
    selection.tests.extend(_date_tests(call))
    return selection


def _date_tests(call: Call) -> list[Callable[[Document], bool]]:
    """``fromQueueDate`` and its kin (root links of 2023.1)."""
    tests: list[Callable[[Document], bool]] = []
    for word, column in (("queue", "QueueTime"), ("start", "StartTime"), ("completed", "CompletedTime")):
        low, high = (asked_moment(call.query.get(f"{end}{word}date"), f"{end}{word}Date") for end in ("from", "to"))
        if low is None and high is None:
            continue

        def within(task: Document, column: str = column, low: Any = low, high: Any = high) -> bool:
            at = moment(task.get(column))
            return at is not None and (low is None or at >= low) and (high is None or at <= high)

        tests.append(within)
    return tests


def list_tasks(call: Call) -> Reply:
    selection = _selection(call)
    found, total = select(call, resource(call, _RESOURCE), selection)
    extra = {"TotalCounts": _counts(call)}
    return Reply(page(call, _RESOURCE, [show(call, task) for task in found], total, extra=extra))


def _counts(call: Call) -> dict[str, int]:
    """How many tasks are in each state, beside the page (OctopusClients TaskResourceCollection)."""
    conditions, parameters = "", []
    if call.space is not None:
        conditions, parameters = " WHERE [SpaceId] = ?", [call.space]
    counts: Counter[str] = Counter()
    # By state alone, which an index has; interruptions wait in tasks that run, and few run.
    for state, count in call.transaction.execute(
        f"SELECT [State], COUNT(*) FROM dbo.[ServerTask]{conditions} GROUP BY [State]", *parameters
    ):
        counts[state] += count
    for (count,) in call.transaction.execute(
        "SELECT COUNT(*) FROM dbo.[ServerTask]"
        f"{conditions or ' WHERE 1 = 1'} AND [State] IN (N'Queued', N'Executing', N'Cancelling') "
        "AND [HasPendingInterruptions] = 1",
        *parameters,
    ):
        counts["Interrupted"] += count
    names = ("Executing", "Queued", "Cancelling", "Canceled", "Interrupted", "Failed", "Success", "TimedOut")
    return {name: counts[name] for name in names}


def _task(call: Call, permission: str = "") -> Document:
    task = call.transaction.load("ServerTask", call.path["id"])
    found = in_reach(call, resource(call, _RESOURCE), task, call.path["id"])
    if permission:
        require_for(call, resource(call, _RESOURCE), permission, found)
    return found


def get_task(call: Call) -> Reply:
    return Reply(show(call, _task(call)))


def details(call: Call) -> Reply:
    task = _task(call)
    nodes = task_logs.trees(call.server, task)
    verbose = call.query.get("verbose", "true").lower() != "false"
    tail = int(call.query["tail"]) if call.query.get("tail", "").isdigit() else None
    done = task["State"] in tasks.COMPLETED
    self_link = f"/api/tasks/{task['Id']}/details"
    return Reply(
        {
            "Id": f"{task['Id']}-details",
            "Task": show(call, task),
            "ActivityLogs": [activity.as_details(node, verbose=verbose, tail=tail) for node in nodes],
            "PhysicalLogSize": task_logs.size(task_logs.log_files(call.server, task)),
            "Progress": {"ProgressPercentage": 100 if done else 0, "EstimatedTimeRemaining": "" if done else "unknown"},
            "Links": {"Self": self_link},
        }
    )


def raw(call: Call) -> Reply:
    task = _task(call)
    related = [value for value in mapped(task, "Arguments").values() if isinstance(value, str)]
    return Reply(task_logs.raw_text(call.server, task, related), media_type="text/plain")


def create_task(call: Call) -> Reply:
    body = folded(call.body)
    name = text_of(body.get("name"))
    if name not in task_types.names(call.server):
        raise invalid(f"There is no task type '{name}'.")
    if name in task_types.STARTED_OTHERWISE:
        raise invalid(f"Tasks of type '{name}' cannot be created directly.")
    space = space_of(call)
    if call.server.at_least("2019.1"):
        # A system task says SpaceId null or nothing on the unscoped route.
        space = call.space or body.get("spaceid")
    task = tasks.queue(
        call.server,
        call.transaction,
        name,
        text_of(body.get("description")) or task_types.description(name),
        arguments=mapped(body, "arguments"),
        subject=tasks.Subject(space=space),
    )
    events.record(
        call.server,
        call.transaction,
        "Created",
        f"Task {task['Description']} was created",
        related=[task["Id"]],
        source=events.Source.of(call),
        space=space,
    )
    return Reply(show(call, task), 201)


def cancel(call: Call) -> Reply:
    task = _task(call, "TaskCancel")
    if task["State"] == "Queued" or (task["State"] == "Executing" and not task["ServerNodeId"]):
        # Nobody works on it: a queued task, or one that waits for a person.
        for interruption in call.transaction.query("Interruption", where={"TaskId": task["Id"], "Status": "Pending"}):
            interruption["Status"] = "Canceled"
            call.transaction.update("Interruption", interruption)
        tasks.finish(call.server, call.transaction, task, "Canceled", "The task was canceled.")
    elif task["State"] == "Executing":
        task["State"] = "Cancelling"
        task["LastUpdatedTime"] = iso(call.server.now())
        call.transaction.update("ServerTask", task)
    else:
        raise invalid(f"The task cannot be canceled because it is already {task['State']}.")
    events.record(
        call.server,
        call.transaction,
        "TaskCanceled",
        f"{task['Description']} was canceled",
        references={task["Description"]: task["Id"]},
        related=[value for value in mapped(task, "Arguments").values() if isinstance(value, str)],
        source=events.Source.of(call),
        space=task.get("SpaceId"),
        project=task.get("ProjectId"),
        environment=task.get("EnvironmentId"),
        tenant=task.get("TenantId"),
    )
    return Reply(show(call, task))


def set_state(call: Call) -> Reply:
    """Only a finished task may be given another finished state, with a reason (Octopus docs, "Tasks")."""
    task = _task(call, "TaskEdit")
    body = folded(call.body)
    state, reason = text_of(body.get("state")), text_of(body.get("reason"))
    allowed = ("Success", "Failed", "Canceled")
    if task["State"] not in allowed or state not in allowed:
        raise invalid(f"The state of a task can only be changed between {', '.join(allowed)}.")
    if not reason:
        raise invalid("Please provide a reason for changing the state of the task.")
    before = task["State"]
    task["State"] = state
    task["LastUpdatedTime"] = iso(call.server.now())
    call.transaction.update("ServerTask", task)
    events.record(
        call.server,
        call.transaction,
        "Modified",
        f"The state of {task['Description']} was changed from {before} to {state}",
        references={task["Description"]: task["Id"]},
        source=events.Source.of(call),
        space=task.get("SpaceId"),
        comments=reason,
    )
    return Reply(show(call, task))


def rerun(call: Call) -> Reply:
    task = _task(call, "TaskCreate")
    if task["Name"] not in task_types.RERUNNABLE:
        raise invalid(f"Tasks of type '{task['Name']}' cannot be re-run.")
    if task["State"] not in tasks.COMPLETED:
        raise invalid("The task is not finished yet.")
    subject = tasks.Subject(task.get("SpaceId"), task.get("ProjectId"), task.get("EnvironmentId"), task.get("TenantId"))
    again = tasks.queue(
        call.server,
        call.transaction,
        task["Name"],
        task["Description"],
        arguments=task["Arguments"],
        subject=subject,
    )
    return Reply(show(call, again))


def queued_behind(call: Call) -> Reply:
    """Tasks this one waits for: same concurrency tag, not finished, queued earlier or running."""
    task = _task(call)
    found: list[Document] = []
    if task["ConcurrencyTag"]:
        found = [
            other
            for other in call.transaction.query(
                "ServerTask",
                where={"ConcurrencyTag": task["ConcurrencyTag"], "State": list(tasks.ACTIVE)},
                order_by="QueueTime",
            )
            if other["Id"] != task["Id"] and (moment(other["QueueTime"]) or 0) <= (moment(task["QueueTime"]) or 0)  # type: ignore[operator]
        ]
    return Reply(page(call, _RESOURCE, [show(call, other) for other in found], len(found)))


def list_types(call: Call) -> Reply:
    return Reply([{"Id": name, "Name": name, "Links": {}} for name in task_types.names(call.server)])


def prioritize(call: Call) -> Reply:
    task = _task(call, "TaskPrioritize")
    if task["State"] != "Queued":
        raise ApiError(400, "There was a problem with your request.", ["Only queued tasks can be prioritized."])
    task["Priority"] = "High"
    call.transaction.update("ServerTask", task)
    return Reply(show(call, task))


ROUTES = (
    Route("GET", "tasks", list_tasks, "mixed", "TaskView", operation="indexTasks"),
    Route("POST", "tasks", create_task, "mixed", "TaskCreate", operation="createTask"),
    Route("GET", "tasks/tasktypes", list_types, "mixed", None, operation="listTaskTypes"),
    Route("GET", "tasks/{id}", get_task, "mixed", "TaskView", operation="getTaskById"),
    Route("GET", "tasks/{id}/details", details, "mixed", "TaskView", operation="getTaskDetails"),
    Route("GET", "tasks/{id}/raw", raw, "mixed", "TaskView", operation="getTaskRaw"),
    Route("POST", "tasks/{id}/cancel", cancel, "mixed", "TaskCancel", operation="cancelTask"),
    Route("POST", "tasks/{id}/state", set_state, "mixed", "TaskEdit", operation="editTaskState"),
    Route("POST", "tasks/{id}/prioritize", prioritize, "mixed", "TaskPrioritize", since="2023.1"),
    Route("POST", "tasks/rerun/{id}", rerun, "mixed", "TaskCreate", operation="rerunTask"),
    Route("GET", "tasks/{id}/queued-behind", queued_behind, "mixed", "TaskView", operation="listTasksQueuedBehind"),
)
