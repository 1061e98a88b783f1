"""This machine: Python, the ODBC driver, Docker where it is needed, and what makes reports."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from tidegate import __version__
from tidegate.doctor.examined import Examined, bad, good, of_error, optional, unknown
from tidegate.errors import TidegateError
from tidegate.providers.looks import Look, looks_at_provider
from tidegate.reporting.allure_report import AllureUnavailable, find_allure
from tidegate.reporting.documents import PdfUnavailable, to_pdf
from tidegate.settings import Settings
from tidegate.sqlserver.driver import find_driver

_OLDEST_PYTHON: Final = (3, 11)


def examine_machine(settings: Settings) -> Iterator[Examined]:
    """What a rehearsal by these settings needs of this machine."""
    yield _python(sys.version_info[:2])
    yield _driver(settings.sql_server.odbc_driver)
    yield from examine_looks(looks_at_provider(settings))
    yield _allure()
    if settings.reports.pdf:
        yield _pdf()


def _python(version: tuple[int, ...]) -> Examined:
    told = f"Tidegate {__version__} on Python {platform.python_version()}, {platform.platform()}"
    if version < _OLDEST_PYTHON:
        return bad("Python", told, f"install Python {'.'.join(map(str, _OLDEST_PYTHON))} or newer")
    return good("Python", told)


def _driver(setting: str) -> Examined:
    try:
        driver = find_driver(setting)
    except TidegateError as error:
        return of_error("ODBC driver", error)
    return good("ODBC driver", f"{driver.name}: {driver.reason}")


def examine_looks(looks: Iterable[Look]) -> Iterator[Examined]:
    """Each look rests on those before it: after the first that is bad, nothing is known about the others."""
    seen_through = True
    for name, look in looks:
        if not seen_through:
            yield unknown(name, "not looked at, because something before it is bad")
            continue
        try:
            yield good(name, look())
        except TidegateError as error:
            seen_through = False
            yield of_error(name, error)


def _allure() -> Examined:
    try:
        found = find_allure()
    except AllureUnavailable as error:
        return optional("Allure", f"{error.what}; its results can be read elsewhere", error.next_step)
    return good("Allure", f"{found.version}: {found.command}")


def _pdf() -> Examined:
    try:
        size = len(to_pdf("<!DOCTYPE html><html lang='en'><title>-</title><body>-</body></html>"))
    except PdfUnavailable as error:
        told, _, install = str(error).partition("): ")
        return optional("PDF", f"{told}); the page is made as HTML", install)
    return good("PDF", f"WeasyPrint lays out a page ({size} bytes)")
