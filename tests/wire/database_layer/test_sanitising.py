"""A restored copy is made harmless, and a proof that fails is an error."""

from __future__ import annotations

import pytest

from tests.wire.database_layer.octopus_tables import create_tables, document, put
from tidegate.errors import ProvisioningFailed, SqlServerFailure
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.sanitise import (
    Feeds,
    Git,
    SanitisePolicy,
    give_installation_id,
    installation_id,
    prove_sanitised,
    sanitise_database,
    statements,
    summary,
)

#: One dangerous row for each statement that fits the tables of 2018: table, id, document, columns.
NOW = "2021-06-01T10:00:00+00:00"


@pytest.fixture
def clone(database: SqlServer) -> SqlServer:
    create_tables(database)
    put(database, "OctopusServerNode", "OctopusServerNodes-MAIN", Name="MAIN", LastSeen=NOW)
    put(database, "Subscription", "Subscriptions-1", Name="Mail", IsDisabled=0)
    put(database, "ProjectTrigger", "ProjectTriggers-1", Name="Nightly", IsDisabled=0)
    put(database, "Machine", "Machines-1", Name="web01", IsDisabled=0)
    put(database, "Worker", "Workers-1", Name="worker01", IsDisabled=0)
    put(database, "ExtensionConfiguration", "authentication-octopusid", {"IsEnabled": True})
    put(database, "ExtensionConfiguration", "jira-integration", {"IsEnabled": True})
    put(database, "ExtensionConfiguration", "authentication-okta", {"IsEnabled": True, "Issuer": "https://okta"})
    put(database, "ExtensionConfiguration", "authentication-usernamepassword", {"IsEnabled": True})
    put(database, "ExtensionConfiguration", "issuetracker-azuredevops", {"IsEnabled": True})
    put(database, "Project", "Projects-1", {"PersistenceSettings": {"Type": "VersionControlled",
        "Credentials": {"Type": "UsernamePassword"}}}, Name="Web", AutoCreateRelease=1)  # fmt: skip
    put(
        database, "ServerTask", "ServerTasks-1", Name="Deploy", State="Queued", QueueTime=NOW, HasPendingInterruptions=0
    )
    put(
        database,
        "ServerTask",
        "ServerTasks-2",
        Name="Deploy",
        State="Executing",
        QueueTime=NOW,
        HasPendingInterruptions=1,
    )
    put(database, "ServerTask", "ServerTasks-3", Name="Deploy", State="Success", QueueTime=NOW, CompletedTime=NOW,
        HasPendingInterruptions=0)  # fmt: skip
    updates = {
        "TentacleUpdateBehavior": "Update",
        "CalamariUpdateBehavior": "UpdateAlways",
        "KubernetesAgentUpdateBehavior": "Update",
    }
    policy = {
        "MachineUpdatePolicy": updates,
        "MachineCleanupPolicy": {"DeleteMachinesBehavior": "DeleteUnavailableMachines"},
    }
    put(database, "MachinePolicy", "MachinePolicies-1", policy, Name="Default", IsDefault=1)
    put(database, "Configuration", "upgradeavailability", {"InstallationId": "main-id", "Latest": None})
    put(database, "Configuration", "smtp", {"SmtpHost": "mail.example.com", "SmtpLogin": "octopus", "SmtpPort": 25})
    put(database, "Configuration", "server", {"ServerUri": "https://octopus.example.com"})
    put(database, "Configuration", "repository", {"DeleteUnreleasedPackagesAfterDays": 30})
    put(database, "Configuration", "upgrade", {"AllowChecking": True, "IncludeStatistics": True})
    put(database, "Configuration", "letsencrypt", {"Enabled": True})
    put(database, "Configuration", "auditstreamconfiguration", {"Active": True})
    put(database, "Configuration", "broken", "this is not JSON")
    put(database, "Feed", "Feeds-1", {"Username": "reader", "Password": "c|i"}, Name="NuGet", FeedType="NuGet",
        FeedUri="https://nuget.example.com/v3/index.json")  # fmt: skip
    builtin = {"DeleteUnreleasedPackagesAfterDays": 30}
    put(database, "Feed", "feeds-builtin", builtin, Name="Octopus", FeedType="BuiltIn", FeedUri="")
    return database


def test_every_hazard_is_removed_and_proven(clone: SqlServer) -> None:
    done = {one.id: one for one in sanitise_database(clone, SanitisePolicy(Feeds.CUT))}

    acted = {name for name, one in done.items() if one.changed}
    not_in_2018 = {"node-status", "tentacle-messages", "shared-git-credentials"}
    assert acted == {one.id for one in statements()} - not_in_2018
    assert all("this version has no" in done[name].why_not for name in not_in_2018)
    assert set(prove_sanitised(clone, SanitisePolicy(Feeds.CUT))) == acted
    okta = document(clone, "ExtensionConfiguration", "authentication-okta")
    assert okta["IsEnabled"] is False
    assert okta["Issuer"] == "https://okta"
    assert document(clone, "ExtensionConfiguration", "authentication-usernamepassword") == {"IsEnabled": True}
    assert document(clone, "Configuration", "smtp") == {"SmtpPort": 25}
    assert document(clone, "Project", "Projects-1") == {"PersistenceSettings": {"Type": "VersionControlled"}}
    assert clone.value("SELECT FeedUri FROM dbo.Feed WHERE Id = 'Feeds-1'") == "https://feeds-1.invalid/"
    assert clone.value("SELECT JSON FROM dbo.Configuration WHERE Id = 'broken'") == "this is not JSON"


