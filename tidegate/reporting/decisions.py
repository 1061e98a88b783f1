"""What people decided about a run, as the page shows it: from `approval.json`, each signature checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tidegate.gate.approval import APPROVAL, Approval, load_approval
from tidegate.gate.signing import signed_by
from tidegate.gate.verdict import Verdict
from tidegate.reporting.board.material import Decision


def decisions_about(folder: Path, verdict: Verdict) -> tuple[Decision, ...]:
    """The decisions in the run folder; what is wrong with one stands in place of its moment. Whether a key is that of
    the named person is for `tidegate approval verify` to say, which knows whom the settings trust."""
    file = folder / APPROVAL
    if not file.is_file():
        return ()
    try:
        approval = load_approval(file)
    except ValueError as error:
        return (Decision(APPROVAL, "cannot be read", str(error), "–"),)
    return tuple(_shown(approval, verdict))


def _shown(approval: Approval, verdict: Verdict) -> Iterator[Decision]:
    about_this = approval.statement.evidence_sha256 == verdict.evidence_sha256
    for number, one in enumerate(approval.decisions):
        signed = f"{one.at:%Y-%m-%d %H:%M} UTC"
        if not about_this:
            signed = "about other evidence: does not count"
        elif not signed_by(one.key, one.signature, approval.signed_content(number)):
            signed = "the signature does not fit: does not count"
        yield Decision(one.approver, one.choice.value, one.comment, signed)
