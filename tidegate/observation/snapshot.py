"""Taking a snapshot: everything an instance shows at one moment, in one SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

from tidegate.errors import HarnessError
from tidegate.observation.crawl import Crawler
from tidegate.observation.documents import id_of, links_of
from tidegate.observation.fetching import Fetcher, Job, Report
from tidegate.observation.kept import kept_answers, moment_of
from tidegate.observation.manners import NOBODY
from tidegate.observation.places import family_of
from tidegate.observation.probes import PLACE, ask, ask_as_clients
from tidegate.observation.routes import RouteKnowledge, route_knowledge
from tidegate.observation.scope import DatabaseView, SnapshotScope, SnapshotSource
from tidegate.observation.store import FILE, ITEM, LIST, TOGETHER, Sampled, Seen, Snapshot, SnapshotWriter
from tidegate.observation.together import together
from tidegate.octopus.client import OctopusClient, ServerInfo
from tidegate.versions import Version

#: Headers that a browser or a client acts on; the others name the moment or the machine.
HEADERS: Final = (
    "content-type", "content-security-policy", "x-content-type-options", "x-frame-options",
    "access-control-allow-origin", "strict-transport-security", "www-authenticate", "location",
)  # fmt: skip

_NOT_LOGGED_IN: Final = 401

#: Slow answers of each family that are timed again.
EACH: Final = 3

#: How often each of them is timed at most; the quickest answer counts.
ROUNDS: Final = 3


def take_snapshot(
    source: SnapshotSource,
    file: Path,
    report: Report = lambda _: None,
    *,
    name: str = "",
    keep: Path | None = None,
) -> Snapshot:
    """Look at everything within the source's scope and write it to ``file``.

    With ``keep``, answers are kept in that file until the snapshot is whole: taken again after a crash or a kill, it
    asks only for what is missing, provided that the instance has not changed since (`tidegate.observation.kept`).

    What a server refuses or fails to answer is part of the picture, not an error. Raises
    :class:`tidegate.errors.Unreachable` and :class:`tidegate.errors.Refused` only where nothing can be seen at all:
    the root document does not come, or the administrator is not let in.
    """
    started = time.monotonic()
    administrator = source.clients[source.administrator]
    server = administrator.server()
    administrator.get("/api/users/me")
    with (
        administrator.anonymous() as anonymous,
        kept_answers(keep, lambda: moment_of(source, server), report) as kept,
        SnapshotWriter(file) as writer,
        Fetcher({**source.clients, NOBODY: anonymous}, source.scope, kept) as fetcher,
    ):
        taker = _Taker(source, server, writer, fetcher, report)
        taker.explore()
        taker.sample()
        taker.other_forms()
        taker.repeat_earlier()
        taker.replay()
        if source.thorough:
            taker.time_again()
            taker.time_together()
            taker.try_manners()
        taker.probe(administrator, anonymous)
        _headers(source.administrator, fetcher, writer)
        if source.database is not None:
            _database(source, source.database, writer)
        writer.about(
            {
                "name": name or file.stem,
                "version": str(server.version),
                "installation_id": server.installation_id,
                "spaces": server.spaces,
                "default_space": taker.default_space,
                "url": administrator.url,
                "administrator": source.administrator,
                "users": list(source.clients),
                "observers": sorted(source.observers),
                "seed": source.scope.seed,
                "taken": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - started, 3),
                "requests": fetcher.requests,
                "taken_over": kept.taken_over if kept is not None else 0,
                "logged_out": _logged_out(source, fetcher),
                "put_off": {str(status): number for status, number in fetcher.put_off.items()},
                "database": source.database is not None,
                "like": source.like is not None,
            }
        )
    report(f"snapshot: {fetcher.requests} answers in {time.monotonic() - started:.1f} s")
    return Snapshot(file)


class _Taker:
    """The phases of one snapshot."""

    def __init__(
        self,
        source: SnapshotSource,
        server: ServerInfo,
        writer: SnapshotWriter,
        fetcher: Fetcher,
        report: Report,
    ) -> None:
        self._source = source
        self._scope: SnapshotScope = source.scope
        self._server = server
        self._writer = writer
        self._fetcher = fetcher
        self._report = report
        self._knowledge: RouteKnowledge = route_knowledge()
        self._slow: list[tuple[float, Job]] = []
        self._answers = 0
        self.default_space, self._spaces = self._find_spaces(source.clients[source.administrator])
        self._crawlers = {
            user: Crawler(
                user,
                fetcher,
                writer,
                self._knowledge,
                self._scope,
                default_space=self.default_space,
                spaces=server.spaces,
                everything=user == source.administrator,
            )
            for user in source.clients
        }

    def _find_spaces(self, client: OctopusClient) -> tuple[str, list[str]]:
        if not self._server.spaces:
            return "Spaces-1", []
        spaces = [cast("dict[str, Any]", space) for space in client.get("/api/spaces/all")]
        default = next((id_of(space) for space in spaces if space.get("IsDefault")), "Spaces-1")
        return default, [id_of(space) for space in spaces]

    def explore(self) -> None:
        """Everything that links lead to, from the root document and from the root of each space."""
        for crawler in self._crawlers.values():
            crawler.ask_path("/api", follow=False)
            crawler.explore_root(self._server.links)
        self._drain("exploring")
        for user, crawler in self._crawlers.items():
            for space in self._spaces:
                fetched = self._fetcher.now(_question(user, f"/api/{space}"))
                crawler.ask_path(f"/api/{space}", follow=False)
                crawler.explore_root(links_of(fetched.json))
            self._unlinked(crawler)
        self._drain("exploring spaces")

    def _unlinked(self, crawler: Crawler) -> None:
        for route in self._knowledge.unlinked_system:
            crawler.ask_path(f"/api/{route}", follow=False)
        for prefix in [f"/api/{space}" for space in self._spaces] or ["/api"]:
            for route in self._knowledge.unlinked_space:
                crawler.ask_path(f"{prefix}/{route}", follow=False)
        if crawler.user == self._source.administrator:
            crawler.ask_path("/api/swagger.json", follow=False)

    def sample(self) -> None:
        """Items of what was only listed, each time the same ones."""
        earlier = self._earlier_items()
        for user, crawler in self._crawlers.items():
            crawler.sample_items(earlier.get(user))
        self._drain("reading a sample of history")
        for crawler in self._crawlers.values():
            crawler.sample_files()

    def other_forms(self) -> None:
        crawler = self._crawlers[self._source.administrator]
        crawler.other_forms()
        self._previews(crawler)
        self._drain("trying filters and previews")

    def _previews(self, crawler: Crawler) -> None:
        """Variables as projects would see them in environments (root link `VariablePreview`, recorded from 2019.7)."""
        template = self._server.links.get("VariablePreview", "")
        if "project" not in template:
            return
        base = template.partition("{")[0]
        projects = crawler.collections.get("projects")
        environments = crawler.collections.get("environments")
        if projects is None or environments is None:
            return
        pairs = [f"{project} {environment}" for project in projects.ids for environment in environments.ids]
        for pair in self._scope.sample(pairs, self._scope.previews):
            project, environment = pair.split()
            crawler.ask_path(f"{base}?project={quote(project)}&environment={quote(environment)}", follow=False)

    def repeat_earlier(self) -> None:
        """Ask for each place of an earlier snapshot that links did not lead to this time, the way it was asked then."""
        like = self._source.like
        if like is None:
            return
        with closing(sqlite3.connect(f"{like.resolve().as_uri()}?mode=ro", uri=True)) as earlier:
            query = "SELECT user, place, form, path FROM seen WHERE form IN (?, ?, ?) AND family <> ?"
            rows = earlier.execute(query, (ITEM, LIST, FILE, PLACE))
            for user, place, form, path in rows:
                crawler = self._crawlers.get(user)
                if crawler is None or (place, ITEM if form == LIST else form) in crawler.asked:
                    continue
                if form == FILE:
                    crawler.ask(Job(user, path, place, family_of(place), FILE, file=True, follow=False))
                else:
                    crawler.ask(Job(user, path, place, family_of(place), ITEM, follow=False))
        self._drain("asking again for what was there before")

    def replay(self) -> None:
        """What the organisation's own clients and scripts ask for, to the letter."""
        traffic = self._source.traffic
        crawler = self._crawlers[self._source.administrator]
        for call in traffic[: self._scope.recorded]:
            if place := crawler.ask_recorded(call.path):
                self._writer.called(place, call.times)
        if len(traffic) > self._scope.recorded:
            self._writer.sampled(
                Sampled("recorded traffic", len(traffic), self._scope.recorded, "the most frequent calls are replayed")
            )
        self._drain("replaying recorded traffic")

    def _earlier_items(self) -> dict[str, dict[str, list[str]]]:
        """The sample of history that the earlier snapshot read: by user and collection, the ids."""
        if self._source.like is None:
            return {}
        chosen: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
        with closing(sqlite3.connect(f"{self._source.like.resolve().as_uri()}?mode=ro", uri=True)) as earlier:
            for user, place in earlier.execute("SELECT user, place FROM seen WHERE form = ?", (ITEM,)):
                collection, _, one = place.rpartition("/")
                chosen[user].setdefault(collection, []).append(one)
        return {
            user: {place: self._scope.sample(ids, len(ids)) for place, ids in collections.items()}
            for user, collections in chosen.items()
        }

    def time_again(self) -> None:
        """Time slow answers again with the server idle: waiting for each other is no slowness.

        The slowest of each family, in rounds that go through all families, so that a moment in which the machine is
        busy meets each of them once and none of them always. A slow answer that was not timed again, because there
        are enough of its family or no time is left, is not sure: nobody knows what it waited for.
        """
        deadline = time.monotonic() + self._scope.timing_again
        taken: defaultdict[str, list[Job]] = defaultdict(list)
        for _, job in sorted(self._slow, key=lambda slow: -slow[0]):
            taken[job.family].append(job)
        places = [job for rank in range(EACH) for jobs in taken.values() for job in jobs[rank : rank + 1]]
        known: set[tuple[str, str]] = set()
        for _ in range(ROUNDS):
            for job in list(places):
                if time.monotonic() > deadline:
                    break
                fetched = self._fetcher.now(job)
                if fetched.answer is None:
                    places.remove(job)
                    continue
                for form in _timed_forms(job):
                    self._writer.retimed(job.user, job.place, form, fetched.answer.seconds)
                known.add((job.user, job.place))
                if fetched.answer.seconds < self._scope.slow:
                    places.remove(job)
        unknown = [job for _, job in self._slow if (job.user, job.place) not in known]
        for job in unknown:
            for form in _timed_forms(job):
                self._writer.unsure(job.user, job.place, form)
        if unknown:
            self._writer.sampled(
                Sampled("slow answers", len(self._slow), len(known), "the slowest of each family are timed again")
            )

    def time_together(self) -> None:
        """Time what everybody looks at when several people look at the same time."""
        client = self._source.clients[self._source.administrator]
        prefix = f"/api/{self.default_space}" if self._spaces else "/api"
        for route in self._knowledge.asked_together:
            path = f"{prefix}/{route}"
            seconds = together(client, path)
            if seconds is not None:
                place = f"{route} by several at once"
                user = self._source.administrator
                self._writer.saw(Seen(user, place, TOGETHER, place, path, 200, seconds=seconds))

    def try_manners(self) -> None:
        """What each route shows to whom nothing has led there, and says about what is not there."""
        crawler = self._crawlers[self._source.administrator]
        crawler.ask_manners(self._knowledge.may_grow)
        crawler.ask_unscoped()
        for user in self._source.others():
            self._crawlers[user].ask_as_well(crawler.shown)
        self._drain("trying what is not shown")

    def probe(self, client: OctopusClient, anonymous: OctopusClient) -> None:
        """Ask how the interface behaves, also for those who give no credentials."""
        space = self.default_space if self._spaces else ""
        for seen in ask(client, anonymous, self._source.administrator, space):
            self._writer.saw(seen)
        for seen in ask_as_clients(client, self._source.administrator):
            self._writer.saw(seen)

    def _drain(self, phase: str) -> None:
        administrators = self._crawlers[self._source.administrator]
        for fetched in self._fetcher.results():
            self._crawlers.get(fetched.job.user, administrators).handle(fetched)
            self._answers += 1
            if fetched.answer is not None and fetched.answer.seconds > self._scope.slow:
                self._slow.append((fetched.answer.seconds, fetched.job))
            if self._answers % 250 == 0:
                self._report(f"snapshot, {phase}: {self._answers} answers")


