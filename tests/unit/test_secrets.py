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
