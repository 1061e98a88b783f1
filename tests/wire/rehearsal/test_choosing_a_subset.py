"""The projects of a subset are looked up before anything is written to the main instance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wire.rehearsal.small_octopus import API_KEY, SmallOctopus, small_octopus
from tidegate.doctor.examined import State
from tidegate.doctor.main_instance import examine_subset
from tidegate.errors import SettingsError
from tidegate.octopus.client import OctopusClient
from tidegate.rehearsal.subset import find_projects
from tidegate.secrets import Secret
from tidegate.versions import Version

PROJECTS = {"Default": ["Shop", "A/B"], "Other": ["Shop", "Billing"]}


@pytest.fixture
def client() -> Iterator[OctopusClient]:
    with (
        small_octopus(SmallOctopus(projects=PROJECTS)) as server,
        OctopusClient(server.url, Secret.generated("a test's API key", API_KEY)) as client,
    ):
        yield client


def found(client: OctopusClient, *projects: str) -> dict[str, list[str]]:
    return {space.name: list(names) for space, names in find_projects(client, projects).items()}


def test_a_name_alone_means_the_default_space(client: OctopusClient) -> None:
    assert found(client, "Shop") == {"Default": ["Shop"]}


def test_another_space_is_named(client: OctopusClient) -> None:
    assert found(client, "Other/Billing", "Other/Shop", "Shop") == {"Other": ["Billing", "Shop"], "Default": ["Shop"]}


def test_a_slash_may_be_part_of_a_name(client: OctopusClient) -> None:
    assert found(client, "A/B") == {"Default": ["A/B"]}


def test_what_is_not_there_is_named(client: OctopusClient) -> None:
    with pytest.raises(SettingsError, match="no project 'Billing', 'Other/Nothing'"):
        found(client, "Billing", "Shop", "Other/Nothing")


@pytest.mark.parametrize(
    ("version", "projects", "state", "told"),
    [
        (Version(2021, 1, 7500), ["Shop", "Other/Shop"], State.GOOD, "2 projects of 2 spaces can be exported"),
        (Version(2021, 1, 7500), ["Nothing"], State.BAD, "no project 'Nothing'"),
        (Version(2020, 6, 4671), ["Shop"], State.GOOD, "1 projects of 1 spaces can be exported, in maintenance mode"),
        (Version(2018, 5, 7), ["Shop"], State.BAD, "Octopus.Migrator"),
    ],
)
def test_the_doctor_says_beforehand_what_is_in_the_way(
    client: OctopusClient, version: Version, projects: list[str], state: State, told: str
) -> None:
    examined = examine_subset(client, version, projects)

    assert examined.state is state, examined
    assert told in examined.told


def test_before_there_were_spaces_projects_have_a_name_only() -> None:
    with (
        small_octopus(SmallOctopus(spaceless=["Shop", "A/B"])) as server,
        OctopusClient(server.url, Secret.generated("a test's API key", API_KEY)) as client,
    ):
        assert found(client, "Shop", "A/B") == {"": ["Shop", "A/B"]}
        with pytest.raises(SettingsError, match="no project 'Default/Shop'"):
            found(client, "Default/Shop")
