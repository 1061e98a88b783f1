"""What a resource holds in a version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.api.catalogue import catalogue_for
from standins.octopus.api.responses import to_json
from standins.octopus.api.shapes import Shape, shapes_for
from standins.octopus.contract import ApiError, Version
from tests.unit.octopus_standin_api.conftest import VERSIONS

EVERY = (*VERSIONS, "2022.4.1", "2025.4.1")


def _seal(text: str) -> str:
    return f"sealed:{text}"


@pytest.mark.parametrize("version", EVERY)
def test_every_shape_shows_its_defaults_and_takes_them_back(version: str) -> None:
    shapes = shapes_for(Version.parse(version))
    for name in shapes.names:
        shown = shapes[name].render({})
        to_json(shown)
        again = shapes[name].render(shapes[name].accept(shown, None, _seal))
        assert again == shown, name


@pytest.mark.parametrize(
    ("shape", "name", "known", "unknown"),
    [
        ("Environment", "SpaceId", ["2019.1.0"], ["2018.12.1"]),
        ("Artifact", "ServerTaskId", ["2019.1.0"], ["2018.12.1"]),
        ("Artifact", "RelatedDocumentIds", ["2018.12.1"], ["2019.1.0"]),
        ("Team", "EnvironmentIds", ["2018.12.1"], ["2019.1.0", "2021.1.7500"]),
        ("UserRole", "GrantedPermissions", ["2018.12.1"], ["2019.1.0"]),
        ("Project", "VersionControlSettings", ["2020.6.4671"], ["2019.13.5", "2021.1.7500"]),
        ("Project", "PersistenceSettings", ["2021.1.7500"], ["2020.6.4671"]),
        ("Machine", "OperatingSystem", ["2019.13.5"], ["2019.1.0"]),
        ("MachineHealthCheckPolicy", "PowerShellHealthCheckPolicy", ["2019.13.5"], ["2019.1.0"]),
        ("MachineHealthCheckPolicy", "TentacleEndpointHealthCheckPolicy", ["2019.1.0"], ["2019.13.5"]),
        ("FeaturesConfiguration", "IsMultiTenancyEnabled", ["2018.12.1"], ["2019.1.0"]),
        ("OctopusServerNode", "Rank", ["2018.12.1"], ["2019.1.0"]),
        ("Interruption", "Type", ["2022.3.10957"], ["2021.1.7500"]),
        ("FeaturesConfiguration", "IsAutomaticStepUpdatesEnabled", ["2022.1.2342"], ["2021.3.12372"]),
    ],
)
def test_what_came_and_what_went(shape: str, name: str, known: list[str], unknown: list[str]) -> None:
    assert all(shapes_for(Version.parse(version))[shape].property(name) for version in known)
    assert not any(shapes_for(Version.parse(version))[shape].property(name) for version in unknown)


def test_a_resource_that_a_version_does_not_have() -> None:
    assert "Runbook" in catalogue_for(Version(2019, 13, 5))
    assert "Runbook" not in catalogue_for(Version(2019, 1, 0))
    assert "Space" not in catalogue_for(Version(2018, 12, 1))


NEW = shapes_for(Version(2020, 6, 4671))


@given(
    st.sampled_from(["Name", "Description", "TenantedDeploymentMode", "LifecycleId"]),
    st.text(max_size=20),
    st.randoms(),
)
def test_property_names_match_in_any_case(name: str, value: str, random: object) -> None:
    spelt = "".join(random.choice([letter.upper(), letter.lower()]) for letter in name)  # type: ignore[attr-defined]

    assert NEW["Project"].accept({spelt: value}, None, _seal)[name] == value


def test_unknown_properties_are_dropped_and_the_servers_own_kept() -> None:
    stored = {
        "Id": "Projects-1",
        "Name": "Old",
        "Logo": {"MimeType": "image/png"},
        "VariableSetId": "variableset-Projects-1",
    }
    accepted = NEW["Project"].accept(
        {"Name": "New", "Nonsense": 1, "VariableSetId": "mine", "Id": "other"}, stored, _seal
    )

    assert accepted["Name"] == "New"
    assert accepted["Logo"] == {"MimeType": "image/png"}
    assert accepted["VariableSetId"] == "variableset-Projects-1"
    assert accepted["Id"] == "Projects-1"
    assert "Nonsense" not in accepted


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"HasValue": True, "NewValue": "new"}, "sealed:new"),
        ({"HasValue": True, "NewValue": None}, "sealed:old"),
        ({"hasvalue": True}, "sealed:old"),
        ({"HasValue": False, "NewValue": None}, None),
        (None, "sealed:old"),
    ],
)
def test_a_secret_is_kept_renewed_or_cleared(sent: object, expected: str | None) -> None:
    stored = {"AccountType": "Token", "Token": "sealed:old"}

    assert NEW["Account"].accept({"AccountType": "Token", "Token": sent}, stored, _seal)["Token"] == expected


def test_secrets_show_only_that_they_are_set() -> None:
    assert NEW["Account"].render({"AccountType": "Token", "Token": "sealed:x"})["Token"] == {
        "HasValue": True,
        "NewValue": None,
        "Hint": None,
    }
    old: Shape = shapes_for(Version(2019, 1, 0))["Account"]
    assert old.render({"AccountType": "Token"})["Token"] == {"HasValue": False, "NewValue": None}


def test_lists_of_ids_hold_ids_only() -> None:
    tenant = NEW["Tenant"]
    accepted = tenant.accept(
        {"ProjectEnvironments": {"Projects-1": ["Environments-1"], "Projects-2": None}}, None, _seal
    )
    assert accepted["ProjectEnvironments"] == {"Projects-1": ["Environments-1"], "Projects-2": []}
    for wrong in (
        {"ProjectEnvironments": {"Projects-1": [1.5]}},
        {"ProjectEnvironments": {"a": "b"}},
        {"TenantTags": [None]},
    ):
        with pytest.raises(ApiError):
            tenant.accept(wrong, None, _seal)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IncludedLibraryVariableSetIds", "x"),
        ("IsDisabled", "perhaps"),
        ("Templates", [1]),
        ("VersioningStrategy", []),
        ("Name", {}),
    ],
)
def test_values_of_the_wrong_type_are_refused(name: str, value: object) -> None:
    with pytest.raises(ApiError) as refusal:
        NEW["Project"].accept({name: value}, None, _seal)
    assert refusal.value.status == 400
    assert name in refusal.value.errors[0]
