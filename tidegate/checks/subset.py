"""CLONE for a subset of projects: what was taken over is compared, what was not is counted.

The test instance gave everything ids of its own, so the main instance's documents are read under the test instance's
ids, which are found by names. Only living documents of the kinds that an export carries are compared.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, cast

from tidegate.checks.comparison import Comparison
from tidegate.checks.expected import Hop, clone_changes, subset_changes
from tidegate.checks.finding import Finding
from tidegate.checks.grading import Findings
from tidegate.checks.habits import Habits
from tidegate.observation.documents import is_frozen
from tidegate.observation.places import space_of
from tidegate.observation.snapshot import version_of
from tidegate.observation.store import ITEM, LISTED, Seen, Snapshot, SnapshotWriter

#: Families whose documents are compared, where all their ids were taken over.
_FAMILIES: Final = frozenset(
    {
        *("projects/*", "channels/*", "deploymentprocesses/*", "runbooks/*", "runbookprocesses/*", "variables/*"),
        *("projectgroups/*", "environments/*", "lifecycles/*", "tenants/*", "tagsets/*", "libraryvariablesets/*"),
        *("actiontemplates/*", "accounts/*", "certificates/*", "feeds/*", "releases/*", "git-credentials/*"),
    }
)
#: Kinds whose names hold within their project.
_OWNED: Final = frozenset({"Channels", "Runbooks", "Releases", "RunbookSnapshots"})
#: What every instance has of its own under these names, whatever was imported.
_OWN: Final = frozenset({("Lifecycles", "Default Lifecycle"), ("ProjectGroups", "Default Project Group")})
_ID: Final = re.compile(r"\b([A-Z][A-Za-z]+-\d+)\b")
_NAMED: Final = 8
_NEVER: Final = "an export of projects never carries them"
#: What is no document of a space, and so is not counted.
SETTINGS_LEFT: Final = f"the settings of the server itself (sign-in, mail, licence, features): {_NEVER}"

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing of `knowledge/subset.toml`."""

    ids: str
    list: str
    called: str
    taken: bool
    own: bool  # whether every instance has some of its own


@dataclass(frozen=True, slots=True)
class Left:
    """What of one kind the subset does not contain. ``names`` are a few of them, where they have names."""

    called: str
    number: int
    of: int
    taken: bool  # whether things of this kind go along at all
    names: tuple[str, ...] = ()

    def sentence(self) -> str:
        """`21 of 27 projects (Back office, …): not in the subset`"""
        named = f" ({', '.join(self.names)}{', …' if self.number > len(self.names) else ''})" if self.names else ""
        why = "not in the subset" if self.taken else _NEVER
        return f"{self.number} of {self.of} {self.called}{named}: {why}"


@dataclass(frozen=True, slots=True)
class SubsetComparison:
    """How like the main instance the subset is, and how much of it is missing."""

    findings: tuple[Finding, ...]
    compared: int  # documents
    projects: tuple[str, ...]  # what was taken over, by name
    left: tuple[Left, ...]


@cache
def kinds() -> tuple[Kind, ...]:
    """What an export carries and leaves behind: the knowledge that ships with Tidegate."""
    text = resources.files("tidegate.knowledge").joinpath("subset.toml").read_text(encoding="utf-8")
    return tuple(
        Kind(row["ids"], row["list"], row["called"], bool(row.get("taken")), bool(row.get("own")))
        for row in tomllib.loads(text)["kind"]
    )


def compare_subset(main: Snapshot, subset: Snapshot, chosen: Iterable[str], folder: Path) -> SubsetComparison:
    """Findings about what was taken over and is not as on the main instance, and what was not taken over.

    ``chosen`` are the names of the projects that had to come. Two further snapshot files are written into ``folder``:
    what was compared of either instance.
    """
    here, there = _Known(main), _Known(subset)
    names = {one: there.ids[key] for key, one in here.ids.items() if key in there.ids}
    wanted = {one for key, one in here.ids.items() if key[0] == "Projects" and _asked_for(key, set(chosen))}
    taken = set(names) | wanted
    own = {one for key, one in here.ids.items() if (key[0], key[-1]) in _OWN}
    spaces = {one: other for one, name in here.spaces.items() for other, same in there.spaces.items() if name == same}
    rows = [_renamed(row, {**names, **spaces}) for row in _comparable(main, taken - own)]
    places = {row.place for row in rows}
    before = _written(folder / "main-subset.sqlite", main, rows)
    after = _written(folder / "subset.sqlite", subset, [row for row in _items(subset) if row.place in places])
    findings = Findings(kind="clone", administrator=subset.administrator)
    hop = Hop([*clone_changes(), *subset_changes()], version_of(main), version_of(subset))
    Comparison(before, after, hop, Habits(), findings).run()
    projects = sorted(key[-1] for key, one in here.ids.items() if key[0] == "Projects" and one in names)
    left = tuple(_left(main, here, set(names), subset))
    return SubsetComparison(tuple(findings.graded()), len(rows), tuple(projects), left)


