"""What a crawl asks besides what links name: words to search for, and next pages where no link leads there."""

from __future__ import annotations

from collections.abc import Iterator


def searches(offered: frozenset[str]) -> Iterator[str]:
    """Queries for a word, where a list inside a resource can be searched: packages of a feed, by either route."""
    if "term" in offered:
        yield "term="
    if {"packageId", "partialMatch"} <= offered:
        yield "partialMatch=true&packageId="


def next_by_count(path: str, total: int, seen: int, paged: bool) -> str:
    """The next page by `skip` and `take`, for a server whose page has no `Page.Next` link."""
    if not paged or seen >= total or "take=" not in path:
        return ""
    bare, _, query = path.partition("?")
    kept = [part for part in query.split("&") if not part.lower().startswith("skip=")]
    return f"{bare}?{'&'.join([*kept, f'skip={seen}'])}"
