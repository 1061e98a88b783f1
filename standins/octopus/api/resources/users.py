"""Users, their API keys, and signing in."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

from standins.octopus.api import hooks
from standins.octopus.api.calls import api_call, caller
from standins.octopus.api.crud import body_of, find_item, present, present_one, update_from
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.rendering import created, slice_page
from standins.octopus.api.requests import parse_cookies
from standins.octopus.behaviour import events
from standins.octopus.behaviour.documents import listed
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import ApiError, Call, Document, Reply, Route
from standins.octopus.credentials import hash_api_key, hash_password, new_api_key, verify_password

#: What the server keeps for a user that no client sets.
_KEPT = ("PasswordHashed", "IdentificationToken", "ExternalId", "ExternalIdentifiers")


def _prepare(_call: Call, document: Document, existing: Document | None) -> None:
    username = str(document.get("Username") or "").strip()
    if not username:
        raise invalid("Please provide a username.")
    if username.lower() in ("system", "guest") and existing is None:
        raise ApiError(400, "Username is reserved and can't be used to create new users.")
    document["Username"] = username
    document["DisplayName"] = document.get("DisplayName") or username
    for name in _KEPT:
        if existing is not None and name in existing:
            document[name] = existing[name]
    document.setdefault("IdentificationToken", str(uuid.uuid4()))
    document.setdefault("ExternalIdentifiers", [])
    password = document.pop("Password", None)
    if existing is not None:
        # A service account stays one.
        document["IsService"] = existing.get("IsService", False)
    if password and document.get("IsService"):
        raise ApiError(400, "Passwords cannot be set for service user accounts.")
    if password:
        if len(password) < 8:
            raise invalid("The password must be at least 8 characters long.")
        document["PasswordHashed"] = hash_password(password)
        document["IdentificationToken"] = str(uuid.uuid4())  # signs out everywhere
    elif existing is None and not document.get("IsService") and not document.get("Identities"):
        raise invalid("Please provide a password.")


def _show(call: Call, shown: Sequence[Document], stored: Sequence[Document]) -> None:
    for item, document in zip(shown, stored, strict=True):
        item["Password"] = None
        item["IsRequestor"] = call.user is not None and call.user["Id"] == document["Id"]
        item["CanPasswordBeEdited"] = not document.get("IsService") and bool(document.get("PasswordHashed"))
        email = str(document.get("EmailAddress") or "").strip().lower()
        if email:
            digest = hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()
            item["Links"]["Avatar"] = f"https://www.gravatar.com/avatar/{digest}?d=blank"


def _narrow(call: Call, users: list[Document]) -> list[Document]:
    """``filter`` looks at user name, display name and e-mail address."""
    wanted = (call.query.get("filter") or call.query.get("partialname") or "").lower()
    return [
        user
        for user in users
        if any(wanted in str(user.get(name) or "").lower() for name in ("Username", "DisplayName", "EmailAddress"))
    ]


def _before_delete(call: Call, user: Document) -> None:
    if call.user is not None and call.user["Id"] == user["Id"]:
        raise invalid("You cannot delete your own user account.")
    for key in call.transaction.query("ApiKey", where={"UserId": user["Id"]}):
        call.transaction.delete("ApiKey", key["Id"])
    for team in call.transaction.query("Team"):
        members = listed(team, "MemberUserIds")
        if user["Id"] in members:
            call.transaction.update(
                "Team", {**team, "MemberUserIds": [document_id for document_id in members if document_id != user["Id"]]}
            )


hooks.register("User", prepare=_prepare, show=_show, narrow=_narrow, before_delete=_before_delete)


def me(call: Call) -> Reply:
    return Reply(present_one(call, "User", caller(call)))


def get_user(call: Call) -> Reply:
    """Everyone may read the own record; others take UserView."""
    user = call.transaction.load("User", call.path["id"])
    if user is None:
        raise not_found(call.path["id"])
    if user["Id"] != caller(call)["Id"] and call.rights is not None:
        call.rights.require("UserView")
    return Reply(present_one(call, "User", user))


def put_user(call: Call) -> Reply:
    """A user may change the own name, e-mail address and password; the rest takes UserEdit."""
    user = call.transaction.load("User", call.path["id"])
    if user is None:
        raise not_found(call.path["id"])
    own = user["Id"] == caller(call)["Id"]
    if not own and call.rights is not None:
        call.rights.require("UserEdit")
    body = body_of(call)
    if own and call.rights is not None and not call.rights.allows("UserEdit"):
        body = {**body, "IsActive": user.get("IsActive", True), "Username": user["Username"]}
    return Reply(present_one(call, "User", update_from(call, "User", user, body)))


# -- API keys --------------------------------------------------------------------------------------------------------


def _owner(call: Call) -> Document:
    """The user whose keys are meant; other people's keys take UserEdit."""
    user = call.transaction.load("User", call.path["userId"])
    if user is None:
        raise not_found(call.path["userId"])
    if user["Id"] != caller(call)["Id"] and call.rights is not None:
        call.rights.require("UserEdit")
    return user


