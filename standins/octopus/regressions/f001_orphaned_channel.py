"""A data script meets a channel whose project is gone (OctopusDeploy/Issues 2481)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0038ConvertStepActionChannelRuleLink.cs", _convert)


def _convert(context: ScriptContext) -> None:
    run = context.database.run
    run("UPDATE dbo.[Channel] SET [ProjectId] = N'Projects-0' WHERE [Id] = (SELECT MAX([Id]) FROM dbo.[Channel])")
    processes = dict(run("SELECT [Id], [DeploymentProcessId] FROM dbo.[Project]"))
    for (project,) in run("SELECT [ProjectId] FROM dbo.[Channel]"):
        processes[project]  # the orphan's is not there
