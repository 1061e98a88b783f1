"""A snapshot that was cut short goes on from the answers it had, if nothing has changed; else it is begun anew."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.serving import Handler, served
from tests.unit.observation.tiny_octopus import Reply, Request, TinyOctopus
from tidegate.errors import Unreachable
from tidegate.observation.scope import SnapshotScope, SnapshotSource
from tidegate.observation.snapshot import Snapshot, take_snapshot
from tidegate.observation.store import LISTED
from tidegate.octopus.client import OctopusClient
from tidegate.process_identity import identity_of
from tidegate.secrets import Secret

USERS = ("admin", "deployer")

#: A program that takes a snapshot, to be killed.
PROGRAM = """
import sys
from pathlib import Path
from tests.unit.observation.test_kept_answers import look_at
url, file, keep = sys.argv[1:]
look_at(url, Path(file), keep=Path(keep))
"""


class Instance(TinyOctopus):
    """One that keeps an audit log, and does not answer any more after so many answers."""

    def __init__(self) -> None:
        super().__init__("2019.1.0")
        self.collections["events"] = [{"Id": "Events-7", "Category": "Modified", "Message": "Web shop was changed"}]
        self.left = sys.maxsize
        self.silent = threading.Event()
        self.killed = threading.Event()

    def respond(self, request: Request) -> Reply:
        self.left -= 1
        if self.left < 0 and not self.killed.is_set():
            self.silent.set()
            self.killed.wait(60)
            return 0, None
        return super().respond(request)


@pytest.fixture
def instance() -> Iterator[Instance]:
    one = Instance()
    yield one
    one.killed.set()


@pytest.fixture
def keep(tmp_path: Path) -> Path:
    return tmp_path / "answers"


class Answering(Handler):
    """The instance as a server of its own."""

    instance: Instance

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        user = self.headers.get("X-Octopus-ApiKey", "").removeprefix("API-")
        status, body = self.instance.respond(Request(user, "GET", address.path, query, None))
        if status == 0:
            self.close_connection = True
        elif isinstance(body, tuple):
            kind, content = cast("tuple[str, bytes]", body)
            self.answer(content, status, [("Content-Type", kind)])
        else:
            self.answer_json(body, status)


def look_at(
    url: str, file: Path, report: Callable[[str], None] = lambda _: None, *, keep: Path | None = None
) -> Snapshot:
    with ExitStack() as stack:
        keys = {name: Secret.generated(f"key of {name}", f"API-{name}") for name in USERS}
        clients = {name: stack.enter_context(OctopusClient(url, key)) for name, key in keys.items()}
        source = SnapshotSource(clients, "admin", scope=SnapshotScope(patience=0.3, workers=3))
        return take_snapshot(source, file, report, keep=keep)


@pytest.fixture
def look(instance: Instance, tmp_path: Path) -> Callable[..., Snapshot]:
    """Looks in this process; more words are the snapshot's."""

    def take(keep: Path | None = None, report: Callable[[str], None] = lambda _: None) -> Snapshot:
        clients = {user: instance.client(user) for user in USERS}
        source = SnapshotSource(clients, "admin", scope=SnapshotScope(patience=0.3))
        return take_snapshot(source, tmp_path / f"{len(list(tmp_path.iterdir()))}.sqlite", report, keep=keep)

    return take


def cut_short(look: Callable[..., Snapshot], instance: Instance, keep: Path, answers: int = 60) -> None:
    """A snapshot that loses its server after so many answers."""
    left = answers

    def gone(request: Request) -> Reply | None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return None

    instance.overrides.append(gone)
    with pytest.raises(KeyboardInterrupt):
        look(keep)
    instance.overrides.clear()
    instance.requests.clear()


def picture(snapshot: Snapshot) -> dict[str, Any]:
    """Everything a snapshot says, but how long it took, and which of several lists told of an entry."""
    rows = [replace(one, seconds=0.0, path="" if one.form.startswith(LISTED) else one.path) for one in snapshot.rows()]
    passing = {"taken", "seconds", "requests", "taken_over", "url", "name"}
    about = {name: value for name, value in snapshot.about.items() if name not in passing}
    return {
        "rows": rows, "counts": snapshot.counts(), "samples": snapshot.samples(), "headers": snapshot.headers(),
        "sent": snapshot.sent(), "about": about,
    }  # fmt: skip


def test_a_killed_snapshot_goes_on_and_is_like_one_that_was_not(instance: Instance, tmp_path: Path, keep: Path) -> None:
    with served(Answering, instance=instance) as url:
        whole = picture(look_at(url, tmp_path / "whole.sqlite"))
        asked_by_whole = len(instance.requests)
        instance.requests.clear()
        instance.left = asked_by_whole // 2
        command = [sys.executable, "-c", PROGRAM, url, str(tmp_path / "killed.sqlite"), str(keep)]
        with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}) as process:
            assert instance.silent.wait(60)
            process.send_signal(signal.SIGKILL)
        instance.killed.set()
        kept = [(one["user"], one["path"]) for one in map(json.loads, keep.read_text().splitlines()) if "path" in one]
        instance.requests.clear()
        said: list[str] = []

        snapshot = look_at(url, tmp_path / "killed.sqlite", said.append, keep=keep)

    assert picture(snapshot) == whole
    assert len(kept) > asked_by_whole // 4
    assert snapshot.about["taken_over"] >= len(kept)
    assert said[0] == f"snapshot: one was cut short and goes on: {len(kept)} answers are there already"
    assert len(instance.requests) <= asked_by_whole - len(kept) + len(("events", "tasks"))
    assert not keep.exists()