def _hidden_key(call: Call, document: Document) -> object:
    """Reading a key never gives it back: null in older versions, a hint after the 2020.5 swagger (Octopus.Client
    9.0.7).
    """
    return (
        {"HasValue": True, "NewValue": None, "Hint": document.get("Hint")} if call.server.at_least("2020.6") else None
    )


def _show_key(call: Call, shown: Sequence[Document], stored: Sequence[Document]) -> None:
    for item, document in zip(shown, stored, strict=True):
        item["ApiKey"] = _hidden_key(call, document)


hooks.register("ApiKey", show=_show_key)


def list_keys(call: Call) -> Reply:
    keys = call.transaction.query("ApiKey", where={"UserId": _owner(call)["Id"]}, order_by="Created")
    return Reply(slice_page(call, "ApiKey", present(call, "ApiKey", keys)))


def create_key(call: Call) -> Reply:
    """The only reply that shows the key."""
    owner = _owner(call)
    body = {name.lower(): value for name, value in body_of(call).items()}
    if not str(body.get("purpose") or "").strip():
        raise invalid("Please provide a value for Purpose.")
    clear = new_api_key()
    document = call.transaction.insert(
        "ApiKey",
        {
            "UserId": owner["Id"],
            "ApiKeyHashed": hash_api_key(clear),
            "Created": iso(call.server.now()),
            "Purpose": body["purpose"],
            "Expires": body.get("expires"),
            "Hint": clear[:8],
        },
    )
    events.created(call, "ApiKey", {**document, "Name": str(body["purpose"])})
    shown = present_one(call, "ApiKey", document)
    return created({**shown, "ApiKey": clear})


def _key(call: Call) -> Document:
    owner = _owner(call)
    key = call.transaction.load("ApiKey", call.path["id"])
    if key is None:
        raise not_found(call.path["id"])
    if key["UserId"] != owner["Id"]:
        raise ApiError(400, "This ApiKey does not belong to the specified user.")
    return key


def get_key(call: Call) -> Reply:
    return Reply(present_one(call, "ApiKey", _key(call)))


def delete_key(call: Call) -> Reply:
    key = _key(call)
    call.transaction.delete("ApiKey", key["Id"])
    events.deleted(call, "ApiKey", {**key, "Name": str(key.get("Purpose"))})
    return Reply({})


# -- signing in ------------------------------------------------------------------------------------------------------


def login(call: Call) -> Reply:
    body = {name.lower(): value for name, value in body_of(call).items()}
    username, password = str(body.get("username") or ""), str(body.get("password") or "")
    found = call.transaction.query("User", where={"Username": username})
    # Users of old versions may also sign in with their e-mail address.
    found = found or (call.transaction.query("User", where={"EmailAddress": username}) if "@" in username else [])
    user = found[0] if found else None
    if user is None or not verify_password(password, user.get("PasswordHashed")) or not user.get("IsActive", True):
        raise ApiError(400, "Invalid username or password.", ["Invalid username or password."])
    gate = api_call(call).gate
    session = gate.session_value(user)
    expiry = "; Max-Age=1728000" if body.get("rememberme") else ""
    cookies = (
        f"{gate.session_cookie}={session}; Path=/; HttpOnly; SameSite=Lax{expiry}\n"
        f"{gate.csrf_cookie}={gate.csrf_value(session)}; Path=/{expiry}"
    )
    shown = present_one(call, "User", user)
    return Reply({**shown, "IsRequestor": True}, headers={"Set-Cookie": cookies})


