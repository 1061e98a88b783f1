"""2021.2: the deployment settings that projects held until now, as documents of their own."""

from __future__ import annotations

from standins.octopus.schema.context import ScriptContext

#: Name in the settings → name in the project.
_NAMES = {
    "ConnectivityPolicy": "ProjectConnectivityPolicy",
    "DefaultGuidedFailureMode": "DefaultGuidedFailureMode",
    "DefaultToSkipIfAlreadyInstalled": "DefaultToSkipIfAlreadyInstalled",
    "VersioningStrategy": "VersioningStrategy",
    "ReleaseNotesTemplate": "ReleaseNotesTemplate",
    "DeploymentChangesTemplate": "DeploymentChangesTemplate",
}


def run(context: ScriptContext) -> None:
    for project, (identity, space) in context.database.documents("Project", "Id", "SpaceId"):
        settings = {ours: project.get(theirs) for ours, theirs in _NAMES.items()}
        context.database.insert(
            "DeploymentSettings", f"deploymentsettings-{identity}", settings, ProjectId=identity, SpaceId=space
        )
