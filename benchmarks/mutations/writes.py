"""Mutations of what a server does when somebody writes: saves, creations, deletions, log-ins."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from random import Random
from typing import Any, Final, cast

from benchmarks.mutations.mutation import ADMINISTRATOR, Asked, Document, Draw, Forward, Mutation, Reply, World
from benchmarks.mutations.values import changed, operations
from tidegate.checks.live.creating import MAKINGS
from tidegate.checks.live.saving import EVERY, ONE

#: Live checks that save, create and remove.
SAVING: Final = (
    "creating", "saving", "saving as before", "consequences", "editing", "meanwhile", "answers", "neighbours",
)  # fmt: skip
CREATING: Final = ("creating", "copying", "pushing", "releases", "runbooks", "answers")

_JSON: Final = (("Content-Type", "application/json"),)

#: Properties that are a matter of the server, not of who saves.
_OWN: Final = frozenset(
    {
        "Id",
        "Links",
        "LastModifiedOn",
        "LastModifiedBy",
        "Version",
        "SpaceId",
        "OwnerId",
        "ProjectId",
        "VariableSetId",
        "DeploymentProcessId",
        "RunbookProcessId",
        "LastSnapshotId",
        "IsVersionControlled",
        "PersistenceSettings",
        # Told by the server, and not kept from what is sent.
        "ScopeValues",
        "SpacePermissionDescriptions",
        "SystemPermissionDescriptions",
    }
)


def _failure(status: int) -> Reply:
    return Reply(status, _JSON, b'{"ErrorMessage": "There was a problem with your request."}')


def _kind(dice: Random, world: World, kinds: tuple[str, ...]) -> tuple[str, Document] | None:
    """A kind of resource that people save, and one of it."""
    there = [kind for kind in kinds if world.seen.get(f"{kind}/*")]
    kind = dice.choice(there)
    document: Any = dice.choice(list(world.seen[f"{kind}/*"])).json
    return (kind, cast("Document", document)) if isinstance(document, dict) else None


def put_field(dice: Random, world: World) -> Mutation | None:
    """Saving a kind of resource says yes and does something else with one property."""
    found = _kind(dice, world, (*EVERY, *ONE))
    if found is None:
        return None
    kind, document = found
    fields = sorted(name for name in document if name not in _OWN and not name.startswith("Can"))
    name = dice.choice(fields)
    way = dice.choice(["keeps the old", "empties the", "changes the"])
    operation = dice.choice(operations(document[name], (name,), world.ids))
    other = changed(document[name], operation, dice, world.ids)

    def handle(asked: Asked, forward: Forward) -> Reply:
        sent = asked.json
        if asked.method != "PUT" or asked.family != f"{kind}/*" or not isinstance(sent, dict):
            return forward(asked)
        body = dict(cast("Document", sent))
        if way == "keeps the old":
            stored = forward(asked.to("GET", asked.path)).json
            if isinstance(stored, dict):
                body[name] = cast("Document", stored).get(name)
        elif way == "empties the":
            body[name] = _emptied(body.get(name))
        elif name in body:
            body[name] = other
        return forward(asked.with_json(body))

    return Mutation(f"save {way} property", f"saving {kind} {way} {name}", ((kind, name),), handle, SAVING, looks=False)


def _emptied(value: Any) -> Any:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return 0
    return "" if isinstance(value, str) else [] if isinstance(value, list) else None


def put_answer(dice: Random, world: World) -> Mutation | None:
    """Saving a kind of resource is answered otherwise."""
    found = _kind(dice, world, (*EVERY, *ONE))
    if found is None:
        return None
    kind, _ = found
    way = dice.choice(
        ["400", "500", "403", "404", "204", "says yes and stores nothing", "answers what was stored before"]
    )

    def handle(asked: Asked, forward: Forward) -> Reply:
        if asked.method != "PUT" or asked.family != f"{kind}/*":
            return forward(asked)
        if way in ("400", "500", "403", "404"):
            return _failure(int(way))
        if way == "says yes and stores nothing":
            return Reply(200, _JSON, asked.body)
        stale = forward(asked.to("GET", asked.path)) if way.startswith("answers") else None
        reply = forward(asked)
        return (stale or replace(reply, status=204, body=b"")) if reply.ok else reply

    return Mutation(f"save: {way}", f"saving {kind}: {way}", ((kind,),), handle, SAVING, looks=False)


def post_field(dice: Random, world: World) -> Mutation | None:
    """Creating a resource ignores one property that was sent."""
    found = _kind(dice, world, tuple(making.route for making in MAKINGS))
    if found is None:
        return None
    kind, document = found
    name = dice.choice(
        sorted(name for name, value in document.items() if name not in _OWN and value not in (None, "", [], {}))
    )

    def handle(asked: Asked, forward: Forward) -> Reply:
        sent = asked.json
        if asked.method != "POST" or asked.family != kind or not isinstance(sent, dict):
            return forward(asked)
        return forward(asked.with_json({key: value for key, value in cast("Document", sent).items() if key != name}))

    return Mutation(
        "create ignores a property",
        f"creating one of {kind} ignores {name}",
        ((kind, name), (kind,)),
        handle,
        CREATING,
        looks=False,
    )


CREATED: Final = (*(making.route for making in MAKINGS), "releases", "deployments", "packages/raw", "build-information")


def post_answer(dice: Random, _world: World) -> Mutation:
    """Creating something is answered otherwise."""
    route = dice.choice(CREATED)
    way = dice.choice(["200", "202", "400", "500", "403", "without its Id", "without its Links", "empty"])
    live = ("deployments", *CREATING)

    def handle(asked: Asked, forward: Forward) -> Reply:
        if asked.method != "POST" or asked.place.partition("?")[0] != route:
            return forward(asked)
        if way in ("400", "500", "403"):
            return _failure(int(way))
        reply = forward(asked)
        if not reply.ok:
            return reply
        if way in ("200", "202"):
            return replace(reply, status=int(way))
        body = reply.json
        if way == "empty" or not isinstance(body, dict):
            return replace(reply, body=b"")
        lost = way.rpartition(" ")[2]
        return reply.with_json({name: value for name, value in cast("Document", body).items() if name != lost})

    word = {"releases": "release", "deployments": "deployment"}.get(route, route)
    return Mutation(
        f"create: {way}", f"creating one of {route} is answered {way}", ((word,),), handle, live, looks=False
    )


def delete_answer(dice: Random, _world: World) -> Mutation:
    """Removing something fails, or only says that it does not."""
    route = dice.choice([making.route for making in MAKINGS])
    way = dice.choice(["500", "403", "404", "204", "says yes and removes nothing"])

    def handle(asked: Asked, forward: Forward) -> Reply:
        if asked.method != "DELETE" or asked.family != f"{route}/*":
            return forward(asked)
        if way in ("500", "403", "404"):
            return _failure(int(way))
        if way.startswith("says"):
            return Reply(200, _JSON, b"{}")
        return replace(forward(asked), status=204, body=b"")

    return Mutation(
        f"remove: {way}", f"removing one of {route}: {way}", ((route,),), handle, ("creating",), looks=False
    )


def may(dice: Random, world: World) -> Mutation:
    """A kind of user may write what it could not, or not what it could."""
    route = dice.choice([making.route for making in MAKINGS])
    user = dice.choice(list(world.users))
    could = (route, user) in world.may
    way = "may no longer" if could else "may suddenly"

    def handle(asked: Asked, forward: Forward) -> Reply:
        if asked.method == "GET" or asked.user != user or asked.place.partition("/")[0] != route:
            return forward(asked)
        if could:
            return _failure(403)
        return forward(replace(asked, headers={**asked.headers, "x-octopus-apikey": world.key}, user=ADMINISTRATOR))

    live = ("creating", "refusals", "deployments as each user")
    return Mutation(f"{way} write", f"{user} {way} write {route}", ((route, user), (route,)), handle, live, looks=False)


def refusal(dice: Random, _world: World) -> Mutation:
    """What was refused as a bad request is refused otherwise, or not at all."""
    way = dice.choice(["500", "403", "200"])
    method = dice.choice(["POST", "PUT"])

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if asked.method != method or reply.status not in (400, 404, 409):
            return reply
        return Reply(200, _JSON, asked.body or b"{}") if way == "200" else _failure(int(way))

    return Mutation(
        f"refusal becomes {way}",
        f"bad requests by {method} get {way}",
        (("of nothing",), ("not there",), ("log-in",)),
        handle,
        ("creating", "refusals", "log in"),
        looks=False,
    )


LOGIN_WAYS: Final = (
    "HttpOnly is lost", "SameSite is lost", "the path is lost", "the CSRF cookie is lost", "writes need no token",
    "logging out does nothing", "wrong passwords are let in", "passwords are refused", "unknown keys are let in",
    "the answer names nobody",
)  # fmt: skip


def log_in(dice: Random, world: World) -> Mutation:
    """Logging in is not what it was."""
    way = dice.choice(LOGIN_WAYS)

    def handle(asked: Asked, forward: Forward) -> Reply:
        logging_in = asked.place == "users/login"
        if way == "unknown keys are let in" and asked.user == "somebody" and "x-octopus-apikey" in asked.headers:
            return forward(replace(asked, headers={**asked.headers, "x-octopus-apikey": world.key}))
        if way == "writes need no token" and asked.method == "POST" and "cookie" in asked.headers:
            token = re.search(r"Octopus-Csrf-Token_[^=]*=([^;]+)", asked.headers["cookie"])
            if token:
                asked = replace(asked, headers={**asked.headers, "x-octopus-csrf-token": token[1]})
        if way == "logging out does nothing" and asked.place == "users/logout":
            return Reply(200, _JSON, b"{}")
        if way == "passwords are refused" and logging_in:
            return _failure(400)
        reply = forward(asked)
        if not logging_in:
            return reply
        if way == "wrong passwords are let in" and not reply.ok:
            return Reply(200, _JSON, json.dumps({"Id": "Users-1", "Username": "admin"}).encode())
        if way == "the answer names nobody" and reply.ok:
            return reply.with_json({})
        lost = {"HttpOnly is lost": "httponly", "SameSite is lost": "samesite", "the path is lost": "path"}.get(way)
        kept = [
            (name, _without(value, lost) if lost and name.lower() == "set-cookie" else value)
            for name, value in reply.headers
            if not (way == "the CSRF cookie is lost" and name.lower() == "set-cookie" and "Csrf" in value)
        ]
        return replace(reply, headers=kept)

    return Mutation(f"log-in: {way}", f"log-in: {way}", (("log-in",),), handle, ("log in",), looks=False)


def _without(cookie: str, attribute: str) -> str:
    parts = [part for part in cookie.split(";") if part.strip().partition("=")[0].lower() != attribute]
    return ";".join(parts)


DRAWS: Final[dict[str, tuple[int, Draw]]] = {
    "save a property": (4, put_field), "save": (2, put_answer), "create a property": (2, post_field),
    "create": (3, post_answer), "remove": (1, delete_answer), "may": (2, may), "refusal": (1, refusal),
    "log in": (2, log_in),
}  # fmt: skip
