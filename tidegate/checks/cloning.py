"""CLONE: what cloning lost against the main instance, told apart from what the upgrade does later."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tidegate.checks.comparison import Comparison, Habits
from tidegate.checks.expected import Hop, clone_changes
from tidegate.checks.finding import Finding
from tidegate.checks.grading import Findings
from tidegate.observation.snapshot import version_of
from tidegate.observation.store import Snapshot


def compare_clone(main: Snapshot, clone: Snapshot, sanitised: Iterable[str] | None = None) -> list[Finding]:
    """Findings about what the clone does not show as the main instance does, and was not meant to change.

    ``sanitised`` names the statements of `knowledge/sanitise.toml` that acted; every one when left out. The two
    snapshots were taken minutes apart on different instances, so work done on the main instance meanwhile shows up
    here, too: its findings say what a rehearsal on this clone cannot speak about.
    """
    acted = None if sanitised is None else set(sanitised)
    changes = [
        change for change in clone_changes() if not change.statement or acted is None or change.statement in acted
    ]
    hop = Hop(changes, version_of(main), version_of(clone))
    findings = Findings(kind="clone", administrator=clone.administrator)
    Comparison(main, clone, hop, Habits(), findings).run()
    observers = [re.compile(rf"\b{re.escape(user)}\b") for user in clone.about["observers"]]
    return [finding for finding in findings.graded() if not any(user.search(finding.place) for user in observers)]
