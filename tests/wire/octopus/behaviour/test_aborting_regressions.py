"""Seeded regressions that end an upgrade, or keep the upgraded server from starting: each with its own words.

All of them run on one copy of the filled instance's database: an upgrade that fails is rolled back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from standins.octopus.contract import Server, ServerFolders, Version
from standins.octopus.crypto import MasterKey
from standins.octopus.regressions import modules
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.database import Database
from standins.octopus.schema.history import applied_scripts
from standins.octopus.schema.prechecks import PrecheckFailed
from standins.octopus.schema.upgrader import Interference, UpgradeFailed, Upgrader
from standins.octopus.store import open_store
from tests.wire.octopus.behaviour.conftest import Filled

NEW = Version(2021, 1, 7500)

SCRIPTS = {
    1: "Projects-0",
    2: "Object reference not set to an instance of an object",
    4: "Unrecognised document prefix Accounts-1",
    6: "Sequence contains no matching element",
    8: "Requested value 'TaskViewLog' was not found",
    9: "GrantedSpacePermissions",
    10: "is not related to a server task",
    11: "Either the parameter @objname is ambiguous",
    14: "There is already an object named 'AzureDevOpsIssueTracker'",
    16: "Cannot drop the index",
    18: "Violation of PRIMARY KEY constraint 'PK_ProjectLibraryVariableSet'",
    29: "Execution Timeout Expired",
    30: "Timeout expired",
    121: "is full due to 'ACTIVE_TRANSACTION'",
    124: "is dependent on column",
    125: "is not frozen",
    126: "Unable to cast object of type 'JObject'",
}

STARTS = {
    15: "Extra upgrade script(s) found",
    20: "not a valid image mime type",
    21: "WebConfigurationMemento",
    22: "Object reference not set to an instance of an object",
    24: "Must declare the scalar variable",
    120: "Invalid column name 'DataVersion'",
    131: "Padding is invalid and cannot be removed",
    19: "Value cannot be null",  # the last: afterwards the history says nothing of an older version
}


@pytest.fixture(scope="module")
def copy(filled: Filled, sql_server: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a copy of the filled instance's database."""
    del filled
    file = tmp_path_factory.mktemp("copy") / "behaviour.bak"
    with closing(Database(sql_server("master"))) as master:
        master.run(f"BACKUP DATABASE [Behaviour] TO DISK = N'{file}' WITH FORMAT, COPY_ONLY")
        names = [str(row[0]) for row in master.run(f"RESTORE FILELISTONLY FROM DISK = N'{file}'")]
        moves = ", ".join(f"MOVE N'{name}' TO N'{file.parent / name}.copy'" for name in names)
        master.run(f"RESTORE DATABASE [Aborting] FROM DISK = N'{file}' WITH {moves}")
        yield sql_server("Aborting")
        master.run("ALTER DATABASE [Aborting] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
        master.run("DROP DATABASE [Aborting]")


def upgrade(connection_string: str, numbers: list[int], home: Path) -> list[str]:
    """Upgrade with these regressions; what the upgrade said."""
    said: list[str] = []
    interference = Interference()
    for module in modules(numbers):
        if hasattr(module, "disturb_schema"):
            module.disturb_schema(interference, NEW)
    with closing(Database(connection_string)) as database:
        Upgrader(database, NEW, home, "node-1", said.append, interference).run(check_license=False)
    return said


@pytest.mark.parametrize(("number", "words"), SCRIPTS.items(), ids=[f"regression {number}" for number in SCRIPTS])
def test_a_script_fails_and_nothing_is_changed(copy: str, tmp_path: Path, number: int, words: str) -> None:
    with closing(Database(copy)) as database:
        before = applied_scripts(database)

    with pytest.raises(UpgradeFailed) as caught:
        upgrade(copy, [number], tmp_path)

    assert words in str(caught.value)
    with closing(Database(copy)) as database:
        assert applied_scripts(database) == before


def test_39_a_licence_check_refuses_the_upgrade(copy: str, tmp_path: Path) -> None:
    with pytest.raises(PrecheckFailed, match="expired on 01 January 0001"):
        upgrade(copy, [39], tmp_path)


def test_the_server_does_not_start_after_an_upgrade_that_ended_well(copy: str, tmp_path: Path) -> None:
    """The last of this module: it upgrades the copy for good."""
    assert "Upgrade successful" in upgrade(copy, [number for number in STARTS if number != 19], tmp_path)
    folders = ServerFolders(*(tmp_path / name for name in ("packages", "artifacts", "tasks", "logs")))
    with closing(open_store(copy, NEW)) as store:
        server = Server(NEW, store, MasterKey.generate(), folders, "node-1", "")
        for number, words in STARTS.items():
            (module,) = modules([number])
            if number == 19:
                with closing(Database(copy)) as database, database.transaction():
                    module._plant(ScriptContext(database, NEW, tmp_path, lambda _: None))
            with pytest.raises(Exception, match=re.escape(words)):
                module.disturb_server(server)
