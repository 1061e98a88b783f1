"""What an upgrade changed: two snapshots before it against one after it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from tidegate.checks.contents import contents, habit_family
from tidegate.checks.differences import Change, differences
from tidegate.checks.expected import ExpectedChange, Hop, expected_changes
from tidegate.checks.finding import Finding, Severity
from tidegate.checks.grading import EXAMPLES, Difference, Findings
from tidegate.checks.habits import Habits, learn
from tidegate.checks.normalise import document
from tidegate.checks.pairs import Pair, Single, side_by_side
from tidegate.checks.weighing import weigh
from tidegate.observation.documents import is_garbled, property_of
from tidegate.observation.routes import RouteKnowledge, route_knowledge
from tidegate.observation.snapshot import version_of
from tidegate.observation.store import FILE, ITEM, LIST, LISTED, RECORDED, UNSCOPED, Snapshot

#: Properties that other comparisons read by meaning: a new release may add permissions to a role, and its description
#: of the interface is another one.
JUDGED_ELSEWHERE: Final = re.compile(
    r"users/\*/permissions(/configuration)?:(Permissions|SpacePermissions|SystemPermissions|Teams)\b.*"
    r"|permissions/all:.*"
    r"|swagger\.json:.*"
    r"|userroles/\*:(Granted\w*Permissions|\w*PermissionDescriptions)(\[\])?"
)

#: How a finding calls a path that leaves the space out.
UNSCOPED_PATH: Final = "the unscoped path"
_SEEN_IN: Final = {UNSCOPED: UNSCOPED_PATH, RECORDED: "recorded traffic"}


def compare(
    before1: Snapshot,
    before2: Snapshot,
    after: Snapshot,
    knowledge: Sequence[ExpectedChange] | None = None,
    *,
    more: Iterable[Callable[[Snapshot, Snapshot], Iterable[Finding]]] | None = None,
) -> list[Finding]:
    """Findings about what changed between ``before2`` and ``after`` and is neither known nor a habit of the instance.

    ``before1`` and ``before2`` show the same instance at the same version, with nothing done in between. ``more`` are
    further comparisons of a pair of snapshots; :func:`standard_comparisons` when left out.
    """
    if unknown := logged_out(before1, before2):
        return unknown
    hop = Hop(expected_changes() if knowledge is None else knowledge, version_of(before2), version_of(after))
    findings = Findings(administrator=after.administrator)
    comparison = Comparison(before2, after, hop, learn(before1, before2), findings)
    comparison.run()
    for further in standard_comparisons(before1) if more is None else more:
        for finding in further(before2, after):
            findings.add_finding(finding)
    return weigh(findings.graded(), before2.traffic())


def standard_comparisons(earlier: Snapshot) -> list[Callable[[Snapshot, Snapshot], Iterable[Finding]]]:
    """The comparisons that look at a snapshot as a whole instead of place by place.

    Some learn from ``earlier``, taken before the first snapshot of the pair, what differs by itself.
    """
    from tidegate.checks import (  # noqa: PLC0415 - they import this package
        api_surface,
        database,
        permissions,
        secret_values,
        settings_moved,
        table_contents,
        timing,
    )

    return [
        api_surface.compare_surface,
        permissions.compare_permissions,
        secret_values.compare_secrets,
        settings_moved.compare_settings,
        database.compare_database,
        partial(table_contents.compare_contents, earlier=earlier),
        partial(timing.compare_times, earlier=earlier),
    ]


def logged_out(*snapshots: Snapshot) -> list[Finding]:
    """That somebody was logged out while one of these was taken; then what they show is no basis for a comparison."""
    names = sorted({name for one in snapshots for name in one.about.get("logged_out", ())})
    return [
        Finding(
            check="DIFF",
            severity=Severity.BREAKING,
            place=f"everything as {name}",
            before="logged out",
            after=None,
            consequence="the user was logged out while the instance was looked at, so nothing can be compared",
            kind="incomplete",
        )
        for name in names
    ]


class Comparison:
    """One pair of snapshots being compared."""

    def __init__(self, before: Snapshot, after: Snapshot, hop: Hop, habits: Habits, findings: Findings) -> None:
        self._before = before
        self._after = after
        self._hop = hop
        self._habits = habits
        self._findings = findings
        self._routes: RouteKnowledge = route_knowledge()
        self._broken_lists: set[tuple[str, str]] = set()
        self._unread: list[tuple[str, str, str]] = []
        counted_before, counted = before.counts(), after.counts()
        self._grew = {
            key: number - counted_before[key][0] for key, (number, _) in counted.items() if key in counted_before
        }
        self._complete = {key for key, (_, whole) in counted.items() if whole}
        self._complete_before = {key for key, (_, whole) in counted_before.items() if whole}

    def run(self) -> None:
        with side_by_side(self._before, self._after) as sides:
            self._findings.sizes.update(sides.families())
            for pair in sides.differing():
                self._pair(pair)
            for pair in sides.without_space():
                self._pair(pair)
            for pair in sides.reformed():
                self._reformed(pair)
            for single in sides.gone():
                self._gone(single)
            for single in sides.new():
                self._new(single)
            self._unanswered([*sides.unanswered(), *self._unread])

    def _unanswered(self, places: Iterable[tuple[str, str, str]]) -> None:
        """What is not known of before cannot be compared; that is no pass."""
        families: defaultdict[str, list[str]] = defaultdict(list)
        for user, place, family in places:
            families[family].append(place if user == self._after.administrator else f"{place} as {user}")
        for family, names in families.items():
            examples = ", ".join(names[:EXAMPLES]) + (", …" if len(names) > EXAMPLES else "")
            self._findings.add_finding(
                Finding(
                    check="DIFF",
                    severity=Severity.BREAKING,
                    place=names[0] if len(names) == 1 else f"{family} ({len(names)} of them: {examples})",
                    before="no answer",
                    after=None,
                    consequence="before its upgrade the server gave no answer that can be read, so nothing is compared",
                    kind="incomplete",
                )
            )

    def _pair(self, pair: Pair) -> None:
        if (pair.user, pair.place, pair.form) in self._habits.statuses:
            return
        if is_garbled(pair.before_body) and _ok(pair.before_status):
            self._unread.append((pair.user, pair.place, pair.family))
            return
        if pair.before_status != pair.after_status and not (_ok(pair.before_status) and _ok(pair.after_status)):
            self._status(pair)
        elif not _ok(pair.after_status):
            return  # refused then and now; error texts are no promise
        elif pair.form == FILE:
            self._file(pair)
        else:
            self._document(pair)

    def _reformed(self, pair: Pair) -> None:
        """A list that answers with something else: an error, or a resource."""
        if pair.before_status != pair.after_status:
            self._status(pair)
        elif _ok(pair.after_status):
            forms = ("a list", "no list") if pair.form == LIST else ("no list", "a list")
            self._differ(pair, "retyped", "", "", *forms)

    def _status(self, pair: Pair) -> None:
        before, after = pair.before_status, pair.after_status
        if pair.form in (LIST, UNSCOPED) or pair.form == ITEM:
            self._broken_lists.add((pair.user, pair.family))
        if after == 0:
            self._findings.add_finding(_no_answer(pair))
            return
        if _ok(before):
            kind = "refused" if after in (401, 403) else "gone" if after in (404, 405, 410) else "failed"
            if kind == "gone" and self._hop.disappears(pair.family):
                return
        elif before == 403 and _ok(after) and not self._hop.appears(pair.family, None):
            kind = "allowed"
        elif after >= 500 and after != HTTPStatus.NOT_IMPLEMENTED:
            kind = "failed"
        elif self._was_hidden(pair):
            kind = "allowed"
        else:
            return  # a route that answers now and did not before harms nobody, nor one that says it is not made yet
        self._differ(pair, kind, "", "", before or None, _told(after, pair.after_body))

    def _was_hidden(self, pair: Pair) -> bool:
        """Whether it was there before, and only not for this user: "not found" is how some routes refuse."""
        if pair.user == self._before.administrator or pair.before_status not in (401, 404):
            return False
        if not _ok(pair.after_status):
            return False
        shown = (self._before.one(pair.place, form=form) for form in (ITEM, LIST))
        return any(seen is not None and _ok(seen.status) for seen in shown)

    def _file(self, pair: Pair) -> None:
        if pair.place in self._habits.files:
            return
        if pair.before_digest != pair.after_digest:
            sizes = [f"{size} bytes, digest {digest[:12]}" for size, digest in _files(pair)]
            self._differ(pair, "changed", "(file)", "", *sizes)
        elif pair.before_type != pair.after_type:
            self._differ(pair, "changed", "(content type)", "(content type)", pair.before_type, pair.after_type)

    def _document(self, pair: Pair) -> None:
        before, after = contents(pair, self._before, self._after, self._routes)
        family = habit_family(pair)
        before = self._hop.carry_forward(pair.family, before)
        for change in differences(before, after):
            if self._habits.noise.covers(pair.place, family, change) or self._hop.explains(pair.place, family, change):
                continue
            if pair.form in (LIST, RECORDED) and self._grown(pair, change):
                continue
            if JUDGED_ELSEWHERE.fullmatch(f"{pair.family}:{change.path}"):
                continue
            self._differ(pair, change.kind, change.path, change.where, change.before, change.after, family)

    def _grown(self, pair: Pair, change: Change) -> bool:
        """Whether a list merely counts what the instance added by itself or what a release brings."""
        if change.path != "TotalResults":
            return False
        grows = pair.family.partition("?")[0].rpartition("/")[2] in self._routes.may_grow
        more = isinstance(change.before, int) and isinstance(change.after, int) and change.after > change.before
        if not more or grows:
            return more
        own = pair.family.partition("?")[0]
        if "?" not in pair.place and "*" not in own:
            # New entries of a collection that was read completely are judged one by one, as resources.
            return (pair.user, pair.place) in self._complete
        # A part of a collection grows by what is new in the whole of it, and not by what it did not show before.
        space = f"{pair.place.partition('/')[0]}/" if pair.place.startswith("Spaces-") else ""
        whole = (pair.user, space + own.rpartition("/")[2].removesuffix("all").rstrip("/"))
        return change.after - change.before <= self._grew.get(whole, 0)

    def _gone(self, single: Single) -> None:
        if single.place in self._habits.going or not _ok(single.status):
            return
        if single.form.startswith(LISTED):
            # An entry is missed only in a list that both snapshots read to its end.
            listed_in = single.form.removeprefix(LISTED)
            if (single.user, listed_in) in self._broken_lists:
                return
            if not self._whole(single, listed_in) or self._hop.disappears(single.family):
                return
            if self._hop.disappears(listed_in.partition("~")[0]):
                return  # nothing is listed any more in a list that a release is known to take away
            difference = self._single(single, "gone", single.status, None)
            self._findings.add(_in_list(difference, listed_in))
        elif not self._sampled(single.family) and not self._hop.disappears(single.family):
            self._findings.add(self._single(single, "gone", single.status, None))

    def _sampled(self, family: str) -> bool:
        """Whether a place was asked for because of a sample, which another snapshot may have drawn otherwise.

        With ``like`` the later snapshot asks for all that the earlier one saw, and nothing is missing for this reason.
        """
        if self._after.about.get("like") or "?" in family:
            return True
        return any(segment in self._routes.history for segment in family.split("/"))

    def _whole(self, single: Single, listed_in: str) -> bool:
        """Whether the list an entry belongs to was read completely; lists inside items are known by family only."""
        if "*" in listed_in or "~" in listed_in or "?" in listed_in:
            return not self._routes.is_history(listed_in)
        space = single.place.partition("/")[0] if single.place.startswith("Spaces-") else ""
        place = f"{space}/{listed_in}" if space else listed_in
        return (single.user, place) in self._complete and (single.user, place) in self._complete_before

    def _new(self, single: Single) -> None:
        if single.form.endswith((UNSCOPED, RECORDED)):
            return
        if single.status == HTTPStatus.NOT_IMPLEMENTED:
            return  # there was nothing before, and the server says itself that there is nothing now
        if single.status >= 500 and single.form in (ITEM, LIST):
            self._findings.add(self._single(single, "failed", None, _told(single.status, single.body)))
            return
        if not single.form.startswith(LISTED) or single.family in self._habits.coming:
            return
        listed_in = single.form.removeprefix(LISTED)
        collection = listed_in.rpartition("/")[2]
        if collection in self._routes.may_grow or listed_in != single.family.removesuffix("/*"):
            return  # only the collection itself says that something is new
        if (single.user, single.place.rpartition("/")[0]) not in self._complete_before:
            return  # nobody knows whether it was there before
        body = document(single.body, self._after.default_space)
        if not self._hop.appears(single.family, body):
            names = [str(property_of(body, name) or "") for name in ("Name", "Username", "Version")]
            self._findings.add(self._single(single, "new", None, next(filter(None, names), single.place)))

    def _differ(  # noqa: PLR0917 - the fields of one difference
        self, pair: Pair, kind: str, path: str, where: str, before: Any, after: Any, family: str = ""
    ) -> None:
        self._findings.add(
            Difference(
                pair.place,
                family or pair.family,
                str(kind),
                path,
                where,
                before,
                after,
                pair.user,
                _SEEN_IN.get(pair.form, ""),
            )
        )

    @staticmethod
    def _single(single: Single, kind: str, before: Any, after: Any) -> Difference:
        return Difference(single.place, single.family, kind, "", "", before, after, single.user)


def _in_list(difference: Difference, listed_in: str) -> Difference:
    return Difference(
        difference.place, difference.family, difference.kind, "", "", difference.before, "not listed",
        difference.user, listed_in,
    )  # fmt: skip


def _files(pair: Pair) -> tuple[tuple[int, str], tuple[int, str]]:
    return (pair.before_size, pair.before_digest), (pair.after_size, pair.after_digest)


def _ok(status: int) -> bool:
    return 200 <= status < 300


def _told(status: int, body: str | None) -> str:
    """The status and the server's own words, for the reader of a finding."""
    try:
        error = json.loads(body) if body else None
    except ValueError:
        error = None
    message = str(property_of(error, "ErrorMessage") or "")
    return f"{status} {message}".strip()


def _no_answer(pair: Pair) -> Finding:
    return Finding(
        check="DIFF",
        severity=Severity.BREAKING,
        place=pair.place,
        before=pair.before_status,
        after=pair.after_body,
        consequence="the upgraded server gave no answer here, so nothing is known about it",
        kind="incomplete",
    )
