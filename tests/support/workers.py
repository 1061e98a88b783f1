"""Which tests pytest-xdist keeps together (`scripts/test`, or `pytest -n 3 tests/`): those that share what is dear.

pytest-xdist's own ways do not fit: `--dist loadgroup` is ignored by pytest 9.2
(https://github.com/pytest-dev/pytest-xdist/issues/1386), `--dist loadfile` would run one journey after another on one
worker while the others have nothing left to do.
"""

from __future__ import annotations

import re
from typing import Any, Final, final

import pytest

#: Whole rehearsals in containers wait for each other on one worker. They begin first, and are done when others end.
REHEARSALS_IN_CONTAINERS: Final = (
    "tests/containers/test_keeping.py",
    "tests/containers/test_rehearsal.py",
    "tests/containers/test_subset.py",
)

#: Folders that stay on one worker: the tests share an engine's images, or one database that goes through all releases.
ONE_WORKER: Final = ("tests/containers/", "tests/wire/octopus/versions/")

#: What is dear there exists once a version, which is part of the tests' ids.
ONE_WORKER_A_VERSION: Final = ("tests/wire/octopus/api/",)
_VERSION: Final = re.compile(r"\[(\d+\.\d+\.\d+)")

#: Each of these tests takes long and shares nothing with the others of its file.
APART: Final = (
    "tests/journeys/test_bad_input.py",
    "tests/journeys/test_interruptions.py",
    "tests/journeys/test_keeping.py",
    "tests/journeys/test_seeded_regressions.py",
    "tests/journeys/test_selections.py",
)


def kept_together(nodeid: str) -> str:
    """A name that all tests have in common that one worker must run; else each file stays together."""
    if nodeid.startswith(REHEARSALS_IN_CONTAINERS):
        return "rehearsals in containers"
    for folder in ONE_WORKER:
        if nodeid.startswith(folder):
            return folder
    for place in ONE_WORKER_A_VERSION:
        if nodeid.startswith(place) and (version := _VERSION.search(nodeid)):
            return f"{place} {version[1]}"
    if nodeid.startswith(APART):
        return nodeid
    return nodeid.split("::", 1)[0]


def comes_late(nodeid: str) -> bool:
    """Workers end at about the same time if what they get at the end is small: unit tests."""
    return nodeid.startswith("tests/unit/")


def scheduler(config: pytest.Config, log: Any) -> Any:
    """For the hook `pytest_xdist_make_scheduler`."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415, the hook is only called where it is installed

    class SideBySide(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return kept_together(nodeid)

    config.option.loadscopereorder = False  # it would keep single long tests for the end
    return SideBySide(config, log)


@final
class Told:
    """On the controller: names what failed at once, and what was running when the run was broken off."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal
        self._running: list[str] = []

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._running.append(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._running.remove(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._tell(f"FAILED {report.nodeid} ({report.when}, {report.duration:.0f} s)")

    def pytest_keyboard_interrupt(self) -> None:
        for nodeid in self._running:
            self._tell(f"WAS RUNNING {nodeid}")

    def _tell(self, line: str) -> None:
        self._terminal.write_line(f"\n{line}", red=True)  # after the dots
