"""Mutations that show only when several requests are taken together: what one does, another one tells."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any, Final, cast

from benchmarks.mutations.behaviour import DEPLOYING
from benchmarks.mutations.mutation import Asked, Document, Draw, Forward, Mutation, Reply, World
from benchmarks.mutations.writes import CREATING, SAVING
from tidegate.checks.live.creating import MAKINGS
from tidegate.observation.documents import id_of

#: Parts of an order that a deployment is made from.
ORDERED: Final = ("FormValues", "SkipActions", "TenantId", "QueueTime", "Comments")


def ordered(dice: Random, _world: World) -> Mutation:
    """Deployments are made as if a part of their order had not been sent: prompts, skipped steps, the tenant."""
    part = dice.choice(ORDERED)

    def handle(asked: Asked, forward: Forward) -> Reply:
        sent = asked.json
        if asked.method != "POST" or asked.place != "deployments" or not isinstance(sent, dict):
            return forward(asked)
        return forward(asked.with_json({name: value for name, value in cast("Document", sent).items() if name != part}))

    places = (("deployment",), ("deployments", part))
    return Mutation(
        "order loses a part", f"deployments are made without the {part} of their order", places, handle, DEPLOYING,
        looks=False,
    )  # fmt: skip


def neighbour(dice: Random, world: World) -> Mutation | None:
    """Saving or removing one thing does something to another of its kind, which nobody asked for."""
    route = dice.choice([making.route for making in MAKINGS if len(world.seen.get(f"{making.route}/*", ())) > 1])
    victims = [seen for seen in world.seen[f"{route}/*"] if "Description" in (seen.json or {})]
    if not victims:
        return None
    victim = dice.choice(victims)
    method = dice.choice(["PUT", "DELETE"])

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if asked.method == method and asked.family == f"{route}/*" and reply.ok and asked.place != victim.place:
            other = forward(asked.to("GET", victim.path))
            if other.ok:
                forward(asked.to("PUT", victim.path, {**other.json, "Description": "what another one was given"}))
        return reply

    done = "saving" if method == "PUT" else "removing"
    return Mutation(
        f"{done} touches another one", f"{done} one of {route} gives {victim.place} another Description",
        ((route,), (id_of(victim.json),)), handle, (*SAVING, "copying"), looks=False,
    )  # fmt: skip


def stale(dice: Random, world: World) -> Mutation | None:
    """What somebody else saved meanwhile is overwritten without a word."""
    kinds = [kind for kind in ("variables", "deploymentprocesses") if f"{kind}/*" in world.seen]
    if not kinds:
        return None
    kind = dice.choice(kinds)

    def handle(asked: Asked, forward: Forward) -> Reply:
        sent = asked.json
        if asked.method != "PUT" or asked.family != f"{kind}/*" or not isinstance(sent, dict):
            return forward(asked)
        stored = forward(asked.to("GET", asked.path)).json
        version = cast("Document", stored).get("Version") if isinstance(stored, dict) else None
        return forward(asked.with_json({**cast("Document", sent), "Version": version}))

    return Mutation(
        "stale saves", f"{kind} are saved over what somebody else saved", ((kind,),), handle, (*SAVING, "refusals"),
        looks=False,
    )  # fmt: skip


def frozen(dice: Random, _world: World) -> Mutation:
    """Releases show the process or the variables that their project has now, not those that they froze."""
    kind, prefix = dice.choice([("variables", "variableset"), ("deploymentprocesses", "deploymentprocess")])

    def handle(asked: Asked, forward: Forward) -> Reply:
        found = re.search(rf"{prefix}-(Projects-\d+)-s-\d+-\w+", asked.path)
        if asked.method != "GET" or asked.family != f"{kind}/*" or found is None:
            return forward(asked)
        reply = forward(replace(asked, path=asked.path.replace(found[0], f"{prefix}-{found[1]}")))
        return reply.with_json({**reply.json, "Id": found[0], "IsFrozen": True}) if reply.ok else forward(asked)

    return Mutation(
        "frozen follows", f"frozen {kind} follow their project", ((kind,), ("release",)), handle,
        ("releases", "deployments"),
    )  # fmt: skip


def uploaded(dice: Random, world: World) -> Mutation:
    """A package that is pushed is not the one that is stored."""
    way = dice.choice(["other bytes", "another version", "an overwriting push keeps the old one"])

    def handle(asked: Asked, forward: Forward) -> Reply:
        if way == "other bytes":
            reply = forward(asked)
            new = asked.family == "packages/*/raw" and asked.place not in {
                seen.place for seen in world.files.get("packages/*/raw", ())
            }
            return replace(reply, body=reply.body[:-1] + b"?") if asked.method == "GET" and new and reply.ok else reply
        if asked.method != "POST" or not asked.place.startswith("packages/raw"):
            return forward(asked)
        if way.startswith("an overwriting"):
            kept = re.sub(r"overwriteMode=\w+", "overwriteMode=IgnoreIfExists", asked.path)
            return forward(replace(asked, path=kept))
        reply = forward(asked)
        body: Any = reply.json
        if not isinstance(body, dict):
            return reply
        document = cast("Document", body)
        return reply.with_json({**document, "Version": f"{document.get('Version')}.0"})

    return Mutation(
        f"push: {way}",
        f"pushed packages: {way}",
        (("package",), ("push",)),
        handle,
        ("pushing", *CREATING),
        looks=False,
    )


def ruled(dice: Random, _world: World) -> Mutation:
    """What rules forbade is allowed: a release that its channel refuses, a deployment that its lifecycle refuses."""
    kind = dice.choice(["releases", "deployments"])

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if asked.method == "POST" and asked.place.partition("?")[0] == kind and reply.status in (400, 409):
            return Reply(201, (("Content-Type", "application/json"),), asked.body or b"{}")
        return reply

    return Mutation(
        "rules are ignored", f"{kind} that rules forbid are made", ((kind.removesuffix("s"),),), handle,
        (*DEPLOYING, "refusals", "deployments as each user"), looks=False,
    )  # fmt: skip


DRAWS: Final[dict[str, tuple[int, Draw]]] = {
    "order": (2, ordered), "neighbour": (2, neighbour), "stale": (1, stale), "frozen": (1, frozen),
    "push": (2, uploaded), "rules": (1, ruled),
}  # fmt: skip
