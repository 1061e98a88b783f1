"""ADO.NET connection strings as Octopus configurations hold them."""

from __future__ import annotations

import pytest

from standins.octopus.store.connection import (
    BadConnectionString,
    database_name,
    odbc_string,
    parse_connection_string,
    with_database,
)


def test_synonyms_mean_the_same() -> None:
    one = parse_connection_string("Server=sql,1433;Database=Octopus;User Id=sa;Password=x")
    other = parse_connection_string("data source=sql,1433; Initial Catalog = Octopus ;UID=sa;pwd=x;")
    assert one == other == {"server": "sql,1433", "database": "Octopus", "user": "sa", "password": "x"}


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ('Password="a;b=c"', "a;b=c"),
        ("Password='it''s';Server=x", "it's"),
        ('Password="say ""hi""";Server=x', 'say "hi"'),
        ("Password=a{b}c", "a{b}c"),
    ],
)
def test_quoted_values(text: str, password: str) -> None:
    assert parse_connection_string(text)["password"] == password


def test_an_odd_password_reaches_the_driver_whole() -> None:
    settings = parse_connection_string("Server=sql,1433;User Id=sa;Password='a;b}c'")
    assert "PWD={a;b}}c}" in odbc_string(settings, "ODBC Driver 18 for SQL Server")


def test_encryption_is_off_unless_asked_for() -> None:
    """The default of the client library of that time; Microsoft's ODBC driver 18 has the opposite one."""
    driver = "ODBC Driver 18 for SQL Server"
    assert "Encrypt=optional" in odbc_string(parse_connection_string("Server=sql"), driver)
    assert "Encrypt=yes" in odbc_string(parse_connection_string("Server=sql;Encrypt=True"), driver)


def test_freetds_gets_the_port_apart() -> None:
    text = odbc_string(parse_connection_string("Server=tcp:sql,1444;Database=O"), "FreeTDS")
    assert "SERVER=sql;PORT=1444" in text


def test_another_database_on_the_same_server() -> None:
    changed = with_database("Server=sql,1433;Database=Octopus;User Id=sa;Password='p;w'", "master")
    assert parse_connection_string(changed) == {
        "server": "sql,1433",
        "database": "master",
        "user": "sa",
        "password": "p;w",
    }


@pytest.mark.parametrize("text", ["Server", "Password='open", "Server=sql;nonsense"])
def test_errors_do_not_repeat_the_text(text: str) -> None:
    with pytest.raises(BadConnectionString) as raised:
        parse_connection_string(f"Password=hunter2;{text}")
    assert "hunter2" not in str(raised.value)


def test_a_database_must_be_named() -> None:
    assert database_name("Server=s;Database=Octopus") == "Octopus"
    with pytest.raises(BadConnectionString):
        database_name("Server=s")
