"""The main instance under other names: whatever can be told from a name alone is told."""

from __future__ import annotations

import socket
from typing import Final

import pytest

from tidegate.errors import MainInstanceProtected
from tidegate.host_names import THIS_MACHINE, one_spelling
from tidegate.rehearsal.guard import assert_not_main, same_database, same_url
from tidegate.rehearsal.instances import DatabaseAddress, Identity, SqlServerAddress
from tidegate.secrets import Secret

NAME: Final = "OctopusDeploy"


def protects(main_server: str, server: str, name: str = NAME) -> bool:
    main = Identity("https://octopus.example.com", "an id", main_server, NAME, "")
    password = Secret.generated("a test's password", "not-shown")
    try:
        assert_not_main(main, DatabaseAddress(SqlServerAddress(server, "sa", password), name))
    except MainInstanceProtected:
        return True
    return False


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost", "octopus.localhost"),
        *("127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "2130706433", "0x7f000001", "017700000001", "0.0.0.0"),  # noqa: S104 - nothing is bound
        *("::1", "[::1]", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::", "::1%lo", ".", "(local)"),
        socket.gethostname(),
    ],
)
def test_every_way_to_say_this_machine_is_one(host: str) -> None:
    assert one_spelling(host) == THIS_MACHINE


@pytest.mark.parametrize("host", ["octopus", "octopus.example.com", "10.0.0.7", "localhost.example.com", "128.0.0.1"])
def test_other_machines_are_not_this_one(host: str) -> None:
    assert one_spelling(host) == host


@pytest.mark.parametrize(
    ("main", "disguise"),
    [
        ("https://octopus.example.com", "https://OCTOPUS.example.com./"),
        ("https://octopus.example.com", "https://user@octopus.example.com:443"),
        ("https://octopus.example.com", "https://octopus.example.com/app"),
        ("https://octopus.example.com", "https://octopus.example.com/app#/Spaces-1"),
        ("https://octopus.example.com/octopus", "https://octopus.example.com/Octopus/"),
        ("https://octopus.example.com/octopus", "https://octopus.example.com//octopus/./app/"),
        ("https://octopus.example.com/octopus", "https://octopus.example.com/%6Fctopus"),
        ("http://10.0.0.7", "http://[::ffff:10.0.0.7]"),
        ("http://10.0.0.7:8080", "http://0x0a000007:8080"),
        ("http://localhost:8065", "http://127.0.0.2:8065"),
        ("http://[::1]:8065", "http://localhost:8065"),
        ("http://[fe80::1%eth0]:8065", "http://[fe80::1]:8065"),
    ],
)
def test_a_url_is_recognised(main: str, disguise: str) -> None:
    assert same_url(main, disguise)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://localhost:8065", "http://localhost:8066"),
        ("https://octopus.example.com/one", "https://octopus.example.com/two"),
        ("https://octopus.example.com", "https://octopus-test.example.com"),
    ],
)
def test_another_url_is_left_alone(one: str, other: str) -> None:
    assert not same_url(one, other)


@pytest.mark.parametrize(
    ("main", "disguise"),
    [
        ("sql.example.com", "tcp:sql.example.com,1433"),
        ("sql.example.com", "TCP:SQL.example.com."),
        ("sql.example.com", " sql.example.com , 1433 "),
        ("sql.example.com", "admin:sql.example.com"),
        ("sql.example.com", r"sql.example.com\MSSQLSERVER"),
        ("sql.example.com", r"np:\\sql.example.com\pipe\sql\query"),
        (r"sql.example.com\OCTO", r"np:\\sql.example.com\pipe\MSSQL$OCTO\sql\query"),
        ("sql.example.com,14330", r"sql.example.com\WHATEVER,14330"),
        (r".\OCTO", r"(local)\octo"),
        (r".\OCTO", rf"{socket.gethostname()}\OCTO"),
        ("(local)", "tcp:[::1],1433"),
        ("localhost", "127.0.0.2"),
        ("10.0.0.7,1433", "::ffff:10.0.0.7"),
    ],
)
def test_a_database_is_recognised_by_its_server(main: str, disguise: str) -> None:
    assert protects(main, disguise)
    assert protects(disguise, main)


@pytest.mark.parametrize("name", ["octopusdeploy", "OCTOPUSDEPLOY", "OctopusDeploy ", " OctopusDeploy"])
def test_a_database_is_recognised_by_its_name(name: str) -> None:
    assert protects("sql.example.com", "tcp:sql.example.com", name)


@pytest.mark.parametrize(
    ("main", "other"),
    [
        ("sql.example.com", r"sql.example.com\OCTO"),
        (r"sql.example.com\ONE", r"sql.example.com\TWO"),
        ("sql.example.com", "sql.example.com,14330"),
        ("localhost", "10.0.0.7"),
    ],
)
def test_another_sql_server_is_left_alone(main: str, other: str) -> None:
    assert not same_database((main, NAME), (other, NAME))
