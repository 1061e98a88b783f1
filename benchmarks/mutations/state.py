"""Mutations that show only when several requests are taken together: what one does, another one tells."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any, Final, cast
from urllib.parse import parse_qs, quote, urlsplit

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
        "stale saves", f"{kind} are saved over what somebody else saved", ((kind,),), handle, SAVING, looks=False,
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


def ranged(dice: Random, _world: World) -> Mutation:
    """Rules by range of versions let everything through, or nothing."""
    through = dice.choice([True, False])

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        if not asked.place.startswith("channels/rule-test") or not reply.ok:
            return reply
        said = dict.fromkeys(("SatisfiesVersionRange", "SatisfiesPreReleaseTag", "IsSatisfied"), through)
        return reply.with_json({**cast("Document", reply.json), **said})

    what = "anything" if through else "nothing"
    return Mutation(
        "channel rules", f"rules of channels let {what} through", (("rule-test",),), handle, ("rules",), looks=False
    )


def joined(_dice: Random, _world: World) -> Mutation:
    """Tags of different sets choose tenants that have one of them, not only those that have all."""

    def handle(asked: Asked, forward: Forward) -> Reply:
        tags = parse_qs(urlsplit(asked.path).query).get("tags", [""])[0].split(",")
        if asked.method != "GET" or asked.place.partition("?")[0] != "tenants/tag-test" or len(tags) < 2:
            return forward(asked)
        each = [
            forward(replace(asked, path=re.sub(r"([?&]tags)=[^&]*", rf"\1={quote(tag)}", asked.path))) for tag in tags
        ]
        bodies = [cast("Document", one.json) for one in each]
        matched = {name: any(body[name]["IsMatched"] for body in bodies) for name in bodies[0]}
        return each[0].with_json({name: {**bodies[0][name], "IsMatched": one} for name, one in matched.items()})

    return Mutation(
        "tags by or", "tags of tenants are joined by or", (("tenants", "tag"),), handle, ("rules",), looks=False
    )


def unaudited(dice: Random, _world: World) -> Mutation:
    """The audit trail leaves out one sort of event."""
    category = dice.choice(["Created", "Deleted", "Modified"])

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        body: Any = reply.json if reply.ok and asked.place.partition("?")[0] == "events" else None
        if not isinstance(body, dict) or "regarding=" not in asked.path:
            return reply
        page = cast("Document", body)
        items = [one for one in cast("list[Document]", page.get("Items") or []) if one.get("Category") != category]
        return reply.with_json({**page, "Items": items, "TotalResults": len(items)})

    return Mutation(
        "unaudited", f"nothing is audited as {category} any more", (("audited",), ("events",)), handle,
        ("creating", "deployments"), looks=False,
    )  # fmt: skip


def queued(_dice: Random, _world: World) -> Mutation:
    """A task that is ordered while another one runs stays in the queue."""
    active: dict[str, bool] = {}  # by task that was ordered: whether it waits for good

    def handle(asked: Asked, forward: Forward) -> Reply:
        reply = forward(asked)
        body: Any = reply.json if reply.ok else None
        if not isinstance(body, dict):
            return reply
        document = cast("Document", body)
        if asked.method == "POST" and asked.place == "deployments":
            active[str(document.get("TaskId"))] = any(not stuck for stuck in active.values())
        if asked.family != "tasks/*" or asked.method != "GET":
            return reply
        task = id_of(document)
        if active.get(task):
            return reply.with_json({**document, "State": "Queued", "IsCompleted": False, "StartTime": None})
        if document.get("IsCompleted"):
            active.pop(task, None)
        return reply

    return Mutation(
        "queue stops", "a deployment that is ordered while another one runs stays queued",
        (("deployment",), ("tasks",), ("release",)), handle, DEPLOYING, looks=False,
    )  # fmt: skip


def scoped(dice: Random, world: World) -> Mutation | None:
    """A user lost what one team gave in one scope: a project, an environment or a tenant is not theirs any more."""
    user = dice.choice(world.users)
    kind = dice.choice(["projects", "environments", "tenants"])
    own = [one for one in world.seen.get(f"{kind}/*", ()) if one.place in world.seen_by[user]]
    if not own:
        return None
    lost = dice.choice(own)
    identity = id_of(lost.json)

    def handle(asked: Asked, forward: Forward) -> Reply:
        if asked.user != user or not (asked.place == lost.place or asked.place.startswith(f"{lost.place}/")):
            return forward(asked)
        body = b'{"ErrorMessage": "You do not have permission to perform this action."}'
        return Reply(403, (("Content-Type", "application/json"),), body)

    return Mutation("scope lost", f"{identity} is not shown to {user} any more", ((lost.place,), (kind, user)), handle)


DRAWS: Final[dict[str, tuple[int, Draw]]] = {
    "order": (2, ordered), "neighbour": (2, neighbour), "stale": (1, stale), "frozen": (1, frozen),
    "push": (2, uploaded), "rules": (1, ruled), "range": (1, ranged), "tags": (1, joined), "queue": (1, queued),
    "scope": (1, scoped), "audit": (1, unaudited),
}  # fmt: skip
