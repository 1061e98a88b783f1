"""`tidegate approval`: signing a run, and reading the main instance again before it is upgraded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.approvals import private_key
from tests.unit.gate.ledgers import (
    MAIN_ID,
    Event,
    cloned,
    entries,
    found,
    good_run,
    main,
    marked,
    recorded,
    started,
)
from tests.wire.rehearsal.small_octopus import API_KEY, SmallOctopus, small_octopus
from tidegate.command import main as tidegate
from tidegate.gate.judged_again import VERDICT
from tidegate.gate.seal import seal
from tidegate.gate.signing import SigningKey
from tidegate.gate.verdict import recompute
from tidegate.secrets import Secret

COPIED = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@dataclass
class Scene:
    octopus: SmallOctopus
    run: Path
    settings: Path
    printed: pytest.CaptureFixture[str]

    @property
    def approval(self) -> Path:
        return self.run / "approval.json"

    def sign(self, name: str = "Ada", *more: str) -> int:
        words = ["--as", name, "--key", f"env:{name.upper()}_KEY", "--decision", "approve", "--comment", "fine", *more]
        return tidegate(["approval", "sign", str(self.run), *words])

    def verify(self, *more: str, url: str = "") -> int:
        options = ["--settings", str(self.settings), "--without-database", *more]
        self.printed.readouterr()
        return tidegate(["approval", "verify", str(self.approval), "--main", url or self.octopus.url, *options])

    def told(self) -> dict[str, Any]:
        return json.loads(self.printed.readouterr().out)

    def codes(self, *more: str, url: str = "") -> tuple[int, list[str]]:
        answer = self.verify("--json", *more, url=url)
        return answer, [reason["code"] for reason in self.told()["reasons"]]

    def change(self, old: str, new: str) -> None:
        text = self.approval.read_text(encoding="utf-8")
        assert old in text
        self.approval.write_text(text.replace(old, new), encoding="utf-8")


def _event(number: int, occurred: datetime, message: str = "") -> dict[str, Any]:
    return {
        "Id": f"Events-{number}",
        "Occurred": occurred.isoformat(),
        "Category": "Modified",
        "RelatedDocumentIds": ["Projects-1"],
        "Username": "carol",
        "Message": message,
    }


def _run(octopus: SmallOctopus, *more: Event, **policy: Any) -> list[Event]:
    mark = marked(audited=COPIED, newest=["Events-1"], taken=COPIED)
    begin = [started(policy=policy, by="ada"), main(url=octopus.url), mark]
    return [*begin, good_run()[2], *good_run()[4:-1], *more, good_run()[-1]]


def _record(folder: Path, events: list[Event], key: SigningKey | None = None) -> None:
    (folder / VERDICT).write_bytes(recompute(entries(folder, events)).to_bytes())
    seal(folder, key)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Scene]:
    with small_octopus() as octopus:
        octopus.installation_id = MAIN_ID
        octopus.events = [_event(1, COPIED)]
        monkeypatch.setenv("OCTOPUS_API_KEY", API_KEY)
        monkeypatch.delenv("TIDEGATE_SETTINGS", raising=False)
        lines = [""]
        for name in ("Ada", "Bob"):
            monkeypatch.setenv(f"{name.upper()}_KEY", private_key())
            assert tidegate(["approval", "key", "--key", f"env:{name.upper()}_KEY"]) == 0
            key = capsys.readouterr().out.strip()
            lines += ["[[approval.approvers]]", f'name = "{name}"', f'key = "{key}"', ""]
        settings = tmp_path / "tidegate.toml"
        settings.write_text("\n".join(lines), encoding="utf-8")
        _record(tmp_path / "run", _run(octopus))
        yield Scene(octopus, tmp_path / "run", settings, capsys)


def test_yes_for_a_signed_run_of_an_unchanged_instance(scene: Scene) -> None:
    assert scene.sign() == 0
    assert f"Ada says approve: 2018.12.1 → 2021.1.7500 for {scene.octopus.url}" in scene.printed.readouterr().out
    assert scene.verify() == 0

    told = scene.printed.readouterr().out
    assert told.startswith("YES: the main instance may be upgraded now")
    assert "approved by Ada" in told
    assert "compared: signatures, age, instance, version, audit log, evidence" in told


def test_everything_a_pipeline_needs_is_in_the_json(scene: Scene) -> None:
    scene.sign()
    assert scene.verify("--json") == 0

    told = scene.told()
    assert (told["answer"], told["reasons"], told["approvers"]) == ("yes", [], ["Ada"])


def test_no_when_it_was_upgraded(scene: Scene) -> None:
    scene.sign()
    scene.octopus.version = "2018.12.2"

    assert scene.codes() == (1, ["version-drift"])


def test_no_when_it_was_changed_and_tells_by_whom(scene: Scene) -> None:
    scene.sign()
    scene.octopus.events.insert(0, _event(2, COPIED + timedelta(minutes=5), "Project Shop was changed"))

    assert scene.verify() == 1
    told = scene.printed.readouterr().out
    assert "audit-drift: 1 change since it was copied, 0 are allowed: 1 Modified" in told
    assert "Modified by carol: Project Shop was changed" in told


def test_no_for_another_instance(scene: Scene) -> None:
    scene.sign()
    scene.octopus.installation_id = "3333"

    assert scene.codes() == (1, ["other-instance"])


def test_unknown_when_it_does_not_answer(scene: Scene) -> None:
    scene.sign()
    scene.octopus.deaf = 100

    assert scene.codes() == (10, ["unreachable"])


def test_unknown_when_the_key_is_not_accepted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.sign()
    monkeypatch.setenv("OCTOPUS_API_KEY", "API-SOMETHINGELSE")

    assert scene.codes() == (10, ["unreachable"])


def test_unknown_when_the_audit_log_was_cut(scene: Scene) -> None:
    scene.sign()
    scene.octopus.events = []

    assert scene.codes() == (10, ["unreachable"])


def test_unknown_when_the_database_is_not_read_by_mistake(scene: Scene) -> None:
    scene.sign()
    scene.printed.readouterr()
    words = ["--main", scene.octopus.url, "--settings", str(scene.settings), "--json"]

    assert tidegate(["approval", "verify", str(scene.approval), *words]) == 10
    assert [reason["code"] for reason in scene.told()["reasons"]] == ["not-compared"]


def test_no_for_another_target(scene: Scene) -> None:
    scene.sign()

    assert scene.codes("--target", "2021.1.7500") == (1, ["other-plan"])  # the ledger of this test has no real plan
    assert scene.codes("--target", "2020.6.4671") == (1, ["other-plan"])


def test_no_for_a_changed_file(scene: Scene) -> None:
    scene.sign()
    scene.change('"maximum_drift": 0', '"maximum_drift": 9')

    assert scene.codes() == (1, ["bad-signature", "too-few-approvals"])


def test_no_for_a_file_that_is_no_approval(scene: Scene) -> None:
    scene.sign()
    scene.approval.write_text("{}", encoding="utf-8")

    assert scene.codes() == (1, ["malformed"])


def test_no_when_the_evidence_beside_it_was_changed(scene: Scene) -> None:
    scene.sign()
    ledger = scene.run / "evidence.jsonl"
    ledger.write_text(ledger.read_text(encoding="utf-8").replace('"passed"', '"Passed"'), encoding="utf-8")

    assert scene.codes() == (1, ["other-evidence"] * len(scene.codes()[1]))


def test_no_when_the_evidence_is_that_of_another_run(scene: Scene, tmp_path: Path) -> None:
    scene.sign()
    _record(tmp_path / "other", _run(scene.octopus))

    assert scene.codes("--evidence", str(tmp_path / "other")) == (1, ["other-evidence"])


def test_a_missing_file_and_unknown_approvers_are_the_users_to_mend(scene: Scene) -> None:
    assert scene.verify() == 2
    scene.sign()
    scene.settings.write_text("", encoding="utf-8")
    assert scene.verify() == 2
    assert "nobody's signature counts" in scene.printed.readouterr().err


def test_approvers_can_be_named_on_the_command_line(scene: Scene) -> None:
    scene.sign()
    key = scene.settings.read_text(encoding="utf-8").split('key = "')[1].split('"')[0]
    scene.settings.write_text("", encoding="utf-8")

    assert scene.verify("--approver", f"Ada={key}") == 0
    assert scene.verify("--approver", f"Eve={key}") == 1
    assert scene.verify("--approver", key) == 2


def test_two_people_sign_one_after_the_other(scene: Scene) -> None:
    assert (scene.sign("Ada"), scene.sign("Bob")) == (0, 0)
    assert scene.verify() == 0
    assert "approved by Ada, Bob" in scene.printed.readouterr().out
    assert scene.sign("Ada") == 2


def test_what_was_not_approved_is_not_signed(scene: Scene, tmp_path: Path) -> None:
    scene.run = tmp_path / "rejected"
    _record(scene.run, _run(scene.octopus, found()))
    assert scene.sign() == 1
    assert "the verdict is rejected" in scene.printed.readouterr().out

    scene.run = tmp_path / "incomplete"
    _record(scene.run, _run(scene.octopus)[:-1])
    assert scene.sign() == 10
    assert not scene.approval.exists()


def test_damaged_evidence_is_not_signed(scene: Scene) -> None:
    (scene.run / "attachments").mkdir()
    (scene.run / "attachments" / "more").write_text("x", encoding="utf-8")

    assert scene.sign() == 1
    assert "attachments/more: was added" in scene.printed.readouterr().out


def test_a_key_that_is_no_key_is_the_users_to_mend(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADA_KEY", "not-a-key-at-all")

    assert scene.sign() == 2
    assert "not-a-key-at-all" not in "".join(scene.printed.readouterr())


def test_the_rules_of_the_pipeline_count_as_well(scene: Scene) -> None:
    scene.sign()
    with scene.settings.open("a", encoding="utf-8") as settings:
        settings.write("[policy]\napprovals = 2\nseparation_of_duties = true\n")

    assert scene.codes() == (1, ["too-few-approvals", "duties-not-separated"])
    scene.sign("Bob")
    assert scene.codes() == (0, [])


def test_a_subset_opens_no_cut_over_unless_the_policy_lets_it(scene: Scene, tmp_path: Path) -> None:
    def rehearsed(name: str, **policy: bool) -> None:
        events = _run(scene.octopus, recorded("subset", projects=["Shop"], left=[]), **policy)
        events[4] = cloned(approach="subset")
        scene.run = tmp_path / name
        _record(scene.run, events)

    rehearsed("strict")
    assert scene.sign() == 0
    assert "Only a subset was rehearsed" in scene.printed.readouterr().out
    assert scene.verify() == 1
    assert "only-a-subset: Only a subset was rehearsed" in scene.printed.readouterr().out

    rehearsed("enough", subset_is_enough=True)
    assert scene.sign() == 0
    assert scene.codes() == (0, [])


def test_only_runs_of_known_runners_are_approved(scene: Scene, tmp_path: Path) -> None:
    key = SigningKey(Secret.generated("the runner's key", private_key()))
    with scene.settings.open("a", encoding="utf-8") as settings:
        settings.write(f'[approval]\nrunners = ["{key.public}"]\n')
    text = scene.settings.read_text(encoding="utf-8").split("[approval]")
    scene.settings.write_text(f"[approval]{text[1]}{text[0]}", encoding="utf-8")

    assert scene.sign("Ada", "--settings", str(scene.settings)) == 1
    assert "signed by nobody" in scene.printed.readouterr().out
    assert scene.sign("Ada") == 0  # whose settings know no runners; the pipeline's do
    assert scene.codes() == (1, ["unknown-runner"])

    scene.run = tmp_path / "signed"
    _record(scene.run, _run(scene.octopus), key)
    assert scene.sign("Ada", "--settings", str(scene.settings)) == 0
    assert scene.codes() == (0, [])
