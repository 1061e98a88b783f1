"""Retention of tasks: of each type the last 20 stay, however old (Octopus docs, "Retention policies", Tasks)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from standins.octopus.schema.database import Database
from tests.wire.octopus.behaviour.test_tasks import run_task
from tests.wire.octopus.behaviour.workshop import Workshop

KIND = "SyncCommunityActionTemplates"
KEPT, OLD = 20, 25


def test_tasks_older_than_30_days_go_when_20_of_their_type_are_newer(
    shop: Workshop, sql_server: Callable[[str], str]
) -> None:
    newest = run_task(shop, KIND)
    recent = len(shop.get(f"/api/tasks?name={KIND}&take=100")["Items"])
    old = [f"{newest['Id']}-{days}" for days in range(40, 40 + OLD)]
    with closing(Database(sql_server("Behaviour"))) as database:
        _copy(database, newest["Id"], old)

    assert run_task(shop, "Retention")["State"] == "Success"

    left = {task["Id"] for task in shop.get(f"/api/tasks?name={KIND}&take=100")["Items"]}
    assert newest["Id"] in left
    assert len(left) == KEPT
    assert left & set(old) == set(old[: KEPT - recent])


def _copy(database: Database, task: str, ids: list[str]) -> None:
    """The task once more by each of the ids, ended as many days ago as the id says at its end."""
    names = [
        str(name)
        for (name,) in database.run(
            "SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('dbo.ServerTask') "
            "AND name NOT IN ('Id', 'CompletedTime', 'DataVersion')"
        )
    ]
    columns = ", ".join(f"[{name}]" for name in names)
    for one in ids:
        database.run(
            f"INSERT INTO dbo.ServerTask (Id, CompletedTime, {columns}) "
            f"SELECT ?, DATEADD(day, ?, CompletedTime), {columns} FROM dbo.ServerTask WHERE Id = ?",
            one, -int(one.rpartition("-")[2]), task,
        )  # fmt: skip
