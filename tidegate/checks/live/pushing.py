"""INTEG: every build server can push, each in the order of calls and under the name it uses.

Orders of calls: OctopusDeploy/api-client.ts 3.11, OctopusDeploy/cli and go-octopusdeploy (the sequences of its tests),
and OctopusDeploy/OctopusClients with the legacy `octo` (TeamCity and Jenkins plugins of 2018–2025, Azure DevOps ≤ v5).
A server may answer differently by User-Agent (OctopusDeploy/Issues#5247).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.errors import Unreachable
from tidegate.observation.documents import property_of
from tidegate.octopus.client import Access, Answer, OctopusClient
from tidegate.secrets import Secret

PACKAGE: Final = "Tidegate.Rehearsal"

#: What pushing came to, by "manner as user: step".
Outcomes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Manner:
    """How one kind of build server pushes."""

    name: str
    user_agent: str
    start: tuple[str, ...]  # what it asks for before any work; {space} is the segment of the default space
    part: str  # name of the file's part in the multipart body
    mode: str  # query of the push


MANNERS: Final = (
    Manner(
        "octo (TeamCity, Jenkins, Azure DevOps ≤ v5)", "OctopusClient-dotnet/4.45.0 octo",
        ("/api", "/api/users/me"), "file", "overwriteMode=OverwriteExisting&replace=true",
    ),
    Manner("octo 4.5.0, which gives no name", "", ("/api", "/api/users/me"), "file", "replace=true"),
    Manner(
        "TypeScript client (Azure DevOps v6, GitHub Actions)", "ts-octopusdeploy tidegate",
        ("/api", "/api/spaces?partialName=Default&skip=0&take=2147483647"), "fileToUpload",
        "overwriteMode=OverwriteExisting",
    ),
    Manner(
        "octopus CLI", "go-octopusdeploy/2.50.0 (linux; amd64) octopus",
        ("/api/", "/api/spaces", "/api/{space}"), "file", "overwriteMode=OverwriteExisting",
    ),
)  # fmt: skip


def push_outcomes(context: LiveContext) -> Outcomes:
    """Push a package and its build information in every manner, as the administrator and as each kind of user."""
    outcomes: Outcomes = {}
    # The administrator is the client the context was made with; the others come by their own keys.
    keys: dict[str, Secret] = {observer.name: observer.api_key for observer in context.observers}
    for number, manner in enumerate(MANNERS):
        for step, outcome in _push(context, context.client, manner, f"1.0.{number}"):
            outcomes[f"{manner.name} as administrator: {step}"] = outcome
        for name, key in keys.items():
            client = OctopusClient(context.client.url, key, access=Access.FULL, user_agent=manner.user_agent)
            with client:
                for step, outcome in _push(context, client, manner, f"1.0.{number}"):
                    outcomes[f"{manner.name} as {name}: {step}"] = outcome
    _clean_up(context)
    return outcomes


def check_pushing(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Push again after the upgrade: what worked must work, and what was refused must still be refused."""

    def body(notes: Notes) -> None:
        after = push_outcomes(context)
        for step, outcome in before.items():
            now = after.get(step)
            if now is None:
                # The server links to it no more: told by the comparison, unless a release is known to take it away.
                notes.uncovered.append(f"push: {step}: there is no such route any more")
                continue
            if _same(outcome, now):
                continue
            check = "PERM" if "403" in (outcome[:3], now[:3]) else "INTEG"
            notes.find(
                f"push: {step}", "builds that push this way end otherwise than before the upgrade",
                before=outcome, after=now, check=check,
            )  # fmt: skip
        working = [step for step, outcome in after.items() if outcome.startswith("2")]
        notes.covered.append(f"{len(working)} of {len(after)} steps of pushing work, the others are refused as before")

    return run_check("INTEG", context, body)


