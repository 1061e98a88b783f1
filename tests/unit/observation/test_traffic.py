"""Recorded calls: read from HAR files and access logs, replayed to the letter, and weighing more than others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.observation.tiny_octopus import Reply, Request, TinyOctopus
from tidegate.checks.comparison import compare
from tidegate.checks.finding import Finding, Severity
from tidegate.checks.weighing import weigh
from tidegate.errors import SettingsError
from tidegate.observation.scope import SnapshotScope, SnapshotSource
from tidegate.observation.snapshot import Snapshot, take_snapshot
from tidegate.observation.store import RECORDED
from tidegate.observation.traffic import Call, read_traffic

LOG = """
10.0.0.7 - - [20/Nov/2026:03:00:01 +0000] "GET /octopus/api/projects/all HTTP/1.1" 200 512 "-" "nightly"
10.0.0.7 - - [20/Nov/2026:03:00:02 +0000] "GET /octopus/api/projects/all HTTP/1.1" 200 512 "-" "nightly"
10.0.0.7 - - [20/Nov/2026:03:00:03 +0000] "POST /octopus/api/releases HTTP/1.1" 201 512 "-" "nightly"
10.0.0.7 - - [20/Nov/2026:03:00:04 +0000] "GET /octopus/app HTTP/1.1" 200 512 "-" "browser"
10.0.0.7 - - [20/Nov/2026:03:00:05 +0000] "GET /octopus/api/tasks?take=5&apikey=API-LEAKED HTTP/1.1" 200 9 "-" "x"
"""


def har(*requests: tuple[str, str]) -> str:
    entries = [{"request": {"method": method, "url": url}, "response": {}} for method, url in requests]
    return json.dumps({"log": {"version": "1.2", "creator": {}, "entries": entries}})


def test_an_access_log_is_read_below_the_virtual_directory(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LOG, encoding="utf-8")

    calls = read_traffic([tmp_path / "access.log"], "/octopus")

    assert calls == (Call("/api/projects/all", 2), Call("/api/tasks?take=5", 1))


def test_har_files_are_added_up_and_only_what_reads_counts(tmp_path: Path) -> None:
    one = har(
        ("GET", "https://octopus.example.test/api/projects/all?cb=17"),
        ("PUT", "https://octopus.example.test/api/projects/Projects-1"),
        ("GET", "https://fonts.example.test/css"),
    )
    two = har(("GET", "https://alias.example.test/api/projects/all"), ("GET", "https://octopus.example.test/api"))
    for name, text in (("one.har", one), ("two.har", "\ufeff" + two)):
        (tmp_path / name).write_text(text, encoding="utf-8")

    calls = read_traffic([tmp_path / "one.har", tmp_path / "two.har"])

    assert calls == (Call("/api/projects/all", 2), Call("/api", 1))


KEY = "API-CANARYCANARYCANARYCANARY"
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.canary"


@pytest.mark.parametrize(
    "name",
    [
        *("apikey", "apiKey", "api_key", "X-Octopus-ApiKey", "key", "access_token", "id_token", "token", "sig"),
        *("X-Amz-Signature", "X-Amz-Credential", "X-Octopus-Csrf-Token", "password", "pwd", "client_secret", "code"),
        *("sessionId", "auth", "Authorization", "subscription-key", "sharedKey", "jwt"),
    ],
)
def test_no_credential_of_a_query_is_replayed_or_kept(tmp_path: Path, name: str) -> None:
    file = tmp_path / "recorded"
    file.write_text(har(("GET", f"https://x.example.test/api/tasks?take=5&{name}=canary")), encoding="utf-8")

    assert read_traffic([file]) == (Call("/api/tasks?take=5", 1),)


@pytest.mark.parametrize("value", [KEY, JWT, KEY.lower(), "https://x.example.test/?token=canary"])
def test_what_looks_like_a_credential_is_one_under_any_name(tmp_path: Path, value: str) -> None:
    file = tmp_path / "recorded"
    urls = (f"/api/tasks?take=5&partialName={quote(value)}", f"/api/tasks?{quote(value)}")
    file.write_text(har(*(("GET", f"https://x.example.test{url}") for url in urls)), encoding="utf-8")

    assert "canary" not in "".join(call.path for call in read_traffic([file])).lower()


def test_a_path_with_a_credential_in_it_is_not_replayed(tmp_path: Path) -> None:
    file = tmp_path / "recorded"
    file.write_text(har(*(("GET", f"https://x/api/{path}") for path in (f"users/{KEY}/apikeys", "tasks"))), "utf-8")

    assert read_traffic([file]) == (Call("/api/tasks", 1),)


def test_of_a_request_only_its_address_is_taken(tmp_path: Path) -> None:
    told = [{"name": name, "value": "canary"} for name in ("Cookie", "Authorization", "X-Octopus-ApiKey")]
    request = {
        "method": "GET",
        "url": "https://ada:canary@x.example.test/api/tasks?take=5#access_token=canary",
        "headers": told,
        "cookies": told,
        "queryString": told,
        "postData": {"text": "canary"},
    }
    entry = {"request": request, "response": {"headers": told, "content": {"text": "canary"}}}
    (tmp_path / "one.har").write_text(json.dumps({"log": {"entries": [entry]}}), encoding="utf-8")

    assert read_traffic([tmp_path / "one.har"]) == (Call("/api/tasks?take=5", 1),)


@pytest.mark.parametrize(
    "query",
    ["keyword=a", "tenantTags=a/b", "includeDetails=true", "partialName=API-1", "returnUrl=/app", "tokenized=1"],
)
def test_what_only_sounds_like_a_credential_is_kept(tmp_path: Path, query: str) -> None:
    file = tmp_path / "recorded"
    file.write_text(har(("GET", f"https://x.example.test/api/tasks?{query}")), encoding="utf-8")

    assert read_traffic([file]) == (Call(f"/api/tasks?{query}", 1),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "no HAR file"),
        ('{"log": {"entries": [{"request": 1}]}}', "no HAR file"),
        ("{broken", "no HAR file"),
        ("nothing to see", "no call that reads"),
        (har(("POST", "https://octopus.example.test/api/releases")), "no call that reads"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_recording_is_said_so(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / "wrong").write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError, match=told):
        read_traffic([tmp_path / "wrong"])


@given(st.text())
def test_nonsense_is_never_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("har") / "nonsense"
    file.write_text(text, encoding="utf-8", errors="replace")

    with pytest.raises(SettingsError):
        read_traffic([file])


Look = Callable[..., Snapshot]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def take(server: TinyOctopus, *paths: str, like: Snapshot | None = None, **scope: Any) -> Snapshot:
        calls = tuple(Call(path, 10 - number) for number, path in enumerate(paths))
        source = SnapshotSource(
            {"admin": server.client()}, "admin", scope=SnapshotScope(patience=0.2, **scope),
            like=like.file if like else None, traffic=calls,
        )  # fmt: skip
        return take_snapshot(source, tmp_path / f"{len(list(tmp_path.iterdir()))}.sqlite")

    return take


CALL = "/api/reports/deployments?projectId=Projects-1"


def reporting(body: Any, status: int = 200) -> Callable[[Request], Reply | None]:
    return lambda request: (status, body) if request.path == "/api/reports/deployments" else None


def test_a_recorded_call_that_no_link_leads_to_is_compared(look: Look) -> None:
    before, after = TinyOctopus(), TinyOctopus()
    before.overrides.append(reporting({"Average": 12}))
    after.overrides.append(reporting({"ErrorMessage": "gone"}, 404))
    first, second = look(before, CALL), look(before, CALL)

    findings = compare(first, second, look(after, CALL, like=second))

    [finding] = findings
    assert finding.severity is Severity.BREAKING
    assert finding.place.startswith("reports/deployments?projectId=Projects-1")
    assert "calls this 10 times" in finding.consequence
    assert compare(first, second, look(before, CALL, like=second)) == []


def test_a_list_is_asked_for_as_it_was_recorded_and_may_grow(look: Look) -> None:
    before, after = TinyOctopus(), TinyOctopus()
    after.collections["tasks"].insert(0, {"Id": "ServerTasks-9", "Name": "Deploy", "State": "Success"})
    call = "/api/tasks?skip=1&take=2&ids=ServerTasks-1,ServerTasks-2,ServerTasks-3"
    first, second = look(before, call), look(before, call)
    later = look(after, call, like=second)

    [seen] = second.rows("form = ?", [RECORDED])

    assert seen.path == call
    assert seen.json["Ids"] == ["ServerTasks-2", "ServerTasks-3"]
    assert compare(first, second, later) == []


@pytest.mark.parametrize("call", ["/api/projects", "/api/projects?take=30"])
def test_a_recorded_list_may_show_what_a_release_brings(look: Look, call: str) -> None:
    """What is new is judged as the resource it is; that the list counts it says nothing more."""
    found: list[list[Finding]] = []
    for calls in ((), (call,)):
        before, after = TinyOctopus(), TinyOctopus()
        after.collections["projects"].append({**after.collections["projects"][0], "Id": "Projects-9", "Name": "New"})
        first, second = look(before, *calls), look(before, *calls)
        found.append(compare(first, second, look(after, *calls, like=second)))

    assert found[0] == found[1]


@pytest.mark.parametrize("call", ["/api/projects", "/api/projects?take=30"])
def test_a_recorded_list_that_lost_something_is_told(look: Look, call: str) -> None:
    before, after = TinyOctopus(), TinyOctopus()
    after.collections["projects"].pop()
    first, second = look(before, call), look(before, call)

    findings = compare(first, second, look(after, call, like=second))

    assert any(finding.check == "COUNT" and "recorded traffic" in str(finding) for finding in findings)


def test_what_a_snapshot_must_never_ask_for_is_not_replayed(look: Look) -> None:
    server = TinyOctopus()

    look(server, "/api/users/logout", "/api/feeds/Feeds-9/packages/search?term=a", "/api/projects/all")

    assert "admin GET /api/projects/all" in server.requests
    assert not [one for one in server.requests if "logout" in one or "Feeds-9" in one]


def test_of_many_calls_the_most_frequent_are_replayed_and_that_is_stated(look: Look) -> None:
    server = TinyOctopus()

    snapshot = look(server, *(f"/api/reports/{name}" for name in "abcdef"), recorded=2)

    assert len(snapshot.traffic()) == 2
    [sampled] = [one for one in snapshot.samples() if one.family == "recorded traffic"]
    assert (sampled.known, sampled.taken) == (6, 2)


def found(place: str, severity: Severity = Severity.DEGRADED) -> Finding:
    return Finding(check="DIFF", severity=severity, place=place, consequence="it is otherwise")


@pytest.mark.parametrize(
    ("place", "heavier"),
    [
        ("projects/all", True),
        ("projects/all: Name", True),
        ("feeds/* (7 of them: feeds/feeds-1, …)", True),
        ("projects/Projects-1", False),
        ("environments/all as deployer", False),
    ],
)
def test_what_is_called_weighs_more(place: str, *, heavier: bool) -> None:
    calls = {"projects/all": 3, "feeds/feeds-1": 2, "feeds/feeds-2": 2}

    [weighed] = weigh([found(place)], calls)

    assert (weighed.severity is Severity.BREAKING) is heavier
    assert ("recorded traffic" in weighed.consequence) is heavier


def test_what_could_not_be_looked_at_stays_what_it_is() -> None:
    incomplete = found("projects/all").model_copy(update={"kind": "incomplete"})

    assert weigh([incomplete], {"projects/all": 3}) == [incomplete]