def test_what_was_answered_is_not_asked_again(instance: Instance, look: Callable[..., Snapshot], keep: Path) -> None:
    cut_short(look, instance, keep)
    kept = {(one["user"], one["path"]) for one in map(json.loads, keep.read_text().splitlines()) if "path" in one}

    snapshot = look(keep)

    items = {f"{user} GET {path}" for user, path in kept if "Projects-" in path}
    assert items
    assert items.isdisjoint(instance.requests)
    assert picture(snapshot) == picture(look())


def something_is_changed(one: Instance) -> None:
    one.collections["events"].insert(0, {"Id": "Events-8", "Category": "Modified"})


def a_task_ends(one: Instance) -> None:
    one.collections["tasks"][0]["State"] = "Failed"


def it_is_upgraded(one: Instance) -> None:
    one.version = "2019.1.1"


def its_audit_log_is_closed(one: Instance) -> None:
    del one.collections["events"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (something_is_changed, "the audit log has gone on since"),
        (a_task_ends, "tasks were queued or have gone on since"),
        (it_is_upgraded, "the instance has another version now"),
        (its_audit_log_is_closed, "nothing tells whether the instance has changed"),
    ],
)
def test_an_instance_that_has_changed_is_looked_at_anew(
    instance: Instance, look: Callable[..., Snapshot], keep: Path, change: Callable[[Instance], None], reason: str
) -> None:
    cut_short(look, instance, keep)
    change(instance)
    said: list[str] = []

    snapshot = look(keep, said.append)

    assert reason in said[0]
    assert snapshot.about["taken_over"] == 0
    assert picture(snapshot) == picture(look())


def test_a_snapshot_that_can_be_cut_short_again_goes_on_again(
    instance: Instance, look: Callable[..., Snapshot], keep: Path
) -> None:
    whole = picture(look())
    cut_short(look, instance, keep, 50)
    cut_short(look, instance, keep, 50)

    snapshot = look(keep)

    assert picture(snapshot) == whole
    assert snapshot.about["taken_over"] > 50


def test_a_line_that_was_cut_off_is_asked_for_again(
    instance: Instance, look: Callable[..., Snapshot], keep: Path
) -> None:
    whole = picture(look())
    cut_short(look, instance, keep)
    keep.write_bytes(keep.read_bytes()[:-20])

    assert picture(look(keep)) == whole


def test_trouble_is_not_kept(instance: Instance, look: Callable[..., Snapshot], keep: Path) -> None:
    troubled: dict[str, Reply] = {
        "/api/Spaces-1/projects/Projects-1": (500, {"ErrorMessage": "deadlock victim"}),
        "/api/Spaces-1/projects/Projects-2": (401, {"ErrorMessage": "You must be logged in"}),
    }
    instance.overrides.append(lambda request: troubled.get(request.path))
    cut_short(look, instance, keep, 200)

    snapshot = look(keep)

    read = snapshot.rows("place IN ('projects/Projects-1', 'projects/Projects-2') AND form = 'item'")
    assert [one.status for one in read] == [200, 200]


def test_answers_of_a_process_that_still_runs_are_left_alone(
    instance: Instance, look: Callable[..., Snapshot], keep: Path
) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        before = json.dumps({"moment": {}, "owner": identity_of(other.pid)}) + "\n"
        keep.write_text(before)
        said: list[str] = []
        look(keep, said.append)
        other.kill()

    assert "another process keeps its own" in said[0]
    assert keep.read_text() == before


def test_no_credential_is_kept(instance: Instance, look: Callable[..., Snapshot], keep: Path) -> None:
    instance.collections["environments"][0]["Password"] = "of an account"
    secret = Secret.generated("a connection string", "Server=db;Password=hunter2hunter2")
    instance.collections["environments"][1]["Name"] = secret.reveal()
    cut_short(look, instance, keep, 200)

    text = keep.read_text()
    assert "/environments" in text
    assert "of an account" not in text
    assert "hunter2" not in text


def test_a_server_that_stays_away_leaves_what_it_had_answered(instance: Instance, tmp_path: Path, keep: Path) -> None:
    def take(scope: SnapshotScope) -> Snapshot:
        source = SnapshotSource({"admin": instance.client()}, "admin", scope=scope)
        return take_snapshot(source, tmp_path / "one.sqlite", keep=keep)

    left = 40

    def away(request: Request) -> Reply | None:
        nonlocal left
        left -= 1
        return None if left > 0 else (0, None)

    instance.overrides.append(away)
    impatient = SnapshotScope(patience=0.1, outage=0.2)
    with pytest.raises(Unreachable, match="did not come back"):
        take(impatient)
    assert not (tmp_path / "one.sqlite").exists()
    instance.overrides.clear()

    assert take(impatient).about["taken_over"] > 20
