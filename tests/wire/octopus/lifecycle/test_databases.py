"""Creating, upgrading and refusing databases with the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from standins.octopus.contract import Version
from standins.octopus.crypto import MasterKey
from standins.octopus.nodes import NodeRecord
from standins.octopus.schema.integrity import actual_items, schema_differences
from standins.octopus.schema.manifest import scripts_of
from standins.octopus.schema.roles import built_in_roles
from tests.wire.octopus.lifecycle.machine import ADMIN_KEY, Instance
from tests.wire.sqlserver.processes import PASSWORD, server_process

VERSIONS = ("2018.12.1", "2019.1.0", "2019.13.5", "2020.6.4671", "2021.1.7500")
ORIGIN, TARGET = Version.parse(VERSIONS[0]), Version.parse(VERSIONS[-1])


@pytest.mark.parametrize("version", [*VERSIONS, "2022.4.8377"])
def test_a_new_database_has_the_schema_its_version_expects(instance: Instance, version: str) -> None:
    result = instance.run(version, "database", "--create")

    assert result.code == 0, result.output + result.errors
    with instance.database() as database:
        assert schema_differences(database, Version.parse(version)) == []


def test_upgrading_gives_the_same_schema_as_creating(instance: Instance, another_instance: Instance) -> None:
    instance.create("2018.12.1")
    for version in VERSIONS[1:]:
        result = instance.upgrade(version)
        assert result.code == 0, result.output + result.errors
    another_instance.create("2021.1.7500")

    with instance.database() as upgraded, another_instance.database() as created:
        assert set(actual_items(upgraded, TARGET)) == set(actual_items(created, TARGET))
        scripts = "SELECT [ScriptName] FROM dbo.[SchemaVersions] ORDER BY [Id]"
        assert upgraded.run(scripts) == created.run(scripts)


def test_one_upgrade_runs_every_script_between(instance: Instance) -> None:
    instance.create("2018.12.1")

    result = instance.upgrade("2021.1.7500")

    assert result.code == 0, result.output + result.errors
    done = {script.name for script in scripts_of(Version.parse("2018.12.1"))}
    expected = [script.name for script in scripts_of(Version.parse("2021.1.7500")) if script.name not in done]
    executed = [
        line.split("'")[1] for line in result.output.splitlines() if line.startswith("Executing Database Server")
    ]
    assert executed == expected
    assert "- PASS: The license allows this upgrade" in result.output
    assert "COMPATIBILITY_LEVEL" in result.output
    history = "SELECT [Version] FROM dbo.[OctopusServerInstallationHistory] ORDER BY [Installed]"
    with instance.database() as database:
        assert [version for (version,) in database.run(history)] == ["2018.12.1", "2021.1.7500"]


def test_upgrading_again_changes_nothing(instance: Instance) -> None:
    instance.create("2019.13.5")
    result = instance.upgrade("2019.13.5")
    assert result.code == 0
    assert "No new scripts need to be executed" in result.output


def test_creating_twice_says_so(instance: Instance) -> None:
    instance.create("2019.13.5")
    result = instance.run("2019.13.5", "database", "--create")
    assert result.code == 0
    assert "already exists" in result.output


def test_a_master_key_is_made_when_none_is_given(instance: Instance) -> None:
    text = instance.configuration.read_text()
    instance.configuration.write_text(text.replace(instance.master_key.text(), ""))
    assert instance.run("2019.13.5", "database", "--create").code == 0
    shown = instance.run("2019.13.5", "show-master-key", "--format=json", "--noconsolelogging")
    assert MasterKey.parse(json.loads(shown.output)["MasterKey"])


def test_an_existing_database_needs_its_master_key(instance: Instance) -> None:
    instance.create("2019.13.5")
    text = instance.configuration.read_text()
    instance.configuration.write_text(text.replace(instance.master_key.text(), ""))
    result = instance.run("2019.13.5", "database", "--create")
    assert result.code == 1
    assert "master key" in result.errors


def test_a_wrong_master_key_is_found_out(instance: Instance) -> None:
    instance.create("2019.13.5")
    text = instance.configuration.read_text()
    instance.configuration.write_text(text.replace(instance.master_key.text(), MasterKey.generate().text()))
    for command, option in (("database", "--upgrade"), ("run", "--noninteractive")):
        result = instance.run("2020.6.4671" if command == "database" else "2019.13.5", command, option)
        assert result.code == 1
        assert "master key" in result.errors.lower()


def test_an_older_server_refuses_a_newer_database(instance: Instance) -> None:
    instance.create("2020.6.4671")
    assert instance.upgrade("2021.1.7500").code == 0

    for command, option in (("run", "--noninteractive"), ("node", "--taskCap=1"), ("database", "--upgrade")):
        result = instance.run("2020.6.4671", command, option)
        assert result.code == 1
        assert "2020.6.4671 was stopped to protect your data" in result.errors
        assert "2021.1.7500" in result.errors
        assert "--skipDatabaseCompatibilityCheck" in result.errors
    assert instance.run("2020.6.4671", "node", "--taskCap=1", "--skipDatabaseCompatibilityCheck").code == 0


def test_a_newer_server_wants_the_schema_upgraded_first(instance: Instance) -> None:
    instance.create("2019.1.0")
    result = instance.run("2019.13.5", "run", "--noninteractive")
    assert result.code == 1
    assert "database --upgrade" in result.errors


def test_a_failing_script_changes_nothing(instance: Instance) -> None:
    """An artifact without a task is what OctopusDeploy/Issues#5226 tells of."""
    instance.create("2018.12.1")
    with instance.database() as database:
        database.insert(
            "Artifact",
            "Artifacts-1",
            {},
            Filename="log.txt",
            Created="2018-12-24T00:00:00.000+00:00",
            RelatedDocumentIds="|Projects-1|",
        )
        before = set(actual_items(database, ORIGIN))

    result = instance.upgrade("2019.1.0")

    assert result.code == 1
    assert "Error occured when executing scripts, transaction will be rolled back" in result.output
    assert "nothing has been changed in your database" in result.errors
    with instance.database() as database:
        assert set(actual_items(database, ORIGIN)) == before
        assert database.run("SELECT COUNT(*) FROM dbo.[SchemaVersions] WHERE [ScriptName] LIKE '%Spaces%'") == [(0,)]
        database.run("DELETE FROM dbo.[Artifact]")
    assert instance.upgrade("2019.1.0").code == 0


