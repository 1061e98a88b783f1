"""SAVE: what saving one thing does to others: steps follow their template, and tenants keep their variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from tidegate.checks.differences import differences
from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.observation.documents import property_of

Document = dict[str, Any]

#: What became of each thing that was done, by a sentence that names it.
Outcomes = dict[str, str]

GOOD: Final = "as it should be"
_VERSION: Final = "Octopus.Action.Template.Version"


def consequence_outcomes(context: LiveContext, *, most: int = 3) -> Outcomes:
    """Save step templates and bring their steps to the new version; give tenants another environment and take it back.

    Updated templates have broken the projects that use them (OctopusDeploy/Issues#5054), could not be brought to them
    (#8585), or were not although the server said so (#7814); a changed mapping has reset variables (#7861).
    """
    outcomes: Outcomes = {}
    used = 0
    for template in context.client.items(context.path("actiontemplates")):
        usages = context.client.send("GET", context.path(f"actiontemplates/{template['Id']}/usage"))
        places = [one for one in _entries(usages.json) if one.get("DeploymentProcessId")] if usages.ok else []
        if places and used < most:
            used += 1
            outcomes |= _template(context, template, places[0])
    for tenant in list(context.client.items(context.path("tenants")))[:most]:
        outcomes |= _tenant(context, tenant)
    return outcomes


def check_consequences(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Do it again after the upgrade: what came of it must come of it again."""

    def body(notes: Notes) -> None:
        after = consequence_outcomes(context)
        for deed, outcome in before.items():
            now = after.get(deed, "not tried")
            if now != outcome:
                notes.find(deed, "saving one thing breaks another, or does not reach it", before=outcome, after=now)
        notes.covered.extend(after)
        if not after:
            notes.uncovered.append("saving step templates and tenants: there are none in use")

    return run_check("SAVE", context, body)


def _template(context: LiveContext, template: Document, place: Document) -> Outcomes:
    path = context.path(f"actiontemplates/{template['Id']}")
    deed = f"actiontemplates/{template['Id']}: bringing it to deploymentprocesses/{place['DeploymentProcessId']}"
    full = cast("Document", context.client.get(path))
    saved = context.client.send("PUT", path, json=full)
    if not saved.ok:
        return {deed: f"the template cannot be saved: {told(saved)}"}
    version = str(cast("Document", context.client.get(path))["Version"])
    # Octopus.Client's ActionsUpdateResource.
    request = {
        "Version": int(version),
        "ActionIdsByProcessId": {place["DeploymentProcessId"]: [place["ActionId"]]},
        "DefaultPropertyValues": {},
        "Overrides": {},
    }
    updated = context.client.send("POST", f"{path}/actionsUpdate", json=request)
    if not updated.ok:
        return {deed: f"refused: {told(updated)}"}
    read = context.client.send("GET", context.path(f"deploymentprocesses/{place['DeploymentProcessId']}"))
    if not read.ok:
        return {deed: f"the process cannot be read any more: {told(read)}"}
    step = next((one for one in _actions(cast("Document", read.json)) if one.get("Id") == place["ActionId"]), None)
    held = str(cast("Document", (step or {}).get("Properties") or {}).get(_VERSION))
    return {deed: GOOD if held == version else "the step was left at the old version of its template"}


def _tenant(context: LiveContext, tenant: Document) -> Outcomes:
    """Only the tenant's mapping is changed, and it ends as it began; so do its variables."""
    mapping = cast("dict[str, list[str]]", tenant.get("ProjectEnvironments") or {})
    project = next(iter(mapping), None)
    every = [str(one["Id"]) for one in context.client.items(context.path("environments"))]
    other = next((one for one in every if project is not None and one not in mapping[project]), None)
    if project is None or other is None:
        return {}
    path = context.path(f"tenants/{tenant['Id']}")
    deed = f"tenants/{tenant['Id']}/variables: after {other} was added and taken away again"
    before = _variables(context, path)
    for environments in ([*mapping[project], other], mapping[project]):
        current = cast("Document", context.client.get(path))
        wanted = {**current, "ProjectEnvironments": {**mapping, project: environments}}
        saved = context.client.send("PUT", path, json=wanted)
        if not saved.ok:
            return {deed: f"the tenant cannot be saved: {told(saved)}"}
    lost = [change.where for change in differences(before, _variables(context, path))]
    return {deed: f"changed: {', '.join(lost[:5])}" if lost else GOOD}


def _variables(context: LiveContext, path: str) -> Document:
    answer = cast("Document", context.client.get(f"{path}/variables"))
    return {name: answer.get(name) for name in ("ProjectVariables", "LibraryVariables")}


def _actions(process: Document) -> list[Document]:
    steps = cast("list[Document]", process.get("Steps") or [])
    return [action for step in steps for action in cast("list[Document]", step.get("Actions") or [])]


def _entries(body: Any) -> list[Document]:
    """An array, or a page of one."""
    return cast("list[Document]", body if isinstance(body, list) else property_of(body, "Items") or [])
