"""What one user asks an instance for: each thing once, in the way its route wants, and never what must not be asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tidegate.observation.fetching import Fetcher, Job, Pages
from tidegate.observation.places import expand, family_of, place_of, variables
from tidegate.observation.routes import RouteKnowledge
from tidegate.observation.scope import SnapshotScope
from tidegate.observation.store import FILE, ITEM, RECORDED, Sampled

#: What a deployment of a release to an environment would do, as releases link to it.
PREVIEWS: Final = "previews of deployments"


@dataclass(slots=True)
class Collection:
    """A collection of the instance: its link, and the ids it was seen to hold."""

    place: str
    family: str
    template: str
    ids: dict[str, str] = field(default_factory=dict[str, str])  # id → path of the item


class Asking:
    """One user's requests. ``asked`` and ``families`` are what was asked for so far."""

    def __init__(
        self,
        user: str,
        fetcher: Fetcher,
        knowledge: RouteKnowledge,
        scope: SnapshotScope,
        *,
        default_space: str,
        spaces: bool,
    ) -> None:
        self.user = user
        self.collections: dict[str, Collection] = {}
        self.asked: set[tuple[str, str]] = set()
        self.families: set[str] = set()
        self._fetcher = fetcher
        self._knowledge = knowledge
        self._scope = scope
        self._default_space = default_space
        self._spaces = spaces
        self._found: defaultdict[str, dict[str, Job]] = defaultdict(dict)  # by kind and place; a sample is asked for

    def explore_root(self, links: Mapping[str, str]) -> None:
        """Follow every link of a root document: the server's or a space's."""
        for name, template in links.items():
            path = expand(template) if template.startswith("/api") and self._knowledge.followed(name) else None
            if path is not None and name != "Self":
                self.ask_list(path, template)

    def ask_list(self, path: str, template: str) -> None:
        """Ask for a collection (or whatever single document the path of a root link leads to)."""
        place = place_of(path, self._default_space)
        family = family_of(place)
        full = self._with_query(path, template, family)
        if "{/id}" in template or "take" in variables(template):
            self.collections.setdefault(place, Collection(place, family, template))
        history = self._knowledge.is_history(family)
        bound = self._scope.history_listed if history else 0
        self.ask(Job(self.user, full, place, family, ITEM, pages=Pages(root=True, ids=[], bound=bound)))

    def _with_query(self, path: str, template: str, family: str) -> str:
        """The path with the size of a page and, where a route mixes spaces, with all of them."""
        query: list[str] = []
        if self._spaces and family in self._knowledge.queries:
            query.append(self._knowledge.queries[family])
        if "take" in variables(template):
            query.append(f"take={self._scope.page}")
        return f"{path}{'&' if '?' in path else '?'}{'&'.join(query)}" if query else path

    def ask(self, job: Job) -> None:
        """Queue a request unless its answer is known already or must never be asked for."""
        key = (job.place, job.form)
        if key in self.asked or not self._knowledge.allowed(job.place):
            return
        self.asked.add(key)
        self.families.add(job.family)
        self._fetcher.add(job)

    def ask_path(self, path: str, *, follow: bool = True, form: str = ITEM) -> None:
        place = place_of(path, self._default_space)
        family = family_of(place)
        if self._spaces and family in self._knowledge.queries and "?" not in path:
            path = f"{path}?{self._knowledge.queries[family]}"
        self.ask(Job(self.user, path, place, family, form, follow=follow))

    def ask_recorded(self, path: str) -> str:
        """Ask for what recorded traffic asked for, the way it did; the place it leads to, "" when it is not asked."""
        place = place_of(path, self._default_space)
        if not self._knowledge.may_be_replayed(place):
            return ""
        self.ask(Job(self.user, path, place, family_of(place), RECORDED, follow=False))
        return place

    def found_file(self, path: str) -> None:
        """A file whose digest is to be asked for, if it belongs to the sample of its kind."""
        place = place_of(path, self._default_space)
        family = family_of(place)
        self._found[family].setdefault(place, Job(self.user, path, place, family, FILE, file=True, follow=False))

    def found_preview(self, path: str) -> None:
        """A preview that is to be asked for, if it belongs to the sample of them."""
        place = place_of(path, self._default_space)
        self._found[PREVIEWS].setdefault(place, Job(self.user, path, place, family_of(place), ITEM, follow=False))

    def ask_found(self) -> Iterator[Sampled]:
        """Ask for files and previews: all of a kind, or a sample, the same each time; the samples of what was more."""
        for kind, jobs in self._found.items():
            chosen = self._scope.sample(jobs, self._scope.previews if kind == PREVIEWS else self._scope.files)
            for place in chosen:
                self.ask(jobs[place])
            if len(chosen) < len(jobs):
                yield Sampled(kind, len(jobs), len(chosen), "of what is large or slow to make, a sample is read")
        self._found.clear()
