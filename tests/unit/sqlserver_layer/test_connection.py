"""Connection strings, quoting, conversions and the border where the driver's errors become ours."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import DriverMissing, Refused, SqlServerFailure, Unreachable
from tidegate.rehearsal.instances import SqlServerAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import (
    connection_string,
    decode_datetimeoffset,
    literal,
    mapped_error,
    quoted,
    split_server,
)
from tidegate.sqlserver.driver import DriverFamily, OdbcDriver

MICROSOFT = OdbcDriver("/opt/driver.so", DriverFamily.MICROSOFT, "")
FREETDS = OdbcDriver("FreeTDS", DriverFamily.FREETDS, "")
PASSWORD = "Pa$$word-1"
TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=40)


def address(password: str = PASSWORD, **changes: object) -> SqlServerAddress:
    return SqlServerAddress(
        **{
            "server": "sql.example.com,14330",
            "user": "octopus",
            "password": Secret.generated("a test's password", password),
            **changes,
        }  # type: ignore[arg-type]
    )


def parsed(text: str) -> dict[str, str]:
    """An ODBC connection string as a driver manager reads it: braces around values, a doubled brace inside them."""
    parts: dict[str, str] = {}
    while text:
        key, _, text = text.partition("=")
        if not text.startswith("{"):
            parts[key], _, text = text.partition(";")
            continue
        value, position = "", 1
        while text[position] != "}" or text[position : position + 2] == "}}":
            value += text[position]
            position += 2 if text[position] == "}" else 1
        parts[key] = value
        text = text[position + 2 :]
    return parts


@given(password=TEXT, database=TEXT)
def test_any_password_and_name_reach_microsofts_driver_unchanged(password: str, database: str) -> None:
    parts = parsed(connection_string(address(password), database, MICROSOFT))

    assert parts["PWD"] == password
    assert parts["DATABASE"] == database
    assert parts["SERVER"] == "sql.example.com,14330"


@pytest.mark.parametrize(
    ("encrypt", "trust", "expected"),
    [(True, False, ("yes", "no")), (True, True, ("yes", "yes")), (False, False, ("no", "no"))],
)
def test_encryption_is_on_and_certificates_are_checked_unless_told_otherwise(
    encrypt: bool, trust: bool, expected: tuple[str, str]
) -> None:
    parts = parsed(connection_string(address(encrypt=encrypt, trust_server_certificate=trust), "master", MICROSOFT))

    assert (parts["Encrypt"], parts["TrustServerCertificate"]) == expected
    assert SqlServerAddress("host", "user", Secret.generated("p", "some-password")).encrypt


def test_freetds_gets_its_own_words() -> None:
    parts = parsed(connection_string(address(trust_server_certificate=True), "master", FREETDS))

    assert (parts["SERVER"], parts["PORT"], parts["Encryption"]) == ("sql.example.com", "14330", "require")
    assert "Encrypt" not in parts


def test_freetds_is_refused_where_the_certificate_must_be_checked() -> None:
    with pytest.raises(DriverMissing, match="does not check"):
        connection_string(address(), "master", FREETDS)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("host", ("host", 0)),
        ("host,1433", ("host", 1433)),
        ("tcp:host,14330", ("host", 14330)),
        ("host\\sqlexpress", ("host\\sqlexpress", 0)),
    ],
)
def test_a_server_is_split_into_host_and_port(server: str, expected: tuple[str, int]) -> None:
    assert split_server(server) == expected


@given(TEXT)
def test_a_quoted_name_is_one_identifier(name: str) -> None:
    text = quoted(name)

    assert text[0] + text[-1] == "[]"
    assert text[1:-1].replace("]]", "\0").count("]") == 0
    assert text[1:-1].replace("]]", "]") == name


@given(TEXT)
def test_a_literal_is_one_text(value: str) -> None:
    text = literal(value)

    assert text.startswith("N'")
    assert text[2:-1].replace("''", "\0").count("'") == 0
    assert text[2:-1].replace("''", "'") == value


@given(
    moment=st.datetimes(datetime(1753, 1, 1), datetime(9999, 1, 1)),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_a_datetimeoffset_keeps_its_moment_and_offset(moment: datetime, minutes: int) -> None:
    # ODBC gives both parts of the offset the same sign.
    hours, rest = int(minutes / 60), minutes - int(minutes / 60) * 60
    raw = struct.pack("<6hI2h", *moment.timetuple()[:6], moment.microsecond * 1000, hours, rest)

    decoded = decode_datetimeoffset(raw)

    assert decoded == moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))


def error(state: str, *diagnostics: tuple[str, int]) -> Exception:
    """An exception as pyodbc makes it: the SQL state, and every diagnostic in one text."""
    text = "; ".join(
        f"[{state}] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]{message} ({number}) (SQLExecDirectW)"
        for message, number in diagnostics
    )
    return Exception(state, text)


def test_the_number_and_text_of_sql_server_survive_without_the_layers_in_between() -> None:
    mapped = mapped_error(error("42S02", ("Invalid object name 'x'.", 208)), "reading", "host")

    assert isinstance(mapped, SqlServerFailure)
    assert mapped.number == 208
    assert "Invalid object name 'x'." in mapped.what
    assert "Microsoft" not in mapped.what
    assert "SQLExecDirectW" not in mapped.what


def test_the_cause_is_the_first_diagnostic_not_the_last() -> None:
    failed = error("42000", ("Cannot open backup device.", 3201), ("BACKUP DATABASE is terminating abnormally.", 3013))

    mapped = mapped_error(failed, "backing up", "host")

    assert isinstance(mapped, SqlServerFailure)
    assert mapped.number == 3201
    assert "terminating abnormally" in mapped.what


@pytest.mark.parametrize(
    ("state", "number", "doing", "expected"),
    [
        ("28000", 18456, "connecting", Refused),
        ("08001", 0, "connecting", Unreachable),
        ("08S01", 0, "reading", Unreachable),
        ("HYT00", 0, "connecting to host", Unreachable),
        ("HYT00", 0, "reading", SqlServerFailure),
        ("42000", 4060, "connecting", SqlServerFailure),
    ],
)
def test_what_could_not_be_reached_or_was_refused_is_told_apart(
    state: str, number: int, doing: str, expected: type[Exception]
) -> None:
    assert type(mapped_error(error(state, ("No.", number)), doing, "host")) is expected


def test_a_secret_in_a_message_of_the_server_is_masked() -> None:
    secret = Secret.generated("a canary", "canary-5f2a9b")

    mapped = mapped_error(error("42000", (f"Login with {secret.reveal()} failed.", 50000)), "running", "host")

    assert "canary-5f2a9b" not in str(mapped)
    assert "********" in str(mapped)


def test_an_address_shows_no_password() -> None:
    shown = repr(address("canary-77c1d0"))

    assert "canary-77c1d0" not in shown
    assert "sql.example.com" in shown
