"""Which ODBC driver speaks to SQL Server here, and why this one."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tidegate.errors import DriverMissing

#: Microsoft's registered names, newest first (Microsoft: "ODBC Driver for SQL Server", connection string keywords).
_MICROSOFT_NAMES: Final = ("ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server")
_FREETDS_NAMES: Final = ("FreeTDS", "FreeTDS Driver")
#: Microsoft publishes driver 18 on PyPI as the inner part of mssql-python; its file name carries the version.
_WHEEL: Final = "mssql_python_odbc"
_WHEEL_LIBRARIES: Final = {
    "Linux": "libmsodbcsql-*.so*",
    "Darwin": "libmsodbcsql*.dylib",
    "Windows": "msodbcsql*.dll",
}
#: The same architecture under the names that systems and the wheel use; a universal macOS library holds both.
_ARCHITECTURES: Final = (
    frozenset({"x86_64", "amd64", "x64", "universal2"}),
    frozenset({"arm64", "aarch64", "universal2"}),
)
_NEXT_STEP: Final = (
    "install Microsoft's driver (https://aka.ms/odbc18), or `pip install mssql-python-odbc`, "
    "or name a driver in [sql_server] odbc_driver"
)


class DriverFamily(StrEnum):
    """Which connection string keywords a driver understands."""

    MICROSOFT = "microsoft"
    FREETDS = "freetds"


@dataclass(frozen=True, slots=True)
class OdbcDriver:
    """A driver and how it was chosen. ``name`` is a registered name or the path of the library."""

    name: str
    family: DriverFamily
    reason: str

    @property
    def by_path(self) -> bool:
        return "/" in self.name or "\\" in self.name


def load_pyodbc() -> ModuleType:
    """The pyodbc module, imported at the first use: without unixODBC it cannot even be imported.

    Raises :class:`DriverMissing` that says what to install.
    """
    try:
        pyodbc: Any = importlib.import_module("pyodbc")
    except ImportError as error:
        # pyodbc's Linux and macOS wheels are linked to the system's driver manager and do not bring it.
        raise DriverMissing(
            f"pyodbc cannot be loaded: {error}",
            next_step="install the ODBC driver manager: `apt-get install libodbc2 libgssapi-krb5-2` (Debian, Ubuntu), "
            "`dnf install unixODBC` (Red Hat, Fedora), `apk add unixodbc` (Alpine), `brew install unixodbc` (macOS)",
        ) from None
    # A pooled connection would hold a database that is about to be restored or dropped.
    pyodbc.pooling = False
    return pyodbc


def find_driver(setting: str = "", installed: Sequence[str] | None = None) -> OdbcDriver:
    """The driver to use: the one that the setting names, else Microsoft's installed one, else the one in the wheel
    `mssql-python-odbc`, else FreeTDS.

    ``installed`` are the names the driver manager knows; asked for when not given. Raises :class:`DriverMissing`.
    """
    names = list(load_pyodbc().drivers()) if installed is None else list(installed)
    if setting:
        return _chosen(setting, names)
    for name in _MICROSOFT_NAMES:
        if name in names:
            return OdbcDriver(name, DriverFamily.MICROSOFT, "Microsoft's driver is installed on this machine")
    library = wheel_library()
    if library is not None:
        return OdbcDriver(
            str(library),
            DriverFamily.MICROSOFT,
            "no Microsoft driver is installed; the one in the mssql-python-odbc package is used",
        )
    for name in _FREETDS_NAMES:
        if name in names:
            return OdbcDriver(name, DriverFamily.FREETDS, "no Microsoft driver was found; FreeTDS is installed")
    raise DriverMissing(
        "there is no ODBC driver for SQL Server on this machine"
        + (f"; the driver manager knows {', '.join(sorted(names))}" if names else ""),
        next_step=_NEXT_STEP,
    )


def wheel_library(package_folder: Path | None = None) -> Path | None:
    """Microsoft's driver library inside the `mssql-python-odbc` package, for this platform; None without it."""
    folder = package_folder or _wheel_folder()
    pattern = _WHEEL_LIBRARIES.get(platform.system())
    if folder is None or pattern is None:
        return None
    machine = platform.machine().lower()
    architectures = next((names for names in _ARCHITECTURES if machine in names), frozenset({machine}))
    found = [path for path in (folder / "libs").rglob(pattern) if architectures & set(path.parts)]
    return min(found, key=_distance, default=None)


def _chosen(setting: str, names: Sequence[str]) -> OdbcDriver:
    family = DriverFamily.FREETDS if "tds" in Path(setting).name.lower() else DriverFamily.MICROSOFT
    if setting in names:
        return OdbcDriver(setting, family, "the setting odbc_driver names it")
    if ("/" in setting or "\\" in setting) and Path(setting).is_file():
        return OdbcDriver(setting, family, "the setting odbc_driver gives its path")
    raise DriverMissing(
        f"the ODBC driver {setting!r} is neither a registered driver nor a file",
        where="[sql_server] odbc_driver",
        next_step=f"registered here: {', '.join(sorted(names)) or 'none'}; leave the setting empty to choose by itself",
    )


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec(_WHEEL)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _distance(library: Path) -> tuple[int, str]:
    """How badly a library of the wheel fits this distribution: the wheel holds one for each family."""
    family = _distribution_family()
    return (0 if family in library.parts else 1, str(library))


def _distribution_family() -> str:
    if sys.platform != "linux":
        return ""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "debian_ubuntu"
    like = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}"
    for family, words in {"rhel": ("rhel", "fedora"), "suse": ("suse",), "alpine": ("alpine",)}.items():
        if any(word in like for word in words):
            return family
    return "debian_ubuntu"
