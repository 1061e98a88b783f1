"""Exploring an instance by following its links, as one user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from tidegate.json_text import written
from tidegate.observation.asking import Asking, Collection
from tidegate.observation.documents import (
    id_of,
    is_frozen,
    links_of,
    list_shape,
    nested_links,
    property_of,
    safe,
)
from tidegate.observation.fetching import Fetched, Fetcher, Job, Pages
from tidegate.observation.manners import Shown, for_nobody, for_pages, for_unknown, manner_of
from tidegate.observation.places import expand, family_of, place_of, space_of, variables
from tidegate.observation.queries import next_by_count, searches
from tidegate.observation.routes import RouteKnowledge
from tidegate.observation.scope import SnapshotScope
from tidegate.observation.store import FILE, ITEM, LIST, LISTED, RECORDED, UNSCOPED, Sampled, Seen, SnapshotWriter


class Crawler(Asking):
    """One user's way through an instance. Answers are handed in by the caller, in any order."""

    def __init__(
        self,
        user: str,
        fetcher: Fetcher,
        writer: SnapshotWriter,
        knowledge: RouteKnowledge,
        scope: SnapshotScope,
        *,
        default_space: str,
        spaces: bool,
        everything: bool,
    ) -> None:
        super().__init__(user, fetcher, knowledge, scope, default_space=default_space, spaces=spaces)
        self.shown: dict[str, Shown] = {}  # one place of each family, the same one in every snapshot
        self._writer = writer
        self._everything = everything

    # --- what came ---------------------------------------------------------------------------------------------

    def handle(self, fetched: Fetched) -> None:
        """Write down one answer and queue what it leads to."""
        job, answer = fetched.job, fetched.answer
        if job.manner:
            self._writer.saw(manner_of(fetched))
            return
        if answer is None:
            self._write(job, ITEM if not job.file else FILE, 0, body=fetched.trouble)
            return
        if job.file:
            kind = answer.headers.get("content-type", "")
            self._write(
                job, FILE, answer.status, kind=kind, size=fetched.size, digest=fetched.digest, seconds=answer.seconds
            )
            return
        if answer.ok:
            self._remember(job)
            self._writer.sent(job.family, answer.headers)
        shape = list_shape(fetched.json) if answer.ok else None
        if shape is None or (not shape.paged and not _resources(shape.items)):
            self._document(fetched)
        else:
            self._list(fetched)

    def _remember(self, job: Job) -> None:
        if not self._everything or job.form != ITEM or "?" in job.place or "skip=" in job.path:
            return
        known = self.shown.get(job.family)
        if known is None or self._scope.rank(job.place) < self._scope.rank(known.place):
            self.shown[job.family] = Shown(job.place, job.path)

    def _document(self, fetched: Fetched) -> None:
        job, answer = fetched.job, fetched.answer
        assert answer is not None
        body = fetched.text or None
        self._write(
            job, job.form, answer.status, kind=answer.headers.get("content-type", ""), size=fetched.size,
            digest=fetched.digest, seconds=answer.seconds, body=body,
        )  # fmt: skip
        if answer.ok and job.follow and self._everything and not is_frozen(job.place):
            self._follow(job, fetched.json)

    def _follow(self, job: Job, body: Any) -> None:
        reaches_outside = (
            job.family == "feeds/*" and not self._scope.external_feeds and property_of(body, "FeedType") != "BuiltIn"
        )
        for name, template in links_of(body).items():
            if (
                not template.startswith("/api")
                or name == "Self"
                or not self._knowledge.followed(name)
                or reaches_outside
            ):
                continue
            path = expand(template)
            if path is None:
                continue
            if name in self._knowledge.files:
                self.found_file(path)
            else:
                # Deeper links belong to other resources, which are reached through their own collections.
                self._ask_dependent(path)
                for query in searches(variables(template)):
                    for word in self._knowledge.filter_words.get("term", ()):
                        self.ask_path(f"{path}?{query}{quote(word)}", follow=False)
        route = self._knowledge.file_routes.get(job.family)
        if route and _small_enough(body, self._scope.largest_file):
            self.found_file(f"{job.path.partition('?')[0]}/{route}")
        if job.family in self._knowledge.nested_families:
            for name, template in nested_links(body):
                path = expand(template) if name in self._knowledge.nested_links else None
                if path is not None:
                    self.found_preview(path)

    def _ask_dependent(self, path: str) -> None:
        place = place_of(path, self._default_space)
        family = family_of(place)
        # An item of a known collection is read by that collection's own rules (history only for a sample).
        collection = place.rpartition("/")[0]
        if collection in self.collections and family.endswith("/*"):
            if not self._knowledge.is_history(self.collections[collection].family):
                self.ask_path(path)
            return
        self.ask_path(path, follow=family in self._knowledge.nested_families)

    def _list(self, fetched: Fetched) -> None:
        job, answer = fetched.job, fetched.answer
        shape = list_shape(fetched.json)
        assert answer is not None
        assert shape is not None
        pages = job.pages or Pages(root=False, ids=[], bound=0)
        history = self._knowledge.is_history(job.family)
        for item in shape.items:
            if job.form == RECORDED:
                pages.ids.append(id_of(item) or f"#{len(pages.ids)}")
            else:
                self._item_of_list(job, item, pages, history=history)
        if not pages.links:
            pages.links = frozenset(links_of(fetched.json))
        following = shape.next_page or next_by_count(job.path, shape.total, len(pages.ids), shape.paged)
        # Lists inside history items, and histories inside other items, are known by their first page.
        deep = pages.root or not history
        within = not pages.bound or len(pages.ids) < pages.bound
        literal = job.form == RECORDED
        if shape.items and following and len(pages.ids) < shape.total and deep and within and not literal:
            self._fetcher.add(Job(job.user, following, job.place, job.family, job.form, pages=pages, follow=job.follow))
            return
        complete = len(pages.ids) >= shape.total
        body = {
            "TotalResults": shape.total,
            "Ids": pages.ids if complete or literal else [],
            "Complete": complete,
            **shape.extra,
        }
        if shape.paged:
            body["Links"] = sorted(pages.links)
        form = LIST if job.form == ITEM else job.form
        self._write(
            job, form, answer.status, kind=answer.headers.get("content-type", ""), size=fetched.size,
            digest="", seconds=answer.seconds, body=written(body),
        )  # fmt: skip
        if form == LIST:
            self._writer.counted(job.user, job.place, job.family, shape.total, complete=complete)

    def _item_of_list(self, job: Job, item: Any, pages: Pages, *, history: bool) -> None:
        identity = id_of(item) or f"#{len(pages.ids)}"
        pages.ids.append(identity)
        own = links_of(item).get("Self", "")
        own_path = expand(own) if own.startswith("/api") else None
        place = place_of(own_path, self._default_space) if own_path else f"{job.place}/{identity}"
        suffix = "" if job.form == ITEM else f"~{job.form}"
        self._writer.saw(
            Seen(
                self.user, place, f"{LISTED}{job.family}{suffix}", family_of(place), job.path, 200,
                body=safe(written(item)),
            )
        )  # fmt: skip
        if own_path is None or job.form != ITEM:
            return
        collection = self.collections.get(job.place)
        if collection is not None and id_of(item):
            collection.ids.setdefault(identity, own_path)
        if self._everything and not history:
            beyond = collection is not None and len(collection.ids) > self._scope.configuration_items
            if not beyond:
                self.ask_path(own_path)

    # --- samples -----------------------------------------------------------------------------------------------

    def sample_items(self, chosen_before: Mapping[str, Iterable[str]] | None = None) -> None:
        """Read a sample of what was only listed: history, and everything for a less privileged user."""
        for collection in list(self.collections.values()):
            history = self._knowledge.is_history(collection.family)
            if self._everything and not history:
                if len(collection.ids) > self._scope.configuration_items:
                    self._state(
                        collection, self._scope.configuration_items, "more items than the scope reads one by one"
                    )
                continue
            size = self._scope.history_items if self._everything else self._scope.secondary_items
            earlier = [one for one in (chosen_before or {}).get(collection.place, ()) if one in collection.ids]
            chosen = earlier or self._scope.sample(collection.ids, size)
            if self._everything and len(chosen) < len(collection.ids):
                self._state(collection, len(chosen), "history is read item by item for a sample")
            for position, one in enumerate(chosen):
                follow = self._everything and position < self._scope.history_dependents
                self.ask_path(collection.ids[one], follow=follow)

    def sample_files(self) -> None:
        """Read files and previews that links have led to so far."""
        for sample in self.ask_found():
            self._writer.sampled(sample)

    def other_forms(self) -> None:
        """Ask for each collection in its other forms: ``/all``, without the space, and filtered."""
        for collection in list(self.collections.values()):
            base = expand(collection.template)
            if base is None:
                continue
            if "{/id}" in collection.template and not self._knowledge.is_history(collection.family):
                self.ask_path(f"{base}/all", follow=False)
            if self._spaces and base.lower().startswith(f"/api/{self._default_space.lower()}/"):
                plain = f"/api/{base.split('/', 3)[3]}"
                plain = self._with_query(plain, collection.template, collection.family)
                self.ask_path(plain, follow=False, form=UNSCOPED)
                for one in self._scope.sample(collection.ids, 1):
                    path = collection.ids[one].replace(f"/api/{self._default_space}/", "/api/", 1)
                    self.ask_path(path, follow=False, form=UNSCOPED)
            self._filtered(collection, base)

    def _filtered(self, collection: Collection, base: str) -> None:
        offered = variables(collection.template)
        names = self._scope.sample(collection.ids, 2)
        probes: list[tuple[str, str]] = []
        if "ids" in offered and len(names) == 2:
            probes.append(("ids", ",".join(sorted(names))))
        for variable in sorted(offered):
            source = self._knowledge.filters.get(variable)
            if source is not None:
                space = space_of(collection.place)
                known = self.collections.get(f"{space}/{source}" if space else source)
                values = self._scope.sample(known.ids, self._scope.query_values) if known else []
                probes += [(variable, value) for value in values]
            probes += [(variable, word) for word in self._knowledge.filter_words.get(variable, ())]
        for variable, value in probes:
            self.ask_path(f"{base}?{variable}={quote(value, safe=',')}&take={self._scope.page}", follow=False)

    def _state(self, collection: Collection, taken: int, why: str) -> None:
        self._writer.sampled(Sampled(collection.place, len(collection.ids), taken, why))

    # --- manners -----------------------------------------------------------------------------------------------

    def ask_manners(self, may_grow: Iterable[str]) -> None:
        """What is not there, what is shown to nobody, and whether pages are parts of their list."""
        jobs = list(for_nobody(self.shown))
        for collection in self.collections.values():
            base = expand(collection.template)
            if base is None or not collection.ids:
                continue
            path = self._with_query(base, "", collection.family)
            if "{/id}" in collection.template:
                jobs += for_unknown(self.user, collection.place, path, collection.ids)
            if "take" in variables(collection.template) and collection.family not in may_grow:
                jobs += for_pages(self.user, collection.place, path, list(collection.ids))
        for job in jobs:
            self.ask(job)

    def ask_unscoped(self) -> None:
        """One place of each family that lies in the default space, by the path from before there were spaces."""
        prefix = f"/api/{self._default_space.lower()}/"
        for one in list(self.shown.values()):
            if self._spaces and one.path.lower().startswith(prefix):
                self.ask_path(f"/api/{one.path[len(prefix) :]}", follow=False, form=UNSCOPED)

    def ask_as_well(self, shown: Mapping[str, Shown]) -> None:
        """What another user was shown, one place of each family that nothing has led this user to."""
        for family, one in shown.items():
            if family not in self.families:
                self.ask_path(one.path, follow=False)

    # --- writing -----------------------------------------------------------------------------------------------

    def _write(
        self,
        job: Job,
        form: str,
        status: int,
        *,
        kind: str = "",
        size: int = 0,
        digest: str = "",
        seconds: float = 0.0,
        body: str | None = None,
    ) -> None:
        self._writer.saw(
            Seen(job.user, job.place, form, job.family, job.path, status, kind, size, digest, seconds, body)
        )


def _resources(items: list[Any]) -> bool:
    """Whether a bare array lists resources rather than values."""
    return all(id_of(item) for item in items)


def _small_enough(body: Any, largest: int) -> bool:
    size = property_of(body, "PackageSizeBytes")
    return not isinstance(size, int) or size <= largest
