"""What an upgrade of the main instance will be like: the path, the outage to expect, and the risks that are its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tidegate.rehearsal.forecast import Forecast, forecast, measured_on
from tidegate.rehearsal.instances import MainInstance
from tidegate.rehearsal.size import InstanceSize, size_of
from tidegate.settings.model import UpgradeSettings
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.inspect import Outcome, PreCheckResult, judge_sql_server, run_pre_checks, sql_server_facts
from tidegate.versions import Hop, Plan, ReleaseKnowledge, Risk, plan

Report = Callable[[str], None]


class Answer(StrEnum):
    """Whether a known risk is this instance's."""

    APPLIES = "applies"
    NOT_HERE = "does not apply"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True, slots=True)
class OwnRisk:
    """A risk of one hop with the answer for this instance; ``rows`` are what in the database says so."""

    hop: Hop
    what: str
    why: str
    source: str
    answer: Answer
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """Everything `--plan` tells; nothing was changed to learn it."""

    main: str
    plan: Plan
    size: InstanceSize
    forecast: Forecast
    risks: tuple[OwnRisk, ...]
    asked: int  # questions the database answered

    def of(self, answer: Answer) -> list[OwnRisk]:
        return [risk for risk in self.risks if risk.answer is answer]

    def as_json(self) -> dict[str, Any]:
        return {
            "main": self.main,
            **self.plan.as_json(),
            "size": self.size.as_json(),
            "outage": {
                "seconds": self.forecast.seconds,
                "basis": self.forecast.basis,
                "steps": [
                    {"step": one.name, "seconds": one.seconds, "factor": one.factor} for one in self.forecast.steps
                ],
            },
            "risks": [
                {
                    "hop": f"{risk.hop.origin} → {risk.hop.target}",
                    "what": risk.what,
                    "why": risk.why,
                    "source": risk.source,
                    "answer": str(risk.answer),
                    "rows": list(risk.rows),
                }
                for risk in self.risks
            ],
        }


def look_ahead(
    main: MainInstance, wanted: UpgradeSettings, knowledge: ReleaseKnowledge, reports: Path, report: Report
) -> Outlook:
    """Plan the path, ask the main instance's database what is known to go wrong on it, and forecast the outage.

    The database is only read. A way round is taken for every risk that applies and has one.
    """
    direct = plan(main.version, wanted.target, knowledge, wanted.via)
    report("asking the database what is known to break this upgrade")
    with SqlServer(main.database.server, main.database.name) as server:
        facts = sql_server_facts(server)
        answers = _ask(server, direct)
        applying = {result.check.id for result in answers.values() if result.outcome is Outcome.VIOLATED}
        led = plan(main.version, wanted.target, knowledge, wanted.via, applying=applying)
        if led != direct:
            answers = _ask(server, led)
    risks: list[OwnRisk] = []
    for hop in led.hops:
        too_old = judge_sql_server(facts, knowledge.floor(hop.target), hop.target)
        risks += [
            OwnRisk(
                hop, f"SQL Server {one.before} is too old", one.consequence, "docs, installation/requirements",
                Answer.APPLIES,
            )
            for one in too_old
        ]  # fmt: skip
        risks += [_own(hop, risk, answers) for risk in hop.risks]
    told = {risk.pre_check for hop in led.hops for risk in hop.risks}
    risks += [
        OwnRisk(_hop_of(led, result), result.check.title, result.check.means, result.check.source, answer, result.rows)
        for result in answers.values()
        if result.check.id not in told and (answer := _answer(result)) is not Answer.NOT_HERE
    ]
    report("measuring how big the instance is")
    size = size_of(main.database, main.folders)
    measured = measured_on(reports, led, main.url)
    return Outlook(main.url, led, size, forecast(led, measured, size), tuple(risks), len(answers))


def _ask(server: SqlServer, path: Plan) -> dict[str, PreCheckResult]:
    """The answers of every hop; a question that concerns several hops is told once."""
    answers: dict[str, PreCheckResult] = {}
    for hop in path.hops:
        for result in run_pre_checks(server, hop.origin, hop.target):
            if result.outcome is not Outcome.NOT_APPLICABLE:
                answers.setdefault(result.check.id, result)
    return answers


def _own(hop: Hop, risk: Risk, answers: dict[str, PreCheckResult]) -> OwnRisk:
    result = answers.get(risk.pre_check)
    answer = _answer(result) if result else Answer.UNKNOWN
    return OwnRisk(hop, risk.when, risk.why, risk.source, answer, result.rows if result else ())


def _answer(result: PreCheckResult) -> Answer:
    match result.outcome:
        case Outcome.VIOLATED:
            return Answer.APPLIES
        case Outcome.HOLDS:
            return Answer.NOT_HERE
        case _:
            return Answer.UNKNOWN


def _hop_of(path: Plan, result: PreCheckResult) -> Hop:
    """The first hop that the question concerns."""
    check = result.check
    return next(hop for hop in path.hops if hop.origin in check.origin and hop.target in check.target)
