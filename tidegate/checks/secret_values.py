"""DIFF: every secret is still the one that people typed in, wherever a release keeps it now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from tidegate.checks.finding import Finding, Severity
from tidegate.observation.store import Snapshot

HELD: Final = "secret "
DOCUMENTS: Final = "documents of "
EXAMPLES: Final = 5


def compare_secrets(before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    """What the database holds encrypted, by digests: the API only tells that there is a value (`HasValue`).

    A secret that is kept elsewhere, or encrypted anew, is the same one.
    """
    had, has = before.facts(), after.facts()
    if not any(place.startswith(DOCUMENTS) for place in had) or not has:
        return
    there = {digest for place, digest in has.items() if place.startswith(HELD)}
    lost: defaultdict[str, list[str]] = defaultdict(list)
    for place, digest in had.items():
        if place.startswith(HELD) and digest and digest not in there:
            lost[place.split()[1]].append(place)
    for table, places in lost.items():
        emptied = had.get(f"{DOCUMENTS}{table}", "0") != "0" == has.get(f"{DOCUMENTS}{table}", "0")
        yield _not_readable(table, len(places)) if emptied else _lost(table, places, has)


def _lost(table: str, places: list[str], has: dict[str, str]) -> Finding:
    examples = ", ".join(place.removeprefix(f"{HELD}{table} ") for place in places[:EXAMPLES])
    more = f" and {len(places) - EXAMPLES} more" if len(places) > EXAMPLES else ""
    now = {"gone" if place not in has else "another value" if has[place] else "cannot be decrypted" for place in places}
    return Finding(
        check="DIFF", severity=Severity.BREAKING,
        place=f"secrets of {table}: {examples}{more}",
        before="as people typed them in", after=", ".join(sorted(now)),
        consequence="what needs them fails or acts with wrong ones, though the server says that they are there",
    )  # fmt: skip


def _not_readable(table: str, number: int) -> Finding:
    return Finding(
        check="DIFF", severity=Severity.INFO, place=f"secrets of {table}", before=f"{number} known by digests",
        after="the table has no JSON documents any more",
        consequence="whether these secrets are still the same is only known from what deployments do with them",
    )  # fmt: skip
