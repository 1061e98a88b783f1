"""The ``admin`` command: create an administrator, or bring one back."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.invocation import Invocation
from standins.octopus.contract import Document
from standins.octopus.credentials import hash_api_key, hash_password
from standins.octopus.store import Work, open_store
from standins.octopus.store.documents import iso

_ADMINISTRATORS: Final = "teams-administrators"


def admin(call: Invocation) -> int:
    username = call.options.get("username")
    if not username:
        raise ControlledFailure("Please specify the username of the administrator, e.g., --username=admin")
    password = call.options.get("password")
    api_key = call.options.get("apiKey")
    if api_key is not None and not api_key.startswith("API-"):
        raise ControlledFailure("The API key must begin with 'API-'")
    with call.database():
        pass  # refuses a database of another schema
    store = open_store(call.connection_string, call.version)
    try:
        with store.transaction() as work:
            user = _save_user(work, username, call.options.get("email"), password, api_key)
            if api_key is not None:
                _save_api_key(work, user, api_key)
            _join(work, user)
    finally:
        store.close()
    call.output.info(f"The user '{username}' is a member of Octopus Administrators")
    return 0


def _save_user(work: Work, username: str, email: str | None, password: str | None, api_key: str | None) -> Document:
    found = work.query("User", where={"Username": username}, take=1)
    if found:
        user = found[0]
        user["IsActive"] = True
        if email is not None:
            user["EmailAddress"] = email
        if password is not None:
            user["PasswordHashed"] = hash_password(password)
        work.update("User", user)
        return user
    return work.insert(
        "User",
        {
            "Username": username,
            "DisplayName": username,
            "EmailAddress": email,
            "ExternalIdentifiers": [],
            "IdentificationToken": str(uuid.uuid4()),
            "IsActive": True,
            # With only an API key it becomes a service account (Octopus docs, container image).
            "IsService": password is None and api_key is not None,
            "PasswordHashed": hash_password(password) if password is not None else None,
            "Identities": [],
        },
    )


def _save_api_key(work: Work, user: Document, api_key: str) -> None:
    hashed = hash_api_key(api_key)
    if not work.query("ApiKey", where={"ApiKeyHashed": hashed}, take=1):
        work.insert(
            "ApiKey",
            {
                "Id": f"apikeys-{uuid.uuid4().hex}",
                "UserId": user["Id"],
                "ApiKeyHashed": hashed,
                "Created": iso(datetime.now(UTC)),
                "Purpose": "Created by the admin command",
            },
        )


def _join(work: Work, user: Document) -> None:
    team = work.load("Team", _ADMINISTRATORS)
    if team is None:
        raise ControlledFailure("The team Octopus Administrators is missing")
    if user["Id"] not in team["MemberUserIds"]:
        team["MemberUserIds"] = [*team["MemberUserIds"], user["Id"]]
        work.update("Team", team)