def _timed_forms(job: Job) -> tuple[str, ...]:
    return (FILE,) if job.file else (job.form, LIST)


def _logged_out(source: SnapshotSource, fetcher: Fetcher) -> list[str]:
    """The users whom their key lets in no more: what they were refused on the way says nothing about their rights."""
    answers = {name: fetcher.now(_question(name, "/api/users/me")).answer for name in source.clients}
    return [name for name, answer in answers.items() if answer is not None and answer.status == _NOT_LOGGED_IN]


def _headers(user: str, fetcher: Fetcher, writer: SnapshotWriter) -> None:
    """Headers of the root document, of the portal's page and of the way there.

    A policy has blocked the page (OctopusDeploy/Issues#8013), and a redirect has led beside it (#7954).
    """
    for path in ("/api", "/app", "/"):
        answer = fetcher.now(_question(user, path)).answer
        if answer is not None:
            kept = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
            writer.headers(path, {":status": str(answer.status), **kept})


def _question(user: str, path: str) -> Job:
    """One request whose answer leads nowhere."""
    return Job(user, path, path, "", ITEM, follow=False)


def _database(source: SnapshotSource, database: DatabaseView, writer: SnapshotWriter) -> None:
    try:
        views = {view: database.query_view(view) for view in database.views()}
        rows = database.row_counts()
        writer.database(rows, views, database.journal())
        writer.facts(database.facts())
        if source.thorough:
            summed = {name: number for name, number in rows.items() if 0 < number <= source.scope.table_rows}
            contents = database.contents(summed)
            writer.contents(contents)
            for name in sorted(name for name, number in rows.items() if number and name not in contents):
                writer.sampled(Sampled(f"table {name}", rows[name], 0, "its rows are counted, its contents not summed"))
    except HarnessError as error:
        # The resources are worth keeping; the comparison reports that the database could not be read.
        writer.about({"database_trouble": str(error)})


def version_of(snapshot: Snapshot) -> Version:
    """The version of the instance in a snapshot."""
    return Version.parse(snapshot.version)


__all__ = ["Seen", "Snapshot", "SnapshotSource", "take_snapshot", "version_of"]
