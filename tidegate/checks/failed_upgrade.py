"""An upgrade that failed, told as a finding: which script or step, from which version, with which words."""

from __future__ import annotations

import re
from typing import Final

from tidegate.checks.finding import Finding, Severity
from tidegate.errors import UpgradeFailed
from tidegate.versions import Hop

#: What the schema upgrade logs in front of each script (DbUp; Octopus's wording differs between versions).
_SCRIPT: Final = re.compile(r"Executing (?:SQL Server|Database Server) script '([^']+)'")
_SERVER_ENDED: Final = re.compile(r"^(?:the|The) Octopus Server ended|^waited ", re.MULTILINE)
#: Lines that say what went wrong, the most telling kind first.
_TELLING: Final = (re.compile(r"\w*(?:Error|Exception): .*"), re.compile(r"\bFATAL\b.*"), re.compile(r"- FAIL: .*"))


def failed_upgrade(error: UpgradeFailed, hop: Hop) -> Finding:
    """A breaking finding of the check START when the upgraded server does not start, of UPGRADE for anything else."""
    scripts = _SCRIPT.findall(error.what)
    if _SERVER_ENDED.search(error.what):
        check, place = "START", f"start of {hop.target}"
        consequence = "the upgraded server does not come up: nobody can deploy until the main instance is rolled back"
    else:
        check, place = "UPGRADE", f"schema script {scripts[-1]}" if scripts else f"upgrade to {hop.target}"
        consequence = "the main instance would stay down until its backup is restored or the cause is mended"
    return Finding(
        check=check,
        severity=Severity.BREAKING,
        place=place,
        before=str(hop.origin),
        after=_telling(error.what),
        consequence=consequence,
    )


def _telling(text: str) -> str:
    for pattern in _TELLING:
        match = pattern.search(text)
        if match:
            return match[0].strip()[:500]
    return text.splitlines()[0][:500]