def test_finished_tasks_and_other_documents_stay_as_they_were(clone: SqlServer) -> None:
    sanitise_database(clone)

    states = dict(clone.rows("SELECT Id, State FROM dbo.ServerTask"))
    assert states == {"ServerTasks-1": "Canceled", "ServerTasks-2": "Canceled", "ServerTasks-3": "Success"}
    assert clone.value("SELECT COUNT(*) FROM dbo.ServerTask WHERE CompletedTime IS NULL") == 0
    assert clone.value("SELECT FeedUri FROM dbo.Feed WHERE Id = 'Feeds-1'").startswith("https://nuget.example.com")


def test_the_policy_decides_about_feeds_and_git(clone: SqlServer) -> None:
    done = {one.id: one for one in sanitise_database(clone, SanitisePolicy(Feeds.KEEP, Git.KEEP))}

    assert done["feed-credentials"].why_not == "kept by policy"
    assert document(clone, "Feed", "Feeds-1") == {"Username": "reader", "Password": "c|i"}
    assert "Credentials" in document(clone, "Project", "Projects-1")["PersistenceSettings"]


def test_doing_it_twice_changes_nothing_more(clone: SqlServer) -> None:
    sanitise_database(clone)

    again = {one.id: one.changed for one in sanitise_database(clone) if one.changed}

    assert set(again) <= {"machine-policies"}  # rewrites every policy, to the same text


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE dbo.ProjectTrigger SET IsDisabled = 0", "project triggers are disabled"),
        ("UPDATE dbo.Machine SET IsDisabled = 0", "deployment targets are disabled"),
        ("UPDATE dbo.ServerTask SET State = 'Queued'", "no task of the main instance"),
        ("UPDATE dbo.Configuration SET JSON = '{\"SmtpHost\":\"mail\"}' WHERE Id = 'smtp'", "no mail server"),
        ("UPDATE dbo.Project SET AutoCreateRelease = 1", "automatic release creation"),
    ],
)
def test_a_hazard_that_comes_back_is_found_by_its_proof(clone: SqlServer, damage: str, named: str) -> None:
    sanitise_database(clone)
    prove_sanitised(clone)

    clone.execute(damage)

    with pytest.raises(ProvisioningFailed, match=named):
        prove_sanitised(clone)


def test_what_the_clone_s_own_server_brings_may_be_left_out_of_the_proof(clone: SqlServer) -> None:
    sanitise_database(clone)
    put(clone, "OctopusServerNode", "OctopusServerNodes-CLONE", Name="CLONE", LastSeen=NOW)

    with pytest.raises(ProvisioningFailed, match="nodes are gone"):
        prove_sanitised(clone)
    assert "nodes" not in prove_sanitised(clone, besides=["nodes"])


def test_a_database_whose_hazards_cannot_be_found_is_refused(clone: SqlServer) -> None:
    clone.execute("EXEC sp_rename 'dbo.ProjectTrigger', 'Trigger'")

    with pytest.raises(ProvisioningFailed, match=r"it has no ProjectTrigger\.IsDisabled"):
        sanitise_database(clone)

    assert clone.value("SELECT COUNT(*) FROM dbo.OctopusServerNode") == 1


def test_a_failure_in_the_middle_leaves_nothing_half_done(clone: SqlServer) -> None:
    clone.execute("ALTER TABLE dbo.Worker ADD CONSTRAINT CK_Worker CHECK (IsDisabled = 0)")

    with pytest.raises(SqlServerFailure) as error:
        sanitise_database(clone)

    assert error.value.number == 547

    assert clone.value("SELECT COUNT(*) FROM dbo.OctopusServerNode") == 1
    assert clone.value("SELECT COUNT(*) FROM dbo.Machine WHERE IsDisabled = 1") == 0


def test_the_clone_gets_an_installation_id_of_its_own(clone: SqlServer) -> None:
    assert installation_id(clone) == "main-id"

    give_installation_id(clone, "clone-id")

    assert installation_id(clone) == "clone-id"
    assert document(clone, "Configuration", "upgradeavailability")["Latest"] is None


def test_a_database_without_a_place_for_the_installation_id_is_an_error(clone: SqlServer) -> None:
    clone.execute("DELETE FROM dbo.Configuration WHERE Id = 'upgradeavailability'")

    with pytest.raises(ProvisioningFailed, match="no installation id of its own"):
        give_installation_id(clone, "clone-id")


def test_the_summary_names_what_changed(clone: SqlServer) -> None:
    text = summary(sanitise_database(clone))

    assert "triggers 1" in text
    assert "tasks 2" in text
