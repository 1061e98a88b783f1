"""The client libraries that judge the stand-in, behind one way to connect."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_FREETDS = Path("/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a SQL Server listens and how to get in."""

    host: str
    port: int
    user: str
    password: str
    certificate: Path | None = None


def microsoft_driver() -> Path | None:
    """Microsoft's ODBC driver from its wheel; the file's name carries its version."""
    spec = importlib.util.find_spec("mssql_python_odbc")
    if spec is None or spec.origin is None:
        return None
    libraries = Path(spec.origin).parent / "libs" / "linux" / "debian_ubuntu" / "x86_64" / "lib"
    return next(iter(sorted(libraries.glob("libmsodbcsql*"))), None)


def _module(name: str) -> Any:
    """Imported when it is used: not every machine has every driver, and some carry no types."""
    return importlib.import_module(name)


def _microsoft(address: Address, database: str, *, encrypt: str = "yes", timeout: int = 15, options: str = "") -> Any:
    return _module("pyodbc").connect(
        f"DRIVER={microsoft_driver()};SERVER={address.host},{address.port};DATABASE={database};UID={address.user};"
        f"PWD={{{address.password}}};Encrypt={encrypt};TrustServerCertificate=yes;{options}",
        autocommit=True,
        timeout=timeout,
    )


def _freetds(address: Address, database: str, *, options: str = "") -> Any:
    return _module("pyodbc").connect(
        f"DRIVER={_FREETDS};SERVER={address.host};PORT={address.port};DATABASE={database};UID={address.user};"
        f"PWD={{{address.password}}};ClientCharset=UTF-8;{options}",
        autocommit=True,
    )


def _pymssql(address: Address, database: str) -> Any:
    return _module("pymssql").connect(
        server=address.host,
        port=str(address.port),
        user=address.user,
        password=address.password,
        database=database,
        autocommit=True,
    )


def _python_tds(address: Address, database: str) -> Any:
    return _module("pytds").connect(
        address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=database,
        autocommit=True,
        disable_connect_retry=True,
    )


def _mssql_python(address: Address, database: str) -> Any:
    return _module("mssql_python").connect(
        f"SERVER={address.host},{address.port};DATABASE={database};UID={address.user};PWD={{{address.password}}};"
        "Encrypt=yes;TrustServerCertificate=yes;",
        autocommit=True,
    )


@dataclass(frozen=True, slots=True)
class Driver:
    name: str
    open: Callable[..., Any]
    placeholder: str
    available: bool

    def connect(self, address: Address, database: str = "master", **options: Any) -> Any:
        return self.open(address, database, **options)

    def with_parameters(self, template: str, count: int) -> str:
        """``template`` with ``{}`` replaced by that many placeholders."""
        return template.format(", ".join([self.placeholder] * count))


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


MICROSOFT = Driver("microsoft-odbc", _microsoft, "?", _installed("pyodbc") and microsoft_driver() is not None)
FREETDS = Driver("freetds", _freetds, "?", _installed("pyodbc") and _FREETDS.exists())
PYMSSQL = Driver("pymssql", _pymssql, "%s", _installed("pymssql"))
PYTHON_TDS = Driver("python-tds", _python_tds, "%s", _installed("pytds"))
MSSQL_PYTHON = Driver("mssql-python", _mssql_python, "?", _installed("mssql_python"))
ALL: Sequence[Driver] = (MICROSOFT, FREETDS, PYMSSQL, PYTHON_TDS, MSSQL_PYTHON)


def each(*drivers: Driver) -> pytest.MarkDecorator:
    """Runs a test through each of the drivers; one that is not installed here is skipped by name."""
    return pytest.mark.parametrize(
        "driver",
        [
            pytest.param(d, id=d.name, marks=() if d.available else pytest.mark.skip(f"{d.name} is not installed"))
            for d in (drivers or ALL)
        ],
    )
