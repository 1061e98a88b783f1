"""What an approval is bound to, and who can sign it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.gate.approvals import ADA_KEY, COPIED, asked, by_bob, signed, signing_key, statement
from tests.unit.gate.ledgers import entries, found, good_run, installed, started
from tidegate.errors import HarnessError, SettingsError, UsageError
from tidegate.gate.answer import answer
from tidegate.gate.approval import Approval, Choice, load_approval, statement_of
from tidegate.gate.objections import Says
from tidegate.gate.signing import SigningKey, public_key, signed_by
from tidegate.gate.verdict import recompute
from tidegate.secrets import Secret


def test_is_bound_to_one_instance_path_installers_plan_and_evidence(tmp_path: Path) -> None:
    recorded = entries(tmp_path, good_run())
    verdict = recompute(recorded)
    made = statement_of(verdict, recorded, "5ea1")

    assert (made.main.url, made.main.version) == ("https://octopus.example.com", "2018.12.1")
    assert (made.main.installation_id, made.main.newest_events) == (
        "1" * 8 + "-1111-1111-1111-" + "1" * 12,
        ("Events-9",),
    )
    assert made.path == ("2018.12.1", "2021.1.7500")
    assert made.installed == {"2018.12.1": "sha256:01", "2021.1.7500": "sha256:02"}
    assert (made.evidence_sha256, made.evidence_entries) == (recorded[-1].digest, len(recorded))
    assert made.expires == COPIED + timedelta(hours=168)


@pytest.mark.parametrize("rejected", [True, False], ids=["rejected", "incomplete"])
def test_only_an_approved_verdict_can_be_signed(tmp_path: Path, rejected: bool) -> None:
    run = [*good_run()[:-1], found(), good_run()[-1]] if rejected else good_run()[:-1]
    recorded = entries(tmp_path, run)

    with pytest.raises(HarnessError, match="nothing to approve"):
        statement_of(recompute(recorded), recorded, "5ea1")


def test_evidence_that_does_not_tell_everything_cannot_be_signed(tmp_path: Path) -> None:
    events = [started(policy={"required_facts": []}), *good_run()[1:]]
    del events[3]  # how far the main instance was
    recorded = entries(tmp_path, events)

    with pytest.raises(HarnessError, match=r"main\.mark"):
        statement_of(recompute(recorded), recorded, "5ea1")


def test_reads_what_it_wrote(tmp_path: Path) -> None:
    approval = by_bob(signed(tmp_path / "run"))
    file = tmp_path / "approval.json"
    file.write_bytes(approval.to_bytes())

    assert load_approval(file) == approval
    assert load_approval(file).to_bytes() == approval.to_bytes()


Change = Callable[[dict[str, Any]], object]

NO_APPROVAL: dict[str, Change] = {
    "no statement": lambda document: document.pop("statement"),
    "no instance": lambda document: document["statement"].pop("main"),
    "more than is known": lambda document: document["statement"].update(also="this"),
    "another format": lambda document: document["statement"].update(format="tidegate-approval/2"),
    "no path": lambda document: document["statement"].update(path=["2018.12.1"]),
    "another choice": lambda document: document["decisions"][0].update(choice="perhaps"),
    "no comment": lambda document: document["decisions"][0].update(comment=" "),
}


@pytest.mark.parametrize("change", NO_APPROVAL.values(), ids=NO_APPROVAL)
def test_refuses_what_is_no_approval(tmp_path: Path, change: Change) -> None:
    document = json.loads(signed(tmp_path / "run").to_bytes())
    change(document)
    file = tmp_path / "approval.json"
    file.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(ValueError, match="this is no approval"):
        load_approval(file)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no approval"):
        load_approval(tmp_path / "none.json")


def test_nobody_decides_twice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has decided already"):
        signed(tmp_path).signed("ada lovelace ", Choice.REJECT, "on second thoughts", ADA_KEY, COPIED)


@pytest.mark.parametrize(("name", "comment"), [(" ", "fine"), ("Ada", "")])
def test_a_decision_has_a_name_and_a_comment(tmp_path: Path, name: str, comment: str) -> None:
    with pytest.raises(UsageError, match="must say something"):
        Approval(statement=statement(tmp_path)).signed(name, Choice.APPROVE, comment, ADA_KEY, COPIED)


def test_a_key_signs_and_another_does_not(tmp_path: Path) -> None:
    signature = ADA_KEY.sign(b"this")

    assert signed_by(ADA_KEY.public, signature, b"this")
    assert not signed_by(ADA_KEY.public, signature, b"that")
    assert not signed_by(signing_key().public, signature, b"this")


@pytest.mark.parametrize("signature", ["", "AAAA", "no base64!", "ü"])
def test_what_is_malformed_is_no_signature(signature: str) -> None:
    assert not signed_by(ADA_KEY.public, signature, b"this")


@pytest.mark.parametrize("text", ["", "ed25519:", "ed25519:AAAA", "rsa:AAAA", "ed25519:ü" + "A" * 42])
def test_refuses_what_is_no_public_key(text: str) -> None:
    with pytest.raises(ValueError, match="ed25519:"):
        public_key(text)


@pytest.mark.parametrize("kind", ["text", "another kind"])
def test_refuses_what_is_no_signing_key_without_showing_it(kind: str) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    content = "not-a-key-at-all" if kind == "text" else other
    with pytest.raises(SettingsError, match="openssl genpkey") as refused:
        SigningKey(Secret.generated("a key", content))

    assert content not in str(refused.value)


def test_a_signing_key_shows_its_public_half_only() -> None:
    key = signing_key()

    assert repr(key) == f"SigningKey({key.public})"


def test_evidence_with_an_incomplete_list_of_installers_contradicts_itself(tmp_path: Path) -> None:
    events = [*good_run()[:6], installed(digests={"2018.12.1": "sha256:01"}), *good_run()[7:]]

    assert recompute(entries(tmp_path, events)).outcome == "incomplete"


def test_a_second_signature_covers_the_first(tmp_path: Path) -> None:
    both = by_bob(signed(tmp_path))
    alone = Approval(statement=both.statement, decisions=both.decisions[1:])

    assert signed_by(both.decisions[1].key, both.decisions[1].signature, both.signed_content(1))
    assert not signed_by(alone.decisions[0].key, alone.decisions[0].signature, alone.signed_content(0))


def test_no_approval_outlives_a_waiver_that_its_verdict_rests_on(tmp_path: Path) -> None:
    expires = datetime.now(UTC).date() + timedelta(days=1)  # a verdict is given on the day of its evidence
    waiver = {"check": "DIFF", "place": "Projects-1/*", "reason": "r", "owner": "o", "link": "https://a.example/1"}
    events = [started(waivers=[waiver | {"expires": str(expires)}]), *good_run()[1:-1], found(), good_run()[-1]]
    recorded = entries(tmp_path, events)
    made = statement_of(recompute(recorded), recorded, "5ea1")

    assert made.waived_until == expires
    later = made.main.model_copy(update={"copied": datetime.now(UTC)})
    end = datetime.combine(expires + timedelta(days=1), time(), UTC)
    assert made.model_copy(update={"main": later}).expires == end


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_file_that_was_tampered_with_is_no_approval_or_has_a_bad_signature(
    tmp_path: Path, data: st.DataObject
) -> None:
    """Whatever byte is changed: never a yes, and never a traceback. White space in the file means nothing."""
    file = tmp_path / "approval.json"
    content = signed(tmp_path / str(len(list(tmp_path.iterdir())))).to_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    put = data.draw(st.one_of(st.binary(max_size=3), st.sampled_from([b"null", b"1e999", b'"', b"[" * 5000])))
    file.write_bytes(content[:at] + put + content[at + data.draw(st.integers(0, 2)) :])
    try:
        approval = load_approval(file)
    except ValueError:
        return
    given_answer = answer(approval, asked())

    assert given_answer.says is not Says.YES or approval == Approval.model_validate_json(content)


def test_a_time_without_its_zone_is_no_approval(tmp_path: Path) -> None:
    told = json.loads(signed(tmp_path).to_bytes())
    told["statement"]["main"]["copied"] = "2026-05-01T12:00:05"
    (tmp_path / "approval.json").write_text(json.dumps(told), encoding="utf-8")

    with pytest.raises(ValueError, match="copied"):
        load_approval(tmp_path / "approval.json")
