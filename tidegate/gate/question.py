"""What is asked about an approval: who is trusted, what is about to be done, and what was read just now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.errors import HarnessError
from tidegate.gate.policy import Policy
from tidegate.rehearsal.main_now import MainNow


@dataclass(frozen=True, slots=True)
class Trusted:
    """Somebody whose signature counts. ``logins`` are the names under which they may have run a rehearsal."""

    name: str
    key: str
    logins: tuple[str, ...] = ()

    def ran(self, rehearsed_by: str) -> bool:
        return rehearsed_by.casefold() in {self.name.casefold(), *(login.casefold() for login in self.logins)}


@dataclass(frozen=True, slots=True)
class EvidenceNow:
    """A run folder, verified and judged again."""

    head: str
    verdict_sha256: str
    seal_sha256: str
    run_signed_by: str
    damage: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the pipeline is about to do and read; None for what it does not compare.

    ``plan`` is a plan as evidence records it, ``installers`` the digest of each version that is ready to be installed.
    ``without_database`` says that leaving the schema out is meant; with ``runners``, only runs signed with one of these
    keys count.
    """

    now: datetime
    main: MainNow | HarnessError
    trusted: tuple[Trusted, ...]
    policy: Policy | None = None
    plan: Mapping[str, Any] | None = None
    installers: Mapping[str, str] | HarnessError | None = None
    evidence: EvidenceNow | None = None
    without_database: bool = False
    runners: tuple[str, ...] = ()
