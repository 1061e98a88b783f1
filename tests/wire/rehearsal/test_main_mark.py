"""What the audit log of the main instance says about the time since it was copied."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.wire.rehearsal.small_octopus import API_KEY, SmallOctopus, small_octopus
from tidegate.errors import HarnessError, Refused, Unreachable
from tidegate.octopus.client import OctopusClient
from tidegate.rehearsal.main_mark import events_since, schema_digest
from tidegate.secrets import Secret

COPIED = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def octopus() -> Iterator[SmallOctopus]:
    with small_octopus() as state:
        yield state


@pytest.fixture
def client(octopus: SmallOctopus) -> Iterator[OctopusClient]:
    with OctopusClient(octopus.url, Secret.generated("the key", API_KEY)) as one:
        yield one


def event(number: int, minute: int, **more: Any) -> dict[str, Any]:
    return {
        "Id": f"Events-{number}",
        "Occurred": f"2026-05-01T12:{minute:02}:00.000+00:00",
        "Category": "Modified",
        "RelatedDocumentIds": ["Projects-1"],
        "Username": "ada",
        **more,
    }


def since(client: OctopusClient, *known: str) -> list[str]:
    return [one.id for one in events_since(client, COPIED, known)]


def test_nothing_happened(octopus: SmallOctopus, client: OctopusClient) -> None:
    octopus.events = [event(2, 0), event(1, 0)]

    assert since(client, "Events-1", "Events-2") == []


def test_tells_what_is_newer_and_what_came_in_the_same_moment(octopus: SmallOctopus, client: OctopusClient) -> None:
    octopus.events = [event(40, 5), event(3, 0), event(2, 0), event(1, 0)]

    assert since(client, "Events-1", "Events-2") == ["Events-40", "Events-3"]


def test_a_smaller_id_is_no_older_event(octopus: SmallOctopus, client: OctopusClient) -> None:
    octopus.events = [event(5, 9), event(100, 0)]

    assert since(client, "Events-100") == ["Events-5"]


def test_reads_an_event_as_it_is(octopus: SmallOctopus, client: OctopusClient) -> None:
    octopus.events = [event(7, 30, UserAgent="octo", Message="Project Shop was changed"), event(1, 0)]
    [found] = events_since(client, COPIED, ["Events-1"])

    assert (found.category, found.documents, found.user, found.agent) == ("Modified", ("Projects-1",), "ada", "octo")
    assert found.message == "Project Shop was changed"


@pytest.mark.parametrize("left", [[], [event(9, 30)], [event(9, 30), event(8, 0)]], ids=["empty", "cut", "other"])
def test_a_log_that_lost_the_moment_of_the_copy_says_nothing(
    octopus: SmallOctopus, client: OctopusClient, left: list[dict[str, Any]]
) -> None:
    octopus.events = left

    with pytest.raises(HarnessError, match="no longer has Events-1"):
        since(client, "Events-1")


def test_an_instance_that_had_no_events(octopus: SmallOctopus, client: OctopusClient) -> None:
    octopus.events = [event(1, 1)]

    assert [one.id for one in events_since(client, None, ())] == ["Events-1"]


def test_something_that_is_no_event_is_refused(octopus: SmallOctopus, client: OctopusClient) -> None:
    octopus.events = [{"Id": "Events-2", "Occurred": "yesterday", "Category": "Modified"}]

    with pytest.raises(Refused, match="no event"):
        since(client, "Events-1")


def test_a_server_that_does_not_answer_is_unreachable(octopus: SmallOctopus, client: OctopusClient) -> None:
    octopus.deaf = 100

    with pytest.raises(Unreachable):
        since(client, "Events-1")


def test_a_schema_is_its_scripts_in_their_order() -> None:
    assert schema_digest(["a", "b"]) != schema_digest(["b", "a"])
    assert schema_digest(iter(["a", "b"])) == schema_digest(["a", "b"])
