"""What the settings can ask of a verdict, and who ran a rehearsal."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.plugins.run import rehearsed_by
from tests.unit.gate.approvals import ADA_KEY, BOB_KEY
from tidegate.checks.finding import Severity
from tidegate.errors import SettingsError
from tidegate.gate.policy import Policy, with_settings
from tidegate.settings import Settings, load


def _settings(folder: Path, text: str) -> Settings:
    file = folder / "tidegate.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment={})


def test_takes_what_the_settings_say_and_leaves_the_rest(tmp_path: Path) -> None:
    settings = _settings(tmp_path, '[policy]\nblocking = ["breaking"]\nmaximum_drift = 3\nwaivers = "w.toml"\n')
    policy = with_settings(Policy(maximum_age=24), settings.policy)

    assert (policy.blocking, policy.maximum_drift, policy.maximum_age) == ((Severity.BREAKING,), 3, 24)
    assert policy.required_checks == Policy().required_checks


def test_settings_that_say_nothing_change_nothing() -> None:
    assert with_settings(Policy(maximum_age=24, approvals=2), Settings().policy) == Policy(maximum_age=24, approvals=2)


@pytest.mark.parametrize(
    "text",
    [
        "[policy]\nmaximum_age = 0\n",
        "[policy]\nmaximum_drift = -1\n",
        "[policy]\nrequired_checks = []\n",
        "[policy]\napprovals = 0\n",
        "[policy]\nmaximum_agee = 3\n",
        '[[approval.approvers]]\nname = "Ada"\nkey = "ssh-ed25519 AAAA"\n',
        '[[approval.approvers]]\nname = ""\nkey = "KEY"\n',
        '[approval]\nrunners = ["KEYS"]\n',
        '[evidence]\nkey = "-----BEGIN PRIVATE KEY-----"\n',
    ],
)
def test_refuses(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError):
        _settings(tmp_path, text.replace('"KEY"', f'"{ADA_KEY.public}"'))


@pytest.mark.parametrize("same", ["name", "key"])
def test_one_person_does_not_count_twice(tmp_path: Path, same: str) -> None:
    other = ("ada lovelace", BOB_KEY.public) if same == "name" else ("Bob", ADA_KEY.public)
    people = [("Ada Lovelace", ADA_KEY.public), other]
    rows = [f'[[approval.approvers]]\nname = "{name}"\nkey = "{key}"\n' for name, key in people]

    with pytest.raises(SettingsError, match=f"the same {same}"):
        _settings(tmp_path, "".join(rows))


def test_who_rehearsed_is_told_by_the_settings_else_the_ci_system_else_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR", "BUILD_USER_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("getpass.getuser", lambda: "machine")
    assert rehearsed_by(Settings()) == "machine"

    monkeypatch.setenv("GITLAB_USER_LOGIN", "ada")
    assert rehearsed_by(Settings()) == "ada"
    assert rehearsed_by(Settings.model_validate({"approval": {"rehearsed_by": "bob"}})) == "bob"


def test_a_machine_without_a_user_says_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("no user")

    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR", "BUILD_USER_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("getpass.getuser", nobody)
    assert rehearsed_by(Settings()) == ""
