"""What a snapshot asks besides resources: as other clients, and several at once; and how often it was put off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.unit.checks.snapshots import item, written
from tests.unit.observation.tiny_octopus import TinyOctopus
from tidegate.checks.api_surface import compare_surface
from tidegate.checks.timing import compare_times
from tidegate.observation.probes import ask_as_clients
from tidegate.observation.scope import SnapshotScope, SnapshotSource
from tidegate.observation.snapshot import take_snapshot
from tidegate.observation.store import ITEM, TOGETHER, Seen, Snapshot
from tidegate.observation.together import PEOPLE, together
from tidegate.octopus.client import Answer, OctopusClient


class Listening(OctopusClient):
    """Answers with what ``shape`` says for a name of a client; None is the harness's own."""

    def __init__(self, shape: Callable[[str | None], tuple[int, bytes]]) -> None:
        self.asked = 0
        self._shape = shape

    def send(self, method: str, path: str, **request: Any) -> Answer:
        self.asked += 1
        headers: dict[str, str] = request.get("headers") or {}
        agent = headers.get("User-Agent")
        status, content = self._shape(agent)
        return Answer(status, {"content-type": "application/json"}, content, 0.0)


def test_a_shape_that_depends_on_the_name_of_the_client_is_told() -> None:
    old, new = b'{"Items": [{"FeedType": "NuGet"}]}', b'{"Items": [{"FeedType": {"Name": "NuGet"}}]}'
    nameless = Listening(lambda agent: (200, new if agent == "" else old))

    told = {seen.place: seen.json["DiffersFromOthers"] for seen in ask_as_clients(nameless, "admin")}

    differing = {place for place, paths in told.items() if paths}
    assert differing
    assert all("which gives no name" in place for place in differing)
    assert ".Items[].FeedType: str" in told["(probe) /api/feeds as octo, which gives no name"]


def test_everybody_gets_the_same_shape_whatever_the_values() -> None:
    values = iter(range(10_000))
    same = Listening(lambda _: (200, f'{{"Items": [{{"Id": "Feeds-{next(values)}", "Uri": null}}]}}'.encode()))

    assert not [seen for seen in ask_as_clients(same, "admin") if seen.json["DiffersFromOthers"]]


def test_a_client_that_alone_is_refused_is_told() -> None:
    refusing = Listening(lambda agent: (403, b"{}") if agent == "ts-octopusdeploy" else (200, b"{}"))

    told = {seen.place: seen.json["DiffersFromOthers"] for seen in ask_as_clients(refusing, "admin")}

    assert told["(probe) /api/projects as the TypeScript client"] == ["403"]


def test_several_readers_at_once_are_timed_and_an_error_is_no_time() -> None:
    everybody = Listening(lambda _: (200, b"[]"))

    assert together(everybody, "/api/projects/all") is not None
    assert everybody.asked % PEOPLE == 0
    assert together(Listening(lambda _: (500, b"{}")), "/api/projects/all") is None


def test_what_is_slow_only_for_several_at_once_is_found(tmp_path: Path) -> None:
    def timed(name: str, seconds: float) -> Any:
        usual = [item(f"projects/Projects-{number}", {}, seconds=0.05) for number in range(9)]
        place = "projects/all by several at once"
        at_once = Seen("admin", place, TOGETHER, place, "/api", 200, seconds=seconds)
        return written(tmp_path / name, seen=[*usual, at_once])

    before, same, slow = timed("before", 0.1), timed("same", 0.2), timed("slow", 4.0)

    assert list(compare_times(before, same)) == []
    [finding] = list(compare_times(before, slow))
    assert (finding.check, finding.place) == ("PERF", "projects/all by several at once")


def test_requests_that_are_put_off_are_counted_and_told(tmp_path: Path) -> None:
    def taken(name: str, refusals: int) -> Any:
        server = TinyOctopus()
        left = [1] * refusals
        server.overrides.append(
            lambda request: (429, {}) if request.path.endswith("/projects") and left and left.pop() else None
        )
        source = SnapshotSource({"admin": server.client()}, "admin", scope=SnapshotScope(patience=5))
        return take_snapshot(source, tmp_path / name)

    free, limited = taken("free", 0), taken("limited", 1)

    assert limited.about["put_off"] == {"429": 1}
    assert [finding.place for finding in compare_surface(free, limited)] == ["rate of requests"]
    assert list(compare_surface(free, free)) == []
    assert list(compare_surface(limited, limited)) == []


def test_packages_are_searched_by_a_word_in_other_letters(tmp_path: Path) -> None:
    server = TinyOctopus()
    template = "/api/feeds/feeds-builtin/packages{?packageId,partialMatch,take}"
    feed = {
        "Id": "feeds-builtin",
        "FeedType": "BuiltIn",
        "Links": {"Self": "/api/feeds/feeds-builtin", "SearchTemplate": template},
    }
    asked: list[dict[str, str]] = []

    def answer(request: Any) -> tuple[int, Any] | None:
        if request.path.endswith("/packages"):
            asked.append(dict(request.query))
            return 200, []
        return (200, feed) if request.path.endswith("/feeds/feeds-builtin") else None

    server.overrides.append(answer)
    server.collections["feeds"] = [{"Id": "feeds-builtin", "FeedType": "BuiltIn"}]
    take_snapshot(SnapshotSource({"admin": server.client()}, "admin", scope=SnapshotScope(patience=1)), tmp_path / "1")

    assert {"partialMatch": "true", "packageId": "E"} in asked


def test_an_instance_whose_times_and_manners_nobody_compares_is_not_asked_for_their_sake(tmp_path: Path) -> None:
    def asked(name: str, *, thorough: bool) -> list[str]:
        server = TinyOctopus()
        scope = SnapshotScope(patience=5, slow=0.0)  # every answer is slow enough to be timed again
        source = SnapshotSource({"admin": server.client()}, "admin", scope=scope, thorough=thorough)
        take_snapshot(source, tmp_path / name)
        return server.requests

    plain, thorough = asked("plain", thorough=False), asked("thorough", thorough=True)

    assert set(plain) <= set(thorough)
    assert len(plain) < len(thorough)


def test_a_slow_answer_that_nobody_could_time_again_is_not_sure(tmp_path: Path) -> None:
    def timed(name: str, **knobs: float) -> Snapshot:
        scope = SnapshotScope(patience=5, slow=0.0, **knobs)  # pyright: ignore[reportArgumentType]
        source = SnapshotSource({"admin": TinyOctopus().client()}, "admin", scope=scope)
        return take_snapshot(source, tmp_path / name)

    again, never = timed("again"), timed("never", timing_again=-1.0)

    def times(snapshot: Snapshot) -> list[float]:
        return [seen.seconds for seen in snapshot.rows("form = ?", (ITEM,)) if seen.status == 200]

    assert max(times(again)) > 0
    assert min(times(never)) < 0
    assert max(times(never)) <= 0
    assert "slow answers" in {sample.family for sample in never.samples()}
