"""Rows and documents, conditions and ids, without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from standins.octopus.contract import Version
from standins.octopus.store.documents import Mapper, iso, join_list, split_list
from standins.octopus.store.ids import KeyAllocator, PrivateKeys
from standins.octopus.store.kinds import UnknownKind, kinds_of
from standins.octopus.store.query import Conditions, NotAColumn, order_clause
from standins.octopus.store.store import OctopusStore

V2018, V2019, V2021 = Version(2018, 12, 1), Version(2019, 1, 0), Version(2021, 1, 7500)


def test_a_document_survives_its_row() -> None:
    mapper = Mapper(kinds_of(V2018)["Machine"])
    machine: dict[str, Any] = {
        "Id": "Machines-1",
        "Name": "web-1",
        "IsDisabled": False,
        "Roles": ["web", "db"],
        "EnvironmentIds": [],
        "TenantIds": [],
        "TenantTags": [],
        "CommunicationStyle": "None",
        "Thumbprint": None,
        "Fingerprint": None,
        "MachinePolicyId": None,
        "RelatedDocumentIds": [],
        "Endpoint": {"CommunicationStyle": "None", "Nested": [1, 2.5, None, "x"]},
    }
    row = [machine["Id"], *mapper.row(machine)]
    assert row[3:5] == ["|web|db|", ""]
    assert mapper.document(row) == machine


def test_columns_are_not_repeated_in_the_json() -> None:
    mapper = Mapper(kinds_of(V2018)["Lifecycle"])
    assert mapper.row({"Id": "Lifecycles-1", "Name": "Default", "Phases": []}) == ["Default", '{"Phases":[]}']


def test_what_must_have_a_value_is_asked_for_by_name() -> None:
    with pytest.raises(ValueError, match=r"Lifecycle\.Name must have a value"):
        Mapper(kinds_of(V2018)["Lifecycle"]).row({"Id": "Lifecycles-1"})


@pytest.mark.parametrize("values", [[], ["A"], ["A", "B"]])
def test_lists_of_ids(values: list[str]) -> None:
    assert split_list(join_list(values)) == values


def test_times_have_milliseconds_and_an_offset() -> None:
    assert iso(datetime(2019, 3, 1, 10, tzinfo=UTC)) == "2019-03-01T10:00:00.000+00:00"


def test_spaces_change_columns_and_unique_keys() -> None:
    before, after = kinds_of(V2018)["Project"], kinds_of(V2019)["Project"]
    assert not before.space_scoped
    assert before.unique == (("Name",), ("Slug",))
    assert after.columns["SpaceId"] == "nvarchar(50)"
    assert after.unique == (("Name", "SpaceId"), ("Slug", "SpaceId"))
    assert "TenantTags" in kinds_of(V2018)["Team"].columns
    assert "TenantTags" not in kinds_of(V2019)["Team"].columns
    assert "RelatedDocumentIds" not in kinds_of(V2019)["Artifact"].columns


def test_build_information_had_another_table() -> None:
    assert "BuildInformation" not in kinds_of(V2019)
    assert kinds_of(Version(2019, 9, 3))["BuildInformation"].table == "PackageMetadata"
    assert kinds_of(V2021)["BuildInformation"].table == "BuildInformation"


def test_a_kind_of_a_later_version_is_unknown() -> None:
    with pytest.raises(UnknownKind, match=r"2019\.1\.0 has no document type Runbook"):
        OctopusStore("Server=nowhere;Database=x", V2019).kind("Runbook")


def test_conditions() -> None:
    kind = kinds_of(V2019)["Machine"]
    where = Conditions(kind).add({"Name": "a", "Thumbprint": None, "Id": ["x", "y", "z"]}, {"Roles": "web"}, "Spaces-1")
    assert where.sql() == (
        " WHERE [Name] = ? AND [Thumbprint] IS NULL AND [Id] IN (?, ?, ?, ?)"
        " AND CHARINDEX(?, [Roles]) > 0 AND NOT ([SpaceId] <> ?)"
    )
    assert where.values == ["a", "x", "y", "z", "z", "|web|", "Spaces-1"]


def test_an_empty_choice_matches_nothing() -> None:
    assert Conditions(kinds_of(V2019)["Machine"]).add({"Id": []}, None, None).nothing


def test_null_may_be_one_of_several() -> None:
    where = Conditions(kinds_of(V2019)["Event"]).add({"SpaceId": [None, "Spaces-1"]}, None, None)
    assert where.sql() == " WHERE ([SpaceId] IN (?) OR [SpaceId] IS NULL)"


def test_before_spaces_a_space_is_no_condition() -> None:
    assert Conditions(kinds_of(V2018)["Machine"]).add(None, None, "Spaces-1").sql() == ""


@pytest.mark.parametrize("order", ["Endpoint", "Name; DROP TABLE x", "Name SIDEWAYS"])
def test_only_columns_can_be_ordered_by(order: str) -> None:
    with pytest.raises(ValueError, match=r"Endpoint|Name"):
        order_clause(kinds_of(V2019)["Machine"], order)


def test_the_id_makes_an_order_complete() -> None:
    assert order_clause(kinds_of(V2019)["Release"], "Assembled DESC") == " ORDER BY [Assembled] DESC, [Id]"


def test_what_is_in_the_json_cannot_be_queried() -> None:
    with pytest.raises(NotAColumn, match=r"Machine\.Endpoint is not a column"):
        Conditions(kinds_of(V2019)["Machine"]).add({"Endpoint": "x"}, None, None)


class Counter:
    """KeyAllocation as one row a collection."""

    def __init__(self) -> None:
        self.allocated: dict[str, int] = {}
        self.asked = 0

    def execute(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        if sql.startswith("INSERT"):
            self.allocated[values[0]] = 0
            return []
        self.asked += 1
        size, name = values
        if name not in self.allocated:
            return []
        self.allocated[name] += size
        return [(self.allocated[name],)]


def test_ids_come_in_blocks_and_in_order() -> None:
    counter, keys = Counter(), PrivateKeys(KeyAllocator())
    numbers = [keys.next("Projects", counter.execute, inside=False) for _ in range(45)]
    assert numbers == list(range(1, 46))
    assert counter.asked == 4  # three blocks, and one question before the row was there


def test_a_block_of_a_transaction_that_was_rolled_back_is_not_used() -> None:
    """KeyAllocation was rolled back too, so another server may be given the same numbers."""
    counter, shared = Counter(), KeyAllocator()
    counter.allocated["Projects"] = 0
    lost = PrivateKeys(shared)
    assert lost.next("Projects", counter.execute, inside=True) == 1
    lost.rolled_back()
    counter.allocated["Projects"] = 0
    assert PrivateKeys(shared).next("Projects", counter.execute, inside=False) == 1


def test_what_a_committed_transaction_did_not_use_is_used_by_the_next() -> None:
    counter, shared = Counter(), KeyAllocator()
    counter.allocated["Projects"] = 0
    first = PrivateKeys(shared)
    first.next("Projects", counter.execute, inside=True)
    first.committed()
    assert PrivateKeys(shared).next("Projects", counter.execute, inside=True) == 2
    assert counter.asked == 1
