"""SAVE: what people edit is kept, property by property, and nothing else changes with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from itertools import islice
from typing import Any, Final, cast

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.copying import fullest
from tidegate.checks.live.creating import MAKINGS, NAME, first_ids, settle
from tidegate.checks.live.references import Others, Path, references
from tidegate.checks.live.sorts import sort_of
from tidegate.checks.live.triggers import FAR_AWAY
from tidegate.errors import Refused
from tidegate.observation.documents import id_of, is_frozen, property_of, renewed

Document = dict[str, Any]

#: What came of each edit, by "kind: property".
Outcomes = dict[str, str]

KEPT: Final = "kept"
LEFT: Final = "not kept"

#: Kinds of which a thing that is there already is edited and put back; of those in `MAKINGS` one is made for it.
EXISTING: Final = (
    "channels", "projecttriggers", "variables", "deploymentprocesses", "machinepolicies", "certificates",
    "actiontemplates", "subscriptions", "runbooks", "runbookprocesses", "releases",
)  # fmt: skip

#: Kinds whose sorts have properties of their own, or that do something while they are on: a harmless copy of one of
#: each sort is edited, in every property.
COPIED: Final = (
    "accounts", "feeds", "projecttriggers", "subscriptions", "machinepolicies", "actiontemplates", "workers",
    "machines",
)  # fmt: skip

#: Of those, kinds whose sorts differ below their endpoint only: one of them is enough.
ALIKE: Final = frozenset({"machines", "workers"})

#: Texts that mean nothing to the server, so that another one harms nobody while it is there.
_PROSE: Final = frozenset({"Description", "Notes", "ReleaseNotes", "Value", "Octopus.Action.Script.ScriptBody"})
_OWN: Final = frozenset({"Id", "Version", "SpaceId", "LastModifiedOn", "LastModifiedBy", "LastSnapshotId", "Slug"})
_REFERENCE: Final = re.compile(r"[A-Za-z]+-\d+|\d{4}-\d\d-\d\dT.*")
_MARK: Final = " (Tidegate)"


def editing_outcomes(context: LiveContext, *, most: int = 6) -> Outcomes:
    """Edit every property of a new thing of each kind and sort, and the prose of one old thing of each other kind.

    Saves have dropped what they did not know, and reset what nobody touched (OctopusDeploy/Issues#7861, #4979).
    """
    outcomes: Outcomes = {}
    ids, others = first_ids(context), Others(context)
    for making in MAKINGS:
        route = making.path(context)
        defaults = _defaults(context, route)
        made = context.client.send("POST", route, json=making.document(context, ids))
        if not made.ok or not id_of(made.json):
            outcomes[f"{making.route}: making one to edit"] = str(made.status)
            continue
        path = f"{route}/{id_of(made.json)}"
        edits = _edited(context, others, path, lambda document: [*_own_values(document), *references(document)])
        outcomes |= {f"{making.route}: {where}": told for where, told in edits}
        _give_back(context, route, defaults)
        removed = context.client.send("DELETE", path)
        settle(context, removed)
        outcomes[f"{making.route}: removing what was edited"] = KEPT if removed.ok else str(removed.status)
    for kind in COPIED:
        originals = list(fullest(context.shown(context.path(kind), take=200)))
        for original in originals[:1] if kind in ALIKE else originals:
            sort = sort_of(original)
            name = f"{kind} ({sort})" if sort else kind
            if original.get("Filter") and "Schedule" not in sort:
                continue  # what fires when something happens cannot be kept from it
            made = context.client.send("POST", context.path(kind), json=_harmless(original))
            if made.ok and id_of(made.json):
                path = context.path(f"{kind}/{id_of(made.json)}")
                edits = _edited(context, others, path, _own_values)
                outcomes |= {f"{name}: {where}": told for where, told in edits}
                settle(context, context.client.send("DELETE", path))
    for kind in EXISTING:
        path = _chosen(context, kind)
        if path:
            edits = _edited(context, others, path, lambda document: list(_of_existing(document, most)))
            outcomes |= {f"{kind}: {where}": told for where, told in edits}
    return outcomes


def check_editing(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Do it again after the upgrade: what was kept must be kept, and nothing else may change with it."""

    def body(notes: Notes) -> None:
        after = editing_outcomes(context)
        for edit, outcome in before.items():
            now = after.get(edit)
            if now is None or now == outcome or _same(outcome, now):
                continue
            kept = outcome.startswith(KEPT)
            notes.find(
                edit, "what people change here is not saved, or changes something else" if kept else
                "what could not be done here before can be done now", before=outcome, after=now,
            )  # fmt: skip
        kinds = {edit.partition(":")[0] for edit in before}
        notes.covered.append(f"{len(before)} edits of {len(kinds)} kinds")
        notes.uncovered.extend(f"{edit}: not there any more" for edit in before.keys() - after.keys())

    return run_check("SAVE", context, body)


def _same(before: str, after: str) -> bool:
    """Whether two refusals mean the same; which status a bad request gets is no promise."""
    return before[:1] == after[:1] == "4"


def _harmless(original: Document) -> Document:
    """What makes another one like it that does nothing while it is there: off, due on New Year's Day, and with nobody
    to tell."""
    copy: Document = {
        name: deepcopy(value) for name, value in original.items() if name not in _OWN | {"Links"} and value is not None
    }
    copy |= {"Name": f"{NAME}: edited", "IsDefault": False}
    if "IsDisabled" in copy:
        copy["IsDisabled"] = True
    if "Filter" in copy:
        copy["Filter"] = {**FAR_AWAY}
    # A target of its own, which is nowhere: nothing may be reached, and polling ones are told apart by their address.
    for holder in (copy, copy.get("Endpoint")):
        if isinstance(holder, dict) and cast("Document", holder).get("Uri"):
            scheme = str(cast("Document", holder)["Uri"]).partition("://")[0]
            cast("Document", holder)["Uri"] = f"{scheme}://tidegate.invalid:10933/"
    told = copy.get("EventNotificationSubscription")
    if isinstance(told, dict):
        nobody: Document = {"EmailTeams": [], "WebhookTeams": [], "WebhookURI": "https://tidegate.invalid/"}
        copy["EventNotificationSubscription"] = {**cast("Document", told), **nobody}
    return copy


def _chosen(context: LiveContext, kind: str) -> str:
    """The path of the first of a kind that can be edited."""
    names = [
        id_of(one)
        for one in context.shown(context.path(kind), take=200)
        if not is_frozen(id_of(one)) and one.get("IsEditable") is not False and list(_of_existing(one, 1))
    ]
    return context.path(f"{kind}/{min(names)}") if names else ""


def _of_existing(document: Document, most: int) -> Iterator[Path]:
    """Some of what can be edited without anybody noticing: prose, and what it points at."""
    yield from islice(_prose(document), most)
    yield from islice(references(document), most)


def _defaults(context: LiveContext, route: str) -> list[Document]:
    """Those of a kind that are its default: only one can be, so another one takes it from them."""
    return [one for one in context.shown(route, take=200) if one.get("IsDefault")]


def _give_back(context: LiveContext, route: str, defaults: Iterable[Document]) -> None:
    for default in defaults:
        path = f"{route}/{id_of(default)}"
        now = context.client.send("GET", path)
        if now.ok and not property_of(now.json, "IsDefault"):
            context.client.send("PUT", path, json=renewed(default, now.json))


def _edited(
    context: LiveContext, others: Others, path: str, choose: Callable[[Document], list[Path]]
) -> Iterator[tuple[str, str]]:
    """What came of changing one value after the other; in the end everything is as it was."""
    read = context.client.send("GET", path)
    if not read.ok:
        return
    first = cast("Document", read.json)
    current = first
    for where in choose(first):
        old = _at(first, where)
        other = others.instead_of(old) if isinstance(old, str) and _REFERENCE.fullmatch(old) else _other(old)
        if not other and other is not False:
            continue  # there is nothing else to point at
        wanted = _with(current, where, other)
        told, current = _saved(context, path, current, wanted, where)
        yield _name(first, where), told
    context.client.send("PUT", path, json=renewed(first, current))


def _saved(context: LiveContext, path: str, current: Document, wanted: Document, where: Path) -> tuple[str, Document]:
    saved = context.client.send("PUT", path, json=wanted)
    if not saved.ok:
        return str(saved.status), current
    read = context.client.send("GET", path)
    if not read.ok:
        raise Refused(f"GET {path} answered {read.status} after it was saved", where=context.client.url)
    now = cast("Document", read.json)
    others = sorted(
        name
        for name in {*now, *current} - _OWN - {"Links", str(where[0])}
        if now.get(name) != current.get(name) and name in current
    )
    told = KEPT if _at(now, where) == _at(wanted, where) else LEFT
    return f"{told}, and with it {', '.join(others)}" if others else told, now


def _own_values(document: Document) -> list[Path]:
    """Every plain value on the first level; references and moments stay."""
    return [
        (name,)
        for name, value in document.items()
        if name not in _OWN
        and isinstance(value, str | bool | int)
        and not (isinstance(value, str) and _REFERENCE.fullmatch(value))
    ]


def _prose(value: Any, path: Path = ()) -> Iterator[Path]:
    """Texts that people wrote, at whatever depth."""
    if isinstance(value, dict):
        document = cast("Document", value)
        if document.get("IsSensitive") or document.get("Type") in ("Sensitive", "Certificate", "AzureAccount"):
            return
        for name, inner in document.items():
            if name in _PROSE and (isinstance(inner, str) or (inner is None and not path)):
                yield (*path, name)
            elif name != "Links":
                yield from _prose(inner, (*path, name))
    elif isinstance(value, list):
        for position, inner in enumerate(cast("list[Any]", value)):
            yield from _prose(inner, (*path, position))


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return f"{value or ''}{_MARK}"


def _at(document: Any, where: Path) -> Any:
    for step in where:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _with(document: Document, where: Path, value: Any) -> Document:
    changed = deepcopy(document)
    _at(changed, where[:-1])[where[-1]] = value
    return changed


def _name(document: Document, where: Path) -> str:
    name = ".".join(map(str, where))
    return f"{name} of {id_of(document)}" if len(where) > 1 else name
