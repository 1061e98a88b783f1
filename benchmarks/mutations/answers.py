"""Mutations of the documents that a server shows, their links, and lists of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final, cast

from benchmarks.mutations.mutation import (
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
        if body is None:
            return reply  # a file
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
    "begins again on later pages",
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
        if way == "begins again on later pages":
            asked = replace(asked, path=re.sub(r"skip=[1-9]\d*", "skip=1", asked.path))
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
    way = dice.choice(["ignored", "finds nothing", "counts all", "minds the case", "finds only the first"])
    name = seen.family.partition("?")[2].partition(",")[0]

    def handle(asked: Asked, forward: Forward) -> Reply:
        if asked.method != "GET" or asked.family != seen.family:
            return forward(asked)
        if way == "ignored":
            return forward(replace(asked, path=re.sub(rf"([?&]){name}=[^&]*&?", r"\1", asked.path)))
        reply = forward(asked)
        if not reply.ok:
            return reply
        body: Any = reply.json
        if way == "counts all":
            return reply.with_json({**body, "TotalResults": body["TotalResults"] + 7}) if "Items" in body else reply
        found = cast("list[Any]", cast("Document", body).get("Items") if isinstance(body, dict) else body)
        if way == "finds nothing":
            kept: list[Any] = []
        elif way == "minds the case":
            word = asked.path.rpartition(f"{name}=")[2].partition("&")[0]
            kept = [one for one in found if word in str(cast("Document", one).get("Name"))]
        else:
            kept = found[:1]
        return reply.with_json({**body, "Items": kept, "TotalResults": len(kept)} if "Items" in body else kept)

    return Mutation(f"filter {way}", f"filter of {seen.family} {way}", ((*words_of(seen.family), name),), handle)


DRAWS: Final[dict[str, tuple[int, Draw]]] = {
    "value": (10, field), "link": (2, link), "list": (5, listing), "filter": (2, filtered),
}  # fmt: skip
