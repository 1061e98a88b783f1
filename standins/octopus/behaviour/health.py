"""Health checks: the state of each target and worker, and the events that follow a change.

A stand-in has no agents: cloud regions and offline drops are healthy, everything that needs an agent is unavailable.
"""

from __future__ import annotations

from standins.octopus.behaviour import events
from standins.octopus.behaviour.dispatcher import Running, TaskFailed
from standins.octopus.behaviour.documents import text_of, texts
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import Document, Server, Transaction

_ALWAYS_THERE = frozenset({"None", "OfflineDrop"})


def check(running: Running) -> None:
    server, arguments = running.server, running.task["Arguments"]
    with server.store.transaction() as transaction:
        chosen = _chosen(transaction, running.task, arguments)
    unavailable = 0
    for kind, machine in chosen:
        running.check_cancelled()
        log = running.log.child(f"Check {'worker' if kind == 'Worker' else 'deployment target'}: {machine['Name']}")
        style = text_of(machine.get("CommunicationStyle"))
        healthy = style in _ALWAYS_THERE
        if healthy:
            log.info(f"{machine['Name']} is healthy")
        else:
            log.error(f"{machine['Name']} could not be contacted: there is no {style} agent to reach.")
            unavailable += 1
        log.finish("Success" if healthy else "Failed")
        with server.store.transaction() as transaction:
            _record(server, transaction, kind, machine["Id"], "Healthy" if healthy else "Unavailable")
    running.log.info(f"Checked {len(chosen)} machines")
    if unavailable:
        raise TaskFailed(f"{unavailable} of {len(chosen)} machines are unavailable.")


def _chosen(transaction: Transaction, task: Document, arguments: Document) -> list[tuple[str, Document]]:
    space = task.get("SpaceId")
    restricted = text_of(arguments.get("RestrictedTo"))
    ids = set(texts(arguments, "MachineIds"))
    environment, pool = arguments.get("EnvironmentId"), arguments.get("WorkerPoolId")
    policy = arguments.get("MachinePolicyId")
    found: list[tuple[str, Document]] = []
    if restricted != "Workers":
        found.extend(("Machine", machine) for machine in transaction.query("Machine", space=space, order_by="Name"))
    if restricted != "DeploymentTargets":
        found.extend(("Worker", worker) for worker in transaction.query("Worker", space=space, order_by="Name"))
    return [
        (kind, machine)
        for kind, machine in found
        if not machine["IsDisabled"]
        and (not ids or machine["Id"] in ids)
        and (not environment or environment in texts(machine, "EnvironmentIds"))
        and (not pool or pool in texts(machine, "WorkerPoolIds"))
        and (not policy or policy == machine.get("MachinePolicyId"))
    ]


def _record(server: Server, transaction: Transaction, kind: str, machine_id: str, status: str) -> None:
    machine = transaction.load(kind, machine_id)
    if machine is None:
        return
    before = machine.get("HealthStatus")
    machine["HealthStatus"] = status
    machine["Status"] = "Online" if status == "Healthy" else "Offline"
    machine["StatusSummary"] = (
        "Octopus was able to successfully establish a connection with this machine."
        if status == "Healthy"
        else "The machine could not be contacted."
    )
    machine["HasLatestCalamari"] = status == "Healthy"
    machine["LastChecked"] = iso(server.now())
    transaction.update(kind, machine)
    if before == status or kind != "Machine":
        return
    events.record(
        server,
        transaction,
        f"Machine{status}",
        f"Machine {machine['Name']} was found to be {status.lower()}",
        references={machine["Name"]: machine["Id"]},
        related=[*texts(machine, "EnvironmentIds")],
        space=machine.get("SpaceId"),
    )
