"""LOGIN: each kind of user can log in, by password and by API key."""

from __future__ import annotations

from typing import Any, Final, cast

import httpx

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.checks.live.session import Session
from tidegate.observation.documents import id_of, property_of
from tidegate.observation.observers import Observer
from tidegate.octopus.client import OctopusClient
from tidegate.secrets import Secret

CANNOT: Final = "people of this kind cannot log in after the upgrade"


def check_login(context: LiveContext, *, main_keys: dict[str, Secret] | None = None) -> LiveResult:
    """Log in as every observer with password and key, and with keys that were made long before the upgrade.

    ``main_keys`` are API keys of the main instance by the name of their user, where the harness was given any: keys
    have to outlive an upgrade.
    """

    def body(notes: Notes) -> None:
        _providers(context, notes)
        for observer in context.observers:
            _by_key(context, notes, observer.name, observer.api_key)
            _by_password(context, notes, observer)
        for name, key in (main_keys or {}).items():
            _by_key(context, notes, name, key)
        _strangers(context, notes)

    return run_check("LOGIN", context, body)


def _providers(context: LiveContext, notes: Notes) -> None:
    with context.client.anonymous() as anonymous:
        answer = anonymous.send("GET", "/api/authentication")
    providers = property_of(answer.json, "AuthenticationProviders")
    if not answer.ok or not isinstance(providers, list):
        notes.find("/api/authentication", "the log-in page offers no way to log in", after=told(answer))
        return
    named = [str(provider.get("Name")) for provider in cast("list[dict[str, Any]]", providers)]
    notes.covered.append(f"authentication providers: {', '.join(named) or 'none'}")


def _by_key(context: LiveContext, notes: Notes, name: str, key: Secret) -> None:
    with OctopusClient(context.client.url, key) as client:
        answer = client.send("GET", "/api/users/me")
    if not answer.ok or not id_of(answer.json):
        notes.find(f"/api/users/me with the API key of {name}", CANNOT, before=200, after=told(answer))
    else:
        notes.covered.append(f"API key of {name}")


def _by_password(context: LiveContext, notes: Notes, observer: Observer) -> None:
    name = f"password log-in like {', '.join(observer.stands_for[:3])}"
    with Session(context.client.url) as session:
        answer = session.log_in(observer.login_name, observer.password)
        if answer.status_code != 200:
            notes.find(f"/api/users/login ({name})", CANNOT, before=200, after=_words(answer))
            return
        missing = session.missing_cookies(context.server.installation_id)
        if missing:
            notes.find(f"/api/users/login ({name}): cookies", CANNOT, before=missing, after=sorted(session.cookies()))
            return
        _signed_in(notes, session, name)
    notes.covered.append(name)


def _signed_in(notes: Notes, session: Session, name: str) -> None:
    me = session.send("GET", "/api/users/me")
    if me.status_code != 200:
        notes.find(f"/api/users/me ({name})", CANNOT, before=200, after=_words(me))
        return
    # Without the token of its cookie, a write has to be refused; with it, it reaches the server.
    without = session.send("POST", "/api/users/logout", csrf=False)
    if without.is_success and session.send("GET", "/api/users/me").status_code != 200:
        notes.find(
            f"/api/users/logout without X-Octopus-Csrf-Token ({name})",
            "writes from other web sites are let through (cross-site request forgery)",
            before="refused",
            after=without.status_code,
        )
        return
    session.send("POST", "/api/users/logout")
    after = session.send("GET", "/api/users/me")
    if after.is_success:
        notes.find(f"/api/users/logout ({name})", "people stay logged in after logging out", after=after.status_code)


def _strangers(context: LiveContext, notes: Notes) -> None:
    for name, key in (
        ("nobody", None),
        ("an unknown key", Secret.generated("an unknown key", "API-TIDEGATEUNKNOWNKEY0000000")),
    ):
        with OctopusClient(context.client.url, key) as client:
            answer = client.send("GET", "/api/users/me")
        if answer.status != 401:
            notes.find(f"/api/users/me as {name}", "strangers are let in", before=401, after=told(answer))
    notes.covered.append("strangers are refused")


def _words(response: httpx.Response) -> str:
    return f"{response.status_code} {response.text[:200]}"