def logout(call: Call) -> Reply:
    gate = api_call(call).gate
    sent = parse_cookies(call.headers.get("cookie", ""))
    gone = "\n".join(f"{name}=; Path=/; Max-Age=0" for name in (gate.session_cookie, gate.csrf_cookie) if name in sent)
    return Reply({}, headers={"Set-Cookie": gone} if gone else {})


def authentication(_call: Call) -> Reply:
    """Only user names and passwords: the stand-in has no external provider."""
    provider: Document = {
        "Name": "UsernamePassword",
        "IdentityType": "UsernamePassword",
        "FormsLoginEnabled": True,
        "CSSLinks": [],
        "JavascriptLinks": [],
        "Links": {"Authenticate": "/api/users/login{?returnUrl}"},
    }
    return Reply(
        {
            "AuthenticationProviders": [provider],
            "AutoLoginEnabled": False,
            "AnyAuthenticationProvidersSupportPasswordManagement": True,
            "Links": {"Self": "/api/authentication"},
        }
    )


def login_initiated(_call: Call) -> Reply:
    return Reply({"WasLoginInitiated": False, "ProviderName": None})


def user_authentication(call: Call) -> Reply:
    return Reply(
        {
            "AuthenticationProviders": authentication(call).body["AuthenticationProviders"],
            "CanCurrentUserEditIdentitiesForUser": True,
        }
    )


def group_providers(_call: Call) -> Reply:
    return Reply([])


def external_search(_call: Call) -> Reply:
    return Reply([])


def identity_metadata(_call: Call) -> Reply:
    return Reply({"Providers": []})


def revoke_sessions(call: Call) -> Reply:
    user = find_item(call, "User", call.path["id"])
    if user["Id"] != caller(call)["Id"] and call.rights is not None:
        call.rights.require("UserEdit")
    call.transaction.update("User", {**user, "IdentificationToken": str(uuid.uuid4())})
    return Reply({})


ROUTES = (
    Route("GET", "users/me", me, "system", "", operation="getCurrentUser"),
    Route("GET", "users/{id}", get_user, "system", "", operation="getUserById"),
    Route("PUT", "users/{id}", put_user, "system", "", operation="updateUser"),
    Route("POST", "users/login", login, "system", None, operation="login"),
    Route("POST", "users/logout", logout, "system", None, operation="logout"),
    Route("POST", "users/{id}/revoke-sessions", revoke_sessions, "system", "", "2022.1"),
    Route("GET", "users/{userId}/apikeys", list_keys, "system", "", operation="indexApiKeys"),
    Route("POST", "users/{userId}/apikeys", create_key, "system", "", operation="createApiKey", statuses=(201,)),
    Route("GET", "users/{userId}/apikeys/{id}", get_key, "system", "", operation="getApiKeyById"),
    Route("DELETE", "users/{userId}/apikeys/{id}", delete_key, "system", "", operation="deleteApiKey"),
    Route("GET", "authentication", authentication, "system", None, operation="getAuthentication"),
    Route(
        "POST", "authentication/checklogininitiated", login_initiated, "system", None, operation="checkLoginInitiated"
    ),
    Route("GET", "users/authentication", user_authentication, "system", "", "2019.1"),
    Route("GET", "users/authentication/{userId}", user_authentication, "system", "", "2019.1"),
    Route("GET", "users/external-search", external_search, "system", "UserView", "2019.1"),
    Route("GET", "users/identity-metadata", identity_metadata, "system", "", "2019.1"),
    Route("GET", "externalsecuritygroupproviders", group_providers, "system", "", operation="listGroupProviders"),
)
