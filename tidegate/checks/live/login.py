"""LOGIN: each kind of user can log in, by password and by API key, and nobody else can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import httpx

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.session import CSRF, IDENTIFICATION, Session
from tidegate.observation.documents import id_of, property_of
from tidegate.observation.observers import Observer
from tidegate.octopus.client import OctopusClient
from tidegate.secrets import Secret

CANNOT: Final = "people of this kind cannot log in as they did"

#: What logging in came to, by step.
Outcomes = dict[str, str]


def login_outcomes(context: LiveContext) -> Outcomes:
    """Log in as every observer, with key and password, and as strangers: what came of each step."""
    outcomes: Outcomes = {"ways to log in": _providers(context)}
    for observer in context.observers:
        kind = f"somebody like {', '.join(observer.stands_for[:3])}"
        outcomes[f"API key of {kind}"] = _by_key(context, observer.api_key)
        for step, outcome in _by_password(context, observer).items():
            outcomes[f"{step} as {kind}"] = outcome
    outcomes["no credentials"] = _by_key(context, None)
    unknown = Secret.generated("an unknown key", "API-TIDEGATEUNKNOWNKEY0000000")
    outcomes["an API key nobody has"] = _by_key(context, unknown)
    with Session(context.client.url) as session:
        answer = session.log_in("tidegate-nobody", Secret.generated("a wrong password", "tidegate wrong password"))
        outcomes["a password nobody has"] = str(answer.status_code)
    return outcomes


def check_login(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Do it again after the upgrade: every step has to end as before."""

    def body(notes: Notes) -> None:
        after = login_outcomes(context)
        for step, outcome in before.items():
            now = after.get(step, "not tried")
            if now == outcome:
                notes.covered.append(f"{step}: {now}")
                continue
            strangers = step.startswith(("no credentials", "an API key nobody", "a password nobody"))
            notes.find(
                f"log-in: {step}", "strangers are let in" if strangers and now.startswith("2") else CANNOT,
                before=outcome, after=now,
            )  # fmt: skip

    return run_check("LOGIN", context, body)


def _providers(context: LiveContext) -> str:
    with context.client.anonymous() as anonymous:
        answer = anonymous.send("GET", "/api/authentication")
    providers = cast("list[dict[str, Any]]", property_of(answer.json, "AuthenticationProviders") or [])
    named = sorted(f"{one.get('Name')}{' (form)' if one.get('FormsLoginEnabled') else ''}" for one in providers)
    return f"{answer.status} {', '.join(named)}"


def _by_key(context: LiveContext, key: Secret | None) -> str:
    with OctopusClient(context.client.url, key) as client:
        answer = client.send("GET", "/api/users/me")
    return f"{answer.status} {id_of(answer.json)}".strip()


def _by_password(context: LiveContext, observer: Observer) -> Outcomes:
    outcomes: Outcomes = {}
    with Session(context.client.url) as session:
        answer = session.log_in(observer.login_name, observer.password)
        outcomes["password"] = f"{answer.status_code} {_id(answer)}".strip()
        outcomes["cookies"] = ", ".join(_cookies(answer, context.server.installation_id))
        outcomes["who am I"] = _outcome(session.send("GET", "/api/users/me"))
        # Both are refused for other reasons if nothing else: an order to do nothing that has no name.
        outcomes["a write without the token of its cookie"] = _status(
            session.send("POST", "/api/tasks", json={}, csrf=False)
        )
        outcomes["a write with the token of its cookie"] = _status(session.send("POST", "/api/tasks", json={}))
        outcomes["log out"] = _status(session.send("POST", "/api/users/logout"))
        outcomes["who am I after logging out"] = _outcome(session.send("GET", "/api/users/me"))
    return outcomes


def _cookies(answer: httpx.Response, installation_id: str) -> list[str]:
    """The cookies set, with what browsers do about them; the installation's id is part of their names."""
    cookies: list[str] = []
    for header in answer.headers.get_list("set-cookie"):
        name, _, rest = header.partition("=")
        known = next((one for one in (IDENTIFICATION, CSRF) if name == one + installation_id), name)
        attributes = {part.strip().partition("=")[0].lower() for part in rest.split(";")[1:]}
        kept = sorted(attributes & {"httponly", "secure", "samesite", "path"})
        cookies.append(f"{known}({' '.join(kept)})")
    return sorted(cookies)


def _outcome(answer: httpx.Response) -> str:
    return f"{answer.status_code} {_id(answer)}".strip()


def _status(answer: httpx.Response) -> str:
    return str(answer.status_code)


def _id(answer: httpx.Response) -> str:
    return id_of(answer.json()) if "json" in answer.headers.get("content-type", "") else ""