def _push(context: LiveContext, client: OctopusClient, manner: Manner, version: str) -> Iterator[tuple[str, str]]:
    headers = {"User-Agent": manner.user_agent}
    for path in manner.start:
        if "{space}" in path or "spaces" in path:
            if not context.space:
                continue
            path = path.format(space=context.space)  # noqa: PLW2901 - the template becomes the path
        yield path.partition("?")[0], _attempt(partial(client.send, "GET", path, headers=headers))
    name = f"{PACKAGE}.{version}"
    signature = context.path(f"packages/{PACKAGE}/{version}/delta-signature")
    yield "delta-signature", _attempt(lambda: client.send("GET", signature, headers=headers))
    raw = context.path("packages/raw") + f"?{manner.mode}"
    files = {manner.part: (f"{name}.zip", package(version))}
    yield "packages/raw", _attempt(lambda: client.send("POST", raw, files=files, headers=headers), of=version)
    found = context.path(f"packages/packages-{name}")
    yield "packages/{id}", _attempt(lambda: client.send("GET", found, headers=headers), "PackageId", "Version", "Hash")
    # Once more with other bytes, as builds that are run again do: what is stored then is what was pushed last.
    other = package(f"{version}, built again")
    files = {manner.part: (f"{name}.zip", other)}
    yield "packages/raw again", _attempt(lambda: client.send("POST", raw, files=files, headers=headers))
    yield "packages/{id} again", _attempt(lambda: client.send("GET", found, headers=headers), "PackageId", "Hash")
    yield "packages/{id}/raw", _stored(lambda: client.send("GET", f"{found}/raw", headers=headers), other)
    for route, link, wrapper in (
        ("build-information", "BuildInformation", "OctopusBuildInformation"),
        ("package-metadata", "PackageMetadata", "OctopusPackageMetadata"),
    ):
        if link in context.server.links:
            path = context.path(route) + "?overwriteMode=OverwriteExisting"
            content = {"PackageId": PACKAGE, "Version": version, wrapper: BUILD}
            yield route, _attempt(partial(client.send, "POST", path, json=content, headers=headers), of=version)


#: What a build says about a package (OctopusBuildInformation of OctopusClients).
BUILD: Final[dict[str, Any]] = {
    "BuildEnvironment": "Tidegate",
    "BuildNumber": "7",
    "BuildUrl": "https://build.example.test/7",
    "Branch": "main",
    "VcsType": "Git",
    "VcsRoot": "https://git.example.test/rehearsal.git",
    "VcsCommitNumber": "0123456789abcdef0123456789abcdef01234567",
    "Commits": [{"Id": "0123456789abcdef0123456789abcdef01234567", "Comment": "Rehearse"}],
}


def _attempt(call: Callable[[], Answer], *shown: str, of: str = "") -> str:
    """The status, the properties to be shown, and whether the answer names another package than ``of`` this version."""
    try:
        answer = call()
    except Unreachable as error:
        return f"no answer: {error.what}"
    if answer.ok:
        values = [f"{name}={property_of(answer.json, name)}" for name in shown]
        named = {"PackageId": PACKAGE, "Version": of} if of else {}
        others = [name for name, value in named.items() if property_of(answer.json, name) not in (None, value)]
        return " ".join([str(answer.status), *values, *(f"with another {name}" for name in others)])
    return f"{answer.status} {answer.error_message}".strip()


def _stored(call: Callable[[], Answer], pushed: bytes) -> str:
    try:
        answer = call()
    except Unreachable as error:
        return f"no answer: {error.what}"
    if not answer.ok:
        return f"{answer.status} {answer.error_message}".strip()
    return f"{answer.status} {'the bytes that were pushed' if answer.content == pushed else 'other bytes'}"


def _same(before: str, after: str) -> bool:
    """Whether two outcomes mean the same to a build: which 2xx it is matters (201 stored, 200 ignored)."""
    if before[:1] == "2" or after[:1] == "2":
        return before == after
    # A route that is unknown answers 404 or 405, a refusal 401 or 403, whatever the words.
    return before[:3] == after[:3] or {before[:3], after[:3]} <= {"404", "405", "400"}


def package(version: str) -> bytes:
    """A small package, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("readme.txt"), f"{PACKAGE} {version}")
    return buffer.getvalue()


def _clean_up(context: LiveContext) -> None:
    for number in range(len(MANNERS)):
        context.client.send("DELETE", context.path(f"packages/packages-{PACKAGE}.1.0.{number}"))
