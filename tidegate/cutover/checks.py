"""The approved checks again, on the main instance itself: those that only look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Protocol

from tidegate.checks.comparison import compare
from tidegate.checks.finding import Finding
from tidegate.gate.policy import Policy
from tidegate.gate.waivers import Waiver, apply
from tidegate.observation.scope import SnapshotSource
from tidegate.observation.snapshot import take_snapshot
from tidegate.observation.store import Snapshot
from tidegate.octopus.client import Access, OctopusClient
from tidegate.rehearsal.instances import MainInstance
from tidegate.sqlserver.live import LiveDatabase

_ADMINISTRATOR: Final = "administrator"


class MainChecks(Protocol):
    """What is looked at before the upgrade, and again after it."""

    def before(self) -> None: ...

    def after(self) -> Sequence[str]:
        """A sentence for each finding that speaks against the upgraded main instance; empty when none does."""
        ...

    @property
    def covered(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SnapshotChecks:
    """Everything that the main instance shows its administrator, compared as in the rehearsal and judged by the policy
    and the waivers that were approved. It only reads: nothing is deployed, saved or tried on the main instance."""

    main: MainInstance
    folder: Path
    policy: Policy
    waivers: tuple[Waiver, ...]
    day: date
    report: Callable[[str], None]

    @property
    def covered(self) -> str:
        return "every resource, list, file, permission and route that an administrator sees, and the database"

    def before(self) -> None:
        """Two snapshots with nothing done in between: what differs between them, differs by itself."""
        for number in (1, 2):
            self._snapshot(f"main-before-{number}")

    def after(self) -> Sequence[str]:
        before = self._file("main-before-2")
        after = self._snapshot("main-after", like=before)
        return self.judge(compare(Snapshot(self._file("main-before-1")), Snapshot(before), after))

    def judge(self, findings: Sequence[Finding]) -> list[str]:
        """Those that block, and those that could not be looked at, waivers considered."""
        still_open = apply(self.waivers, findings, self.day).open
        return [
            one.sentence() for one in still_open if one.kind == "incomplete" or one.severity in self.policy.blocking
        ]

    def _snapshot(self, name: str, like: Path | None = None) -> Snapshot:
        with ExitStack() as stack:
            client = stack.enter_context(OctopusClient(self.main.url, self.main.api_key, access=Access.READ_ONLY))
            source = SnapshotSource(
                clients={_ADMINISTRATOR: client},
                administrator=_ADMINISTRATOR,
                database=stack.enter_context(LiveDatabase(self.main.database, self.main.master_key)),
                folders=self.main.folders,
                like=like,
            )
            # Whoever runs a killed cut-over again need not ask everything again while people wait.
            return take_snapshot(source, self._file(name), self.report, keep=self.folder / f"{name}.answers")

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite"
