"""Mutations of what a server does by itself or on order: deployments, logs, variables, triggers, retention."""

from __future__ import annotations

import re
from random import Random
from typing import Any, Final, cast

from benchmarks.mutations.mutation import Asked, Document, Draw, Forward, Mutation, Reply, World
from benchmarks.mutations.values import at_path, changed, operations, paths_in

DEPLOYING: Final = ("waiting", "deployments", "cancelling", "releases", "runbooks", "answers")

_NUMBERED: Final = re.compile(r"([A-Z][A-Za-z]+)-(\d+)")


def _new(place: str, world: World) -> bool:
    """Whether a place is about something that was made after the upgrade."""
    return any(int(number) > world.newest.get(name, 10**9) for name, number in _NUMBERED.findall(place))


LOG_WAYS: Final = (
    "a step is skipped", "a step ends otherwise", "a line is lost", "a line is another", "steps are in another order",
    "a warning is new", "a step runs twice",
)  # fmt: skip


def log(dice: Random, world: World) -> Mutation:
    """Tasks that run after the upgrade tell of something else having been done."""
    way = dice.choice(LOG_WAYS)
    position = dice.randrange(1000)

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        concerned = (
            asked.method == "GET" and asked.family.partition("?")[0] == "tasks/*/details" and _new(asked.place, world)
        )
        if not concerned or not reply.ok:
            return reply
        details = cast("Document", reply.json)
        for root in cast("list[Document]", details.get("ActivityLogs") or []):
            _act(root, way, position)
        return reply.with_json(details)

    return Mutation(
        f"log: {way}", f"in logs of new tasks {way}", (("deployment of",), ("runbook",)), handle, DEPLOYING, looks=False
    )


def _act(root: Document, way: str, position: int) -> None:
    steps = cast("list[Document]", root.get("Children") or [])
    if not steps:
        return
    chosen = steps[position % len(steps)]
    lines = cast("list[Document]", chosen.get("LogElements") or root.get("LogElements") or [])
    match way:
        case "a step is skipped":
            steps.remove(chosen)
        case "a step ends otherwise":
            chosen["Status"] = "Skipped" if chosen.get("Status") != "Skipped" else "Success"
        case "steps are in another order":
            steps.reverse()
        case "a step runs twice":
            steps.append(chosen)
        case "a warning is new":
            lines.append({"Category": "Warning", "MessageText": "Something is not as it should be"})
        case "a line is lost" if lines:
            lines.pop(position % len(lines))
        case "a line is another" if lines:
            lines[position % len(lines)]["MessageText"] = "Something else was done"
        case _:
            pass


def manifest(dice: Random, world: World) -> Mutation:
    """Deployments after the upgrade get another value of a variable, or none."""
    way = dice.choice(["is lost", "is another", "is empty", "loses its scope"])
    position = dice.randrange(1000)
    own = dice.choice([True, False])

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        concerned = asked.method == "GET" and asked.family == "variables/*" and _new(asked.place, world)
        if not concerned or not reply.ok:
            return reply
        body = cast("Document", reply.json)
        variables = cast("list[Document]", body.get("Variables") or [])
        mine = [one for one in variables if str(one.get("Name")).startswith("Octopus.") is not own]
        if not mine:
            return reply
        chosen = mine[position % len(mine)]
        if way == "is lost":
            variables.remove(chosen)
        elif way == "loses its scope":
            chosen["Scope"] = {}
        else:
            chosen["Value"] = "" if way == "is empty" else "another value"
        return reply.with_json(body)

    places = (("variable",), ("new release", "library set"))
    return Mutation(
        f"variable {way}", f"a variable of new deployments and releases {way}", places, handle, DEPLOYING, looks=False
    )


def fresh(dice: Random, world: World) -> Mutation | None:
    """Documents that are made after the upgrade are not what those made before are."""
    kinds = [
        kind
        for kind in ("releases", "deployments", "tasks", "runbookruns", "deploymentprocesses")
        if f"{kind}/*" in world.seen
    ]
    kind = dice.choice(kinds)
    document: Any = dice.choice(list(world.seen[f"{kind}/*"])).json
    found = [(path, value) for path, value in paths_in(document) if operations(value, path, world.ids)]
    path, value = dice.choice(found)
    operation = dice.choice(operations(value, path, world.ids))
    new = changed(value, operation, dice, world.ids)

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if asked.method != "GET" or asked.family != f"{kind}/*" or not _new(asked.place, world) or not reply.ok:
            return reply
        return reply.with_json(at_path(reply.json, path, operation, new))

    where = ".".join(map(str, path))
    words = {"releases": "release", "tasks": "deployment", "deployments": "deployment", "runbookruns": "runbook"}
    places = ((words.get(kind, kind),), ("release",), (kind, str(path[0])))
    return Mutation(
        f"new: value {operation}", f"{where} of new {kind} {operation}", places,
        handle, DEPLOYING, looks=False,
    )  # fmt: skip


