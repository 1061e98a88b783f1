"""ART: old logs, artifacts, packages and images can be downloaded again, whole and in time."""

from __future__ import annotations

from tidegate.checks.finding import Severity
from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.observation.files import FileDigest
from tidegate.observation.store import FILE, Seen, Snapshot


def check_downloads(context: LiveContext, before: Snapshot, *, most: int = 25, within: float = 2.0) -> LiveResult:
    """Download files that the snapshot before the upgrade knew, after background work has ended.

    Some versions hide old logs until a migration in the background is done (OctopusDeploy/Issues#7662), or take minutes
    for an artifact (#7666).
    """

    def body(notes: Notes) -> None:
        files = [
            seen for seen in before.rows("form = ? AND user = ?", (FILE, before.administrator)) if seen.status == 200
        ]
        by_family: dict[str, list[Seen]] = {}
        for seen in files:
            by_family.setdefault(seen.family, []).append(seen)
        for family, of_family in sorted(by_family.items()):
            for seen in of_family[:most]:
                _download(context, notes, seen, within)
            notes.covered.append(f"{family}: {min(most, len(of_family))} of {len(of_family)}")

    return run_check("ART", context, body)


def _download(context: LiveContext, notes: Notes, seen: Seen, within: float) -> None:
    file = FileDigest(seen.family)
    answer = context.client.download(seen.path, file.take)
    digest = file.finish()
    if not answer.ok:
        notes.find(seen.place, "an old file cannot be downloaded any more", before=200, after=answer.status)
    elif digest != seen.digest:
        notes.find(
            seen.place, "an old file's content is not what it was",
            before=f"{seen.size} bytes, digest {seen.digest[:12]}", after=f"{file.size} bytes, digest {digest[:12]}",
        )  # fmt: skip
    elif _slower(seen, answer.seconds, within) and _slower(seen, _again(context, seen), within):
        notes.find(
            seen.place, "people wait long for this file", before=f"{seen.seconds:.1f} s",
            after=f"{answer.seconds:.1f} s", severity=Severity.DEGRADED,
        )  # fmt: skip


def _slower(seen: Seen, seconds: float, within: float) -> bool:
    return seconds > seen.seconds + within and seconds > seen.seconds * 4


def _again(context: LiveContext, seen: Seen) -> float:
    """Seconds of a second attempt: the first one may have met a busy machine."""
    return context.client.download(seen.path, lambda _: None).seconds
