"""Mutations of what a server shows: documents, lists, routes, headers and files."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final, cast

from benchmarks.mutations.mutation import (
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
from benchmarks.mutations.values import at_path, changed, named, operations, paths_in

ADMINISTRATOR: Final = "administrator"

#: Where a changed document shows: in every answer, on its own only, in lists only, in one list, for one user, …
SCOPES: Final = (
    "everywhere",
    "every one of its kind",
    "on its own only",
    "in lists only",
    "in one list only",
    "for one user only",
)

_NUMBERED: Final = re.compile(r"([A-Za-z]+)-(\d+)$")


def _id(document: Document) -> str:
    value = document.get("Id")
    return value if isinstance(value, str) else ""


def field(dice: Random, world: World) -> Mutation | None:
    """A value of a document is not what it was."""
    seen = pick(dice, world.seen)
    document = seen.json
    if not isinstance(document, dict):
        return None
    found = [
        (path, value) for path, value in paths_in(cast("Document", document)) if operations(value, path, world.ids)
    ]
    if not found:
        return None
    path, value = dice.choice(found)
    operation = dice.choice(operations(value, path, world.ids))
    new = changed(value, operation, dice, world.ids)
    identity = _id(cast("Document", document))
    scope = dice.choice(SCOPES) if identity else "on its own only"
    user = dice.choice(world.users)
    if scope == "for one user only" and seen.place not in world.seen_by[user]:
        scope = "everywhere"
    kind = identity.rpartition("-")[0]
    listed = dice.choice(
        [family for family, lists in world.lists.items() if any(_holds(one.json, identity) for one in lists)] or [""]
    )
    if (scope == "in one list only" and not listed) or (scope == "every one of its kind" and not kind):
        scope = "everywhere"

    def concerns(inner: Document) -> bool:
        own = _id(inner)
        return own == identity or (scope == "every one of its kind" and own.rpartition("-")[0] == kind)

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if asked.method != "GET" or not reply.ok:
            return reply
        own = asked.place == seen.place
        if (
            (scope == "on its own only" and not own)
            or (scope == "in lists only" and own)
            or (scope == "in one list only" and asked.family != listed)
            or (scope == "for one user only" and asked.user != user)
        ):
            return reply
        body = reply.json
        if not identity:
            return reply.with_json(at_path(body, path, operation, new))
        return reply.with_json(_each(body, concerns, lambda inner: at_path(inner, path, operation, new)))

    names = named(path)
    shown = f"{listed}" if scope == "in one list only" else user if scope == "for one user only" else ""
    collection = words_of(seen.family)
    return Mutation(
        f"value {operation}",
        f"{'.'.join(map(str, path))} of {seen.place or '/api'} {operation} {scope} {shown}".strip(),
        ((*collection, names), (identity or seen.place, names)) if collection else ((names,),),
        handle,
    )  # fmt: skip


def _holds(listed: Any, identity: str) -> bool:
    return isinstance(listed, dict) and identity in (cast("Document", listed).get("Ids") or ())


def _each(body: Any, concerns: Callable[[Document], bool], change: Callable[[Any], Any]) -> Any:
    """The JSON value with every document that is concerned changed."""
    if isinstance(body, list):
        return [_each(one, concerns, change) for one in cast("list[Any]", body)]
    if not isinstance(body, dict):
        return body
    inner = {name: _each(value, concerns, change) for name, value in cast("Document", body).items()}
    return change(inner) if concerns(inner) else inner


# --- links ----------------------------------------------------------------------------------------------------------


def link(dice: Random, world: World) -> Mutation | None:
    """A link of a kind of document is gone, leads elsewhere, or lost a variable of its template."""
    seen = pick(dice, world.seen)
    document: Any = seen.json
    links = cast("Document", document).get("Links") if isinstance(document, dict) else None
    if not links:
        return None
    name = dice.choice(sorted(links))
    target = str(cast("Document", links)[name])
    variables = re.findall(r"\{\?([^}]*)\}", target)
    ways = ["gone", "leads to nothing"]
    if variables and len(variables[0].split(",")) > 1:
        ways.append("lost a variable")
    way = dice.choice(ways)
    lost = variables[0].split(",")[-1] if variables else ""

    def change(inner: Any) -> Any:
        document = cast("Document", inner)
        there = document.get("Links")
        if isinstance(there, dict) and name in there:
            there = dict(cast("Document", there))
            if way == "gone":
                del there[name]
            elif way == "lost a variable":
                there[name] = str(there[name]).replace(f",{lost}", "")
            else:
                there[name] = "/api/moved" + str(there[name])[4:]
            return {**document, "Links": there}
        return inner

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if asked.method != "GET" or asked.family != seen.family or not reply.ok:
            return reply
        body: Any = reply.json
        return reply.with_json(change(body)) if isinstance(body, dict) else reply

    place = words_of(seen.family)
    return Mutation(
        f"link {way}", f"link {name} of {seen.family or '/api'} {way}",
        ((*place, name), ("/api", name)) if not place else ((*place, name),), handle,
    )  # fmt: skip


# --- lists ----------------------------------------------------------------------------------------------------------

LIST_WAYS: Final = (
    "misses an item", "misses an item and counts it", "shows an item twice",
    "counts one more", "counts none", "is turned round", "ignores skip", "ends after five", "lost its next page",
    "lost its page links", "says another type of item",
)  # fmt: skip


def listing(dice: Random, world: World) -> Mutation | None:
    """A list is not what it was: for everybody, for one user, or by its unscoped path only."""
    seen = pick(dice, world.lists)
    listed = cast("Document", seen.json)
    if len(listed.get("Ids") or ()) < 2:
        return None
    way = dice.choice(LIST_WAYS)
    victim = dice.choice(cast("list[str]", listed["Ids"]))
    whom = dice.choice(["everybody", "everybody", "one user", "the unscoped path"])
    user = dice.choice(world.users)
    if whom == "one user" and seen.place not in world.seen_by[user]:
        whom = "everybody"

    def handle(asked: Asked, forward: Forward) -> Reply:
        if asked.method != "GET" or asked.place != seen.place:
            return forward(asked)
        if (whom == "one user" and asked.user != user) or (whom == "the unscoped path" and "/Spaces-" in asked.path):
            return forward(asked)
        if way == "ignores skip":
            asked = replace(asked, path=re.sub(r"skip=\d+", "skip=0", asked.path))
        if way == "ends after five":
            asked = replace(asked, path=re.sub(r"take=\d+", "take=5", asked.path))
        reply = forward(asked)
        return reply.with_json(_listed(reply.json, way, victim)) if reply.ok else reply

    words = words_of(seen.family)
    what = f"{way} ({victim})" if "item" in way else way
    return Mutation(
        f"list {way}", f"{seen.place} {what} for {user if whom == 'one user' else whom}",
        (words, *(((victim,),) if "item" in way and not victim.startswith("#") else ())), handle,
    )  # fmt: skip


def _listed(body: Any, way: str, victim: str) -> Any:
    if isinstance(body, list):
        return _entries(cast("list[Any]", body), way, victim)
    if not isinstance(body, dict) or not isinstance(cast("Document", body).get("Items"), list):
        return cast("Any", body)
    page = dict(cast("Document", body))
    had = cast("list[Any]", page["Items"])
    page["Items"] = _entries(had, way, victim)
    links = dict(cast("Document", page.get("Links") or {}))
    match way:
        case "misses an item and counts it" | "shows an item twice":
            pass
        case "misses an item":
            page["TotalResults"] += len(page["Items"]) - len(had)
        case "counts one more":
            page["TotalResults"] += 1
        case "counts none":
            page["TotalResults"] = 0
        case "ends after five":
            page["ItemsPerPage"] = 5
        case "says another type of item":
            page["ItemType"] = "Thing"
        case "lost its next page":
            links.pop("Page.Next", None)
        case "lost its page links":
            links = {name: value for name, value in links.items() if not name.startswith("Page.")}
        case _:
            pass
    return {**page, "Links": links}


def _entries(items: list[Any], way: str, victim: str) -> list[Any]:
    found: list[Any] = [one for one in items if isinstance(one, dict) and _id(cast("Document", one)) == victim]
    if way.startswith("misses"):
        return [one for one in items if one not in found]
    if way == "shows an item twice":
        return [*items, *found]
    if way == "is turned round":
        return list(reversed(items))
    return items[:5] if way == "ends after five" else items


def filtered(dice: Random, world: World) -> Mutation | None:
    """A list minds its filter no more, or finds nothing with it."""
    families = sorted(family for family in world.lists if "?" in family)
    if not families:
        return None
    seen = dice.choice(list(world.lists[dice.choice(families)]))
    if not cast("Document", seen.json).get("TotalResults"):
        return None
    way = dice.choice(["ignored", "finds nothing"])
    name = seen.family.partition("?")[2].partition(",")[0]

    def handle(asked: Asked, forward: Forward) -> Reply:
        if asked.method != "GET" or asked.family != seen.family:
            return forward(asked)
        if way == "ignored":
            return forward(replace(asked, path=re.sub(rf"([?&]){name}=[^&]*&?", r"\1", asked.path)))
        reply = forward(asked)
        body = reply.json
        if isinstance(body, dict) and "Items" in body:
            return reply.with_json({**cast("Document", body), "Items": [], "TotalResults": 0})
        return reply.with_json([]) if isinstance(body, list) else reply

    return Mutation(f"filter {way}", f"filter of {seen.family} {way}", ((*words_of(seen.family), name),), handle)


# --- routes ---------------------------------------------------------------------------------------------------------

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
    "value": (10, field), "link": (2, link), "list": (5, listing), "filter": (2, filtered), "route": (6, route),
    "let in": (3, let_in), "header": (2, header), "file": (2, file), "description": (1, described),
    "manners": (1, manners),
}  # fmt: skip