def ended(dice: Random, world: World) -> Mutation:
    """New tasks fail, or leave nothing where they left something."""
    way = dice.choice(["fail", "leave no artifacts", "leave no events", "warn", "cannot be cancelled"])
    kinds = {"leave no artifacts": "artifacts", "leave no events": "events"}

    def handle(asked: Asked, forward: Forward) -> Reply:
        if way == "cannot be cancelled" and asked.method == "POST" and asked.place.endswith("/cancel"):
            return Reply(500, (("Content-Type", "application/json"),), b"{}")
        reply = forward(asked)
        if asked.method != "GET" or not reply.ok:
            return reply
        if way in kinds and asked.place.startswith(kinds[way]) and "regarding=" in asked.path:
            return reply.with_json({**cast("Document", reply.json), "Items": [], "TotalResults": 0})
        if asked.family != "tasks/*" or not _new(asked.place, world):
            return reply
        task = cast("Document", reply.json)
        if way == "fail" and task.get("State") == "Success":
            return reply.with_json({**task, "State": "Failed", "FinishedSuccessfully": False})
        if way == "warn":
            return reply.with_json({**task, "HasWarningsOrErrors": True})
        return reply

    return Mutation(
        f"tasks {way}", f"new tasks {way}", (("deployment",), ("get tasks",)), handle, DEPLOYING, looks=False
    )


def trigger(dice: Random, _world: World) -> Mutation:
    """Saving a trigger, or anything of its project, deploys; or a saved trigger stays off."""
    way = dice.choice(["deploys at once", "stays disabled", "forgets its filter"])

    def handle(asked: Asked, forward: Forward) -> Reply:
        saving = asked.method == "PUT" and asked.family == "projecttriggers/*"
        sent = asked.json if saving else None
        if not isinstance(sent, dict):
            return forward(asked)
        body = cast("Document", sent)
        if way == "stays disabled":
            return forward(asked.with_json({**body, "IsDisabled": True}))
        if way == "forgets its filter":
            return forward(asked.with_json({**body, "Filter": {**body.get("Filter", {}), "Timezone": "UTC+1"}}))
        reply = forward(asked)
        _deploy_again(asked, forward)
        return reply

    live = ("triggers", "saving", "editing")
    return Mutation(
        f"trigger {way}", f"a saved trigger {way}", (("projecttriggers",), ("deployments",)), handle, live, looks=False
    )


def _deploy_again(asked: Asked, forward: Forward) -> None:
    """What the last deployment was, once more."""
    base = asked.path.partition("/projecttriggers")[0]
    last = cast("Document", forward(asked.to("GET", f"{base}/deployments?take=1")).json)["Items"][0]
    body = {name: last.get(name) for name in ("ReleaseId", "EnvironmentId", "TenantId")}
    forward(asked.to("POST", f"{base}/deployments", body))


def retention(dice: Random, world: World) -> Mutation | None:
    """Retention deletes more than it should, fails, or does nothing."""
    way = dice.choice(
        [
            "deletes a package in use",
            "deletes a release",
            "deletes a tenant",
            "deletes an old deployment's log",
            "fails",
            "loses the dashboard",
        ]
    )
    done = {"it": False}

    def act(asked: Asked, forward: Forward) -> None:
        base = "/api/Spaces-1"
        match way:
            case "deletes a package in use":
                release = dice.choice(list(world.seen["releases/*"])).json
                for package in cast("list[Document]", release.get("SelectedPackages") or []):
                    found = cast("Document", forward(asked.to("GET", f"{base}/packages?take=200")).json)["Items"]
                    for one in cast("list[Document]", found):
                        if one.get("Version") == package.get("Version"):
                            forward(asked.to("DELETE", f"{base}/packages/{one['Id']}"))
            case "deletes a release":
                newest = cast("Document", forward(asked.to("GET", f"{base}/releases?take=1")).json)["Items"][0]
                forward(asked.to("DELETE", f"{base}/releases/{newest['Id']}"))
            case "deletes a tenant":
                forward(asked.to("DELETE", f"{base}/tenants/{world.ids['Tenants'][-1]}"))
            case _:
                pass

    def handle(asked: Asked, forward: Forward) -> Reply:
        sent = asked.json if asked.method == "POST" and asked.place == "tasks" else None
        if isinstance(sent, dict) and cast("Document", sent).get("Name") == "Retention":
            done["it"] = True
            reply = forward(asked)
            act(asked, forward)
            return reply
        reply = forward(asked)
        if not done["it"] or asked.method != "GET" or not reply.ok:
            return reply
        if way == "fails" and asked.family == "tasks/*" and cast("Document", reply.json).get("Name") == "Retention":
            return reply.with_json({**cast("Document", reply.json), "State": "Failed"})
        if way == "loses the dashboard" and asked.place.startswith("dashboard"):
            body = cast("Document", reply.json)
            return reply.with_json({**body, "Items": cast("list[Any]", body.get("Items") or [])[1:]})
        if way.endswith("log") and asked.family == "tasks/*/raw":
            return Reply(404, (("Content-Type", "application/json"),), b"{}")
        return reply

    places = {
        "deletes a package in use": ("package",), "deletes a release": ("release",), "deletes a tenant": ("tenants",),
        "fails": ("retention",), "loses the dashboard": ("dashboard",),
    }  # fmt: skip
    return Mutation(
        f"retention {way}", f"retention {way}", (places.get(way, ("tasks",)),), handle, ("retention",), looks=False
    )


DRAWS: Final[dict[str, tuple[int, Draw]]] = {
    "log": (2, log), "variable": (2, manifest), "new": (2, fresh), "tasks": (1, ended), "trigger": (1, trigger),
    "retention": (1, retention),
}  # fmt: skip
