"""`pytest features/ --cut-over APPROVAL` on a main instance that runs: refused, killed and led back, and to its end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial

import pytest

from tests.support.standing import (
    LIVING,
    ORIGIN,
    TARGET,
    Standing,
    approved_installers,
    approver_key,
    upgrade_settings,
)
from tidegate.cutover.beginning import cut_over
from tidegate.errors import HarnessError
from tidegate.gate.policy import Policy
from tidegate.lab import Lab
from tidegate.rehearsal.main import describe_main
from tidegate.settings import EmbeddedSettings, PolicySettings, load
from tidegate.settings.model import UpgradeSettings
from tidegate.sqlserver.image import image_differences
from tidegate.versions import Version

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(
        not hasattr(os, "mkfifo"), reason="the lab's server cannot be started again without named pipes"
    ),
]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    folder = tmp_path_factory.mktemp("cut-over")
    key, installers = approver_key(), approved_installers(folder)
    with Lab(folder / "lab", EmbeddedSettings(version=ORIGIN)) as lab:
        address = lab.start(lambda _: None)
        text = address.settings.read_text(encoding="utf-8")
        address.settings.write_text(text + upgrade_settings(key), encoding="utf-8")
        settings = load(address.settings)
        assert settings.main is not None
        yield Standing(folder, address.settings, describe_main(settings.main), key, installers)


def test_an_approval_that_nobody_signed_changes_nothing(standing: Standing) -> None:
    approval = standing.approve("unsigned")
    content = json.loads(approval.read_text(encoding="utf-8")) | {"decisions": []}
    approval.write_text(json.dumps(content), encoding="utf-8")
    before = standing.image()

    code, output = standing.cut_over(approval)

    assert code == 10, output
    assert "the cut-over is refused: too-few-approvals" in output
    assert "nothing was touched" in output
    assert (standing.version(), standing.closed()) == (ORIGIN, False)
    assert [one for one in image_differences(before, standing.image()) if not one.startswith(LIVING[:3])] == []


def test_an_approval_of_a_subset_opens_no_cut_over_unless_the_policy_lets_it(standing: Standing) -> None:
    settings, told = load(standing.settings), "Only a subset was rehearsed."
    with pytest.raises(HarnessError, match="refused: only-a-subset: Only a subset was rehearsed") as refused:
        cut_over(settings, standing.approve("a-subset", reach=told), standing.folder / "refused", lambda _: None)
    assert "nothing was touched" in refused.value.next_step

    enough = standing.approve("enough", reach=told, policy=Policy(subset_is_enough=True))
    strict = settings.model_copy(update={"policy": PolicySettings(subset_is_enough=False)})
    asking = partial(cut_over, approval=enough, reports=standing.folder / "refused", report=lambda _: None)
    with pytest.raises(HarnessError, match="refused: only-a-subset"):
        asking(strict)
    # Where both policies let it, only what else is wrong is told.
    other = settings.model_copy(update={"upgrade": UpgradeSettings(target=Version(2021, 2, 7462))})
    with pytest.raises(HarnessError, match="refused: other-plan"):
        asking(other)
    assert (standing.version(), standing.closed()) == (ORIGIN, False)


def test_a_cut_over_that_is_killed_in_the_middle_of_the_schema_upgrade_is_led_back(standing: Standing) -> None:
    approval = standing.approve("killed")
    before = standing.image()
    standing.kill(approval, at=f"upgrading the database to {TARGET}")

    code, output = standing.cut_over(approval)

    assert code == 1, output
    assert 'ended in the middle of "upgrading the database' in output
    assert "ROLLED-BACK" in output
    assert (standing.version(), standing.closed()) == (ORIGIN, False)
    assert [one for one in image_differences(before, standing.image()) if not one.startswith(LIVING)] == []


def test_a_cut_over_upgrades_the_main_instance_and_verifies_it(standing: Standing) -> None:
    approval = standing.approve("whole")

    code, output = standing.cut_over(approval)

    assert code == 0, output
    assert "UPGRADED" in output
    assert (standing.version(), standing.closed()) == (TARGET, False)
    for secret in (standing.main.api_key, standing.main.master_key, standing.main.database.server.password):
        assert secret.reveal() not in output
    assert standing.cut_over(approval)[0] == 0  # run again: it says that nothing is left to do
