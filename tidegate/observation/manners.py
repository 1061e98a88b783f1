"""How an instance treats who asks for what is not there or not theirs, route by route; and its pages, one by one.

Each is asked before and after an upgrade, and only an answer that changed counts. None has a side effect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tidegate.observation.documents import id_of, list_shape, property_of
from tidegate.observation.fetching import Fetched, Job, Pages
from tidegate.observation.probes import PLACE
from tidegate.observation.store import ITEM, Seen
from tidegate.octopus.client import Answer

#: The name of who gives no credentials, among the clients of a snapshot.
NOBODY: Final = "nobody"

_NUMBER: Final = re.compile(r"\d+$")


@dataclass(frozen=True, slots=True)
class Shown:
    """A place that the administrator was shown; one of each family is enough to try manners on."""

    place: str
    path: str


def for_nobody(shown: Mapping[str, Shown]) -> Iterator[Job]:
    """One place of each family, asked for without credentials."""
    for family, one in shown.items():
        yield Job(NOBODY, one.path, f"{PLACE} {family or '/api'} without credentials", PLACE, ITEM, manner=True)


def for_unknown(user: str, collection: str, path: str, ids: Iterable[str]) -> Iterator[Job]:
    """An item of a collection that nobody ever made, with an id as the collection's own are written."""
    known = next((one for one in sorted(ids) if _NUMBER.search(one)), "")
    if known:
        unknown = _NUMBER.sub("99999999", known)
        place = f"{PLACE} an unknown one of {collection}"
        yield Job(user, f"{path.partition('?')[0]}/{unknown}", place, PLACE, ITEM, manner=True)


def for_pages(user: str, collection: str, path: str, ids: Sequence[str]) -> Iterator[Job]:
    """Two entries from the middle of a collection: they have to be the same ones as in the whole list, and to lead on
    to the rest of it, which a page of everything does not."""
    if len(ids) >= PAGED:
        part = f"{path}{'&' if '?' in path else '?'}skip=1&take=2"
        expected = Pages(root=True, ids=list(ids[1:3]))
        yield Job(user, part, f"{PLACE} a page of {collection}", PLACE, ITEM, pages=expected, manner=True)


#: Entries that a collection needs so that a page can lie inside it.
PAGED: Final = 4


def manner_of(fetched: Fetched) -> Seen:
    """What came of it, reduced to what clients test."""
    job, answer = fetched.job, fetched.answer
    if answer is None:
        return Seen(job.user, job.place, job.form, job.family, job.path, 0, body=fetched.trouble)
    told = _told(answer, fetched.json, job.pages)
    return Seen(job.user, job.place, job.form, job.family, job.path, 200, body=json.dumps(told))


def _told(answer: Answer, body: Any, expected: Pages | None) -> dict[str, Any]:
    if not answer.ok:
        return {"Status": answer.status, "HasErrorMessage": bool(property_of(body, "ErrorMessage"))}
    told: dict[str, Any] = {"Status": answer.status}
    shape = list_shape(body)
    if expected is not None:
        shown = [id_of(item) for item in shape.items] if shape is not None else []
        told["ShowsItsPart"] = shown == expected.ids
        told["LeadsOn"] = shape is not None and bool(shape.next_page)
    return told
