from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import SettingsError
from tidegate.secrets import MASK, Redactor, Secret, redact


def test_a_secret_shows_where_it_comes_from_and_never_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", "canary-value-1")
    secret = Secret.parse("env:CANARY_KEY")

    assert secret.reveal() == "canary-value-1"
    assert "canary-value-1" not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_revealed_secret_is_masked_in_any_text_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("canary-value-2\n", encoding="utf-8")
    Secret.parse(f"file:{file}").reveal()

    assert redact("login failed for canary-value-2!") == f"login failed for {MASK}!"


def test_a_reference_that_leads_nowhere_says_which_and_is_an_error_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NO_SUCH_VARIABLE"):
        Secret.parse("env:NO_SUCH_VARIABLE").reveal()
    with pytest.raises(SettingsError) as refused:
        Secret.parse(f"file:{tmp_path / 'missing'}").reveal()
    assert str(tmp_path / "missing") in str(refused.value)


@given(st.text(min_size=1).filter(lambda text: not text.startswith(("env:", "file:"))))
def test_text_that_is_no_reference_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Secret.parse(text)
    if len(text) > 40:
        assert text not in str(refused.value)


@given(st.lists(st.text(alphabet="abcXYZ123-_", min_size=6, max_size=30), min_size=1, max_size=5), st.text())
def test_no_known_value_survives_redaction_even_where_one_contains_another(values: list[str], around: str) -> None:
    redactor = Redactor()
    for value in values:
        redactor.add(value)

    shown = redactor.redact(around + "|".join(values))

    assert not any(value in shown for value in values)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key API-CANARYCANARYCANARY12345 is refused", f"key {MASK} is refused"),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln!", f"Bearer {MASK}!"),
        ("http://ada:canary@proxy.example.test:8080/x", f"http://{MASK}@proxy.example.test:8080/x"),
        ("Server=sql;User Id=sa;Password=canary-9;Encrypt=yes", f"Server=sql;User Id=sa;Password={MASK};Encrypt=yes"),
        ("Driver={x};UID=sa;PWD=canary-9", f"Driver={{x}};UID=sa;PWD={MASK}"),
        ("to https://hooks.slack.com/services/T0/B0/canary", f"to https://hooks.slack.com/services/{MASK}"),
        ("https://a.webhook.office.com/webhookb2/canary@x/y", f"https://a.webhook.office.com/webhookb2/{MASK}"),
    ],
)
def test_a_stranger_s_credential_is_masked_by_its_form(text: str, left: str) -> None:
    assert redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "APIKeys-12 of Users-1; GET /api/users; API-1; the API-surface of 2021.1.7500",
        "http://octopus.example.test:8080/api and ada@example.test; 12:30@noon",
        "Address(password=Secret(env:SQL_PASSWORD)); a password= is missing; user:group",
        "sha256:0a1b2c; ed25519:RGvHD16jWFc30CYg8N0eqMigDaIX8bMkUbTVuw+9lMw=",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert redact(text) == text
