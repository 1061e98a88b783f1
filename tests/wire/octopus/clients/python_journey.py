"""What a script does with octopus-python-client, run as a program of its own: on import the package writes a log file
into the current folder. It also asks the internet for its newest version then; that look-up alone is answered here.

OCTOPUS_URL, OCTOPUS_API_KEY; arguments: package file, package id, a name for things, the environment. Prints one line
of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

_LOOK_UP = ModuleType("octopus_python_client.utilities.get_pypi_version")
_LOOK_UP.__dict__["get_version"] = "the newest {}".format
sys.modules[_LOOK_UP.__name__] = _LOOK_UP

_PACKAGE = "octopus_python_client"
Common: Any = importlib.import_module(f"{_PACKAGE}.common").Common
Config: Any = importlib.import_module(f"{_PACKAGE}.config").Config
ReleaseDeployment: Any = importlib.import_module(f"{_PACKAGE}.release_deployment").ReleaseDeployment

Json = dict[str, Any]


def configured(**credentials: str) -> Any:
    config: Any = Config()
    config.endpoint = os.environ["OCTOPUS_URL"].rstrip("/") + "/api/"
    config.no_stdout, config.overwrite, config.data_path = True, True, str(Path.cwd())
    config.pem = False
    for name, value in credentials.items():
        setattr(config, name, value)
    return config


def main(package: Path, package_id: str, name: str, environment: str) -> Json:
    config = configured(api_key=os.environ["OCTOPUS_API_KEY"])
    client: Any = Common(config=config)
    seen: Json = {"spaces": [space["Name"] for space in client.get_list_spaces()]}
    config.space_id = client.verify_space(space_id_name="Default") if seen["spaces"] else None

    group = client.get_list_from_one_type("projectgroups")[0]
    place = client.get_single_item_by_name("environments", environment)
    lifecycle = client.post_single_item(
        "lifecycles", {"Name": name, "Phases": [{"Name": "Only", "OptionalDeploymentTargets": [place["Id"]]}]}
    )
    seen["place"] = place["Name"]
    project = client.post_single_item(
        "projects",
        {
            "Name": name,
            "ProjectGroupId": group["Id"],
            "LifecycleId": lifecycle["Id"],
            "TenantedDeploymentMode": "TenantedOrUntenanted",
        },
    )
    project["Description"] = "changed"
    client.put_single_item("projects", project)
    seen["project"] = client.get_single_item_by_name("projects", name)["Description"]

    pushed = client.post_package(package.name, package.read_bytes())
    seen["package"] = pushed["Version"]
    process = client.get_or_delete_single_item_by_id("deploymentprocesses", project["DeploymentProcessId"])
    script = {
        "Octopus.Action.RunOnServer": "true",
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": "echo hello",
    }
    feed = next(item for item in client.get_list_from_one_type("feeds") if item["FeedType"] == "BuiltIn")
    used = {"Name": "tool", "PackageId": package_id, "FeedId": feed["Id"], "AcquisitionLocation": "Server"}
    action = {"Name": "Say", "ActionType": "Octopus.Script", "Properties": script, "Packages": [used]}
    process["Steps"] = [{"Name": "Say", "Properties": {}, "Actions": [action]}]
    client.put_single_item("deploymentprocesses", process)

    variables = client.get_or_delete_single_item_by_id("variables", project["VariableSetId"])
    variables["Variables"] = [{"Name": "Greeting", "Value": "hi", "Scope": {"Environment": [place["Id"]]}}]
    client.put_single_item("variables", variables)
    seen["variables"] = [
        entry["Name"] for entry in client.get_list_variables_by_set_name_or_id(set_id=project["VariableSetId"])
    ]

    tenant = client.post_single_item(
        "tenants", {"Name": f"{name} tenant", "ProjectEnvironments": {project["Id"]: [place["Id"]]}}
    )
    seen["tenant"] = client.get_tenant_variables(tenant["Id"])["TenantName"]
    # Users and teams are the whole server's.
    everywhere: Any = Common(config=configured(api_key=os.environ["OCTOPUS_API_KEY"], space_id=""))
    user = everywhere.post_single_item(
        "users",
        {
            "Username": name.lower(),
            "DisplayName": name,
            "Password": "Passw0rd!",
            "EmailAddress": f"{name}@x.test",
        },
    )
    team = everywhere.post_single_item("teams", {"Name": f"{name} team", "MemberUserIds": [user["Id"]]})
    seen["team"] = everywhere.get_single_item_by_name("teams", team["Name"])["MemberUserIds"] == [user["Id"]]

    release = ReleaseDeployment.create_release_direct(config=config, release_version="1.0.0", project_name=name)
    deployment: Json = release.create_deployment_for_current_release(
        config=config, environment_name=environment, tenant_name=tenant["Name"]
    )
    deadline = time.monotonic() + 60
    while client.get_task_status(deployment["TaskId"]) == "Queued" and time.monotonic() < deadline:
        time.sleep(0.1)
    seen["deployment"] = client.wait_task(deployment["TaskId"], time_limit_second=60)
    seen["releases"] = [entry["Version"] for entry in client.get_project_releases_sorted_list(project["Id"])]

    by_name: Any = Common(config=configured(user_name=name.lower(), password="Passw0rd!", api_key=""))
    by_name.config.space_id = ""
    seen["as user"] = by_name.get_or_delete_single_item_by_id("users", "me")["DisplayName"]
    client.delete_single_item_by_name_or_id("tenants", item_name=tenant["Name"])
    seen["deleted"] = client.get_single_item_by_name("tenants", tenant["Name"])
    return seen


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:])) + "\n")
