"""What retention lets go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.behaviour.retention import (
    Deployed,
    Policy,
    Stored,
    packages_to_delete,
    policies_of_phases,
    policy_for,
    releases_to_delete,
)

NOW = datetime(2024, 6, 1, tzinfo=UTC)
KEEP_ALL = Policy(0, forever=True)
ids = st.integers(1, 8).map(lambda number: f"Releases-{number}")
moments = st.integers(0, 400).map(lambda days: NOW - timedelta(days=days))
deployments = st.lists(
    st.builds(Deployed, ids, st.sampled_from(["E1", "E2"]), st.sampled_from([None, "T1"]), moments, st.booleans()),
    max_size=20,
)
policies = st.builds(Policy, st.integers(1, 5), st.sampled_from(["Days", "Items"]))


def releases(deployed: list[Deployed]) -> dict[str, datetime]:
    return {f"Releases-{number}": NOW - timedelta(days=500 - number) for number in range(1, 9)} | {
        entry.release: NOW - timedelta(days=450) for entry in deployed
    }


@given(deployments, policies, policies)
def test_the_newest_of_each_place_and_whatever_runs_stays(deployed: list[Deployed], one: Policy, two: Policy) -> None:
    gone = releases_to_delete(releases(deployed), deployed, {"E1": one, "E2": two}, one, NOW)

    places: dict[tuple[str, str | None], list[Deployed]] = {}
    for entry in deployed:
        places.setdefault((entry.environment, entry.tenant), []).append(entry)
    for entries in places.values():
        newest = max(entry.at for entry in entries)
        assert not all(entry.release in gone for entry in entries if entry.at == newest)
    assert not {entry.release for entry in deployed if entry.running} & set(gone)


@given(deployments)
def test_keeping_forever_deletes_nothing(deployed: list[Deployed]) -> None:
    everywhere = {"E1": KEEP_ALL, "E2": KEEP_ALL}

    assert releases_to_delete(releases(deployed), deployed, everywhere, KEEP_ALL, NOW) == []


@given(deployments, st.integers(1, 4))
def test_a_larger_number_never_keeps_less(deployed: list[Deployed], quantity: int) -> None:
    def gone(kept: int) -> set[str]:
        policy = Policy(kept, "Items")
        return set(releases_to_delete(releases(deployed), deployed, {"E1": policy, "E2": policy}, policy, NOW))

    assert gone(quantity + 1) <= gone(quantity)


def test_items_are_counted_by_environment() -> None:
    deployed = [Deployed(f"Releases-{number}", "E1", None, NOW - timedelta(days=number)) for number in range(1, 6)]
    policy = Policy(2, "Items")
    own = {entry.release: entry.at for entry in deployed}

    assert releases_to_delete(own, deployed, {"E1": policy}, policy, NOW) == ["Releases-5", "Releases-4", "Releases-3"]


def test_a_phase_that_keeps_a_release_saves_it_from_the_others() -> None:
    old = NOW - timedelta(days=100)
    deployed = [
        Deployed("Releases-1", "E1", None, old),
        Deployed("Releases-2", "E1", None, NOW),
        Deployed("Releases-1", "E2", None, old),
    ]

    assert releases_to_delete({"Releases-1": old, "Releases-2": NOW}, deployed, {"E1": Policy(1)}, KEEP_ALL, NOW) == []


def test_packages_in_use_and_young_ones_stay() -> None:
    old = NOW - timedelta(days=90)
    stored = [
        Stored("used", "Acme.Web", "1.0.0", old),
        Stored("free", "Acme.Web", "0.9.0", old),
        Stored("young", "Acme.Web", "1.1.0", NOW),
    ]

    assert packages_to_delete(stored, [("acme.web", "1.0.0")], 30, NOW) == ["free"]
    assert packages_to_delete(stored, [], 0, NOW) == []


def test_a_lifecycle_may_leave_it_to_its_space() -> None:
    space = Policy(3, "Items")

    def kept(**own: Any) -> Policy:
        return policy_for({"ReleaseRetentionPolicy": {"Unit": "Items", **own}}, None, space)

    assert kept(Strategy="Default", QuantityToKeep=0, ShouldKeepForever=False) == space
    assert kept(Strategy="Default", QuantityToKeep=5).quantity == 5
    assert kept(Strategy="Default", QuantityToKeep=0, ShouldKeepForever=True).forever
    assert kept(QuantityToKeep=0).forever


def test_a_phase_inherits_from_the_latest_before_it_that_says_something() -> None:
    """The example of the documentation: three of the lifecycle, until Staging says five."""
    lifecycle = {"ReleaseRetentionPolicy": {"Unit": "Items", "QuantityToKeep": 3}}
    staging = {"ReleaseRetentionPolicy": {"Unit": "Items", "QuantityToKeep": 5}}

    found = policies_of_phases(lifecycle, [{}, None, staging, {"ReleaseRetentionPolicy": None}], KEEP_ALL)

    assert [policy.quantity for policy in found] == [3, 3, 5, 5]
