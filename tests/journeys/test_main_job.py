"""The main job on the embedded default: approved, and nothing stays behind but the report.

Both hops are rehearsed whole, at once; `.ci/run` rehearses the default one by `scripts/rehearse` as well.
"""

from __future__ import annotations

import json
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.runs import REPOSITORY, Seen, leaks, rehearse
from tests.unit.gate.approvals import private_key
from tests.unit.process.inner import Ran
from tidegate.command import main as tidegate
from tidegate.gate.evidence import read_entries
from tidegate.gate.judged_again import examine
from tidegate.gate.signing import SigningKey
from tidegate.gate.verdict import recompute
from tidegate.reporting.page_check import page_damage
from tidegate.secrets import Secret

pytestmark = pytest.mark.journey


@dataclass(frozen=True, slots=True)
class Job:
    ran: Ran
    seen: Seen
    seconds: float


MAIN_VERSIONS = ("2018.12.1", "2020.6.4671")


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """Version of the main instance → its main job; the jobs run side by side on this machine."""

    def rehearsed(version: str) -> Job:
        reports, with_pdf = tmp_path_factory.mktemp("reports"), {"TIDEGATE_REPORTS__PDF": "true"}
        return Job(*rehearse("features/", "--main-version", version, reports=reports, environment=with_pdf))

    with ThreadPoolExecutor(len(MAIN_VERSIONS)) as pool:
        return dict(zip(MAIN_VERSIONS, pool.map(rehearsed, MAIN_VERSIONS), strict=True))


@pytest.fixture(params=MAIN_VERSIONS)
def job(request: pytest.FixtureRequest, jobs: dict[str, Job]) -> Job:
    return jobs[request.param]


def test_two_at_once_do_not_meet(jobs: dict[str, Job]) -> None:
    old, new = jobs.values()

    assert old.seen.ports
    assert new.seen.ports
    assert old.seen.ports.isdisjoint(new.seen.ports)
    assert old.seen.processes.keys().isdisjoint(new.seen.processes)
    assert [len(job.ran.events("clone")) for job in (old, new)] == [1, 1]


def test_ends_approved(job: Job) -> None:
    assert (job.ran.exit_code, job.ran.verdict["outcome"]) == (0, "approved"), job.ran.output
    assert job.ran.verdict["reasons"] == []
    assert "VERDICT APPROVED: the main instance may follow" in job.ran.output


def test_finds_nothing_where_nothing_is_wrong(job: Job) -> None:
    assert [finding for finding in job.ran.verdict["findings"] if finding["severity"] != "info"] == []


def test_runs_every_scenario_there_is(job: Job) -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in (REPOSITORY / "features").glob("*.feature"))

    assert len(job.ran.scenarios()) == text.count("Scenario:")
    assert set(job.ran.scenarios().values()) == {"passed"}
    assert {result["name"] for result in job.ran.allure()} == set(job.ran.scenarios())


def test_leaves_evidence_from_which_the_verdict_can_be_recomputed(job: Job) -> None:
    folder = job.ran.run_folder

    found = examine(folder)
    assert (*found.ledger.damage, *page_damage(folder, found)) == ()
    assert recompute(list(read_entries(folder / "evidence.jsonl"))).to_bytes() == (folder / "verdict.json").read_bytes()


def test_leaves_what_the_report_describes_and_nothing_else(job: Job) -> None:
    assert {path.name for path in job.ran.run_folder.iterdir()} <= {
        "allure-results",
        "attachments",
        "SHA256SUMS",
        "change-board.html",
        "change-board.pdf",
        "evidence.jsonl",
        "junit.xml",
        "logs",
        "snapshots",
        "verdict.json",
    }


def test_leaves_no_process_and_no_port(job: Job) -> None:
    assert job.seen.processes, "none was seen at all"
    assert job.seen.alive() == []
    assert [port for port in job.seen.ports if _answers(port)] == []


def test_shows_no_secret_anywhere(job: Job) -> None:
    assert len(job.seen.secrets) >= 5, "the secrets to look for were not seen"
    assert leaks(job.ran.run_folder, job.seen.secrets) == []
    assert [secret for secret in job.seen.secrets if secret in job.ran.output] == []
    assert [line for line in job.seen.command_lines for secret in job.seen.secrets if secret in line] == []


def test_live_checks_ran_in_their_order(job: Job) -> None:
    """What deletes comes last, whatever order the features are read in."""
    names = [event["name"] for event in job.ran.events("check") if "name" in event]

    assert names[:2] == ["health", "background"]
    assert names[-10:-6] == ["saving", "saving as before", "consequences", "editing"]
    assert names[-6:-2] == ["meanwhile", "refusals", "answers", "neighbours"]
    assert names[-2:] == ["integrity", "retention"]
    assert names.index("triggers") < names.index("deployments")


def test_tells_the_timings_that_a_change_board_asks_for(job: Job) -> None:
    titles = {stage["title"] for stage in job.ran.events("stage")}
    [upgrade] = job.ran.events("upgrade")

    assert "Backing up the main instance" in titles
    assert next(one["step"] for one in upgrade["timings"]) == "stopping the server"
    assert "upgrading the database" in {one["step"] for one in upgrade["timings"]}


def test_the_plan_is_in_the_evidence(job: Job) -> None:
    [plan] = job.ran.events("plan")

    assert plan["to"] == "2021.1.7500"
    assert json.dumps(plan)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_the_newest_run_is_latest(job: Job) -> None:
    latest: Path = job.ran.run_folder.parent / "latest"

    assert latest.resolve() == job.ran.run_folder


def test_its_verdict_can_be_signed_but_says_nothing_about_an_instance_that_is_gone(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(job.ran.run_folder, tmp_path / "run")
    monkeypatch.setenv("ADA_KEY", private_key())
    monkeypatch.setenv("OCTOPUS_API_KEY", "API-NOBODY")
    key = SigningKey(Secret.parse("env:ADA_KEY")).public
    words = ["--as", "Ada", "--key", "env:ADA_KEY", "--decision", "approve", "--comment", "fine"]
    assert tidegate(["approval", "sign", str(folder), *words]) == 0

    [main] = job.ran.events("main")
    verifying = ["approval", "verify", str(folder / "approval.json"), "--main", main["url"], "--approver", f"Ada={key}"]
    capsys.readouterr()
    assert tidegate([*verifying, "--target", "2021.1.7500", "--json"]) == 10
    told = json.loads(capsys.readouterr().out)
    assert [reason["code"] for reason in told["reasons"]] == ["unreachable"]
    assert told["compared"] == ["signatures", "age", "plan", "evidence"]
