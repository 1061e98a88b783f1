"""Whatever goes wrong with an answer is noticed, at the place where it goes wrong: disturbances drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.disturbing_proxy import OF_LISTS, OF_VALUES, Disturbance, disturbed, values_in
from tests.unit.checks.conftest import USERS
from tests.unit.observation.tiny_octopus import Reply, Request, TinyOctopus
from tidegate.checks.comparison import compare
from tidegate.observation.places import family_of, place_of
from tidegate.observation.scope import SnapshotScope, SnapshotSource
from tidegate.observation.snapshot import Snapshot, take_snapshot

VERSION = "2019.1.0"

#: Answers that are replaced as a whole; slowness and answers that are no JSON take a real server.
REPLACED = {"forbidden": 403, "failing": 500, "gone": 404}


def look(server: TinyOctopus, file: Path, like: Snapshot | None = None) -> Snapshot:
    scope = SnapshotScope(patience=0.2, outage=1.0, page=50)
    clients = {user: server.client(user) for user in USERS}
    return take_snapshot(SnapshotSource(clients, "admin", scope=scope, like=like.file if like else None), file)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Snapshot]:
    folder = tmp_path_factory.mktemp("before")
    first = look(TinyOctopus(VERSION), folder / "1")
    return first, look(TinyOctopus(VERSION), folder / "2", first)


def documents(snapshot: Snapshot) -> list[tuple[str, Any]]:
    """What the administrator read one by one, without what the harness needs to look at all."""
    rows = snapshot.rows("user = 'admin' AND form = 'item' AND status = 200 AND place NOT LIKE '(probe)%'")
    return [(row.place, row.json) for row in rows if row.place not in ("", "Spaces-1", "users/me", "swagger.json")]


def interfering(disturbance: Disturbance) -> Callable[[Request], Reply | None]:
    """Answers in the server's place where the disturbance acts."""
    plain = TinyOctopus(VERSION)

    def answer(request: Request) -> Reply | None:
        if request.method != "GET" or not disturbance.concerns(place_of(request.path, "Spaces-1")):
            return None
        if disturbance.kind in REPLACED:
            return REPLACED[disturbance.kind], {"ErrorMessage": "disturbed"}
        status, body = plain.respond(request)
        return (status, disturbed(body, disturbance)) if status == 200 else (status, body)

    return answer


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    folder = tmp_path_factory.mktemp("after")
    numbers = iter(range(10_000))
    return lambda: folder / str(next(numbers))


def findings(before: tuple[Snapshot, Snapshot], disturbance: Disturbance, file: Path) -> list[str]:
    server = TinyOctopus(VERSION)
    server.overrides.append(interfering(disturbance))
    found = compare(*before, look(server, file, before[1]))
    return [finding.place for finding in found]


def at_its_place(place: str, disturbance: Disturbance) -> bool:
    words = [word for word in disturbance.family.partition("?")[0].split("/") if word != "*"]
    return all(word.lower() in place.lower() for word in words)


def test_nothing_is_found_where_nothing_is_disturbed(
    before: tuple[Snapshot, Snapshot], snapshots: Callable[[], Path]
) -> None:
    assert findings(before, Disturbance("gone", "no/such/place"), snapshots()) == []


@settings(
    max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(dice=st.randoms(use_true_random=False), kind=st.sampled_from([*OF_VALUES, *REPLACED]))
def test_every_kind_of_disturbance_is_noticed_where_it_is(
    before: tuple[Snapshot, Snapshot], snapshots: Callable[[], Path], dice: Any, kind: str
) -> None:
    place, document = dice.choice([one for one in documents(before[1]) if list(values_in(one[1]))])
    path = dice.choice([path for path, _ in values_in(document)]) if kind in OF_VALUES else ()
    disturbance = Disturbance(kind, family_of(place), path, dice.choice((place, "")))

    found = findings(before, disturbance, snapshots())

    named = [one for one in found if at_its_place(one, disturbance)]
    assert named, f"{disturbance.sentence}: {found}"
    if path:
        assert [one for one in named if any(name in one for name in path if name != "[]")], f"{disturbance.sentence}"


@pytest.mark.parametrize("kind", OF_LISTS)
@pytest.mark.parametrize("family", ["projects", "environments", "users"])
def test_a_list_that_loses_or_turns_its_entries_is_noticed(
    before: tuple[Snapshot, Snapshot], snapshots: Callable[[], Path], family: str, kind: str
) -> None:
    server = TinyOctopus(VERSION)
    if len(server.collections[family]) < 2:
        pytest.skip(f"the tiny instance has one of {family}")

    found = findings(before, Disturbance(kind, family), snapshots())

    assert [place for place in found if family in place], f"{kind} {family}: {found}"
