"""From the ADO.NET connection string an Octopus configuration holds to an ODBC connection."""

from __future__ import annotations

import functools
import platform
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyodbc

#: ODBC's own pooling would hide connections from us; the store keeps its own few.
pyodbc.pooling = False

_SQL_SS_TIMESTAMPOFFSET: Final = -155
_CANONICAL: Final = {
    "server": "server",
    "data source": "server",
    "address": "server",
    "addr": "server",
    "network address": "server",
    "database": "database",
    "initial catalog": "database",
    "user id": "user",
    "uid": "user",
    "user": "user",
    "password": "password",
    "pwd": "password",
    "integrated security": "integrated",
    "trusted_connection": "integrated",
    "encrypt": "encrypt",
    "trustservercertificate": "trust",
    "trust server certificate": "trust",
    "connect timeout": "timeout",
    "connection timeout": "timeout",
    "application name": "application",
}


class BadConnectionString(ValueError):
    """A connection string that cannot be used. The message never repeats it: it holds a password."""


def parse_connection_string(text: str) -> dict[str, str]:
    """Keys are canonical (``server``, ``database``, ``user``, …); keys of no meaning to ODBC keep their own name."""
    settings: dict[str, str] = {}
    rest = text
    while rest.strip("; \t\r\n"):
        key, equals, rest = rest.lstrip("; \t\r\n").partition("=")
        if not equals:
            raise BadConnectionString("a part of the connection string has no '='")
        value, rest = _value(rest.lstrip())
        name = " ".join(key.lower().split())
        settings[_CANONICAL.get(name, name)] = value
    return settings


def _value(text: str) -> tuple[str, str]:
    """A value may be quoted with ' or "; a doubled quote stands for itself (System.Data.Common rules)."""
    if text[:1] not in ("'", '"'):
        value, _, rest = text.partition(";")
        return value.strip(), rest
    quote, position, value = text[0], 1, ""
    while position < len(text):
        if text[position] == quote:
            if text[position + 1 : position + 2] != quote:
                return value, text[position + 1 :].partition(";")[2]
            position += 1
        value += text[position]
        position += 1
    raise BadConnectionString("a quoted value in the connection string is not closed")


def database_name(connection_string: str) -> str:
    name = parse_connection_string(connection_string).get("database", "")
    if not name:
        raise BadConnectionString("the connection string names no database")
    return name


def with_database(connection_string: str, database: str) -> str:
    """The same server and login with another database (``master`` to create or drop one)."""
    settings = parse_connection_string(connection_string)
    settings["database"] = database
    plain = {"user": "User Id", "trust": "TrustServerCertificate", "timeout": "Connect Timeout"}
    return ";".join(f"{plain.get(key, key)}={_quoted(value)}" for key, value in settings.items())


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if any(c in value for c in ";'\" =") else value


def odbc_string(settings: Mapping[str, str], driver: str) -> str:
    server, _, port = settings.get("server", "").removeprefix("tcp:").partition(",")
    host = {"(local)": "localhost", ".": "localhost"}.get(server, server)
    if not host:
        raise BadConnectionString("the connection string names no server")
    parts = {"DRIVER": driver}
    if "tdsodbc" in driver.lower() or driver == "FreeTDS":
        parts |= {"SERVER": host, "PORT": port or "1433", "TDS_Version": "7.4", "ClientCharset": "UTF-8"}
    else:
        parts["SERVER"] = f"{host},{port}" if port else host
        # System.Data.SqlClient, which Octopus used, does not encrypt unless told; ODBC Driver 18 does.
        parts["Encrypt"] = "yes" if settings.get("encrypt", "").lower() in {"true", "yes", "mandatory"} else "optional"
        if settings.get("trust", "").lower() in {"true", "yes"}:
            parts["TrustServerCertificate"] = "yes"
        if application := settings.get("application", "Octopus"):
            parts["APP"] = application
    if database := settings.get("database"):
        parts["DATABASE"] = database
    if settings.get("integrated", "").lower() in {"true", "yes", "sspi"}:
        parts["Trusted_Connection"] = "yes"
    else:
        parts |= {"UID": settings.get("user", ""), "PWD": settings.get("password", "")}
    return ";".join(f"{key}={_braced(value)}" for key, value in parts.items())


def _braced(value: str) -> str:
    """Braces only where they must be: FreeTDS takes them for a part of the value."""
    return "{" + value.replace("}", "}}") + "}" if any(c in value for c in ";{}") or value != value.strip() else value


@functools.cache
def odbc_driver() -> str:
    """An installed Microsoft driver, else the one in the wheel ``mssql-python-odbc``, else FreeTDS."""
    installed = pyodbc.drivers()
    microsoft = sorted(name for name in installed if name.startswith("ODBC Driver ") and name.endswith("SQL Server"))
    if microsoft:
        return microsoft[-1]
    if bundled := _bundled_driver():
        return bundled
    if "FreeTDS" in installed:
        return "FreeTDS"
    raise RuntimeError("no ODBC driver for SQL Server: install Microsoft's, the wheel mssql-python-odbc, or FreeTDS")


def uses_freetds() -> bool:
    try:
        return "FreeTDS" in odbc_driver()
    except RuntimeError:  # no driver at all: connecting will say so
        return False


def _bundled_driver() -> str | None:
    try:
        import mssql_python_odbc  # noqa: PLC0415 - optional, and only looked at when no driver is installed
    except ImportError:
        return None
    folder = Path(str(mssql_python_odbc.__file__)).parent / "libs"
    machine = {"aarch64": "arm64", "AMD64": "x64"}.get(platform.machine(), platform.machine())
    if platform.system() == "Linux":
        found = _linux_family(folder / "linux")
        pattern = "lib*msodbcsql-*.so*"
    else:
        found = [folder / {"Darwin": "macos", "Windows": "windows"}.get(platform.system(), "none")]
        pattern = "msodbcsql18.dll" if platform.system() == "Windows" else "libmsodbcsql*.dylib"
    for family in found:
        for match in sorted((family / machine).rglob(pattern)):
            return str(match)
    return None


def _linux_family(folder: Path) -> list[Path]:
    """The wheel has one build per family of distributions; try ours first."""
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8").lower()
    except OSError:
        release = ""
    families = {"alpine": ("alpine",), "rhel": ("rhel", "fedora", "centos"), "suse": ("suse",)}
    ours = next((name for name, words in families.items() if any(w in release for w in words)), "debian_ubuntu")
    return [folder / ours, *(path for path in sorted(folder.glob("*")) if path.name != ours)]


def connect(connection_string: str, *, login_timeout: int | None = None) -> pyodbc.Connection:
    """An autocommit connection; datetimeoffset arrives as the ISO 8601 text Octopus writes into its JSON."""
    settings = parse_connection_string(connection_string)
    timeout = int(settings.get("timeout", "15")) if login_timeout is None else login_timeout
    connection = pyodbc.connect(odbc_string(settings, odbc_driver()), autocommit=True, timeout=timeout)
    connection.add_output_converter(  # pyright: ignore[reportUnknownMemberType]
        _SQL_SS_TIMESTAMPOFFSET, _datetimeoffset
    )
    return connection


def _datetimeoffset(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    year, month, day, hour, minute, second, nanos, offset_hours, offset_minutes = struct.unpack("<6hI2h", raw)
    sign = "-" if offset_hours < 0 or offset_minutes < 0 else "+"
    return (
        f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos // 1_000_000:03}"
        f"{sign}{abs(offset_hours):02}:{abs(offset_minutes):02}"
    )