def test_an_unknown_script_in_the_journal_stops_an_upgrade(instance: Instance) -> None:
    instance.create("2020.6.4671")
    with instance.database() as database:
        database.run(
            "INSERT INTO dbo.[SchemaVersions] ([ScriptName], [Applied]) "
            "VALUES (N'Octopus.Core.UpgradeScripts.Script0999FromTheFuture.cs', GETUTCDATE())"
        )
    result = instance.upgrade("2021.1.7500")
    assert result.code == 1
    assert "- FAIL: Unexpected upgrade history detected" in result.output
    assert "Script0999FromTheFuture" in result.errors


def test_an_expired_licence_stops_an_upgrade_unless_skipped(instance: Instance) -> None:
    instance.create("2020.6.4671")
    text = '<License Signature="x"><MaintenanceExpires>2020-12-31</MaintenanceExpires></License>'
    with instance.database() as database:
        stored = json.dumps({"LicenseText": text})
        database.run("UPDATE dbo.[Configuration] SET [JSON] = ? WHERE [Id] = N'license'", stored)
    refused = instance.upgrade("2021.1.7500")
    assert refused.code == 1
    assert "would not be compliant with your license" in refused.errors
    assert instance.upgrade("2021.1.7500", "--skipLicenseCheck").code == 0


def test_only_one_upgrade_at_a_time(instance: Instance) -> None:
    instance.create("2020.6.4671")
    with instance.database() as database:
        database.run("EXEC sp_getapplock N'OctopusServerDatabaseUpgrade', N'Exclusive', N'Session', 0")
        result = instance.upgrade("2021.1.7500")
    assert result.code == 1
    assert "Another process is upgrading this database" in result.errors


