"""A server that fails while it is looked at: it is asked again, or nothing is known, and said so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.observation.tiny_octopus import Reply, Request, TinyOctopus
from tidegate.checks.comparison import compare
from tidegate.checks.finding import Finding
from tidegate.errors import Unreachable
from tidegate.observation.snapshot import Snapshot

Look = Callable[..., Snapshot]
PATH, PLACE = "/api/projects/Projects-2", "projects/Projects-2"
HTML = (200, ("application/json", b'{"Id": "Projects-2", "Na'))

FAULTS: dict[str, Reply] = {
    "no answer": (0, None),
    "not now": (503, {"ErrorMessage": "Octopus Server is busy"}),
    "logged out": (401, {"ErrorMessage": "You must be logged in to request this resource."}),
    "cut off": HTML,
}


def faulty(reply: Reply, times: int | None = None) -> TinyOctopus:
    """A server that gives ``reply`` at one path, so often; None for always."""
    server = TinyOctopus()
    left = [reply] * (times or 0)

    def override(request: Request) -> Reply | None:
        if request.path != PATH or request.user != "admin":
            return None
        if times is None:
            return reply
        return left.pop() if left else None

    server.overrides.append(override)
    return server


def findings(look: Look, first: TinyOctopus, second: TinyOctopus, after: TinyOctopus) -> list[Finding]:
    one, two = look(first), look(second)
    return compare(one, two, look(after, two))


@pytest.mark.parametrize("name", ["no answer", "not now", "cut off"])
def test_a_passing_fault_leaves_no_trace(look: Look, name: str) -> None:
    server = faulty(FAULTS[name], times=1)

    assert findings(look, server, TinyOctopus(), TinyOctopus()) == []
    assert findings(look, TinyOctopus(), TinyOctopus(), faulty(FAULTS[name], times=1)) == []


def away(looks: int | None) -> TinyOctopus:
    """A server that drops every connection from its hundredth request on, until somebody has looked so often whether
    it is there again; None for ever."""
    server = TinyOctopus()
    seen = looked = 0

    def override(request: Request) -> Reply | None:
        nonlocal seen, looked
        seen += 1
        if seen <= 100 or (looks is not None and looked >= looks):
            return None
        looked += request.path == "/api"
        return (0, None)

    server.overrides.append(override)
    return server


def test_a_server_that_goes_away_and_comes_back_is_looked_at_to_the_end(look: Look) -> None:
    assert findings(look, away(3), TinyOctopus(), away(3)) == []


def test_a_server_that_stays_away_ends_the_look_with_one_message(look: Look) -> None:
    with pytest.raises(Unreachable, match="went away while it was looked at"):
        look(away(None))


@pytest.mark.parametrize("name", ["no answer", "not now", "logged out", "cut off"])
def test_what_was_never_seen_before_the_upgrade_is_not_passed(look: Look, name: str) -> None:
    always = FAULTS[name]

    [finding] = findings(look, faulty(always), faulty(always), TinyOctopus())

    assert (finding.place, finding.kind) == (PLACE, "incomplete")


def logged_out(user: str = "admin") -> TinyOctopus:
    """A server that knows ``user`` no more from the hundredth request on."""
    server = TinyOctopus()
    seen = 0

    def override(request: Request) -> Reply | None:
        nonlocal seen
        seen += request.user == user
        return FAULTS["logged out"] if seen > 100 and request.user == user and request.path != "/api" else None

    server.overrides.append(override)
    return server


def test_a_log_out_in_the_middle_before_the_upgrade_is_incomplete(look: Look) -> None:
    for first, second in [(logged_out(), logged_out()), (TinyOctopus(), logged_out())]:
        found = findings(look, first, second, TinyOctopus())

        assert found
        assert {one.kind for one in found} == {"incomplete"}, [one.sentence() for one in found]


def test_a_log_out_in_the_middle_after_the_upgrade_is_no_pass(look: Look) -> None:
    found = findings(look, TinyOctopus(), TinyOctopus(), logged_out())

    assert [one for one in found if "401" in str(one.after)], [one.sentence() for one in found]


def test_a_server_that_is_busy_for_a_while_is_waited_for(look: Look) -> None:
    def busy() -> TinyOctopus:
        server = TinyOctopus()
        left = 8  # as many as ask at once

        def override(request: Request) -> Reply | None:
            nonlocal left
            if request.path == "/api" or len(server.requests) < 100 or not left:
                return None
            left -= 1
            return FAULTS["not now"]

        server.overrides.append(override)
        return server

    assert findings(look, busy(), TinyOctopus(), TinyOctopus()) == []
    # Being put off at all is told, as a client that does not wait would fail (tidegate.checks.habits).
    assert {one.kind for one in findings(look, TinyOctopus(), TinyOctopus(), busy())} <= {"upgrade"}


def test_a_connection_dropped_at_the_very_end_is_tried_again(look: Look) -> None:
    whole = look(TinyOctopus())
    server = TinyOctopus()
    dropped = ["/app", "/"]

    def override(request: Request) -> Reply | None:
        if request.path in dropped:
            dropped.remove(request.path)
            return FAULTS["no answer"]
        return None

    server.overrides.append(override)

    assert look(server).headers() == whole.headers()
    assert dropped == []


def test_a_log_in_lost_between_the_two_looks_before_is_not_a_habit(look: Look) -> None:
    found = findings(look, TinyOctopus(), faulty(FAULTS["logged out"]), TinyOctopus())

    assert [(one.place, one.kind) for one in found] == [(PLACE, "incomplete")]


def test_a_fault_of_the_first_look_does_not_hide_what_the_upgrade_breaks(look: Look) -> None:
    broken = faulty((500, {"ErrorMessage": "Invalid column name"}))

    [finding] = findings(look, faulty(FAULTS["no answer"]), TinyOctopus(), broken)

    assert (finding.kind, finding.before, str(finding.after)[:3]) == ("upgrade", 200, "500")


@pytest.mark.parametrize(
    ("name", "kind"), [("no answer", "incomplete"), ("not now", "upgrade"), ("cut off", "upgrade")]
)
def test_a_lasting_fault_after_the_upgrade_is_found(look: Look, name: str, kind: str) -> None:
    found = findings(look, TinyOctopus(), TinyOctopus(), faulty(FAULTS[name]))

    assert {one.kind for one in found} == {kind}
    assert all(one.place.startswith(PLACE) for one in found)


def test_many_places_without_an_answer_are_told_together(look: Look) -> None:
    def silent() -> TinyOctopus:
        server = TinyOctopus()
        server.overrides.append(lambda request: (0, None) if request.path.startswith("/api/projects/") else None)
        return server

    found = findings(look, silent(), silent(), TinyOctopus())

    assert {one.kind for one in found} == {"incomplete"}
    [together] = [one.place for one in found if one.place.startswith("projects/* (")]
    assert "projects/Projects-1, projects/Projects-2, projects/Projects-3" in together
