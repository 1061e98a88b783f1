"""Rules of channels and tags of tenants: what is chosen otherwise than before the upgrade is found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tidegate.checks.live.context import LiveContext, Notes, run_check
from tidegate.checks.live.rules import check_rules, rule_outcomes
from tidegate.checks.live.runs import Rehearsed, Run, compare_run
from tidegate.checks.live.task_logs import RunLog
from tidegate.checks.live.variables import Evaluated
from tidegate.errors import HarnessError
from tidegate.octopus.client import Access, Answer, OctopusClient, ServerInfo
from tidegate.versions import Version

TENANTS: Final[Mapping[str, list[str]]] = {
    "Tenants-1": ["Region/North", "Ring/Early"],
    "Tenants-2": ["Region/North", "Ring/Late"],
    "Tenants-3": ["Region/South", "Ring/Late"],
}


class Choosing(OctopusClient):
    """A server with three tenants. ``through`` is what every rule says; ``anyway`` joins tags of sets by *or*."""

    def __init__(self, *, through: bool | None = None, anyway: bool = False) -> None:
        self.url = "http://127.0.0.1:1"
        self.access = Access.FULL
        self.listener = None
        self._through = through
        self._anyway = anyway

    def send(self, method: str, path: str, **request: Any) -> Answer:
        parts = urlsplit(path)
        query: dict[str, str] = {name: values[0] for name, values in parse_qs(parts.query).items()}
        query |= {name: str(value) for name, value in request.get("params", {}).items()}
        if parts.path.endswith("rule-test"):
            satisfied = query["version"] >= query.get("versionRange", "").strip("[](,)")
            return _answer({"IsSatisfied": satisfied if self._through is None else self._through})
        tags = set(filter(None, query.get("tags", "").split(",")))
        chosen = {name: own for name, own in TENANTS.items() if self._matches(tags, set(own))}
        if parts.path.endswith("tag-test"):
            return _answer({name: {"IsMatched": name in chosen} for name in TENANTS})
        return _answer({"Items": [{"Id": name, "TenantTags": own} for name, own in chosen.items()]})

    def _matches(self, tags: set[str], own: set[str]) -> bool:
        sets = {tag.partition("/")[0] for tag in tags}
        found = [any(tag in own for tag in tags if tag.startswith(one)) for one in sets]
        return not tags or (any(found) if self._anyway else all(found))


def _answer(body: Any) -> Answer:
    return Answer(200, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0)


def context_of(client: OctopusClient) -> LiveContext:
    return LiveContext(client, lambda: None, ServerInfo(Version(2018, 12, 1), "", spaces=False, links={}), "")


def test_the_same_rules_are_no_finding() -> None:
    before = rule_outcomes(context_of(Choosing()))

    assert before["tenants/tag-test: Region/North,Ring/Late"] == "Tenants-2"
    assert check_rules(context_of(Choosing()), before).findings == ()


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (Choosing(through=True), "rule-test"),
        (Choosing(through=False), "rule-test"),
        (Choosing(anyway=True), "tags"),
    ],
)
def test_rules_that_choose_otherwise_are_found(after: Choosing, words: str) -> None:
    found = check_rules(context_of(after), rule_outcomes(context_of(Choosing()))).findings

    assert any(words in finding.place for finding in found)
    assert {finding.check for finding in found} == {"RELEASE"}


def test_a_task_that_does_not_end_is_the_place_of_its_finding() -> None:
    def body(_: Notes) -> None:
        raise HarnessError("waited 120 s for the end of ServerTasks-7; the last state was Queued", where="http://x:1")

    [finding] = run_check("DEPLOY", context_of(Choosing()), body).findings

    assert finding.place == "tasks/ServerTasks-7"


def ordered(*parts: str) -> Run:
    return Run("ServerTasks-1", "Success", "", RunLog(()), Evaluated({}), (), (), frozenset(parts))


def test_a_part_of_an_order_that_a_deployment_does_not_have_any_more_is_found() -> None:
    before = Rehearsed(
        "Projects-1", "Web", "Environments-1", "", "Releases-1", "1.0", (), "Channels-1", (), {},
        ordered("SkipActions=a1", "FormValues[ticket]='7'", "ReleaseId='Releases-1'"),
    )  # fmt: skip
    same, less = Notes("DEPLOY"), Notes("DEPLOY")

    compare_run(same, "deployment of Web", before, ordered(*(before.run.ordered | {"ReleaseId='Releases-2'"})))
    compare_run(less, "deployment of Web", before, ordered("ReleaseId='Releases-2'"))

    assert same.findings == []
    assert [finding.place for finding in less.findings] == [
        "deployment of Web: FormValues[ticket] of its order", "deployment of Web: SkipActions of its order",
    ]  # fmt: skip
