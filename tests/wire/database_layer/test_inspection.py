"""What a database is asked before its upgrade; each question with a row that offends and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.wire.database_layer.octopus_tables import create_tables, put
from tidegate.checks.finding import Severity
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import installation_history, schema_journal
from tidegate.sqlserver.identity import database_identity
from tidegate.sqlserver.inspect import (
    Outcome,
    PreCheckResult,
    findings,
    judge_sql_server,
    run_pre_checks,
    sql_server_facts,
)
from tidegate.versions import Version, release_knowledge

NOW = "2021-06-01T10:00:00+00:00"
OLD, NEW = Version(2018, 12, 1), Version(2021, 1, 7500)


@pytest.fixture
def octopus(database: SqlServer) -> SqlServer:
    create_tables(database)
    put(database, "Project", "Projects-1", Name="Web", AutoCreateRelease=0, IncludedLibraryVariableSetIds="|A|B|")
    put(database, "Channel", "Channels-1", Name="Default", ProjectId="Projects-1")
    put(database, "Release", "Releases-1", Version="1.0.0", ProjectId="Projects-1")
    put(database, "Deployment", "Deployments-1", Name="Deploy", ReleaseId="Releases-1")
    put(database, "VariableSet", "variableset-Projects-1-s-0-ABCDE", OwnerId="Projects-1", IsFrozen=1)
    put(database, "Artifact", "Artifacts-1", Filename="log.txt", RelatedDocumentIds="|Deployments-1|ServerTasks-1|")
    put(database, "Configuration", "features", {"IsDockerEnabled": True})
    put(database, "OctopusServerInstallationHistory", "History-1", Node="MAIN", Version="2018.12.1", Installed=NOW)
    database.execute("INSERT INTO dbo.SchemaVersions (ScriptName, Applied) VALUES ('Script0001', GETUTCDATE())")
    return database


def ask(server: SqlServer, current: Version = OLD, target: Version = NEW) -> dict[str, PreCheckResult]:
    return {result.check.id: result for result in run_pre_checks(server, current, target, own_nodes=["CLONE"])}


def test_a_sound_database_raises_nothing_and_every_question_is_answered(octopus: SqlServer) -> None:
    results = ask(octopus)

    assert {name for name, result in results.items() if result.outcome is Outcome.VIOLATED} == set()
    assert {name for name, result in results.items() if result.outcome is Outcome.COULD_NOT_RUN} == set()
    assert results["orphaned-channels"].outcome is Outcome.HOLDS
    assert list(findings(list(results.values()))) == []


def _null_version(server: SqlServer) -> None:
    put(server, "OctopusServerInstallationHistory", "History-2", Node="MAIN", Version=None, Installed=NOW)


def _another_collation(server: SqlServer) -> None:
    server.execute("CREATE TABLE dbo.Extra (Id int NOT NULL, Name nvarchar(50) COLLATE Latin1_General_BIN NULL)")


def _doubled_script(server: SqlServer) -> None:
    server.execute("INSERT INTO dbo.SchemaVersions (ScriptName, Applied) VALUES ('Script0001', GETUTCDATE())")


def _queued(server: SqlServer) -> None:
    put(
        server,
        "ServerTask",
        "ServerTasks-9",
        Name="Retention",
        State="Queued",
        QueueTime=NOW,
        HasPendingInterruptions=0,
    )


DAMAGES: list[tuple[str, Callable[[SqlServer], None], str]] = [
    ("column-collation", _another_collation, "Extra.Name: Latin1_General_BIN"),
    ("null-version", _null_version, "History-2: MAIN"),
    ("doubled-script", _doubled_script, "Script0001: 2"),
    ("stuck-tasks", _queued, "ServerTasks-9: Retention"),
    (
        "orphaned-channels",
        lambda server: put(server, "Channel", "Channels-2", Name="Lost", ProjectId="Projects-9"),
        "Channels-2: Projects-9",
    ),
    (
        "orphaned-releases",
        lambda server: put(server, "Release", "Releases-2", Version="1", ProjectId="Projects-9"),
        "Releases-2: Projects-9",
    ),
    (
        "orphaned-deployments",
        lambda server: put(server, "Deployment", "Deployments-2", Name="D", ReleaseId="Releases-9"),
        "Deployments-2: Releases-9",
    ),
    (
        "artifacts-without-task",
        lambda server: put(server, "Artifact", "Artifacts-2", Filename="a.txt", RelatedDocumentIds="|Projects-1|"),
        "Artifacts-2: a.txt",
    ),
    (
        "unfrozen-snapshots",
        lambda server: put(server, "VariableSet", "variableset-Projects-1-s-1-FGHIJ", OwnerId="P", IsFrozen=0),
        "variableset-Projects-1-s-1-FGHIJ: P",
    ),
    ("broken-json", lambda server: put(server, "Tenant", "Tenants-1", "{oops", Name="Acme"), "Tenant/Tenants-1"),
]


@pytest.mark.parametrize(("check", "damage", "row"), DAMAGES, ids=[name for name, _, _ in DAMAGES])
def test_what_broke_upgrades_before_is_found_with_its_place(
    octopus: SqlServer, check: str, damage: Callable[[SqlServer], None], row: str
) -> None:
    damage(octopus)

    results = ask(octopus)

    violated = {name: result.rows for name, result in results.items() if result.outcome is Outcome.VIOLATED}
    assert row in violated[check]
    found = [finding for finding in findings(list(results.values())) if finding.place == results[check].check.title]
    assert len(found) == 1
    assert found[0].check == "PRE"
    assert found[0].severity is results[check].check.severity


def test_a_library_set_included_twice_stops_the_upgrade_to_2026(octopus: SqlServer) -> None:
    put(octopus, "Project", "Projects-2", Name="Api", AutoCreateRelease=0, IncludedLibraryVariableSetIds="|A|B|A|")

    to_2026 = ask(octopus, Version(2025, 4, 10338), Version(2026, 1, 11349))["doubled-library-sets"]

    assert to_2026.rows == ("Projects-2: A",)
    assert ask(octopus)["doubled-library-sets"].outcome is Outcome.NOT_APPLICABLE


def test_variables_of_tenants_that_are_gone_matter_from_2025_on(octopus: SqlServer) -> None:
    put(octopus, "TenantVariable", "TenantVariables-1", TenantId="Tenants-9", EnvironmentId="Environments-9")
    to_2025 = Version(2025, 2, 9441)

    assert ask(octopus, NEW, to_2025)["orphaned-tenant-variables"].rows == ("TenantVariables-1: Tenants-9",)
    assert ask(octopus, NEW, to_2025)["tenant-variables-without-environment"].outcome is Outcome.VIOLATED
    assert ask(octopus)["orphaned-tenant-variables"].outcome is Outcome.NOT_APPLICABLE


def test_null_settings_matter_from_2024_4_on(octopus: SqlServer) -> None:
    put(octopus, "Configuration", "dynamic-extensions-scripts", '{"Settings":null}')

    assert ask(octopus, NEW, Version(2024, 4, 1576))["null-settings"].rows == ("dynamic-extensions-scripts",)
    assert ask(octopus)["null-settings"].outcome is Outcome.NOT_APPLICABLE


def test_a_renamed_script_is_unexpected_history_on_the_way_to_2022(octopus: SqlServer) -> None:
    script = "Octopus.Core.UpgradeScripts.Script0321DeleteQueuedCleanupTasks.cs"
    octopus.execute("INSERT INTO dbo.SchemaVersions (ScriptName, Applied) VALUES (?, GETUTCDATE())", script)

    assert ask(octopus, Version(2021, 3, 12912), Version(2022, 1, 2735))["unexpected-script"].rows == (script,)
    assert ask(octopus)["unexpected-script"].outcome is Outcome.NOT_APPLICABLE


def test_other_nodes_must_not_run_and_the_instance_s_own_may(octopus: SqlServer) -> None:
    octopus.execute(
        "INSERT INTO dbo.OctopusServerNode (Id, Name, LastSeen, JSON) VALUES "
        "('N-1', 'MAIN', SYSDATETIMEOFFSET(), '{}'), ('N-2', 'CLONE', SYSDATETIMEOFFSET(), '{}'), "
        "('N-3', 'LONG-GONE', DATEADD(minute, -6, SYSDATETIMEOFFSET()), '{}')"
    )

    (row,) = ask(octopus)["running-nodes-2018"].rows
    assert row.startswith("MAIN: seen ")
    unasked = {result.check.id: result for result in run_pre_checks(octopus, OLD, NEW)}
    assert unasked["running-nodes-2018"].outcome is Outcome.NOT_APPLICABLE


def test_a_question_that_cannot_be_answered_is_incomplete_not_passed(octopus: SqlServer) -> None:
    octopus.execute("DROP TABLE dbo.Project")

    results = ask(octopus)

    assert results["orphaned-channels"].outcome is Outcome.COULD_NOT_RUN
    incomplete = [finding for finding in findings(list(results.values())) if finding.kind == "incomplete"]
    assert {finding.place for finding in incomplete} >= {"Channels of projects that are gone"}


def test_the_journal_and_the_installation_history_are_read_in_order(octopus: SqlServer) -> None:
    put(octopus, "OctopusServerInstallationHistory", "History-0", Node="MAIN", Version="2018.9.1",
        Installed="2020-01-01T00:00:00+00:00")  # fmt: skip

    assert schema_journal(octopus) == ["Script0001"]
    assert [one.version for one in installation_history(octopus)] == ["2018.9.1", "2018.12.1"]


def test_the_sql_server_is_judged_by_the_floor_of_the_target(octopus: SqlServer) -> None:
    facts = sql_server_facts(octopus)
    target = Version(2020, 2, 13)
    floor = release_knowledge().floor(target)

    assert facts.major_version >= 13
    assert "_CI_" in facts.database_collation
    assert judge_sql_server(facts, floor, target) == []
    old = type(facts)("12.0.6024.0", 12, facts.edition, facts.server_collation, facts.database_collation, 120)
    assert [finding.severity for finding in judge_sql_server(old, floor, target)] == [Severity.BREAKING]


def test_two_databases_are_told_apart(octopus: SqlServer, new_database: Callable[[], str]) -> None:
    one = database_identity(octopus)
    with SqlServer(octopus.address, new_database()) as other:
        two = database_identity(other)

    assert one.guid
    assert (two.server_name, two.database != one.database) == (one.server_name, True)
    assert two.guid != one.guid
