"""RELEASE: rules are read as before: what a channel lets through, and which tenants a choice of tags means.

Nothing is made: the server is asked what a rule would say (`channels/rule-test`, `tenants/tag-test`; links
VersionRuleTest and TenantTagTest of the root document), and for lists of tenants by tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, islice
from typing import Any, Final, cast
from urllib.parse import urlencode

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.observation.documents import id_of, property_of
from tidegate.octopus.client import Answer

#: What was said of each question.
Outcomes = dict[str, str]

#: Versions on either side of every bound, and ranges and tags as people write them (Octopus docs, "Channels").
VERSIONS: Final = ("0.9.0", "1.0.0", "1.5.0-beta.2", "2.0.0")
RANGES: Final = ("", "[1.0]", "[1.0,2.0)", "(1.0,)", "2.0")
TAGS: Final = ("^$", "beta")

#: Tags of different sets have to be there all, of tags of one set one is enough (Octopus docs, "Tenant tags").
_MOST_CHOICES: Final = 6
_MOST_TENANTS: Final = 30


def rule_outcomes(context: LiveContext) -> Outcomes:
    """What the server says of versions by ranges and tags, and of tenants by pairs of tags."""
    return dict([*_versions(context), *_tenants(context)])


def check_rules(context: LiveContext, before: Mapping[str, str]) -> LiveResult:
    """Ask again after the upgrade."""

    def body(notes: Notes) -> None:
        after = rule_outcomes(context)
        for question, outcome in before.items():
            now = after.get(question, "not asked")
            if now != outcome:
                notes.find(
                    question, "rules let something else through: releases and deployments reach others than before",
                    before=outcome, after=now,
                )  # fmt: skip
        notes.covered.append(f"{len(before)} questions about rules of channels and tags of tenants")

    return run_check("RELEASE", context, body)


def _versions(context: LiveContext) -> Iterator[tuple[str, str]]:
    rules = [(version_range, "") for version_range in RANGES] + [("", tag) for tag in TAGS]
    for version_range, tag in rules:
        query = {"versionRange": version_range, "preReleaseTag": tag}
        said: list[str] = []
        for version in VERSIONS:
            answer = _ask(context, "channels/rule-test", {"version": version, **query})
            said.append(f"{version} {property_of(answer.json, 'IsSatisfied') if answer.ok else answer.status}")
        yield f"channels/rule-test: {version_range or tag or 'no rule'}", ", ".join(said)


def _tenants(context: LiveContext) -> Iterator[tuple[str, str]]:
    tenants = sorted(context.shown(context.path("tenants"), take=_MOST_TENANTS), key=id_of)
    known = sorted({str(tag) for one in tenants for tag in cast("list[Any]", one.get("TenantTags") or [])})
    pairs = list(combinations(known, 2))
    # Of either sort of pair: of one set, and of two.
    alike = [(one, other) for one, other in pairs if _set(one) == _set(other)]
    across = [(one, other) for one, other in pairs if _set(one) != _set(other)]
    for chosen in (*islice(alike, _MOST_CHOICES // 2), *islice(across, _MOST_CHOICES // 2)):
        tags = ",".join(chosen)
        tested = _ask(context, "tenants/tag-test", {"tenantIds": ",".join(map(id_of, tenants)), "tags": tags})
        found = cast("dict[str, Any]", tested.json) if tested.ok else {}
        matched = sorted(name for name, one in found.items() if property_of(one, "IsMatched"))
        yield f"tenants/tag-test: {tags}", ", ".join(matched) if tested.ok else str(tested.status)
        listed = context.shown(context.path("tenants"), tags=tags, take=_MOST_TENANTS)
        yield f"tenants with the tags {tags}", ", ".join(sorted(map(id_of, listed)))


def _set(tag: str) -> str:
    return tag.partition("/")[0]


def _ask(context: LiveContext, route: str, query: Mapping[str, str]) -> Answer:
    return context.client.send("GET", f"{context.path(route)}?{urlencode(query)}")
