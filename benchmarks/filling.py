"""Fills an Octopus Server with thousands of projects and releases in seconds, to be put under load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.octopus_server import ADMIN_KEY
from tests.wire.sqlserver.drivers import MICROSOFT, Address
from tidegate.waiting import wait_until

DATABASE = "Load"
_HISTORY = ("Release", "Deployment", "ServerTask")
_COLUMNS_SET_BY_SERVER = frozenset({"DataVersion"})
_DATETIMEOFFSET = -155  # ODBC's type number, which pyodbc does not know


class Filler:
    """Fills an empty server: one of each over its API, the rest by copying rows inside the database."""

    def __init__(self, url: str, address: Address) -> None:
        self.http = httpx.Client(base_url=url, headers={"X-Octopus-ApiKey": ADMIN_KEY}, timeout=60)
        self.sql = MICROSOFT.connect(address, DATABASE)
        self.sql.add_output_converter(_DATETIMEOFFSET, bytes)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = self.http.post(f"/api/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def fill(self, projects: int, releases: int) -> None:
        """One project with one deployed release comes about over the API; the others are copies of its rows."""
        environment = self.post("environments", {"Name": "Development"})
        group = self.http.get("/api/projectgroups/all").json()[0]
        lifecycle = self.http.get("/api/lifecycles/all").json()[0]
        project = self.post(
            "projects", {"Name": "Project 0", "ProjectGroupId": group["Id"], "LifecycleId": lifecycle["Id"]}
        )
        self._add_step(project)
        release = self.post("releases", {"ProjectId": project["Id"], "Version": "1.0.0"})
        deployment = self.post("deployments", {"ReleaseId": release["Id"], "EnvironmentId": environment["Id"]})
        self._await_task(deployment["TaskId"])
        copies = max(projects - 1, releases)
        cursor = self.sql.cursor()
        cursor.execute("CREATE TABLE #Copy (N int NOT NULL PRIMARY KEY, P int NOT NULL)")
        for start in range(0, copies, 500):
            # N numbers the copy; P is the project that a copied release belongs to.
            rows = [(1000 + n, 1000 + n % (projects - 1)) for n in range(start, min(start + 500, copies))]
            values = ", ".join(["(?, ?)"] * len(rows))
            cursor.execute(f"INSERT INTO #Copy (N, P) VALUES {values}", [value for row in rows for value in row])
        own, its = "CONCAT(N'{}', c.N, N'{}')", "CONCAT(N'{}', c.P, N'{}')"
        process, variables = project["DeploymentProcessId"], project["VariableSetId"]
        ids = {
            "Project": project["Id"],
            "DeploymentProcess": process,
            "VariableSet": variables,
            "Channel": release["ChannelId"],
            "Release": release["Id"],
            "Deployment": deployment["Id"],
            "ServerTask": deployment["TaskId"],
        }
        for number, tables in ((own, ("Project", "DeploymentProcess", "VariableSet", "Channel")), (its, _HISTORY)):
            copied = {
                project["Id"]: number.format("Projects-", ""),
                project["Name"]: number.format("Project ", ""),
                project["Slug"]: number.format("project-", ""),
                process: number.format("deploymentprocess-Projects-", ""),
                variables: number.format("variableset-Projects-", ""),
                release["ChannelId"]: number.format("Channels-", ""),
                release["Id"]: own.format("Releases-", ""),
                deployment["Id"]: own.format("Deployments-", ""),
                deployment["TaskId"]: own.format("ServerTasks-", ""),
                release["Version"]: own.format("2.", ".0"),
            }
            for table in tables:
                self.copy(table, ids[table], copied, projects - 1 if number == own else releases)

    def _add_step(self, project: Mapping[str, Any]) -> None:
        process = self.http.get(project["Links"]["DeploymentProcess"]).json()
        script = {
            "Octopus.Action.RunOnServer": "true",
            "Octopus.Action.Script.ScriptSource": "Inline",
            "Octopus.Action.Script.Syntax": "Bash",
            "Octopus.Action.Script.ScriptBody": "true",
        }
        action = {"Name": "Say", "ActionType": "Octopus.Script", "Properties": script}
        process["Steps"] = [{"Name": "Say", "Actions": [action]}]
        self.http.put(process["Links"]["Self"], json=process).raise_for_status()

    def _await_task(self, task: str) -> None:
        path = f"/api/tasks/{task}"
        wait_until(lambda: self.http.get(path).json()["IsCompleted"], timeout=60, what="the first deployment to end")

    def copy(self, table: str, copied: str, swap: Mapping[str, str], count: int) -> None:
        """``count`` rows like ``copied``; what is a key of ``swap`` becomes its expression."""
        cursor = self.sql.cursor()
        cursor.execute(f"SELECT * FROM dbo.[{table}] WHERE [Id] = ?", copied)
        names = [column[0] for column in cursor.description]
        row = dict(zip(names, cursor.fetchone(), strict=True))
        kept = [name for name in names if name not in _COLUMNS_SET_BY_SERVER]
        times = {name for name, kind in self._types(table) if kind == "datetimeoffset"}
        values = ", ".join(
            # A minute apart, as nothing of a real instance happens all at once.
            f"DATEADD(minute, c.N - 1000 - ?, t.[{name}])" if name in times else _changed(name, row[name], swap)
            for name in kept
        )
        cursor.execute(
            f"INSERT INTO dbo.[{table}] ({', '.join(f'[{name}]' for name in kept)}) "
            f"SELECT {values} FROM dbo.[{table}] t CROSS JOIN #Copy c WHERE t.[Id] = ? AND c.N < ?",
            *[count] * values.count("?"),
            copied,
            1000 + count,
        )

    def _types(self, table: str) -> list[tuple[str, str]]:
        cursor = self.sql.cursor()
        cursor.execute(
            "SELECT c.name, t.name FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id "
            "WHERE c.object_id = OBJECT_ID(?)",
            f"dbo.{table}",
        )
        return [(str(name), str(kind)) for name, kind in cursor.fetchall()]

    def close(self) -> None:
        self.http.close()
        self.sql.close()


def _changed(column: str, value: object, swap: Mapping[str, str]) -> str:
    expression = f"t.[{column}]"
    if not isinstance(value, str):
        return expression
    if column != "JSON":
        return swap.get(value, expression)
    for before, after in swap.items():
        if f'"{before}"' in value:
            expression = f"""REPLACE({expression}, N'"{before}"', CONCAT(N'"', {after}, N'"'))"""
    return expression
