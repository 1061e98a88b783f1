"""Mutations of the routes of a server, whatever they show: status, headers, files, who may see them."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import replace
from random import Random
from typing import Final, cast

from benchmarks.mutations.mutation import (
    ADMINISTRATOR,
    NOBODY,
    Asked,
    Document,
    Draw,
    Forward,
    Mutation,
    Reply,
    World,
    pick,
    words_of,
)

STATUSES: Final = {
    404: "was not found",
    500: "failed",
    403: "may not be seen",
    401: "wants a log-in",
    400: "is a bad request",
}
ROUTE_WAYS: Final = (*map(str, STATUSES), "empty", "null", "html", "redirected", "cut off", "slow")


def route(dice: Random, world: World) -> Mutation | None:
    """A route, or one place of it, answers otherwise: to everybody, or to one user."""
    seen = pick(dice, {**world.seen, **world.lists})
    if seen.place in ("", "users/me", "spaces/all", "Spaces-1"):
        return None  # nothing can be seen at all, and the harness says so
    way = dice.choice(ROUTE_WAYS)
    one = dice.choice([True, False])
    user = dice.choice(world.users)
    whom = dice.choice(["everybody", "one user"])
    if whom == "one user" and seen.place not in world.seen_by[user]:
        whom = "everybody"

    def handle(asked: Asked, forward: Forward) -> Reply:
        concerned = asked.place == seen.place if one else asked.family == seen.family
        if asked.method != "GET" or not concerned or (whom == "one user" and asked.user != user):
            return forward(asked)
        reply = forward(asked)
        return _routed(reply, way) if reply.ok else reply

    words = words_of(seen.family)
    places = [words, ("all routes",)] if way == "slow" else [words]
    return Mutation(
        f"route {way}", f"{seen.place if one else seen.family} answers {way} to {user if whom == 'one user' else whom}",
        tuple(places), handle,
    )  # fmt: skip


def _routed(reply: Reply, way: str) -> Reply:
    if way.isdigit():
        message = {"ErrorMessage": f"This {STATUSES[int(way)]}."}
        return Reply(int(way), [("Content-Type", "application/json")], json.dumps(message).encode())
    match way:
        case "empty":
            body = reply.json
            if isinstance(body, dict) and "Items" in body:
                return reply.with_json({**cast("Document", body), "Items": [], "TotalResults": 0})
            return reply.with_json([] if isinstance(body, list) else {})
        case "null":
            return replace(reply, body=b"null")
        case "html":
            return Reply(200, [("Content-Type", "text/html")], b"<html><body>Octopus</body></html>")
        case "redirected":
            return Reply(302, [("Location", "/app#/users/sign-in"), ("Content-Type", "text/html")], b"")
        case "cut off":
            return replace(reply, body=reply.body[: len(reply.body) // 2])
        case _:
            time.sleep(1.5)  # what is slow is slow: nothing here waits for it
            return reply


def let_in(dice: Random, world: World) -> Mutation | None:
    """A route shows to somebody, or to strangers, what only the administrator may see."""
    user = dice.choice([*world.users, NOBODY])
    hidden = {
        family: shown
        for family, seens in {**world.seen, **world.lists}.items()
        if "?" not in family and family not in world.families_of.get(user, ()) and (shown := list(seens))
    }
    if not hidden:
        return None
    seen = pick(dice, hidden)

    def handle(asked: Asked, forward: Forward) -> Reply:
        if asked.method == "GET" and asked.family == seen.family and asked.user == user:
            return forward(replace(asked, headers={**asked.headers, "x-octopus-apikey": world.key}, user=ADMINISTRATOR))
        return forward(asked)

    words = words_of(seen.family)
    return Mutation(
        f"let in {'strangers' if user == NOBODY else 'a user'}", f"{seen.family} is shown to {user}", (words,), handle
    )


# --- headers and files ----------------------------------------------------------------------------------------------


def header(dice: Random, world: World) -> Mutation | None:
    """A header of a family's answers is gone or says something else."""
    family = dice.choice(sorted(world.headers))
    name = dice.choice(list(world.headers[family]))
    way = dice.choice(["lost", "changed"])

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if asked.method != "GET" or asked.family != family:
            return reply
        kept = [(one, value) for one, value in reply.headers if one.lower() != name]
        return replace(reply, headers=kept if way == "lost" else [*kept, (name, _other_header(name))])

    return Mutation(
        f"header {way}", f"header {name} of {family or '/api'} {way}",
        ((*words_of(family), name), (*words_of(family), "content type")), handle,
    )  # fmt: skip


