"""Routes of the scheduler: what the server does by the clock, and the logs of it."""

from __future__ import annotations

from standins.octopus.api.errors import not_found
from standins.octopus.behaviour import activity, scheduled_logs
from standins.octopus.contract import Call, Reply, Route


def status(call: Call) -> Reply:
    return Reply(
        {
            "Id": None,
            "IsRunning": call.server.tasks is not None,
            "TaskStatus": [{"Name": name, "IsEnabled": True} for name in scheduled_logs.NAMES],
            "Links": {"Self": "/api/scheduler"},
        }
    )


def _known(call: Call) -> str:
    wanted = call.path["name"].lower()
    for name in scheduled_logs.NAMES:
        if name.lower() == wanted:
            return name
    raise not_found()


def logs(call: Call) -> Reply:
    name = _known(call)
    node = scheduled_logs.tree(call.server, name) or activity.Node(name, scheduled_logs.NAMES[name])
    verbose = call.query.get("verbose", "true").lower() != "false"
    tail = call.query.get("tail", "")
    return Reply(
        {
            "Id": None,
            "ActivityLog": activity.as_details(node, verbose=verbose, tail=int(tail) if tail.isdigit() else None),
            "Links": {"Self": f"/api/scheduler/{name}/logs"},
        }
    )


def raw(call: Call) -> Reply:
    node = scheduled_logs.tree(call.server, _known(call))
    return Reply("\r\n".join(activity.as_text([node])) if node else "", media_type="text/plain")


ROUTES = (
    Route("GET", "scheduler", status, "system", "AdministerSystem"),
    Route("GET", "scheduler/{name}/logs", logs, "system", "AdministerSystem"),
    Route("GET", "scheduler/{name}/logs/raw", raw, "system", "AdministerSystem"),
)