def test_another_collation_in_a_column_stops_an_upgrade(instance: Instance) -> None:
    instance.create("2020.6.4671")
    with instance.database() as database:
        database.run("CREATE TABLE dbo.[Own] ([Name] nvarchar(50) COLLATE SQL_Latin1_General_CP1_CI_AS NULL)")
    result = instance.upgrade("2021.1.7500")
    assert result.code == 1
    assert "One or more columns in the database are not using the default collation" in result.errors


def test_the_integrity_check_names_what_is_missing_and_unexpected(instance: Instance) -> None:
    instance.create("2021.1.7500")
    with instance.database() as database:
        database.run("DROP INDEX [IX_Event_Occurred] ON dbo.[Event]")
        database.run("CREATE TABLE dbo.[Custom] ([Id] nvarchar(10) NULL)")
        assert schema_differences(database, Version.parse("2021.1.7500")) == [
            "Missing item: IDX dbo.Event.IX_Event_Occurred",
            "Unexpected item: USER_TABLE Custom.Id nvarchar(10)",
        ]


def test_deleting_a_database(instance: Instance) -> None:
    instance.create("2019.13.5")
    assert instance.run("2019.13.5", "database", "--delete").code == 0
    result = instance.upgrade("2019.13.5")
    assert result.code == 1
    assert "does not exist" in result.errors


def test_spaces_hold_what_was_there_before(instance: Instance) -> None:
    instance.create("2018.12.1")
    package = instance.home / "Packages" / "Acme.Web" / "Acme.Web.1.0.0.zip"
    package.parent.mkdir(parents=True)
    package.write_bytes(b"package")
    with instance.database() as database:
        columns: dict[str, Any] = dict.fromkeys(("ProjectGroupIds", "TenantIds"), "")
        database.insert(
            "Team",
            "Teams-1",
            {"UserRoleIds": ["userroles-projectdeployer", "userroles-systemmanager"]},
            Name="Deployers",
            MemberUserIds="|Users-1|",
            ProjectIds="|Projects-1|",
            EnvironmentIds="|Environments-1|Environments-2|",
            TenantTags="",
            **columns,
        )
        database.insert("UserRole", "UserRoles-1", {"GrantedPermissions": ["ProjectView", "TaskViewLog"]}, Name="Own")

    assert instance.upgrade("2019.1.0").code == 0

    with instance.database() as database:
        assert database.run("SELECT [Id], [Name], [IsDefault] FROM dbo.[Space]") == [("Spaces-1", "Default", True)]
        assert database.run("SELECT DISTINCT [SpaceId] FROM dbo.[Lifecycle]") == [("Spaces-1",)]
        assert database.run("SELECT [Id], [FeedType], [SpaceId] FROM dbo.[Feed]") == [
            ("feeds-builtin", "BuiltIn", "Spaces-1")
        ]
        granted = {
            (columns[0], columns[1]): (columns[2], role)
            for role, columns in database.documents("ScopedUserRole", "TeamId", "UserRoleId", "SpaceId")
        }
        space, scope = granted["Teams-1", "userroles-projectdeployer"]
        assert space == "Spaces-1"
        assert scope["ProjectIds"] == ["Projects-1"]
        assert scope["EnvironmentIds"] == ["Environments-1", "Environments-2"]
        assert granted["Teams-1", "userroles-systemmanager"][0] is None
        assert granted["teams-spacemanagers-Spaces-1", "userroles-spacemanager"][0] == "Spaces-1"
        assert granted["teams-administrators", "userroles-spacemanager"][0] == "Spaces-1"
        roles = {role["Id"]: role for role, _ in database.documents("UserRole")}
        assert roles["UserRoles-1"]["GrantedSpacePermissions"] == ["ProjectView", "TaskViewLog"]
        assert "ProjectView" not in roles["userroles-systemadministrator"]["GrantedSpacePermissions"]
    assert not package.exists()
    assert (instance.home / "Packages/Spaces-1/feeds-builtin/Acme.Web/Acme.Web.1.0.0.zip").read_bytes() == b"package"

    assert instance.upgrade("2019.1.7").code == 0
    with instance.database() as database:
        roles = {role["Id"]: role for role, _ in database.documents("UserRole")}
        assert roles["UserRoles-1"]["GrantedSpacePermissions"] == ["ProjectView"]


