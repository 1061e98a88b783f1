"""Routes of the audit log: the list with its filters, and the names one can filter by."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from standins.octopus.api.access import in_reach
from standins.octopus.api.queries import Selection, select, split_list
from standins.octopus.api.rendering import page, render, resource
from standins.octopus.behaviour import event_catalogue, events
from standins.octopus.behaviour.documents import is_true, texts
from standins.octopus.behaviour.moments import asked_moment, moment
from standins.octopus.contract import Call, Document, Reply, Route

_RESOURCE = "Event"
Test = Callable[[Document], bool]


def show(call: Call, event: Document) -> Document:
    shown = render(call, _RESOURCE, event)
    if is_true(call.query.get("excludedifference")) and isinstance(shown.get("ChangeDetails"), dict):
        shown["ChangeDetails"] = {**shown["ChangeDetails"], "Differences": None}
    return shown


def _selection(call: Call) -> Selection:
    query = call.query
    selection = Selection()
    for name, column in (
        ("ids", "Id"),
        ("projects", "ProjectId"),
        ("environments", "EnvironmentId"),
        ("tenants", "TenantId"),
        ("users", "UserId"),
    ):
        wanted = split_list(query.get(name))
        if wanted:
            selection.where[column] = wanted
    if query.get("user"):
        selection.where["UserId"] = query["user"]
    categories = set(split_list(query.get("eventcategories"))) | event_catalogue.categories_of(
        split_list(query.get("eventgroups"))
    )
    if categories:
        selection.where["Category"] = sorted(categories)
    regarding = split_list(query.get("regarding"))
    if len(regarding) == 1:
        selection.contains["RelatedDocumentIds"] = regarding[0]
    elif regarding:
        selection.tests.append(lambda event: set(regarding) <= set(texts(event, "RelatedDocumentIds")))
    selection.tests.extend(_tests(call))
    return selection


def _tests(call: Call) -> list[Test]:
    query = call.query
    tests: list[Test] = []
    any_of = set(split_list(query.get("regardingany")))
    if any_of:
        tests.append(lambda event: not any_of.isdisjoint(texts(event, "RelatedDocumentIds")))
    groups = split_list(query.get("projectgroups"))
    if groups:
        inside = {project["Id"] for project in call.transaction.query("Project", where={"ProjectGroupId": groups})}
        tests.append(lambda event: event.get("ProjectId") in inside)
    kinds = {kind.lower() for kind in split_list(query.get("documenttypes"))}
    if kinds:
        tests.append(lambda event: any(_prefix(related) in kinds for related in texts(event, "RelatedDocumentIds")))
    agents = set(split_list(query.get("eventagents")))
    if agents:
        tests.append(lambda event: _agent(event) in agents)
    low, high = asked_moment(query.get("from"), "From"), asked_moment(query.get("to"), "To")
    if low or high:
        tests.append(lambda event: _between(event, "Occurred", low, high))
    first, last = query.get("fromautoid", ""), query.get("toautoid", "")
    if first.isdigit():
        tests.append(lambda event: int(event["AutoId"]) >= int(first))
    if last.isdigit():
        tests.append(lambda event: int(event["AutoId"]) <= int(last))
    return tests


def _between(event: Document, name: str, low: object, high: object) -> bool:
    at = moment(event[name])
    return at is not None and (low is None or at >= low) and (high is None or at <= high)  # type: ignore[operator]


def _prefix(document_id: str) -> str:
    return document_id.split("-", 1)[0].lower()


def _agent(event: Document) -> str:
    text = str(event.get("UserAgent") or "")
    for agent in event_catalogue.AGENTS:
        if agent.id.lower() in text.lower() or agent.name.lower() in text.lower():
            return agent.id
    return "Browser" if text.startswith("Mozilla") else "Unknown"


def list_events(call: Call) -> Reply:
    found, total = select(call, resource(call, _RESOURCE), _selection(call))
    shown = [show(call, event) for event in found]
    if is_true(call.query.get("ascsv")):
        return Reply(_csv(shown), media_type="text/csv")
    return Reply(page(call, _RESOURCE, shown, total))


def _csv(shown: list[Document]) -> str:
    names = ("Id", "Category", "UserId", "Username", "Occurred", "Message", "SpaceId")
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([event.get(name) for name in names] for event in shown)
    return out.getvalue()


def get_event(call: Call) -> Reply:
    wanted = call.path["id"]
    return Reply(show(call, in_reach(call, resource(call, _RESOURCE), call.transaction.load("Event", wanted), wanted)))


def categories(call: Call) -> Reply:
    known = event_catalogue.known(event_catalogue.CATEGORIES, call.server.version)
    applies_to = split_list(call.query.get("appliesto"))
    if applies_to:
        # ``appliesTo`` narrows to what a machine trigger can react to; "Machine" is the only value clients send.
        known = [entry for entry in known if any(entry.id.startswith(word) for word in applies_to)]
    return Reply([{"Id": entry.id, "Name": entry.name, "Links": {}} for entry in known])


def groups(call: Call) -> Reply:
    known = event_catalogue.known(event_catalogue.GROUPS, call.server.version)
    applies_to = split_list(call.query.get("appliesto"))
    if applies_to:
        known = [entry for entry in known if any(entry.id.startswith(word) for word in applies_to)]
    return Reply(
        [
            {"Id": entry.id, "Name": entry.name, "EventCategories": list(entry.categories), "Links": {}}
            for entry in known
        ]
    )


def document_types(call: Call) -> Reply:
    return Reply([{"Id": prefix, "Name": name} for prefix, name in events.type_names(call.server).items()])


def agents(call: Call) -> Reply:
    del call
    return Reply([{"Id": entry.id, "Name": entry.name, "Links": {}} for entry in event_catalogue.AGENTS])


ROUTES = (
    Route("GET", "events", list_events, "mixed", "EventView", operation="indexEvents"),
    Route("GET", "events/{id}", get_event, "mixed", "EventView", operation="getEventById"),
    Route("GET", "events/categories", categories, "mixed", None),
    Route("GET", "events/groups", groups, "mixed", None),
    Route("GET", "events/documenttypes", document_types, "mixed", None),
    Route("GET", "events/agents", agents, "mixed", None),
)
