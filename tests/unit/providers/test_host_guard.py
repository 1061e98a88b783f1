"""Whether a host is the main instance's machine, by what both say about themselves."""

from __future__ import annotations

import socket

import pytest

from tidegate.providers.hosts.guard import Machine, MainMachineSeen, machine_of, main_machine_seen, why_main_s
from tidegate.providers.hosts.ownership import OwnedFolder
from tidegate.providers.hosts.sql_server import belongs_to
from tidegate.providers.hosts.systems import read_facts
from tidegate.secrets import Secret
from tidegate.settings import MainSettings

HOST = Machine("octo-test", frozenset({"127.0.0.1", "10.0.0.7", "fe80::1"}), is_this_one=False)


@pytest.mark.parametrize(
    ("addresses", "nodes"),
    [
        ({"10.0.0.8"}, {"OCTO-MAIN"}),
        ({"127.0.0.1", "::1"}, {"OCTO-MAIN"}),  # main is here, and the host is elsewhere
        (set[str](), set[str]()),
        ({"10.0.0.8"}, {"octo-test-2"}),
    ],
)
def test_is_silent_about_a_machine_of_its_own(addresses: set[str], nodes: set[str]) -> None:
    assert why_main_s(HOST, MainMachineSeen(frozenset(addresses), frozenset(nodes))) == ""


def test_an_address_that_the_main_instance_s_url_leads_to_gives_the_machine_away() -> None:
    main = MainMachineSeen(frozenset({"10.0.0.7"}), frozenset({"BEHIND-A-PROXY"}))

    assert "10.0.0.7" in why_main_s(HOST, main)


def test_a_node_with_the_machine_s_name_gives_it_away_behind_a_load_balancer() -> None:
    main = MainMachineSeen(frozenset({"10.9.9.9"}), frozenset({"OCTO-1", "OCTO-TEST.example.com"}))

    assert "OCTO-TEST" in why_main_s(HOST, main)


def test_machines_that_only_the_cut_over_names_are_known_behind_a_load_balancer() -> None:
    with socket.socket() as nobody:  # who listens there does not answer: nothing is known by the nodes' own names
        nobody.bind(("127.0.0.1", 0))
        main = MainSettings.model_validate(
            {
                "url": f"http://127.0.0.1:{nobody.getsockname()[1]}",
                "api_key": Secret.generated("a test's API key", "API-NOTHING"),
                "master_key": Secret.generated("a test's master key", "nothing"),
                "database": {"server": "sql", "name": "x", "user": "sa", "password": "env:NO_SUCH_SECRET"},
                "folders": {"packages": "/p", "artifacts": "/a", "task_logs": "/t"},
                "backup_folder": {"on_server": "/b"},
                "host": {
                    "provider": "host",
                    "address": "10.0.0.5",
                    "install_folder": "/opt/octopus",
                    "home": "/var/lib/octopus",
                    "work_folder": "/var/tmp",
                    "other_nodes": [{"address": "10.0.0.7", "url": "http://10.0.0.6:8080"}],
                },
            }
        )
        seen = main_machine_seen(main)

    assert seen.addresses == {"127.0.0.1", "10.0.0.5", "10.0.0.6", "10.0.0.7"}
    assert "10.0.0.7" in why_main_s(HOST, seen)


def test_a_main_instance_on_this_machine_is_not_rehearsed_on_this_machine() -> None:
    here = Machine("laptop", frozenset({"127.0.0.1"}), is_this_one=True)

    assert why_main_s(here, MainMachineSeen(frozenset({"127.0.0.1"}), frozenset())) == "both are this machine"


def test_addresses_are_compared_however_they_are_written() -> None:
    printed = "system=Linux\nmachine=octo\naddress=10.0.0.7\naddress6=fe800000000000000000000000000001\nfree=12\n"

    machine = machine_of(read_facts(printed), local=False)

    assert machine.addresses == {"10.0.0.7", "fe80::1"}
    assert (machine.name, machine.is_this_one) == ("octo", False)
    assert machine_of(read_facts("machine=octo\n"), local=True).is_this_one


def test_only_names_that_a_rehearsal_gives_are_owned() -> None:
    owned = OwnedFolder.parse("tidegate-2026-11-23T11-13-35Z-f69aa4-202611251113")

    assert owned is not None
    assert (owned.run, owned.name) == (
        "2026-11-23T11-13-35Z-f69aa4",
        "tidegate-2026-11-23T11-13-35Z-f69aa4-202611251113",
    )
    for other in ("tidegate", "tidegate-x", "tidegate-x-202613991113", "../tidegate-x-202611251113", "Packages"):
        assert OwnedFolder.parse(other) is None


def test_databases_are_told_apart_by_run() -> None:
    assert belongs_to("20261123t111335zf69aa4x9f929bd4", "2026-11-23T11-13-35Z-f69aa4")
    assert not belongs_to("20261123t111335zf69aa4x9f929bd4", "2026-11-23T11-13-35Z-f69aa5")
    assert not belongs_to("9f929bd49f929bd4", "")