def test_secrets_are_not_in_any_output(instance: Instance) -> None:
    instance.create("2018.12.1")
    results = [instance.upgrade("2021.1.7500"), instance.run("2021.1.7500", "path", "--artifacts", str(instance.home))]
    password = instance.connection_string.split("Password=")[1].split(";")[0].strip("'")
    log = (instance.home / "Logs" / "OctopusServer.txt").read_text()
    for text in [log, *(result.output + result.errors for result in results)]:
        assert password not in text
        assert instance.master_key.text() not in text
        assert ADMIN_KEY not in text


@pytest.mark.parametrize("version", [*VERSIONS, "2025.4.10338"])
def test_the_scripts_lead_to_the_roles_of_the_version(instance: Instance, version: str) -> None:
    instance.create(version)
    lists = ("GrantedPermissions", "GrantedSpacePermissions", "GrantedSystemPermissions")
    with instance.database() as database:
        stored = {
            document["Id"]: {name: set(document[name]) for name in lists if name in document}
            for document, _ in database.documents("UserRole")
        }
    split = Version.parse(version) >= Version(2019, 1, 0)
    expected = {
        role.id: {name: set(names) for name, names in role.json(split=split).items() if name in lists}
        for role in built_in_roles(Version.parse(version))
    }
    assert stored == expected


def test_a_killed_upgrade_leaves_the_old_schema_and_can_be_repeated(instance: Instance) -> None:
    instance.create("2018.12.1")
    instance.kill_upgrade("2021.1.7500", at="Script0208")

    with instance.database() as database:
        assert schema_differences(database, Version.parse("2018.12.1")) == []
    assert instance.upgrade("2021.1.7500").code == 0
    with instance.database() as database:
        assert schema_differences(database, Version.parse("2021.1.7500")) == []


def test_from_2023_2_9755_no_other_node_may_run(instance: Instance) -> None:
    instance.create("2023.1.9794")
    with instance.database() as database:
        other = NodeRecord(database, Version.parse("2023.1.9794"), "node-2")
        other.ensure()
        other.seen(datetime.now(UTC))
        result = instance.upgrade("2023.3.13181")
        assert result.code == 1
        assert "The following nodes appear to be running: node-2" in result.errors
        other.seen(datetime.now(UTC) - timedelta(hours=1))
    assert instance.upgrade("2023.3.13181").code == 0


def test_where_the_version_stays_other_nodes_may_run(instance: Instance) -> None:
    """A container looks after the schema at every start, and joins the nodes that run already."""
    instance.create("2023.3.13181")
    with instance.database() as database:
        other = NodeRecord(database, Version.parse("2023.3.13181"), "node-2")
        other.ensure()
        other.seen(datetime.now(UTC))

    result = instance.upgrade("2023.3.13181")

    assert (result.code, result.errors) == (0, "")


def test_sql_server_2016_was_too_old_for_the_first_builds_of_2020_2(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--sql-server") != "standin":
        pytest.skip("only the stand-in can be any version of SQL Server")
    with server_process(tmp_path, ["-m", "standins.sqlserver"], "--product-version", "2016") as server:
        address = f"Server=127.0.0.1,{server.address.port};User Id=sa;Password={PASSWORD}"
        instance = Instance(tmp_path, f"{address};Database=Octopus")
        instance.create("2020.1.4")
        refused = instance.upgrade("2020.2.17")
        assert refused.code == 1
        assert "requires SQL Server 2017 or newer" in refused.errors
        assert instance.upgrade("2020.4.0").code == 0