def _other_header(name: str) -> str:
    return "text/plain" if name == "content-type" else "no-store" if name == "cache-control" else "attachment"


FILE_WAYS: Final = ("other bytes", "cut off", "empty", "404", "of another type", "slow")


def file(dice: Random, world: World) -> Mutation | None:
    """A file is not what it was."""
    if not world.files:
        return None
    seen = pick(dice, world.files)
    way = dice.choice(FILE_WAYS)

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if asked.method != "GET" or asked.place != seen.place or not reply.ok:
            return reply
        match way:
            case "other bytes":
                return replace(reply, body=reply.body[:-1] + b"?")
            case "cut off":
                return replace(reply, body=reply.body[: len(reply.body) // 2])
            case "empty":
                return replace(reply, body=b"")
            case "of another type":
                kept = [(name, value) for name, value in reply.headers if name.lower() != "content-type"]
                return replace(reply, headers=[*kept, ("Content-Type", "text/html")])
            case _:
                return _routed(reply, way)

    return Mutation(f"file {way}", f"{seen.place} is {way}", (words_of(seen.family), (seen.place,)), handle)


def described(dice: Random, world: World) -> Mutation | None:
    """The server's description of its interface loses a path, a method, a parameter, or a property of a model."""
    paths = cast("dict[str, Document]", world.swagger.get("paths") or {})
    if not paths:
        return None
    path = dice.choice(sorted(paths))
    method = dice.choice(sorted(name for name in paths[path] if isinstance(paths[path][name], dict)))
    parameters = cast("list[Document]", paths[path][method].get("parameters") or [])
    way = dice.choice(["path", "method", *(["parameter"] if parameters else [])])
    swagger = copy.deepcopy(world.swagger)
    if way == "path":
        del swagger["paths"][path]
    elif way == "method":
        del swagger["paths"][path][method]
    else:
        swagger["paths"][path][method]["parameters"] = parameters[:-1]

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        return reply.with_json(swagger) if asked.place == "swagger.json" and reply.ok else reply

    word = next((part for part in reversed(path.split("/")) if part and not part.startswith("{")), path)
    return Mutation(
        f"description without a {way}", f"swagger.json lost a {way}: {method} {path}", (("route", word),), handle
    )


def manners(dice: Random, world: World) -> Mutation | None:
    """Refusals are other ones: an unknown id, an unknown route, a stranger."""
    way = dice.choice(["unknown ids fail", "unknown ids are found", "strangers are not found", "refusals say nothing"])
    family = dice.choice(sorted(one for one in world.seen if one.endswith("/*") and one.count("/") == 1))

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if asked.method != "GET" or (asked.family != family and way != "refusals say nothing"):
            return reply
        nothing = [("Content-Type", "application/json")]
        if way == "unknown ids fail" and reply.status == 404:
            return Reply(500, nothing, b'{"ErrorMessage": "Object reference not set to an instance of an object."}')
        if way == "unknown ids are found" and reply.status == 404:
            return Reply(200, nothing, b"{}")
        if way == "strangers are not found" and reply.status == 401:
            return Reply(404, nothing, b'{"ErrorMessage": "not found"}')
        if way == "refusals say nothing" and reply.status in (400, 403, 404):
            return Reply(reply.status, nothing, b"{}")
        return reply

    words = words_of(family) if way != "refusals say nothing" else ("probe",)
    return Mutation(f"manners: {way}", f"{way} at {family}", (words,), handle)


DRAWS: Final[dict[str, tuple[int, Draw]]] = {
    "route": (6, route), "let in": (3, let_in), "header": (2, header), "file": (2, file),
    "description": (1, described), "manners": (1, manners),
}  # fmt: skip
