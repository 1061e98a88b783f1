"""Editing, refusals and answers: a workshop where things are made, changed and removed, and what may break there."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tidegate.checks.expected import Hop
from tidegate.checks.live.answers import check_answers
from tidegate.checks.live.context import LiveContext, LiveResult
from tidegate.checks.live.copying import check_copying, copying_outcomes
from tidegate.checks.live.creating import check_creating, creation_outcomes
from tidegate.checks.live.editing import check_editing, editing_outcomes
from tidegate.checks.live.meanwhile import check_meanwhile, meanwhile_outcomes
from tidegate.checks.live.neighbours import check_neighbours, habits, things_of, touched
from tidegate.checks.live.refusals import check_refusals, refusal_outcomes
from tidegate.checks.live.triggers import FAR_AWAY
from tidegate.octopus.client import Access, Answer, OctopusClient, ServerInfo
from tidegate.versions import Version

Document = dict[str, Any]
Fault = Callable[[str, str, Any], Answer | None]

PROCESS: Document = {
    "Id": "deploymentprocess-Projects-1", "Version": 1,
    "Steps": [{"Name": "Say", "Actions": [{"Properties": {"Octopus.Action.Script.ScriptBody": "echo"}}]}],
}  # fmt: skip


class Shop(OctopusClient):
    """A server that stores what it is sent. ``fault`` may answer in its place, ``spoil`` change what is stored."""

    def __init__(
        self,
        fault: Fault = lambda _method, _route, _body: None,
        spoil: Callable[[str, str, Document], Document] = lambda _method, _route, body: body,
    ) -> None:
        self.url = "http://127.0.0.1:1"
        self.access = Access.FULL
        self.listener = None
        self.stored: dict[str, Document] = {
            "deploymentprocesses/deploymentprocess-Projects-1": deepcopy(PROCESS),
            "projectgroups/ProjectGroups-1": {"Id": "ProjectGroups-1"},
            "lifecycles/Lifecycles-1": {"Id": "Lifecycles-1"},
        }
        self._made = 100
        self.fault = fault
        self._spoil = spoil

    def close(self) -> None:
        """There is nothing to close."""

    def send(self, method: str, path: str, **request: Any) -> Answer:
        route = path.removeprefix("/api/").partition("?")[0]
        body = request.get("json")
        answer = self.fault(method, route, body) or self._answer(method, route, body)
        if self.listener is not None:
            self.listener(method, path, answer)
        return answer

    def _answer(self, method: str, route: str, body: Any) -> Answer:
        kind, _, one = route.partition("/")
        if method == "POST":
            if not body.get("Name"):
                return _answer(400, {"ErrorMessage": "A name is required."})
            self._made += 1
            document: Document = {**self._spoil(method, kind, body), "Id": f"{kind.title()}-{self._made}", "Links": {}}
            self.stored[f"{kind}/{document['Id']}"] = document
            return _answer(201, document)
        if not one:
            return _answer(200, {"Items": [it for at, it in self.stored.items() if at.startswith(f"{kind}/")]})
        if route not in self.stored:
            return _answer(404, {"ErrorMessage": "It was not found."})
        if method == "PUT":
            self.stored[route] = self._spoil(method, kind, deepcopy(body))
        return _answer(200, self.stored.pop(route) if method == "DELETE" else self.stored[route])


def _answer(status: int, body: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0)


def context_of(client: OctopusClient) -> LiveContext:
    context = LiveContext(client, lambda: None, ServerInfo(Version(2018, 12, 1), "", spaces=False, links={}), "")
    client.listener = context.hearing.note
    return context


def edited(after: Shop) -> LiveResult:
    return check_editing(context_of(after), editing_outcomes(context_of(Shop())))


def test_a_server_that_keeps_what_is_edited_is_silent_and_left_as_it_was() -> None:
    shop = Shop()
    stored = deepcopy(shop.stored)

    assert edited(shop).findings == ()
    assert shop.stored == stored


def dropping(name: str) -> Callable[[str, str, Document], Document]:
    return lambda method, _, body: {**body, name: "as it was"} if method == "PUT" and name in body else body


def resetting(method: str, kind: str, body: Document) -> Document:
    """A save of an environment that brings the guided failure mode back to its default."""
    if method == "PUT" and kind == "environments" and str(body.get("Description")).endswith("(Tidegate)"):
        return {**body, "UseGuidedFailure": False}
    return body


def scriptless(method: str, kind: str, body: Document) -> Document:
    return deepcopy(PROCESS) if method == "PUT" and kind == "deploymentprocesses" else body


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (dropping("Description"), "environments: Description"),
        (resetting, "environments: Description"),
        (scriptless, "Octopus.Action.Script.ScriptBody of deploymentprocess-Projects-1"),
    ],
)
def test_an_edit_that_is_dropped_or_changes_something_else_is_found(
    spoil: Callable[[str, str, Document], Document], place: str
) -> None:
    found = [finding.place for finding in edited(Shop(spoil=spoil)).findings]

    assert any(place in one for one in found), found


def with_trigger(shop: Shop) -> Shop:
    for number in (1, 2):
        shop.stored[f"environments/Environments-{number}"] = {"Id": f"Environments-{number}"}
    action: Document = {"ActionType": "AutoDeploy", "EnvironmentIds": ["Environments-1"], "ProjectId": "Projects-1"}
    shop.stored["projecttriggers/ProjectTriggers-1"] = {"Id": "ProjectTriggers-1", "Version": 1, "Action": action}
    return shop


def test_what_a_thing_points_at_is_edited_and_put_back() -> None:
    def stuck(method: str, kind: str, body: Document) -> Document:
        old = {"ActionType": "AutoDeploy", "EnvironmentIds": ["Environments-1"], "ProjectId": "Projects-1"}
        return {**body, "Action": old} if method == "PUT" and kind == "projecttriggers" else body

    before = editing_outcomes(context_of(with_trigger(Shop())))
    shop = with_trigger(Shop())
    stored = deepcopy(shop.stored)

    assert check_editing(context_of(shop), before).findings == ()
    assert shop.stored == stored
    [finding] = check_editing(context_of(with_trigger(Shop(spoil=stuck))), before).findings
    assert finding.place == "projecttriggers: Action.EnvironmentIds.0 of ProjectTriggers-1"
    assert (finding.before, finding.after) == ("kept", "not kept")


def with_sorts(shop: Shop) -> Shop:
    """Accounts of two sorts, a subscription that tells somebody, and triggers that are due or wait for something."""
    schedule = {"FilterType": "OnceDailySchedule", "StartTime": "2020-01-01T09:00:00.000Z", "Timezone": "UTC"}
    webhook: Document = {"EmailTeams": ["teams-1"], "WebhookURI": "https://chat.example.test/", "Filter": {}}
    added: dict[str, Document] = {
        "accounts/Accounts-1": {"AccountType": "UsernamePassword", "Username": "deploy"},
        "accounts/Accounts-2": {"AccountType": "AmazonWebServicesAccount", "AccessKey": "AKIA1"},
        "subscriptions/Subscriptions-1": {"IsDisabled": False, "EventNotificationSubscription": webhook},
        "projecttriggers/ProjectTriggers-7": {"IsDisabled": False, "Filter": schedule, "Action": {"ActionType": "X"}},
        "projecttriggers/ProjectTriggers-8": {"IsDisabled": True, "Filter": {"FilterType": "MachineFilter"}},
    }
    for at, document in added.items():
        shop.stored[at] = {"Id": at.partition("/")[2], "Name": at, "Version": 1, **document}
    return shop


@pytest.mark.parametrize(
    ("kind", "name", "place"),
    [
        ("accounts", "AccessKey", "accounts (AmazonWebServicesAccount): AccessKey"),
        ("subscriptions", "IsDisabled", "subscriptions: IsDisabled"),
        ("projecttriggers", "IsDisabled", "projecttriggers (OnceDailySchedule/X): IsDisabled"),
    ],
)
def test_each_sort_of_a_kind_is_edited_on_a_copy(kind: str, name: str, place: str) -> None:
    def stuck(method: str, of: str, body: Document) -> Document:
        return {**body, name: "as it was"} if method == "PUT" and of == kind else body

    before = editing_outcomes(context_of(with_sorts(Shop())))
    shop = with_sorts(Shop())
    stored = deepcopy(shop.stored)

    assert check_editing(context_of(shop), before).findings == ()
    assert shop.stored == stored
    assert place in {one.place for one in check_editing(context_of(with_sorts(Shop(spoil=stuck))), before).findings}


@pytest.mark.parametrize(("when", "what"), [("PUT", "https://elsewhere.example.test"), ("DELETE", "gone with others")])
def test_what_happens_to_a_neighbour_is_found(when: str, what: str) -> None:
    """Saving a feed or removing it does something to the one that was there."""

    def shop(*, harms: bool) -> Shop:
        def neighbourly(method: str, route: str, _: Any) -> Answer | None:
            if harms and method == when and route.startswith("feeds/") and route != "feeds/Feeds-1":
                if when == "PUT":
                    made.stored["feeds/Feeds-1"]["FeedUri"] = "https://elsewhere.example.test"
                else:
                    made.stored.pop("feeds/Feeds-1", None)
            return None

        made = Shop(neighbourly)
        made.stored["feeds/Feeds-1"] = {"Id": "Feeds-1", "Name": "Acme", "FeedUri": "https://acme.example.test"}
        return made

    def written(made: Shop) -> LiveResult:
        before = things_of(context_of(made))
        editing_outcomes(context_of(made))
        creation_outcomes(context_of(made))  # whatever writes later finds the harm done
        return check_neighbours(context_of(made), before, ())

    assert written(shop(harms=False)).findings == ()
    [finding] = written(shop(harms=True)).findings
    assert finding.place.startswith("feeds/Feeds-1")
    assert finding.after == what


def test_what_the_harness_leaves_changed_before_the_upgrade_is_no_harm_to_a_neighbour() -> None:
    shop = Shop()
    shop.stored["machines/Machines-1"] = {"Id": "Machines-1", "HealthStatus": "Unknown"}
    before = things_of(context_of(shop))
    shop.stored["machines/Machines-1"]["HealthStatus"] = "Healthy"
    known = habits(touched(before, things_of(context_of(shop))))

    assert check_neighbours(context_of(shop), before, known).findings == ()
    [finding] = check_neighbours(context_of(shop), before, ()).findings
    assert (finding.place, finding.after) == ("machines/Machines-1: HealthStatus", "Healthy")


class Versioned(Shop):
    """Processes are saved only by who read the state that is stored; or, ``careless``, by anybody."""

    def __init__(self, *, careless: bool = False) -> None:
        super().__init__()
        self._careless = careless

    def _answer(self, method: str, route: str, body: Any) -> Answer:
        if method != "PUT" or not route.startswith("deploymentprocesses/"):
            return super()._answer(method, route, body)
        version = self.stored[route]["Version"]
        if body["Version"] != version and not self._careless:
            return _answer(400, {"ErrorMessage": "Please refresh the page and try again."})
        self.stored[route] = {**body, "Version": version + 1}
        return _answer(200, self.stored[route])


def test_saving_over_what_somebody_else_saved_is_found_where_it_was_refused() -> None:
    before = meanwhile_outcomes(context_of(Versioned()))

    assert check_meanwhile(context_of(Versioned()), before).findings == ()
    [finding] = check_meanwhile(context_of(Versioned(careless=True)), before).findings
    assert finding.place == "deploymentprocesses/deploymentprocess-Projects-1: saved over that"
    assert (finding.before, finding.after) == ("refused", "saved")


def test_a_thumbprint_that_cannot_be_changed_any_more_is_found_on_a_copy_that_is_nowhere() -> None:
    worker: Document = {
        "Id": "Workers-1", "Name": "Worker", "IsDisabled": False, "Thumbprint": "AA", "Uri": "https://w.example.test:1/",
        "Endpoint": {"CommunicationStyle": "TentaclePassive", "Uri": "https://w.example.test:1/", "Thumbprint": "AA"},
    }  # fmt: skip
    sent: list[Document] = []

    def stuck(method: str, kind: str, body: Document) -> Document:
        sent.extend([deepcopy(body)] if kind == "workers" else [])
        return {**body, "Thumbprint": "AA"} if method == "PUT" and kind == "workers" else body

    whole, broken = Shop(), Shop(spoil=stuck)
    for shop in (whole, broken):
        shop.stored["workers/Workers-1"] = deepcopy(worker)
    before = editing_outcomes(context_of(whole))

    places = [finding.place for finding in check_editing(context_of(broken), before).findings]
    assert places == ["workers (TentaclePassive): Thumbprint"]
    assert {one["Endpoint"]["Uri"] for one in sent} == {"https://tidegate.invalid:10933/"}
    assert sent[0]["IsDisabled"] is True
    assert broken.stored["workers/Workers-1"] == worker


def test_a_copy_that_is_edited_reaches_nobody_and_is_never_due() -> None:
    sent: list[tuple[str, Document]] = []

    def noted(method: str, route: str, body: Any) -> Answer | None:
        if method in ("POST", "PUT"):
            sent.append((route.partition("/")[0], body))
        return None

    editing_outcomes(context_of(with_sorts(Shop(fault=noted))))

    told = [
        body["EventNotificationSubscription"]
        for kind, body in sent
        if kind == "subscriptions" and "Tid" in body["Name"]
    ]
    filters = [body["Filter"] for kind, body in sent if kind == "projecttriggers" and "Tid" in body["Name"]]
    assert told
    assert {one["WebhookURI"] for one in told} == {"https://tidegate.invalid/"}
    assert [one["EmailTeams"] for one in told] == [[]] * len(told)
    assert filters
    assert all(one == FAR_AWAY for one in filters)


class OneDefault(Shop):
    """Only one worker pool is the default, it cannot be removed, and whoever becomes it takes it from the other."""

    def __init__(self) -> None:
        super().__init__()
        pool: Document = {"Id": "WorkerPools-1", "Name": "Default", "IsDefault": True, "Links": {}}
        self.stored["workerpools/WorkerPools-1"] = pool

    def _answer(self, method: str, route: str, body: Any) -> Answer:
        if method == "DELETE" and self.stored[route].get("IsDefault"):
            return _answer(400, {"ErrorMessage": "The default worker pool cannot be deleted."})
        if method == "POST" and route == "workerpools":
            body = {**body, "IsDefault": False}
        if method == "PUT" and route.startswith("workerpools/"):
            others = [at for at in self.stored if at.startswith("workerpools/") and at != route]
            if body["IsDefault"]:
                for at in others:
                    self.stored[at]["IsDefault"] = False
            elif not any(self.stored[at]["IsDefault"] for at in others):
                body = {**body, "IsDefault": True}
        return super()._answer(method, route, body)


def test_the_default_of_a_kind_is_given_back() -> None:
    shop = OneDefault()
    stored = deepcopy(shop.stored)

    outcomes = editing_outcomes(context_of(shop))

    assert shop.stored == stored
    assert outcomes["workerpools: IsDefault"] == "kept"
    assert outcomes["workerpools: removing what was edited"] == "kept"


def test_what_was_edited_and_cannot_be_removed_is_found() -> None:
    def stays(method: str, route: str, _: Any) -> Answer | None:
        return _answer(500, {}) if method == "DELETE" and route.startswith("tagsets/") else None

    assert [one.place for one in edited(Shop(fault=stays)).findings] == ["tagsets: removing what was edited"]


def test_a_property_that_is_not_kept_when_something_is_made_is_found() -> None:
    before = creation_outcomes(context_of(Shop()))

    def forgetful(method: str, kind: str, body: Document) -> Document:
        return {name: value for name, value in body.items() if method != "POST" or kind != "feeds" or name != "FeedUri"}

    [finding] = check_creating(context_of(Shop(spoil=forgetful)), before).findings

    assert finding.place == "what is kept of one of feeds as administrator"
    assert check_creating(context_of(Shop()), before).findings == ()


class Audited(Shop):
    """Whatever is made or removed is audited, but for what ``silent`` names."""

    def __init__(self, silent: str = "") -> None:
        super().__init__()
        self._silent = silent
        self._events: list[tuple[str, str]] = []

    def send(self, method: str, path: str, **request: Any) -> Answer:
        if path == "/api/events":
            found = [category for regarding, category in self._events if regarding == request["params"]["regarding"]]
            return _answer(200, {"Items": [{"Category": one} for one in found if one != self._silent]})
        answer = super().send(method, path, **request)
        if method in ("POST", "DELETE") and answer.ok:
            self._events.append((str(answer.json["Id"]), "Created" if method == "POST" else "Deleted"))
        return answer


def test_a_removal_that_the_audit_trail_does_not_tell_is_found() -> None:
    before = creation_outcomes(context_of(Audited()))

    assert before["what is audited of one of teams"] == "Created, Deleted"
    assert check_creating(context_of(Audited()), before).findings == ()
    found = check_creating(context_of(Audited("Deleted")), before).findings
    assert {finding.check for finding in found} == {"DIFF"}
    assert all("audited" in finding.place for finding in found)
    assert found


def test_a_copy_that_lacks_what_the_original_has_is_found() -> None:
    def with_feed(shop: Shop) -> Shop:
        feed: Document = {"Id": "Feeds-1", "Name": "Acme", "FeedType": "NuGet", "FeedUri": "https://acme.example.test"}
        shop.stored["feeds/Feeds-1"] = feed
        return shop

    def forgetful(method: str, kind: str, body: Document) -> Document:
        return {name: value for name, value in body.items() if method != "POST" or kind != "feeds" or name != "FeedUri"}

    before = copying_outcomes(context_of(with_feed(Shop())))
    shop = with_feed(Shop(spoil=forgetful))

    [finding] = check_copying(context_of(shop), before).findings

    assert finding.place == "feeds/Feeds-1: FeedUri of a copy"
    assert [place for place in shop.stored if place.startswith("feeds/")] == ["feeds/Feeds-1"]
    assert check_copying(context_of(with_feed(Shop())), before).findings == ()


def test_a_switch_that_is_ignored_when_something_is_made_is_found_though_every_original_has_it_off() -> None:
    def forgetful(method: str, kind: str, body: Document) -> Document:
        return {**body, "DiscreteChannelRelease": False} if (method, kind) == ("POST", "projects") else body

    whole, broken = Shop(), Shop(spoil=forgetful)
    for shop in (whole, broken):
        shop.stored["projects/Projects-1"] = {"Id": "Projects-1", "Name": "Web", "DiscreteChannelRelease": False}

    before = copying_outcomes(context_of(whole))

    assert check_copying(context_of(whole), before).findings == ()
    [finding] = check_copying(context_of(broken), before).findings
    assert finding.place == "projects/Projects-1: DiscreteChannelRelease of a turned copy"


def test_one_of_each_sort_is_copied() -> None:
    def with_feeds() -> dict[str, Document]:
        return {
            f"feeds/Feeds-{n}": {"Id": f"Feeds-{n}", "FeedType": kind} for n, kind in enumerate(("NuGet", "Docker"))
        }

    def defaulting(method: str, kind: str, body: Document) -> Document:
        return {**body, "FeedType": "NuGet"} if method == "POST" and kind == "feeds" else body

    whole, forgetful = Shop(), Shop(spoil=defaulting)
    for shop in (whole, forgetful):
        shop.stored |= with_feeds()

    [finding] = check_copying(context_of(forgetful), copying_outcomes(context_of(whole))).findings

    assert finding.place == "feeds/Feeds-1: FeedType of a copy"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Callable[[Shop], None]:
    """Strangers ask the same shop, and are told to log in."""

    def use(shop: Shop) -> None:
        def stranger(*_: Any, **__: Any) -> Shop:
            return Shop(lambda m, r, b: shop.fault(f"nobody {m}", r, b) or _answer(401, {"ErrorMessage": "Log in."}))

        monkeypatch.setattr("tidegate.checks.live.refusals.OctopusClient", stranger)

    return use


Use = Callable[[Shop], None]


def refused(no_network: Use, after: Shop) -> LiveResult:
    no_network(Shop())
    before = refusal_outcomes(context_of(Shop()))
    no_network(after)
    return check_refusals(context_of(after), before)


def test_a_server_that_refuses_as_before_is_silent(no_network: Use) -> None:
    assert refused(no_network, Shop()).findings == ()


@pytest.mark.parametrize(
    ("fault", "check", "place"),
    [
        (("DELETE", "machines", 403, "no"), "PERM", "machines: DELETE of one that is not there as administrator"),
        (("POST", "users", 500, "no"), "API", "users: POST of nothing as administrator"),
        (("PUT", "tenants", 404, ""), "API", "tenants: PUT of one that is not there as administrator"),
        (("nobody DELETE", "projects", 404, "no"), "PERM", "projects: DELETE of one that is not there as nobody"),
    ],
)
def test_another_refusal_is_found(no_network: Use, fault: tuple[str, str, int, str], check: str, place: str) -> None:
    method, kind, status, message = fault
    after = Shop(
        lambda m, r, _: (
            _answer(status, {"ErrorMessage": message}) if (m, r.partition("/")[0]) == (method, kind) else None
        )
    )

    [finding] = refused(no_network, after).findings

    assert (finding.check, finding.place) == (check, place)


def answered(fault: Fault) -> LiveResult:
    before, after = context_of(Shop()), context_of(Shop(fault))
    for context in (before, after):
        creation_outcomes(context)
    return check_answers(after, before.hearing.heard(), Hop((), Version(2020, 6, 1), Version(2021, 1, 1)))


def test_the_same_answers_are_no_finding() -> None:
    result = answered(lambda _method, _route, _body: None)

    assert (result.findings, len(result.covered)) == ((), 1)


@pytest.mark.parametrize(
    ("status", "body", "place"),
    [
        (202, {"Id": "Teams-1", "Name": "x", "MemberUserIds": [], "Links": {}}, "POST teams: status"),
        (201, {"Id": "Teams-1", "Name": "x", "MemberUserIds": []}, "POST teams: Links"),
        (201, {"Id": "Teams-1", "Name": "x", "MemberUserIds": "", "Links": {}}, "POST teams: MemberUserIds"),
    ],
)
def test_another_answer_to_a_write_is_found(status: int, body: Document, place: str) -> None:
    result = answered(lambda m, r, _: _answer(status, body) if (m, r) == ("POST", "teams") else None)

    assert [finding.place for finding in result.findings] == [place]
