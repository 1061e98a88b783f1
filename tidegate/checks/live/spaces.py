"""API: the spaces-aware routes in all their forms, and what a space keeps from those who may not see it."""

from __future__ import annotations

from typing import Any, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.observation.documents import id_of, links_of, list_shape, property_of
from tidegate.observation.places import expand

#: Collections that are asked for in every form; each belongs to a space (swagger of 2019.6).
COLLECTIONS = (
    "projects",
    "environments",
    "lifecycles",
    "projectgroups",
    "libraryvariablesets",
    "machines",
    "feeds",
    "channels",
)


def check_spaces(context: LiveContext) -> LiveResult:
    """Every form of a space's routes leads to the same things, and nothing leads into spaces that are not there.

    Octopus docs, administration/spaces: with the default space enabled, old paths go on working and act on it.
    """

    def body(notes: Notes) -> None:
        if not context.server.spaces:
            notes.uncovered.append("this version has no spaces")
            return
        _unknown_space(context, notes)
        spaces = cast("list[dict[str, Any]]", context.client.get("/api/spaces/all"))
        for space in spaces:
            _space(context, notes, str(space["Id"]))
        if context.space:
            _unscoped(context, notes)
        _kept_apart(context, notes, [str(space["Id"]) for space in spaces])

    return run_check("API", context, body)


def _unknown_space(context: LiveContext, notes: Notes) -> None:
    for path in ("/api/Spaces-99999", "/api/Spaces-99999/projects", "/api/spaces/Spaces-99999"):
        answer = context.client.send("GET", path)
        if answer.status != 404 or not property_of(answer.json, "ErrorMessage"):
            notes.find(
                path,
                "clients cannot tell that a space does not exist",
                before="404 with ErrorMessage",
                after=told(answer),
            )
    notes.covered.append("an unknown space is not found")


def _space(context: LiveContext, notes: Notes, space: str) -> None:
    """The root of a space leads to its lists, and every item of a list says whose it is."""
    root = context.client.send("GET", f"/api/{space}")
    links = links_of(root.json)
    if not root.ok or not links:
        notes.find(f"/api/{space}", "official clients cannot enter this space", before="links", after=told(root))
        return
    for name, template in links.items():
        path = expand(template)
        inside = path is not None and path.lower().startswith(f"/api/{space.lower()}/")
        if inside and path is not None and path.rpartition("/")[2] in COLLECTIONS:
            _members(context, notes, f"/api/{space}: link {name}", path, space)
    notes.covered.append(f"links of {space}")


def _members(context: LiveContext, notes: Notes, place: str, path: str, space: str) -> None:
    answer = context.client.send("GET", path)
    shape = list_shape(answer.json) if answer.ok else None
    if shape is None:
        notes.find(place, "the link of the space's root leads nowhere", before="a list", after=told(answer))
        return
    strangers = [id_of(item) for item in shape.items if property_of(item, "SpaceId") not in (space, None)]
    if strangers:
        notes.find(place, "a space shows what belongs to another one", before=space, after=strangers)


def _unscoped(context: LiveContext, notes: Notes) -> None:
    for collection in COLLECTIONS:
        forms = {
            path: context.client.send("GET", path)
            for path in (f"/api/{collection}", f"/api/{context.space}/{collection}")
        }
        ids = {
            path: [id_of(item) for item in shape.items]
            for path, answer in forms.items()
            if (shape := list_shape(answer.json))
        }
        if len(ids) != len(forms) or len({tuple(found) for found in ids.values()}) != 1:
            notes.find(
                f"/api/{collection} against /api/{context.space}/{collection}",
                "scripts from before spaces see other things than people do",
                before=ids.get(f"/api/{context.space}/{collection}"),
                after=ids.get(f"/api/{collection}", told(forms[f"/api/{collection}"])),
            )
    notes.covered.append("paths without a space lead to the default space")


def _kept_apart(context: LiveContext, notes: Notes, spaces: list[str]) -> None:
    """A user sees exactly the spaces that the server says are the user's."""
    for observer in context.observers:
        own = context.client.send("GET", f"/api/users/{observer.user_id}/spaces")
        shape = list_shape(own.json) if own.ok else None
        allowed = {id_of(space) for space in shape.items} if shape else set[str]()
        with context.as_user(observer) as client:
            for space in spaces:
                answer = client.send("GET", f"/api/{space}/projects")
                if space not in allowed and answer.ok and property_of(answer.json, "TotalResults"):
                    notes.find(
                        f"/api/{space}/projects as {observer.name}", "people see into a space that is not theirs",
                        before="nothing", after=property_of(answer.json, "TotalResults"), check="PERM",
                    )  # fmt: skip
        notes.covered.append(f"spaces of {observer.name}: {', '.join(sorted(allowed)) or 'none'}")
