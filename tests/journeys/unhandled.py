"""A pytest plugin for `pytest features/faults`: for each fault it takes away what handles it, and tells where the
scenario fails then.

The handling is there again before the next scenario leads the instance back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

import httpx
import pytest
from pytest_bdd.parser import Step

import tidegate.providers.embedded
import tidegate.rehearsal.aftermath
import tidegate.rehearsal.upgrade
from tidegate.errors import HarnessError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.contract import CommandResult, TestHost
from tidegate.rehearsal.aftermath import Aftermath, Condition
from tidegate.rehearsal.rollback import Way
from tidegate.versions import Version

#: Names the file that the result is written to.
RESULT: Final = "TIDEGATE_UNHANDLED_RESULT"
_WORDS: Final = "it is upgraded, and "

Without = Callable[[pytest.MonkeyPatch], None]


def _nothing(*_: Any, **__: Any) -> None:
    """In place of what looks or judges."""


def _no_judgement(patch: pytest.MonkeyPatch) -> None:
    """What the command and the start of the server said is not read."""
    patch.setattr(tidegate.rehearsal.upgrade, "judge_command", _nothing)

    def unread(*_: Any, **__: Any) -> str:
        raise HarnessError("something went wrong")

    patch.setattr(tidegate.providers.embedded, "wait_until_up", unread)


def _no_comparison(patch: pytest.MonkeyPatch) -> None:
    """A database in which an upgrade broke off is taken for what it was."""

    def as_before(*_: Any) -> Aftermath:
        return Aftermath(Condition.AS_BEFORE, Way.SHORT)

    patch.setattr(tidegate.rehearsal.aftermath, "judge_aftermath", as_before)


def _no_budget(patch: pytest.MonkeyPatch) -> None:
    """Nobody says that an upgrade took too long; a limit there must be, or this would never end."""

    def run(host: TestHost, limit: float, _log: Path) -> CommandResult:
        return host.upgrade_database(timeout=limit)

    patch.setattr(tidegate.rehearsal.upgrade, "_run_upgrade", run)


def _no_look(name: str) -> Without:
    def without(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(tidegate.rehearsal.upgrade, name, _nothing)

    return without


def _no_checksum(patch: pytest.MonkeyPatch) -> None:
    """Whatever comes is installed, as far as it came."""

    def installer(feed: DownloadFeed, version: Version, folder: Path) -> Path:
        target = folder / f"Octopus.{version}-x64.tar.gz"
        folder.mkdir(parents=True, exist_ok=True)
        with httpx.stream("GET", f"{feed.url}/octopus/{target.name}") as response, target.open("wb") as file:
            try:
                for chunk in response.iter_bytes():
                    file.write(chunk)
            except httpx.HTTPError:
                file.flush()
        return target

    patch.setattr(DownloadFeed, "installer", installer)


#: Each fault, in the words of the features, and what it is without its handling.
WITHOUT: Final[Mapping[str, Without]] = {
    "a schema script fails": _no_judgement,
    "the server is killed in the middle of a script": _no_judgement,
    "the server is killed between two scripts": _no_judgement,
    "the server is killed before the views are refreshed": _no_comparison,
    "the upgrade hangs": _no_budget,
    "the upgraded server does not start": _no_judgement,
    "SQL Server is killed": _no_look("assert_database_answers"),
    "the disk of SQL Server is full": _no_judgement,
    "the download breaks off": _no_checksum,
    "the download was tampered with": _no_checksum,
    "the licence does not cover the new version": _no_judgement,
    "SQL Server is too old": _no_look("assert_sql_server_suffices"),
    "the master key is another instance's": _no_judgement,
    "another node still runs": _no_look("assert_nobody_works"),
}


class _Unhandled:
    def __init__(self) -> None:
        self._patch = pytest.MonkeyPatch()
        self._mishap = ""
        self._failed: dict[str, str] = {}

    def pytest_bdd_before_step(self: Self, step: Step) -> None:
        if step.name.startswith(_WORDS):
            self._mishap = step.name.removeprefix(_WORDS)
            self._failed[self._mishap] = ""
            WITHOUT[self._mishap](self._patch)

    def pytest_bdd_step_error(self: Self, step: Step) -> None:
        self._failed[self._mishap] = f"{step.type}: {step.name}"

    def pytest_bdd_after_scenario(self: Self) -> None:
        self._patch.undo()
        self._mishap = ""

    def pytest_sessionfinish(self: Self) -> None:
        Path(os.environ[RESULT]).write_text(json.dumps(self._failed), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Unhandled())
