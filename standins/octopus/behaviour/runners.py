"""What the two tasks that carry out a process do around it: manifest, events, history, what the lifecycle does next."""

from __future__ import annotations

from typing import Any

from standins.octopus.behaviour import deployments, events, freezes, inputs
from standins.octopus.behaviour.deploying import Deploying
from standins.octopus.behaviour.dispatcher import Running, TaskFailed
from standins.octopus.behaviour.documents import listed
from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.contract import Document, Server, Transaction

#: Deployments stay known by names and times when their releases are gone (table DeploymentHistory, dumps of 2018.x).
_HISTORY = """
INSERT INTO dbo.[DeploymentHistory] (
    [DeploymentId], [DeploymentName], [ProjectId], [ProjectName], [ProjectSlug], [TenantId], [TenantName], [ChannelId],
    [ChannelName], [EnvironmentId], [EnvironmentName], [ReleaseId], [ReleaseVersion], [TaskId], [TaskState], [Created],
    [QueueTime], [StartTime], [CompletedTime], [DurationSeconds], [DeployedBy]
)
SELECT d.[Id], d.[Name], p.[Id], p.[Name], p.[Slug], n.[Id], n.[Name], c.[Id], c.[Name], e.[Id], e.[Name],
       r.[Id], r.[Version], t.[Id], t.[State], d.[Created], t.[QueueTime], t.[StartTime], t.[CompletedTime],
       t.[DurationSeconds], d.[DeployedBy]
FROM dbo.[Deployment] d
INNER JOIN dbo.[Project] p ON p.[Id] = d.[ProjectId]
INNER JOIN dbo.[DeploymentEnvironment] e ON e.[Id] = d.[EnvironmentId]
INNER JOIN dbo.[Release] r ON r.[Id] = d.[ReleaseId]
INNER JOIN dbo.[ServerTask] t ON t.[Id] = d.[TaskId]
LEFT JOIN dbo.[Channel] c ON c.[Id] = d.[ChannelId]
LEFT JOIN dbo.[Tenant] n ON n.[Id] = d.[TenantId]
WHERE d.[Id] = ?
"""


def deploy(running: Running) -> None:
    _carry_out(running, "Deployment", running.task["Arguments"]["DeploymentId"])


def run_runbook(running: Running) -> None:
    _carry_out(running, "RunbookRun", running.task["Arguments"]["RunbookRunId"])


def _carry_out(running: Running, kind: str, subject_id: str) -> None:
    server = running.server
    with server.store.transaction() as transaction:
        loaded = inputs.load(server, transaction, kind, subject_id)
        run = Deploying(running, loaded)
        if not run.resumed:
            _freeze_manifest(server, transaction, loaded)
            _say(server, transaction, loaded, "Started", "started")
        else:
            _say(server, transaction, loaded, "Resumed", "resumed")
        # One that went on after a question has started already.
        starts = kind == "Deployment" and not run.resumed
        frozen = freezes.in_force(transaction, server, loaded.subject) if starts else []
    running.closing.append(lambda transaction, state: _close(server, transaction, run, state))
    if frozen:
        for sentence in freezes.sentences(frozen, loaded.project["Name"], loaded.environment["Name"]):
            running.log.fatal(sentence)
        raise TaskFailed("The deployment was prevented by a deployment freeze.")
    run.run()


def _freeze_manifest(server: Server, transaction: Transaction, loaded: Inputs) -> None:
    """Every value of the release's sets as they stand, secrets still encrypted, and the system's own."""
    variables: list[dict[str, Any]] = [
        {
            "Id": value.id,
            "Name": value.name,
            "Value": value.value,
            "Type": value.type,
            "IsSensitive": value.sensitive,
            "Scope": dict(value.scope),
            "IsEditable": False,
        }
        for value in loaded.values
    ]
    variables.extend(
        {
            "Id": "",
            "Name": name,
            "Value": value,
            "Type": "String",
            "IsSensitive": False,
            "Scope": {},
            "IsEditable": False,
        }
        for name, value in loaded.system.items()
    )
    loaded.subject["ManifestVariableSetId"] = deployments.snapshot_manifest(
        transaction, server, loaded.subject, variables
    )
    transaction.update(loaded.kind, loaded.subject)


def _close(server: Server, transaction: Transaction, run: Deploying, state: str) -> None:
    loaded = run.inputs
    subject = transaction.load(loaded.kind, loaded.subject["Id"])
    if subject is None:
        return  # the release was deleted while it was being deployed
    subject["DeployedToMachineIds"] = run.progress.deployed
    subject["FailureEncountered"] = run.progress.failed or state == "Failed"
    transaction.update(loaded.kind, subject)
    if loaded.kind == "Deployment":
        _related_machines(transaction, subject)
        transaction.execute(_HISTORY, subject["Id"])
    if state == "Canceled":
        _say(server, transaction, loaded, "", "was canceled")
        return
    _say(server, transaction, loaded, *(("Succeeded", "succeeded") if state == "Success" else ("Failed", "failed")))
    if (
        state == "Success"
        and loaded.kind == "Deployment"
        and deployments.deploy_automatically(server, transaction, loaded.source, events.SERVER)
    ):
        run.running.log.verbose("Queued automatic deployments of the next phase")


def _related_machines(transaction: Transaction, subject: Document) -> None:
    for machine in listed(subject, "DeployedToMachineIds"):
        transaction.execute(
            "INSERT INTO dbo.[DeploymentRelatedMachine] ([DeploymentId], [MachineId]) VALUES (?, ?)",
            subject["Id"],
            machine,
        )


def _say(server: Server, transaction: Transaction, loaded: Inputs, turn: str, verb: str) -> None:
    """DeploymentStarted, RunbookRunSucceeded and the like; a cancelled task has a category of its own."""
    category = f"{loaded.kind}{turn}" if turn else "TaskCanceled"
    if category == "RunbookRunResumed":
        category = "RunbookRunStarted"
    message = f"{loaded.subject['Name']} {verb} for {loaded.what} to {loaded.environment['Name']}"
    references = {loaded.subject["Name"]: loaded.subject["Id"], loaded.what: loaded.source["Id"]}
    if loaded.kind == "Deployment":
        deployments.record(server, transaction, category, message, loaded.subject, references=references)
        return
    subject = loaded.subject
    events.record(
        server,
        transaction,
        category,
        message,
        references=references,
        related=[
            subject["Id"],
            subject["RunbookId"],
            subject["ProjectId"],
            subject["EnvironmentId"],
            subject["TaskId"],
        ],
        space=subject.get("SpaceId"),
        project=subject["ProjectId"],
        environment=subject["EnvironmentId"],
        tenant=subject.get("TenantId"),
    )
