"""Error bodies (properties as OctopusErrorsContract of OctopusClients reads them) and the texts that are recorded."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from standins.octopus.contract import ApiError, Conflict, Reply

PROBLEM = "There was a problem with your request."
NOT_FOUND = "The resource you requested was not found."
LOGGED_OUT = (
    "You must be logged in to request this resource. Please provide a valid API key or log in to the web portal."
)
NOT_PERMITTED = "You do not have permission to perform this action. Please contact your Octopus administrator."
#: Replies recorded on 2022.2 with nothing but ErrorMessage. go-octopusdeploy takes a 404 that has Errors, even none,
#: for something else, and no longer sees that the thing is not there.
_MESSAGE_ONLY = frozenset({401, 403, 404})
NO_SPACE = f"{NOT_PERMITTED} To list spaces you need SpaceView or access to some space."


def not_found(id: str = "") -> ApiError:
    """404: by id when there is one (recorded on 2022.2)."""
    return ApiError(404, f"The resource '{id}' was not found." if id else NOT_FOUND)


def invalid(*errors: str) -> ApiError:
    """400: what a validation refuses."""
    return ApiError(400, PROBLEM, errors)


def forbidden(permission: str) -> ApiError:
    return ApiError(403, f"{NOT_PERMITTED} Missing permission: {permission}")


def error_reply(error: ApiError) -> Reply:
    body: dict[str, Any] = {"ErrorMessage": error.message}
    if error.errors or error.status not in _MESSAGE_ONLY:
        body |= {"Errors": list(error.errors), "ParsedHelpLinks": []}
    return Reply(body, error.status)


def conflict_reply(conflict: Conflict) -> Reply:
    what = " and ".join(column for column in conflict.columns if column != "SpaceId") or "Name"
    # "The name must be unique." is the shape of the recorded message; the server's own wording names the kind.
    return error_reply(ApiError(400, PROBLEM, [f"The {what.lower()} must be unique. Please use a different value."]))


def crash_reply(error: Exception) -> Reply:
    """500: only here the body carries FullException."""
    body: Mapping[str, Any] = {
        "ErrorMessage": "An unexpected error occurred. " + str(error),
        "Errors": [],
        "ParsedHelpLinks": [],
        "FullException": "".join(traceback.format_exception(error)),
    }
    return Reply(body, 500)
