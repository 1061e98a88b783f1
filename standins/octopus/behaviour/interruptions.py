"""Questions a task asks people: manual interventions and guided failures.

Form and control types as recorded in late 2018 (test fixtures of go-octopusdeploy) and in OctopusClients' form models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from standins.octopus.behaviour import events
from standins.octopus.behaviour.documents import mapped
from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import Document, Server

_INSTRUCTIONS = "Instructions"


def raise_manual(
    server: Server,
    inputs: Inputs,
    task: Document,
    title: str,
    instructions: str,
    teams: Sequence[str],
    correlation: str,
) -> str:
    """Ask for a manual step; the id of the interruption."""
    elements = [
        {
            "Name": _INSTRUCTIONS,
            "Control": {"Type": "Paragraph", "Text": instructions, "ResolveLinks": True},
            "IsValueRequired": False,
        },
        {"Name": "Notes", "Control": {"Type": "TextArea", "Label": "Notes"}, "IsValueRequired": False},
        {"Name": "Result", "Control": _buttons(("Proceed", False), ("Abort", True)), "IsValueRequired": False},
    ]
    return _raise(server, inputs, task, title, elements, teams, correlation, "ManualIntervention", None)


def raise_guided_failure(
    server: Server,
    inputs: Inputs,
    task: Document,
    action: str,
    machine: Mapping[str, Any] | None,
    correlation: str,
    problem: str,
) -> str:
    buttons = [("Fail", True), ("Retry", False), ("Ignore", True)]
    if machine is not None:
        buttons.append(("Exclude", True))
    elements = [
        {
            "Name": _INSTRUCTIONS,
            "Control": {"Type": "Paragraph", "Text": problem, "ResolveLinks": False},
            "IsValueRequired": False,
        },
        {"Name": "Notes", "Control": {"Type": "TextArea", "Label": "Notes"}, "IsValueRequired": False},
        {"Name": "Guidance", "Control": _buttons(*buttons), "IsValueRequired": True},
    ]
    title = f"{action} failed" + (f" on {machine['Name']}" if machine else "")
    return _raise(server, inputs, task, title, elements, (), correlation, "GuidedFailure", machine)


def _buttons(*choices: tuple[str, bool]) -> dict[str, Any]:
    return {
        "Type": "SubmitButtonGroup",
        "Buttons": [{"Text": text, "Value": text, "RequiresConfirmation": confirm} for text, confirm in choices],
    }


def _raise(
    server: Server,
    inputs: Inputs,
    task: Document,
    title: str,
    elements: Sequence[Mapping[str, Any]],
    teams: Sequence[str],
    correlation: str,
    kind: str,
    machine: Mapping[str, Any] | None,
) -> str:
    related = [inputs.subject["Id"], task["Id"], inputs.source["Id"], inputs.project["Id"], inputs.environment["Id"]]
    related.extend(entry["Id"] for entry in (inputs.tenant, machine) if entry)
    document: Document = {
        "Title": title,
        "Created": iso(server.now()),
        "Status": "Pending",
        "TaskId": task["Id"],
        "ProjectId": inputs.project["Id"],
        "EnvironmentId": inputs.environment["Id"],
        "TenantId": inputs.place.tenant,
        "ResponsibleTeamIds": list(teams),
        "RelatedDocumentIds": related,
        "ResponsibleUserId": None,
        "CorrelationId": correlation,
        "Type": kind,
        "IsLinkedToOtherInterruption": False,
        "Form": {"Values": {element["Name"]: None for element in elements}, "Elements": list(elements)},
    }
    if server.at_least("2019.1"):
        document["SpaceId"] = inputs.subject.get("SpaceId")
    with server.store.transaction() as transaction:
        stored = transaction.insert("Interruption", document)
        events.record(
            server,
            transaction,
            f"{kind}InterruptionRaised",
            f"{title}: {'manual intervention' if kind == 'ManualIntervention' else 'guidance'} required for "
            f"{inputs.what} to {inputs.environment['Name']}",
            references={inputs.environment["Name"]: inputs.environment["Id"]},
            related=[stored["Id"], *related],
            space=inputs.subject.get("SpaceId"),
            project=inputs.project["Id"],
            environment=inputs.environment["Id"],
            tenant=inputs.place.tenant,
        )
    return stored["Id"]


def answer(server: Server, interruption_id: str) -> dict[str, str | None]:
    """The values of the submitted form."""
    with server.store.transaction() as transaction:
        document = transaction.load("Interruption", interruption_id)
    if document is None:
        raise LookupError(f"The interruption '{interruption_id}' no longer exists.")
    return mapped(mapped(document, "Form"), "Values")
