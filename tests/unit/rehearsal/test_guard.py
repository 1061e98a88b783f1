"""Whether a target is the main instance, by every sign there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tidegate.errors import MainInstanceProtected
from tidegate.rehearsal.guard import assert_not_main, same_url
from tidegate.rehearsal.instances import DatabaseAddress, Identity, SqlServerAddress
from tidegate.secrets import Secret

MAIN = Identity(
    url="https://octopus.example.com",
    installation_id="9f3b1c52-0000-4000-8000-000000000001",
    sql_server="sql.example.com,1433",
    database="OctopusDeploy",
    database_guid="aaaaaaaa-0000-4000-8000-000000000001",
)
CLONE = Identity(
    url="http://localhost:8065",
    installation_id="9f3b1c52-0000-4000-8000-000000000002",
    sql_server="localhost,14330",
    database="tidegate_run_clone_202606011200",
    database_guid="aaaaaaaa-0000-4000-8000-000000000002",
)


def database(server: str, name: str) -> DatabaseAddress:
    return DatabaseAddress(SqlServerAddress(server, "sa", Secret.generated("a test's password", "not-shown")), name)


def test_a_clone_passes() -> None:
    assert_not_main(MAIN, CLONE)
    assert_not_main(MAIN, database("sql.example.com,1433", "another database"))


@pytest.mark.parametrize(
    "disguise",
    [
        {"installation_id": MAIN.installation_id.upper()},
        {"url": "https://OCTOPUS.example.com:443/"},
        {"sql_server": "tcp:sql.example.com", "database": "octopusdeploy"},
        {"database_guid": MAIN.database_guid.upper()},
    ],
)
def test_one_sign_of_the_main_instance_is_enough(disguise: dict[str, str]) -> None:
    with pytest.raises(MainInstanceProtected) as error:
        assert_not_main(MAIN, replace(CLONE, **disguise))

    assert "main instance" in error.value.what


@pytest.mark.parametrize("server", ["sql.example.com", "SQL.example.com,1433", "tcp:sql.example.com,1433"])
def test_a_database_is_recognised_under_every_spelling_of_its_server(server: str) -> None:
    with pytest.raises(MainInstanceProtected):
        assert_not_main(MAIN, database(server, "OCTOPUSDEPLOY"))


def test_unknown_identities_are_not_taken_for_equal() -> None:
    unknown = replace(MAIN, installation_id="", database_guid="")

    assert_not_main(unknown, replace(CLONE, installation_id="", database_guid=""))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://localhost:80", "http://127.0.0.1", True),
        ("https://host/octopus", "https://host/octopus/", True),
        ("https://host/octopus", "https://host/other", False),
        ("http://host:8080", "http://host:8081", False),
    ],
)
def test_urls_are_compared_by_what_they_lead_to(one: str, other: str, same: bool) -> None:
    assert same_url(one, other) is same
