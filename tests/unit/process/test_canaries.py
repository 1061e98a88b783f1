"""A canary in every kind of secret that the settings know, in recorded traffic and in a script's command line: none of
them is in anything that a run leaves or prints, nor a credential of somebody else's that its form gives away."""

from __future__ import annotations

import html
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import quote, quote_plus

import pytest
from pydantic import BaseModel

from tests.unit.gate.approvals import private_key
from tests.unit.process.inner import Rehearsal
from tests.unit.process.test_deciding import APPROVED, CHECKED
from tidegate.command import main as tidegate
from tidegate.secrets import Secret
from tidegate.settings import Settings

pytest_plugins = ["pytester"]

#: What the settings of this test say; every kind of secret must be among it.
SETTINGS = """
[main]
url = "http://octopus.example.com"
api_key = "env:CANARY_MAIN_API_KEY"
master_key = "file:master.key"
license = "env:CANARY_MAIN_LICENSE"

[evidence]
key = "env:CANARY_SIGNING_KEY"

[main.database]
server = "sql.example.com"
name = "Octopus"
user = "octopus"
password = "env:CANARY_MAIN_DATABASE_PASSWORD"

[main.folders]
packages = "p"
artifacts = "a"
task_logs = "t"

[main.backup_folder]
on_server = "b"

[host]
folder = "/srv/tidegate"

[host.server_folders]
on_host = "/srv/shared"

[host.sql_server]
server = "sql.example.com"
user = "tidegate"
password = "env:CANARY_HOST_DATABASE_PASSWORD"

[host.sql_server.backups]
on_server = "/var/backups"

[integrations]
traffic = ["recorded.har"]

[[integrations.scripts]]
name = "nightly"
command = ["curl", "-H", "X-Octopus-ApiKey: API-STRANGERCANARYINACOMMAND"]
"""

#: Credentials that no setting holds and no program of ours was given: what reveals them is their form.
STRANGERS = {
    "API-STRANGERCANARYINACOMMAND": "{}",
    "API-STRANGERCANARYOFSOMEBODY": "key {} of Users-7",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.Y2FuYXJ5": "Authorization: Bearer {}",
    "canary-of-a-connection-string": "Server=x;Database=y;Uid=z;Pwd={};",
    "ada:canary-of-a-proxy": "http://{}@proxy.example.com:3128/",
    "T0CANARY/B0CANARY/canarywebhook": "https://hooks.slack.com/services/{}",
}

#: What a browser records beside addresses, and in them.
RECORDED = {
    "log": {
        "entries": [
            {
                "request": {
                    "method": "GET",
                    "url": "https://ada:canary-har-user@x.example.com/api/tasks?take=5&apikey=canary-har-query"
                    "&access_token=canary-har-token&X-Octopus-Csrf-Token=canary-har-csrf#id_token=canary-har-fragment",
                    "headers": [{"name": "Authorization", "value": "Bearer canary-har-header"}],
                    "cookies": [{"name": "OctopusIdentificationToken", "value": "canary-har-cookie"}],
                    "postData": {"text": "canary-har-post"},
                },
                "response": {"headers": [{"name": "Set-Cookie", "value": "canary-har-set-cookie"}]},
            }
        ]
    }
}

#: Says every secret in every way there is.
EVERYWHERE = """
    @given("every secret is told")
    def _(evidence, pytestconfig, stages):
        import html, json, logging, os, urllib.parse
        import allure
        from tidegate.checks.finding import Finding
        from fixtures.plugins.run import RUN
        for call in pytestconfig.stash[RUN].traffic:
            evidence.record("replayed", path=call.path)
        known = [Secret.parse(reference).reveal() for reference in os.environ["CANARIES"].split()]
        for secret in [*known, *json.loads(os.environ["STRANGERS"])]:
            print(secret); print(repr(secret)); print(json.dumps({"password": secret}))
            logging.getLogger("x").error("told %s and %r", secret, secret)
            evidence.record("told", text=secret, deep=[{"x": {secret: (secret,)}}], error=ValueError(secret))
            evidence.attach(f"log of {secret}", json.dumps({"password": secret}), "application/json")
            evidence.attach("page", html.escape(secret).encode(), "text/html")
            evidence.attach("url", "https://x/?key=" + urllib.parse.quote(secret), "text/plain")
            evidence.finding(Finding(check="DIFF", severity="info", place=f"Variables/{secret}", before=secret,
                after={"Value": [secret]}, consequence=f"was {secret}"))
            allure.attach(secret, f"attached {secret}", allure.attachment_type.TEXT)
            allure.attach(json.dumps([secret]).encode(), "bytes", allure.attachment_type.JSON)
            with allure.step(f"step {secret}"): pass
            with stages.stage("Telling") as report: report(f"with {secret}")
            stages.say(f"said {secret}")

    @given(parsers.parse("{way} tells a secret"))
    def _(way):
        import os
        secret = "".join(Secret.parse(reference).reveal() for reference in os.environ["CANARIES"].split())
        if way == "an error": raise Refused(f"login failed for {secret}", where=f"https://x/{secret}")
        if way == "a mistake": {}[secret]
        if way == "a skip": pytest.skip(f"because of {secret}")
        assert {"Password": "other"} == {"Password": secret}, f"wrong: {secret}"
"""


