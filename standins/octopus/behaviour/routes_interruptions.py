"""Routes of interruptions: who takes responsibility, and the answer."""

from __future__ import annotations

from standins.octopus.api.access import in_reach, may, require_for
from standins.octopus.api.calls import caller
from standins.octopus.api.errors import invalid
from standins.octopus.api.queries import select, selection_of
from standins.octopus.api.rendering import page, render, resource
from standins.octopus.behaviour import events
from standins.octopus.behaviour.documents import folded, is_true, listed, mapped, texts
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

_RESOURCE = "Interruption"


def show(call: Call, interruption: Document) -> Document:
    pending = interruption["Status"] == "Pending"
    responsible = interruption.get("ResponsibleUserId")
    mine = call.user is not None and responsible == call.user["Id"]
    return render(
        call,
        _RESOURCE,
        {
            **interruption,
            "IsPending": pending,
            "HasResponsibility": mine,
            "CanTakeResponsibility": pending and not responsible and _may_answer(call, interruption),
        },
    )


def _may_answer(call: Call, interruption: Document) -> bool:
    """Members of the responsible teams; without any, whoever may submit interruptions there."""
    teams = texts(interruption, "ResponsibleTeamIds")
    if teams and call.user is not None:
        members = {
            member for team in call.transaction.load_many("Team", teams) for member in texts(team, "MemberUserIds")
        }
        if call.user["Id"] not in members and "teams-everyone" not in teams:
            return call.rights is None or call.rights.allows("AdministerSystem")
    target = resource(call, _RESOURCE)
    return may(call, target, "InterruptionSubmit", interruption) or may(
        call, target, "InterruptionViewSubmitResponsible", interruption
    )


def list_interruptions(call: Call) -> Reply:
    selection = selection_of(call, resource(call, _RESOURCE))
    regarding = call.query.get("regarding")
    if regarding:
        selection.contains["RelatedDocumentIds"] = regarding
    if is_true(call.query.get("pendingonly")):
        selection.where["Status"] = "Pending"
    found, total = select(call, resource(call, _RESOURCE), selection)
    return Reply(page(call, _RESOURCE, [show(call, entry) for entry in found], total))


def _find(call: Call) -> Document:
    wanted = call.path["id"]
    return in_reach(call, resource(call, _RESOURCE), call.transaction.load("Interruption", wanted), wanted)


def get_interruption(call: Call) -> Reply:
    return Reply(show(call, _find(call)))


def responsible(call: Call) -> Reply:
    """The user who took responsibility, or null."""
    user_id = _find(call).get("ResponsibleUserId")
    user = call.transaction.load("User", user_id) if user_id else None
    return Reply(render(call, "User", user) if user else None)


def take_responsibility(call: Call) -> Reply:
    interruption = _find(call)
    user = caller(call)
    if interruption["Status"] != "Pending":
        raise invalid("The interruption has been answered already.")
    if not _may_answer(call, interruption):
        raise ApiError(403, "You are not in a team that is responsible for this interruption.")
    interruption["ResponsibleUserId"] = user["Id"]
    call.transaction.update("Interruption", interruption)
    _tell(call, interruption, f"{user['Username']} took responsibility for {interruption['Title']}")
    return Reply(render(call, "User", user))


def submit(call: Call) -> Reply:
    interruption = _find(call)
    user = caller(call)
    if interruption["Status"] != "Pending":
        raise invalid("The interruption has been answered already.")
    if interruption.get("ResponsibleUserId") != user["Id"]:
        raise invalid("You must take responsibility for the interruption before you can submit it.")
    if call.rights is not None and not _may_answer(call, interruption):
        require_for(call, resource(call, _RESOURCE), "InterruptionSubmit", interruption)
    form = mapped(interruption, "Form")
    given = folded(call.body)
    values = mapped(form, "Values")
    for element in listed(form, "Elements"):
        name = element["Name"]
        answer = given.get(name.lower())
        choices = [button["Value"] for button in listed(mapped(element, "Control"), "Buttons")]
        if answer is not None and choices and answer not in choices:
            raise invalid(f"{name} must be one of {', '.join(choices)}.")
        if element.get("IsValueRequired") and not answer:
            raise invalid(f"Please provide a value for {name}.")
        if answer is not None:
            values[name] = str(answer)
    form["Values"] = values
    interruption["Form"] = form
    interruption["Status"] = "Submitted"
    call.transaction.update("Interruption", interruption)
    _release_task(call, interruption)
    _tell(call, interruption, f"{interruption['Title']} was submitted by {user['Username']}")
    return Reply(show(call, interruption))


def _tell(call: Call, interruption: Document, message: str) -> None:
    events.record(
        call.server,
        call.transaction,
        "Modified",
        message,
        references={interruption["Title"]: interruption["Id"]},
        related=texts(interruption, "RelatedDocumentIds"),
        source=events.Source.of(call),
        space=interruption.get("SpaceId"),
        project=interruption.get("ProjectId"),
        environment=interruption.get("EnvironmentId"),
        tenant=interruption.get("TenantId"),
    )


def _release_task(call: Call, interruption: Document) -> None:
    """The task may go on when none of its questions is open."""
    task = call.transaction.load("ServerTask", interruption["TaskId"])
    if task is None:
        return
    still_open = call.transaction.count("Interruption", where={"TaskId": task["Id"], "Status": "Pending"})
    task["HasPendingInterruptions"] = still_open > 0
    call.transaction.update("ServerTask", task)


ROUTES = (
    Route("GET", "interruptions", list_interruptions, permission="InterruptionView"),
    Route("GET", "interruptions/{id}", get_interruption, permission="InterruptionView"),
    Route("GET", "interruptions/{id}/responsible", responsible, permission="InterruptionView"),
    Route("PUT", "interruptions/{id}/responsible", take_responsibility),
    Route("POST", "interruptions/{id}/submit", submit),
)
