"""Questions a task asks people: manual interventions and guided failures.

Form and control types as recorded in late 2018 (test fixtures of go-octopusdeploy) and in OctopusClients' form models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standins.octopus.behaviour import events
from standins.octopus.behaviour.documents import mapped
from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import Document, Server

_INSTRUCTIONS = "Instructions"


@dataclass(frozen=True, slots=True)
class Question:
    """What a task asks, and where: ``correlation`` is the node of the log that waits."""

    inputs: Inputs
    task: Document
    title: str
    correlation: str
    teams: Sequence[str] = ()
    machine: Mapping[str, Any] | None = None


def raise_manual(server: Server, question: Question, instructions: str) -> str:
    """Ask for a manual step; the id of the interruption."""
    elements = [
        _element(_INSTRUCTIONS, {"Type": "Paragraph", "Text": instructions, "ResolveLinks": True}),
        _element("Notes", {"Type": "TextArea", "Label": "Notes"}),
        _element("Result", _buttons(("Proceed", False), ("Abort", True))),
    ]
    return _raise(server, question, elements, "ManualIntervention")


def raise_guided_failure(server: Server, question: Question, problem: str) -> str:
    """Ask what to do about a failure; leaving a target out is a choice where there is one."""
    buttons = [("Fail", True), ("Retry", False), ("Ignore", True)]
    if question.machine is not None:
        buttons.append(("Exclude", True))
    elements = [
        _element(_INSTRUCTIONS, {"Type": "Paragraph", "Text": problem, "ResolveLinks": False}),
        _element("Notes", {"Type": "TextArea", "Label": "Notes"}),
        _element("Guidance", _buttons(*buttons), required=True),
    ]
    return _raise(server, question, elements, "GuidedFailure")


def _element(name: str, control: Mapping[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"Name": name, "Control": dict(control), "IsValueRequired": required}


def _buttons(*choices: tuple[str, bool]) -> dict[str, Any]:
    return {
        "Type": "SubmitButtonGroup",
        "Buttons": [{"Text": text, "Value": text, "RequiresConfirmation": confirm} for text, confirm in choices],
    }


def _raise(server: Server, question: Question, elements: Sequence[Mapping[str, Any]], kind: str) -> str:
    inputs, task, title = question.inputs, question.task, question.title
    related = [inputs.subject["Id"], task["Id"], inputs.source["Id"], inputs.project["Id"], inputs.environment["Id"]]
    related.extend(entry["Id"] for entry in (inputs.tenant, question.machine) if entry)
    document: Document = {
        "Title": title,
        "Created": iso(server.now()),
        "Status": "Pending",
        "TaskId": task["Id"],
        "ProjectId": inputs.project["Id"],
        "EnvironmentId": inputs.environment["Id"],
        "TenantId": inputs.place.tenant,
        "ResponsibleTeamIds": list(question.teams),
        "RelatedDocumentIds": related,
        "ResponsibleUserId": None,
        "CorrelationId": question.correlation,
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
