"""What lies ahead of a main instance, asked of its real database."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.wire.database_layer.octopus_tables import put
from tests.wire.database_layer.scene import fill_main, main_instance
from tests.wire.rehearsal.small_octopus import small_octopus
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.instances import MainInstance
from tidegate.rehearsal.outlook import Answer, Outlook, look_ahead
from tidegate.reporting.outlook import outlook_lines
from tidegate.settings.model import UpgradeSettings
from tidegate.sqlserver.connection import SqlServer
from tidegate.versions import Version, release_knowledge


@pytest.fixture
def main(host: SqlServerHost, new_database: Callable[[], str], tmp_path: Path) -> MainInstance:
    name = new_database()
    with SqlServer(host.address, name) as server:
        fill_main(server)
        server.execute("DELETE FROM dbo.ServerTask")  # one of them waits since years, which is a risk of its own
    with small_octopus() as api:
        return main_instance(api, host, name, tmp_path / "main")


def ahead(main: MainInstance, target: str, tmp_path: Path, *via: str) -> Outlook:
    wanted = UpgradeSettings(target=Version.parse(target), via=tuple(Version.parse(one) for one in via))
    return look_ahead(main, wanted, release_knowledge(), tmp_path / "reports", lambda _: None)


def test_a_sound_instance_has_no_risk_of_its_own(main: MainInstance, tmp_path: Path) -> None:
    outlook = ahead(main, "2021.1.7500", tmp_path)

    assert outlook.of(Answer.APPLIES) == []
    assert outlook.asked > 5
    assert outlook.size.database > 0
    assert outlook.size.folders == sum(len(name) for name in ("packages", "artifacts", "task-logs"))
    assert "   none that is known" in list(outlook_lines(outlook))


def test_what_the_database_holds_becomes_a_risk_with_its_source_and_place(main: MainInstance, tmp_path: Path) -> None:
    with SqlServer(main.database.server, main.database.name) as server:
        put(server, "Artifact", "Artifacts-1", Filename="report.txt", RelatedDocumentIds="|Projects-1|")

    outlook = ahead(main, "2021.1.7500", tmp_path, "2019.13.5")

    (risk,) = outlook.of(Answer.APPLIES)
    assert (str(risk.hop.target), risk.rows) == ("2019.13.5", ("Artifacts-1: report.txt",))
    text = "\n".join(outlook_lines(outlook))
    assert "Artifacts that belong to no server task" in text
    assert "(I#5226, I#5497)" in text
    assert json.loads(json.dumps(outlook.as_json()))["risks"][0]["answer"] == "applies"


def test_a_risk_nobody_can_ask_the_database_about_is_left_to_the_reader(main: MainInstance, tmp_path: Path) -> None:
    outlook = ahead(replace(main, version=Version(2021, 1, 7500)), "2023.4.6580", tmp_path)

    (risk,) = [one for one in outlook.of(Answer.UNKNOWN) if one.source.endswith("#9141")]
    assert "licence" in risk.what
    assert "To be judged by you:" in list(outlook_lines(outlook))


def test_the_path_goes_round_a_known_bad_hop_and_says_so(main: MainInstance, tmp_path: Path) -> None:
    lines = list(outlook_lines(ahead(main, "2025.4.10331", tmp_path)))

    assert any(line.startswith("goes over 2024.4.1576, because") and "Issues#10126" in line for line in lines)
