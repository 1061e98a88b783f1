"""The document store against SQL Server."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from standins.octopus.contract import Conflict, Document, Unfit
from standins.octopus.store import OctopusStore, Work


def environment(store: OctopusStore, name: str | None = None, **more: Any) -> Document:
    document: Document = {
        "Name": name or f"Env {uuid.uuid4().hex}",
        "SortOrder": 1,
        "Description": "ä ☃ 'quoted'",
        **more,
    }
    if store.kind("DeploymentEnvironment").space_scoped:
        document["SpaceId"] = "Spaces-1"
    return document


def test_a_document_is_read_as_it_was_written(store: OctopusStore) -> None:
    with store.transaction() as work:
        written = work.insert("DeploymentEnvironment", environment(store, Nested={"A": [1, 2.5, None, True]}))
    with store.transaction() as work:
        assert work.load("DeploymentEnvironment", written["Id"]) == written
        assert work.load("DeploymentEnvironment", written["Id"].lower()) == written  # ids follow the collation
        assert work.load("DeploymentEnvironment", "Environments-0") is None


def test_updates_and_deletions(store: OctopusStore) -> None:
    with store.transaction() as work:
        document = work.insert("DeploymentEnvironment", environment(store))
        document["SortOrder"] = 7
        document["UseGuidedFailure"] = True
        work.update("DeploymentEnvironment", document)
    with store.transaction() as work:
        assert work.load("DeploymentEnvironment", document["Id"]) == document
        work.delete("DeploymentEnvironment", document["Id"])
    with store.transaction() as work:
        assert work.load("DeploymentEnvironment", document["Id"]) is None
        with pytest.raises(LookupError, match="there is no DeploymentEnvironment"):
            work.update("DeploymentEnvironment", document)


def test_an_exception_undoes_everything(store: OctopusStore) -> None:
    name = f"Env {uuid.uuid4().hex}"
    with pytest.raises(RuntimeError, match="on purpose"), store.transaction() as work:  # noqa: PT012 - the last statement is the one
        work.insert("DeploymentEnvironment", environment(store, name))
        assert work.count("DeploymentEnvironment", where={"Name": name}) == 1
        raise RuntimeError("on purpose")
    with store.transaction() as work:
        assert work.count("DeploymentEnvironment", where={"Name": name}) == 0


def test_names_are_unique_whatever_their_case(store: OctopusStore) -> None:
    name = f"Env {uuid.uuid4().hex}"
    with pytest.raises(Conflict) as raised, store.transaction() as work:  # noqa: PT012 - the last statement is the one
        work.insert("DeploymentEnvironment", environment(store, name))
        work.insert("DeploymentEnvironment", environment(store, name.upper()))
    assert (raised.value.kind, raised.value.columns) == ("DeploymentEnvironment", ("Name",))


def test_a_conflict_leaves_the_transaction_usable(store: OctopusStore) -> None:
    name = f"Env {uuid.uuid4().hex}"
    with store.transaction() as work:
        work.insert("DeploymentEnvironment", environment(store, name))
        with pytest.raises(Conflict):
            work.insert("DeploymentEnvironment", environment(store, name))
    with store.transaction() as work:
        assert work.count("DeploymentEnvironment", where={"Name": name}) == 1


def test_an_id_is_unique_too(store: OctopusStore) -> None:
    document = {"Id": f"test-{uuid.uuid4().hex}", "Value": 1}
    with pytest.raises(Conflict) as raised, store.transaction() as work:  # noqa: PT012 - the last statement is the one
        work.insert("Configuration", dict(document))
        work.insert("Configuration", dict(document))
    assert raised.value.columns == ("Id",)


def test_a_kind_with_fixed_ids_makes_none_up(store: OctopusStore) -> None:
    with pytest.raises(ValueError, match="fixed id"), store.transaction() as work:
        work.insert("Configuration", {"Value": 1})


def _machine(store: OctopusStore, roles: list[str]) -> Document:
    document: Document = {
        "Name": f"m-{uuid.uuid4().hex}",
        "IsDisabled": False,
        "Roles": roles,
        "EnvironmentIds": ["Environments-1"],
        "CommunicationStyle": "None",
    }
    if store.kind("Machine").space_scoped:
        document["SpaceId"] = "Spaces-1"
    return document


def test_lists_can_be_searched(store: OctopusStore) -> None:
    mark = uuid.uuid4().hex[:8]
    with store.transaction() as work:
        web = work.insert("Machine", _machine(store, [f"web-{mark}", "db"]))
        work.insert("Machine", _machine(store, [f"web-{mark}-old"]))
    with store.transaction() as work:
        found = work.query("Machine", contains={"Roles": f"WEB-{mark}"})
        assert [machine["Id"] for machine in found] == [web["Id"]]
        assert found[0]["Roles"] == [f"web-{mark}", "db"]
        assert found[0]["TenantIds"] == []
        assert found[0]["IsDisabled"] is False
        assert work.count("Machine", contains={"Name": "%"}) == 0


def test_pages_in_order(store: OctopusStore) -> None:
    mark = uuid.uuid4().hex
    with store.transaction() as work:
        for number in range(7):
            work.insert("DeploymentEnvironment", environment(store, f"{mark} {number}", SortOrder=number // 2))
    with store.transaction() as work:
        seen: list[str] = []
        for skip in range(0, 9, 3):
            page = work.query(
                "DeploymentEnvironment", contains={"Name": mark}, order_by="SortOrder DESC, Name", skip=skip, take=3
            )
            seen += [document["Name"][-1] for document in page]
        assert seen == ["6", "4", "5", "2", "3", "0", "1"]


def test_many_are_loaded_in_the_order_asked_for(store: OctopusStore) -> None:
    with store.transaction() as work:
        ids = [work.insert("DeploymentEnvironment", environment(store))["Id"] for _ in range(5)]
    with store.transaction() as work:
        wanted = [ids[3], "Environments-0", ids[0], ids[4]]
        assert [found["Id"] for found in work.load_many("DeploymentEnvironment", wanted)] == [ids[3], ids[0], ids[4]]


def test_times_and_events(store: OctopusStore) -> None:
    occurred = datetime(2021, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
    event: Document = {
        "Category": "Created",
        "UserId": "Users-1",
        "Username": "admin",
        "Occurred": occurred,
        "Message": "x" * 9000,
        "RelatedDocumentIds": ["Projects-1", "Environments-2"],
    }
    with store.transaction() as work:
        first = work.insert("Event", dict(event))
        second = work.insert("Event", dict(event))
    assert second["AutoId"] == first["AutoId"] + 1
    with store.transaction() as work:
        loaded = work.load("Event", first["Id"])
        assert loaded is not None
        assert loaded["Occurred"] == "2021-05-06T07:08:09.123+00:00"
        assert loaded["Message"] == "x" * 9000
        related = "SELECT [RelatedDocumentId] FROM dbo.[EventRelatedDocument] WHERE [EventId] = ? ORDER BY [Id]"
        assert work.execute(related, first["Id"]) == [("Projects-1",), ("Environments-2",)]
        work.delete("Event", first["Id"])
        assert work.execute(related, first["Id"]) == []


def test_ids_are_never_given_twice(store: OctopusStore) -> None:
    """By several threads and by several servers, whether their transactions hold or not."""
    from standins.octopus.store import open_store  # noqa: PLC0415 - a second server

    other = open_store(store.connection_string, store.version)
    ids: list[str] = []
    lock = threading.Lock()

    def make(number: int) -> None:
        def body(work: Work) -> list[str]:
            work.count("DeploymentEnvironment")
            return [work.insert("DeploymentEnvironment", environment(store))["Id"] for _ in range(3)]

        made = (store if number % 2 else other).run(body)
        with lock:
            ids.extend(made)

    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(make, range(40)))
    finally:
        other.close()
    assert len(set(ids)) == 120


def test_writers_of_one_row_do_not_lose_updates_in_one_statement(store: OctopusStore) -> None:
    with store.transaction() as work:
        document = work.insert("DeploymentEnvironment", environment(store, SortOrder=0))

    def count(_: int) -> None:
        def body(work: Work) -> None:
            sql = "UPDATE dbo.[DeploymentEnvironment] SET [SortOrder] = [SortOrder] + 1 WHERE [Id] = ?"
            work.execute(sql, document["Id"])

        store.run(body)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(count, range(60)))
    with store.transaction() as work:
        loaded = work.load("DeploymentEnvironment", document["Id"])
    assert loaded is not None
    assert loaded["SortOrder"] == 60


def test_idle_connections_that_died_are_replaced(store: OctopusStore) -> None:
    with store.transaction() as work:
        ((spid,),) = work.execute("SELECT @@SPID")
    killer = store.session()
    killer.rows(f"KILL {spid}", ())
    killer.close()
    with store.transaction() as work:
        assert work.count("DeploymentEnvironment") >= 0
        work.insert("DeploymentEnvironment", environment(store))


def test_what_no_column_of_a_task_can_hold_is_told_from_a_failure(store: OctopusStore) -> None:
    """The driver puts the SQLSTATE first in some of its errors and last in others."""
    counts = dict.fromkeys(("HasPendingInterruptions", "HasWarningsOrErrors", "DurationSeconds"), 0)
    task = {"Name": "Health", "State": "Queued", "Description": "Now", "QueueTime": datetime.now(UTC), **counts}
    with store.transaction() as work:
        whole = work.load("ServerTask", work.insert("ServerTask", dict(task))["Id"])
    assert whole is not None

    with pytest.raises(Unfit), store.transaction() as work:
        work.insert("ServerTask", {**task, "ProjectId": {"Id": "Projects-1"}})
    with pytest.raises(Unfit), store.transaction() as work:
        work.update("ServerTask", {**whole, "EnvironmentId": {"Id": "Environments-1"}})

    with store.transaction() as work:
        assert work.load("ServerTask", whole["Id"]) == whole
        work.delete("ServerTask", whole["Id"])
