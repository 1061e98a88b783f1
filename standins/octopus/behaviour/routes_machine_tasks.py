"""The tasks that had to do with a deployment target."""

from __future__ import annotations

from standins.octopus.api.access import in_reach
from standins.octopus.api.queries import Selection, select
from standins.octopus.api.rendering import page, resource
from standins.octopus.behaviour import routes_tasks
from standins.octopus.behaviour.documents import mapped, texts
from standins.octopus.contract import Call, Reply, Route


def tasks_of_machine(call: Call) -> Reply:
    wanted = call.path["id"]
    machine = in_reach(call, resource(call, "Machine"), call.transaction.load("Machine", wanted), wanted)
    selection = Selection()
    if call.query.get("type"):
        selection.where["Name"] = call.query["type"]
    rows = call.transaction.execute(
        "SELECT d.[TaskId] FROM dbo.[Deployment] d INNER JOIN dbo.[DeploymentRelatedMachine] m "
        "ON m.[DeploymentId] = d.[Id] WHERE m.[MachineId] = ?",
        machine["Id"],
    )
    deployed = {row[0] for row in rows}
    selection.tests.append(
        lambda task: (
            task["Id"] in deployed
            or machine["Id"] in texts(mapped(task, "Arguments"), "MachineIds")
            or mapped(task, "Arguments").get("MachineId") == machine["Id"]
        )
    )
    found, total = select(call, resource(call, "Task"), selection)
    return Reply(page(call, "Task", [routes_tasks.show(call, task) for task in found], total))


ROUTES = (Route("GET", "machines/{id}/tasks", tasks_of_machine, permission="TaskView"),)
