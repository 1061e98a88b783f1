"""What the page is made from: verdict, evidence by kind, decisions of people, and where Allure's report is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import md5
from typing import Any

from tidegate.gate.evidence import Entry
from tidegate.gate.scenarios import ScenarioResult, results
from tidegate.gate.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """What one named person decided; ``time`` is written as it was signed."""

    name: str
    decision: str
    comment: str
    time: str


@dataclass(frozen=True)
class Material:
    """Everything the page tells. ``allure`` is the address of Allure's HTML report; empty when there is none."""

    verdict: Verdict
    entries: Sequence[Entry]
    decisions: Sequence[Decision] = ()
    allure: str = ""

    @cached_property
    def by_kind(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The details of the entries, in order, by kind."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for entry in self.entries:
            found.setdefault(entry.kind, []).append(entry.details)
        return found

    @cached_property
    def scenarios(self) -> Mapping[str, ScenarioResult]:
        return results(self.entries)

    def all(self, kind: str) -> Sequence[Mapping[str, Any]]:
        return self.by_kind.get(kind, ())

    def first(self, kind: str) -> Mapping[str, Any]:
        """The first entry of a kind; empty when there is none."""
        found = self.all(kind)
        return found[0] if found else {}

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.first("run.started").get("settings") or {}

    def scenario_address(self, scenario: str) -> str:
        """Where Allure's report shows a scenario; empty when that is not known."""
        uuid = self._allure_ids.get(scenario, "")
        if not self.allure or not uuid:
            return ""
        # Allure 3 calls a result by the MD5 of its uuid (@allurereport/core, store/convert).
        return f"{self.allure}#{md5(uuid.encode(), usedforsecurity=False).hexdigest()}"

    @cached_property
    def _allure_ids(self) -> Mapping[str, str]:
        return {str(one["id"]): str(one.get("allure") or "") for one in self.all("scenario")}


def stage_and_title(scenario: str) -> tuple[str, str]:
    """`features/09_verify_api.feature: Nothing is lost` as ("Verify API", "Nothing is lost")."""
    file, _, title = scenario.partition(".feature: ")
    name = file.rpartition("/")[2].lstrip("0123456789_").replace("_", " ").replace(" api", " API")
    return (name[:1].upper() + name[1:]) or file, title
