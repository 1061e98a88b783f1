"""Ids in exported documents, and the file they lie in."""

from __future__ import annotations

import pytest

from standins.octopus.contract import Version
from standins.octopus.crypto import MasterKey
from standins.octopus.transfer.bundle import Bundle, NotAnExport, pack
from standins.octopus.transfer.marks import MARK, ids_in, replaced, without

VERSION = Version.parse("2021.1.7500")


def test_ids_are_found_in_values_keys_and_lists_with_commas() -> None:
    document = {"Projects-1": ["Environments-2"], "Teams": "Teams-3,Teams-4", "Text": "see Projects-9, or not"}

    assert list(ids_in(document)) == ["Projects-1", "Environments-2", "Teams-3", "Teams-4"]


def test_ids_are_replaced_where_they_stand_alone() -> None:
    document = {"Projects-1": ["Environments-2"], "Teams": "Teams-3, Teams-4", "Text": "about Projects-1"}
    names = {"Projects-1": "Projects-7", "Environments-2": "Environments-8", "Teams-3": "Teams-9"}

    assert replaced(document, names) == {
        "Projects-7": ["Environments-8"],
        "Teams": "Teams-9,Teams-4",
        "Text": "about Projects-1",
    }


def test_what_stayed_behind_vanishes_except_from_scopes() -> None:
    document = {
        "MachinePolicyId": "MachinePolicies-1",
        "Value": "Machines-1",
        "TenantIds": ["Tenants-1", "Tenants-2"],
        "Scope": {"Machine": ["Machines-1"], "Environment": ["Environments-1"]},
    }

    left = without(document, lambda name: name in {"MachinePolicies-1", "Machines-1", "Tenants-2"})

    assert left == {
        "MachinePolicyId": None,
        "Value": "Machines-1",
        "TenantIds": ["Tenants-1"],
        "Scope": {"Machine": [f"Machines-1{MARK}"], "Environment": ["Environments-1"]},
    }


def test_secrets_change_keys_on_the_way() -> None:
    here, there = MasterKey.generate(), MasterKey.generate()
    account = {"Id": "Accounts-1", "Name": "cloud", "Password": here.encrypt("hunter2")}

    packed = pack(
        {"Account": {"Accounts-1": account}}, version=VERSION, password="sesame", key=here, projects=["Canary"]
    )
    bundle = Bundle(packed, "sesame")
    arrived = bundle.sealed_with(bundle.of("Account")["Accounts-1"], there)

    assert there.decrypt(arrived["Password"]) == "hunter2"
    assert bundle.version == VERSION
    with pytest.raises(NotAnExport, match="password"):
        Bundle(packed, "barley")
    with pytest.raises(NotAnExport, match="not an export"):
        Bundle(b"PK", "sesame")