def kinds(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every setting that holds a secret, by its dotted name."""
    for name, field in model.model_fields.items():
        for kind in _types(field.annotation):
            if kind is Secret:
                yield ".".join([*path, name])
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from kinds(kind, (*path, name))


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)


def _canary(name: str) -> str:
    """Quotes, slashes, an ampersand, a blank and a letter that is not ASCII: each way of writing it differs."""
    return f'canary-{name}-"q"/\\b&<x> ü'


def forms(secret: str) -> set[str]:
    """The secret as somebody would find it in a file."""
    ways = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        quote(secret),
        quote_plus(secret),
        repr(secret)[1:-1],
    }
    return ways | {line for line in secret.splitlines() if len(line) > 20 and "-----" not in line}


def leaks(text: str, secrets: list[str]) -> set[str]:
    return {form for secret in secrets for form in forms(secret) if form in text}


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file.read_bytes().decode("utf-8", "replace")


@pytest.fixture
def told(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The canaries, each where its reference in the settings leads, and a signing key."""
    canaries = {
        "CANARY_MAIN_API_KEY": f"API-{_canary('key')}",
        "CANARY_MAIN_LICENSE": f"<License>\n{_canary('license')}\n</License>",
        "CANARY_MAIN_DATABASE_PASSWORD": _canary("password"),
        "CANARY_HOST_DATABASE_PASSWORD": _canary("of-a-host"),
        "CANARY_SIGNING_KEY": private_key(),
    }
    for name, value in canaries.items():
        monkeypatch.setenv(name, value)
    master = _canary("master")
    (rehearsal.path / "master.key").write_text(master, encoding="utf-8")
    monkeypatch.setenv("CANARIES", " ".join(["file:master.key", *(f"env:{name}" for name in canaries)]))
    monkeypatch.setenv("STRANGERS", json.dumps([text.format(secret) for secret, text in STRANGERS.items()]))
    (rehearsal.path / "recorded.har").write_text(json.dumps(RECORDED), encoding="utf-8")
    (rehearsal.path / "tidegate.toml").write_text(SETTINGS, encoding="utf-8")
    return [master, *canaries.values(), *STRANGERS, "canary-har"]


def _named(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every reference to a secret in settings, by its dotted name."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _named(cast("dict[str, Any]", value), (*path, name))
        elif isinstance(value, str) and value.startswith(("env:", "file:")):
            yield ".".join([*path, name])


def test_every_kind_of_secret_is_looked_for() -> None:
    assert sorted(kinds()) == sorted(_named(tomllib.loads(SETTINGS)))


@pytest.mark.parametrize("way", ["nothing", "an error", "a mistake", "a skip", "an assertion"])
def test_nothing_of_a_run_shows_one(rehearsal: Rehearsal, told: list[str], way: str) -> None:
    rehearsal.steps(CHECKED, EVERYWHERE)
    more = "" if way == "nothing" else f"    And {way} tells a secret\n"
    rehearsal.feature(APPROVED + f"\n  Scenario: A leak\n    Given every secret is told\n{more}")
    ran = rehearsal.run("features", "--settings=tidegate.toml")

    assert len(ran.events("told")) == 6 + len(STRANGERS), ran.output
    assert ran.events("replayed") == [{"path": "/api/tasks?take=5"}]
    assert leaks(ran.output, told) == set()
    assert {name: found for name, text in _files(ran.run_folder) if (found := leaks(text, told))} == {}
    assert not [name for name, _ in _files(ran.run_folder) if "canary" in name]


def test_no_approval_shows_one(rehearsal: Rehearsal, told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    rehearsal.steps(CHECKED, EVERYWHERE)
    rehearsal.feature(APPROVED)
    folder = rehearsal.run("features", "--settings=tidegate.toml").run_folder
    words = ["--as", "Ada", "--key", "env:CANARY_SIGNING_KEY", "--decision", "approve", "--comment", "fine"]
    capsys.readouterr()

    assert tidegate(["approval", "sign", str(folder), *words]) == 0
    assert leaks("".join(capsys.readouterr()), told) == set()
    assert {name: found for name, text in _files(folder) if (found := leaks(text, told))} == {}
