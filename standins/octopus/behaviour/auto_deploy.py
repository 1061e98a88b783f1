"""The AutoDeploy task: brings one target up to what is deployed in its environments."""

from __future__ import annotations

from standins.octopus.behaviour import deployments, events
from standins.octopus.behaviour.dispatcher import Running
from standins.octopus.behaviour.documents import texts
from standins.octopus.contract import ApiError, Document, Transaction


def run(running: Running) -> None:
    server, arguments = running.server, running.task["Arguments"]
    with server.store.transaction() as transaction:
        machine = transaction.load("Machine", arguments["MachineId"])
        if machine is None or machine["IsDisabled"]:
            running.log.info("The deployment target is gone or disabled")
            return
        for environment_id in texts(machine, "EnvironmentIds"):
            environment = transaction.load("DeploymentEnvironment", environment_id)
            current = _current(transaction, arguments["ProjectId"], environment_id)
            if environment is None or current is None:
                continue
            release = transaction.load("Release", current["ReleaseId"])
            if release is None:
                continue
            tenant = transaction.load("Tenant", current["TenantId"]) if current.get("TenantId") else None
            order = deployments.Order(
                release,
                environment,
                tenant,
                specific_machines=[machine["Id"]],
                despite_freezes={"StartedByTarget": machine["Id"]},
            )
            try:
                queued = deployments.create(server, transaction, order, events.SERVER)
            except ApiError as refused:
                running.log.warning("; ".join(refused.errors) or refused.message)
                continue
            running.log.info(f"Queued {queued['Name']} of release {release['Version']}")
    if server.tasks:
        server.tasks.wake()


def _current(transaction: Transaction, project: str, environment: str) -> Document | None:
    rows = transaction.execute(
        "SELECT TOP 1 d.[Id] FROM dbo.[Deployment] d INNER JOIN dbo.[ServerTask] t ON t.[Id] = d.[TaskId] "
        "WHERE d.[ProjectId] = ? AND d.[EnvironmentId] = ? AND t.[State] = N'Success' ORDER BY t.[CompletedTime] DESC",
        project,
        environment,
    )
    return transaction.load("Deployment", rows[0][0]) if rows else None
