"""The types of server tasks a version knows, with what each is called when nobody says otherwise.

Names: OctopusClients BuiltInTasks and the arguments its task repository sends; the complete list of a real server is
not published for each version. Those of projects as files follow the names of their links (ExportProjects,
ImportProjects): theirs are not published.
"""

from __future__ import annotations

from standins.octopus.api.versions import in_force
from standins.octopus.contract import Server

#: name → (description, since, until)
_TYPES: dict[str, tuple[str, str, str]] = {
    "AdHocScript": ("Run ad-hoc script", "", ""),
    "AutoDeploy": ("Auto-deploy releases to deployment targets", "", ""),
    "ConfigureLetsEncrypt": ("Configure Let's Encrypt", "", ""),
    "Delete": ("Delete documents", "", ""),
    "Deploy": ("Deploy a release", "", ""),
    "ExportProjects": ("Project export", "2021.1", ""),
    "Health": ("Check the health of deployment targets", "", ""),
    "ImportProjects": ("Project import", "2021.1", ""),
    "Migration": ("Migrate data", "", ""),
    "MigrationImport": ("Import data", "2018.6", ""),
    "MigrationPartialExport": ("Export data", "2018.6", ""),
    "PreviewImportProjects": ("Project import preview", "2021.1", ""),
    "ProcessExternalFeedTriggers": ("Process external feed triggers", "2024.1", ""),
    "Retention": ("Apply retention policies", "", ""),
    "RunbookRun": ("Run a runbook", "2019.11", ""),
    "SyncCommunityActionTemplates": ("Synchronize community step templates", "", ""),
    "SynchronizeBuiltInPackageRepositoryIndex": ("Re-index the built-in package repository", "", ""),
    "SystemIntegrityCheck": ("Check system integrity", "", ""),
    "TestAccount": ("Test account", "2018.5", ""),
    "TestAzureAccount": ("Test Azure account", "", "2018.5"),
    "TestEmail": ("Send a test email", "", ""),
    "UpdateCalamari": ("Update Calamari on deployment targets", "", ""),
    "Upgrade": ("Upgrade Tentacles", "", ""),
}

#: Of any version: the tasks of a type that is gone stay in the database.
EVER = frozenset(_TYPES)

#: These come from their own routes.
STARTED_OTHERWISE = frozenset(
    {
        "Deploy",
        "RunbookRun",
        "AutoDeploy",
        "Delete",
        "ExportProjects",
        "ImportProjects",
        "MigrationImport",
        "MigrationPartialExport",
        "PreviewImportProjects",
    }
)

#: Deployments and runbook runs have a history of their own and are started again as new ones.
RERUNNABLE = frozenset(_TYPES) - STARTED_OTHERWISE


def names(server: Server) -> list[str]:
    return [name for name, (_, since, until) in _TYPES.items() if in_force(server.version, since, until)]


def description(name: str) -> str:
    return _TYPES[name][0]
