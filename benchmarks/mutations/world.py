"""What there is to mutate, read from a snapshot of the upgraded instance."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, cast

from benchmarks.mutations.mutation import Document, World
from tidegate.observation.store import FILE, ITEM, LIST, Seen, Snapshot

_NUMBERED: Final = re.compile(r"([A-Z][A-Za-z]+)-(\d+)")

#: Headers that name the moment or the machine, or belong to one connection.
_PASSING: Final = frozenset({"date", "octopus-node", "server", "content-length", "connection", "etag"})


def world_of(after: Snapshot, key: str, headers: Mapping[str, Sequence[str]], creations: Mapping[str, str]) -> World:
    """The world that ``after`` shows; ``key`` is the administrator's, ``headers`` those that were sent, by family."""
    by_form: dict[str, defaultdict[str, list[Seen]]] = {form: defaultdict(list) for form in (ITEM, LIST, FILE)}
    seen_by: defaultdict[str, set[str]] = defaultdict(set)
    families_of: defaultdict[str, set[str]] = defaultdict(set)
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for seen in after.rows("status = 200 AND form IN (?, ?, ?) AND place NOT LIKE '(probe)%'", (ITEM, LIST, FILE)):
        if seen.user != after.administrator:
            seen_by[seen.user].add(seen.place)
            families_of[seen.user].add(seen.family)
        elif seen.form == FILE or "json" in seen.type:
            by_form[seen.form][seen.family].append(seen)
    for listed in (one for lists in by_form[LIST].values() for one in lists if "?" not in one.place):
        for identity in cast("list[str]", cast("Document", listed.json).get("Ids") or ()):
            name = identity.partition("-")[0]
            if identity not in ids[name]:
                ids[name].append(identity)
    newest: defaultdict[str, int] = defaultdict(int)
    for one in (found for of_name in ids.values() for found in of_name):
        if match := _NUMBERED.fullmatch(one):
            newest[match[1]] = max(newest[match[1]], int(match[2]))
    swagger = [cast("Document", one.json) for one in by_form[ITEM].pop("swagger.json", ())]
    kept = {family: sorted({*names} - _PASSING) for family, names in headers.items()}
    return World(
        by_form[ITEM], by_form[LIST], by_form[FILE], [user for user in after.about["users"] if user in seen_by],
        {user: frozenset(places) for user, places in seen_by.items()},
        {user: frozenset(families) for user, families in families_of.items()}, ids,
        {family: names for family, names in kept.items() if names}, newest,
        swagger[0] if swagger else {}, _may(creations), key,
    )  # fmt: skip


def _may(creations: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Who may make what, from what came of trying it before the upgrade: `making one of teams as kind1`."""
    made = [step.split() for step, outcome in creations.items() if step.startswith("making") and outcome[:1] == "2"]
    return frozenset((words[3], words[5]) for words in made)
