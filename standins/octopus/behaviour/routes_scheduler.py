"""Routes of the scheduler: what the server does by the clock, and the logs of it."""

from __future__ import annotations

from standins.octopus.api.errors import not_found
from standins.octopus.behaviour import activity, scheduled_logs
from standins.octopus.contract import ApiError, Call, Reply, Route, TaskEngine


def status(call: Call) -> Reply:
    return Reply(
        {
            "Id": None,
            "IsRunning": call.server.tasks is not None and call.server.tasks.is_scheduling,
            "TaskStatus": [{"Name": name, "IsEnabled": True} for name in scheduled_logs.NAMES],
            "Links": {"Self": "/api/scheduler"},
        }
    )


def start(call: Call) -> Reply:
    _engine(call).schedule(on=True)
    return Reply({})


def stop(call: Call) -> Reply:
    _engine(call).schedule(on=False)
    return Reply({})


def trigger(call: Call) -> Reply:
    """Look at the clock now; a stopped scheduler stays stopped."""
    engine = _engine(call)
    if engine.is_scheduling:
        engine.schedule(on=True)
    return Reply({})


def _engine(call: Call) -> TaskEngine:
    if call.server.tasks is None:
        raise ApiError(503, "Octopus Server is starting. Please try again in a moment.")
    return call.server.tasks


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
    Route("GET", "scheduler/start", start, "system", "AdministerSystem"),
    Route("GET", "scheduler/stop", stop, "system", "AdministerSystem"),
    Route("GET", "scheduler/trigger", trigger, "system", "AdministerSystem"),
    Route("GET", "scheduler/{name}/logs", logs, "system", "AdministerSystem"),
    Route("GET", "scheduler/{name}/logs/raw", raw, "system", "AdministerSystem"),
)