class _Known:
    """The ids of a snapshot's documents by what they are called, and the other way round."""

    def __init__(self, snapshot: Snapshot) -> None:
        documents: dict[str, tuple[str, Mapping[str, Any]]] = {}
        condition = "user = ? AND status = 200 AND (form = ? OR form LIKE ?)"
        prefixes = {kind.ids for kind in kinds() if kind.taken}
        for row in snapshot.rows(condition, (snapshot.administrator, ITEM, f"{LISTED}%")):
            document_id = row.place.rpartition("/")[2]
            kind = document_id.partition("-")[0] if _ID.fullmatch(document_id) else ""
            if document_id in documents or kind not in prefixes or not row.body:
                continue
            body = row.json
            if isinstance(body, dict) and cast("dict[str, Any]", body).get("Id") == document_id:
                documents[document_id] = (space_of(row.place), cast("dict[str, Any]", body))
        self.spaces = _space_names(snapshot)
        self.ids: dict[Key, str] = {}
        for document_id, (space, body) in documents.items():
            key = _key(document_id, self.spaces.get(space, ""), body, documents)
            if key is not None:
                self.ids[key] = document_id
        self.names = {one: key[-1] for key, one in self.ids.items()}


def _key(
    document_id: str, space: str, body: Mapping[str, Any], documents: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> Key | None:
    kind = document_id.partition("-")[0]
    name = str(body.get("Version") if kind == "Releases" else body.get("Name"))
    if kind == "Feeds" and body.get("FeedType") == "BuiltIn":
        return None
    if kind not in _OWNED:
        return kind, space, name
    project = documents.get(str(body.get("ProjectId")))
    runbook = documents.get(str(body.get("RunbookId")))
    within = tuple(str(owner[1].get("Name")) for owner in (project, runbook) if owner)
    return (kind, space, *within, name) if project else None


def _asked_for(key: Key, chosen: set[str]) -> bool:
    _, space, name = key
    return (f"{space}/{name}" if space else name) in chosen


def _space_names(snapshot: Snapshot) -> dict[str, str]:
    """Names of the spaces by id; the default space, which places leave out, has none."""
    found: dict[str, str] = {}
    for row in snapshot.rows("user = ? AND family = ? AND status = 200", (snapshot.administrator, "spaces/*")):
        body = row.json
        if isinstance(body, dict) and "Name" in body and not cast("dict[str, Any]", body).get("IsDefault"):
            found[row.place.rpartition("/")[2]] = str(cast("dict[str, Any]", body)["Name"])
    return found


def _items(snapshot: Snapshot) -> Iterator[Seen]:
    return snapshot.rows("user = ? AND form = ?", (snapshot.administrator, ITEM))


def _comparable(snapshot: Snapshot, taken: set[str]) -> Iterator[Seen]:
    """Living documents whose ids are all of what was taken over; frozen copies follow their releases."""
    for row in _items(snapshot):
        ids = set(_ID.findall(row.place)) - {space_of(row.place)}
        if row.family in _FAMILIES and ids and ids <= taken and not is_frozen(row.place):
            yield row


def _renamed(row: Seen, names: Mapping[str, str]) -> Seen:
    def own(match: re.Match[str]) -> str:
        return names.get(match[1], match[1])

    text = _connected(row.body, names) if row.family == "tenants/*" and row.body else row.body
    return replace(row, place=_ID.sub(own, row.place), body=_ID.sub(own, text) if text else text)


def _connected(body: str, taken: Mapping[str, str]) -> str:
    """A tenant without its connections to projects that were left behind, which an export leaves out."""
    tenant = cast("dict[str, Any]", json.loads(body))
    connections = cast("dict[str, Any]", tenant.get("ProjectEnvironments") or {})
    tenant["ProjectEnvironments"] = {project: places for project, places in connections.items() if project in taken}
    return json.dumps(tenant)


def _written(file: Path, like: Snapshot, rows: Iterable[Seen]) -> Snapshot:
    with SnapshotWriter(file) as writer:
        for row in rows:
            writer.saw(row)
        # What the other side did not show was not left out by chance: the places are those that must be there.
        writer.about({**like.about, "like": False})
    return Snapshot(file)


def _left(main: Snapshot, here: _Known, taken: set[str], subset: Snapshot) -> Iterator[Left]:
    totals, reached = _totals(main), _totals(subset)
    known = Counter(key[0] for key in here.ids)
    for kind in kinds():
        total = totals[kind.list]
        if kind.taken and known[kind.ids] >= total:
            total = known[kind.ids]
            missing = sorted(
                here.names[one] for one in here.names if one.startswith(f"{kind.ids}-") and one not in taken
            )
            number = len(missing)
        else:  # seen in part only: counted, not named
            missing = []
            number = max(0, total - (reached[kind.list] if kind.taken or kind.own else 0))
        if number:
            names = missing[:_NAMED] if kind.ids not in {"Releases", "Channels"} else []
            yield Left(kind.called, number, total, kind.taken, tuple(names))


def _totals(snapshot: Snapshot) -> Counter[str]:
    """How many things each collection has, over all spaces."""
    found: Counter[str] = Counter()
    for (user, place), (number, _) in snapshot.counts().items():
        space = space_of(place)
        if user == snapshot.administrator:
            found[place.removeprefix(f"{space}/") if space else place] += number
    return found


def as_json(comparison: SubsetComparison) -> dict[str, Any]:
    """What the evidence keeps of it, besides the findings."""
    left = [{"called": one.called, "number": one.number, "of": one.of} for one in comparison.left]
    return {"projects": list(comparison.projects), "compared": comparison.compared, "left": left}
