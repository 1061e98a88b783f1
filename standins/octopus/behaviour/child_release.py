"""The "Deploy a Release" step: a deployment of another project, waited for."""

from __future__ import annotations

from standins.octopus.behaviour import deployments, events, tasks
from standins.octopus.behaviour.activity import Activity
from standins.octopus.behaviour.dispatcher import Running
from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.contract import ApiError, Transaction

#: How often the parent looks whether its child is done; a cancel interrupts the wait.
_LOOK_SECONDS = 0.2


def deploy(running: Running, inputs: Inputs, project_id: str, version: str, log: Activity, *, condition: str) -> str:
    """Deploy the child release to the same environment and tenant; an empty text, or why it did not work."""
    server = running.server
    with server.store.transaction() as transaction:
        releases = transaction.query("Release", where={"ProjectId": project_id, "Version": version}, take=1)
        if not releases:
            return f"The project '{project_id}' has no release {version or '(none was selected)'}."
        if condition == "IfNotCurrentVersion" and _is_current(transaction, project_id, inputs, releases[0]["Id"]):
            log.info(f"Release {version} is deployed already, skipping")
            return ""
        order = deployments.Order(releases[0], inputs.environment, inputs.tenant)
        try:
            child = deployments.create(server, transaction, order, events.SERVER)
        except ApiError as refused:
            return "; ".join(refused.errors) or refused.message
    if server.tasks:
        server.tasks.wake()
    log.info(f"Queued {child['Name']} as {child['TaskId']}")
    while True:
        with server.store.transaction() as transaction:
            task = transaction.load("ServerTask", child["TaskId"])
        if task is None:
            return "The child deployment was deleted."
        if tasks.is_completed(task):
            log.info(f"{task['Description']}: {task['State']}")
            return (
                ""
                if task["State"] == "Success"
                else f"The child deployment ended as {task['State']}: {task['ErrorMessage']}"
            )
        if running.cancelled.wait(_LOOK_SECONDS):
            running.check_cancelled()


def _is_current(transaction: Transaction, project_id: str, inputs: Inputs, release_id: str) -> bool:
    rows = transaction.execute(
        "SELECT TOP 1 d.[ReleaseId] FROM dbo.[Deployment] d INNER JOIN dbo.[ServerTask] t ON t.[Id] = d.[TaskId] "
        "WHERE d.[ProjectId] = ? AND d.[EnvironmentId] = ? AND t.[State] = N'Success' ORDER BY t.[CompletedTime] DESC",
        project_id,
        inputs.environment["Id"],
    )
    return bool(rows) and rows[0][0] == release_id
