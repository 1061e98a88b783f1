"""What retention lets go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.behaviour.retention import (
    Deployed,
    Done,
    Phase,
    Policy,
    Stored,
    build_information_to_delete,
    packages_to_delete,
    policies_of_phases,
    policy_for,
    releases_to_delete,
    tasks_to_delete,
)

NOW = datetime(2024, 6, 1, tzinfo=UTC)
KEEP_ALL = Policy(0, forever=True)
ids = st.integers(1, 8).map(lambda number: f"Releases-{number}")
moments = st.integers(0, 400).map(lambda days: NOW - timedelta(days=days))
deployments = st.lists(
    st.builds(Deployed, ids, st.sampled_from(["E1", "E2"]), st.sampled_from([None, "T1"]), moments, st.booleans()),
    max_size=20,
)


def phases(*policies: Policy) -> list[Phase]:
    """A phase for each of the environments E1, E2, …"""
    return [Phase(frozenset({f"E{number}"}), policy) for number, policy in enumerate(policies, 1)]


policies = st.builds(Policy, st.integers(1, 5), st.sampled_from(["Days", "Items"]))


def releases(deployed: list[Deployed]) -> dict[str, datetime]:
    return {f"Releases-{number}": NOW - timedelta(days=500 - number) for number in range(1, 9)} | {
        entry.release: NOW - timedelta(days=450) for entry in deployed
    }


@given(deployments, policies, policies)
def test_the_newest_of_each_place_and_whatever_runs_stays(deployed: list[Deployed], one: Policy, two: Policy) -> None:
    gone = releases_to_delete(releases(deployed), deployed, phases(one, two), one, NOW)

    places: dict[tuple[str, str | None], list[Deployed]] = {}
    for entry in deployed:
        places.setdefault((entry.environment, entry.tenant), []).append(entry)
    for entries in places.values():
        newest = max(entry.at for entry in entries)
        assert not all(entry.release in gone for entry in entries if entry.at == newest)
    assert not {entry.release for entry in deployed if entry.running} & set(gone)


@given(deployments)
def test_keeping_forever_deletes_nothing(deployed: list[Deployed]) -> None:
    assert releases_to_delete(releases(deployed), deployed, phases(KEEP_ALL, KEEP_ALL), KEEP_ALL, NOW) == []


@given(deployments, st.integers(1, 4))
def test_a_larger_number_never_keeps_less(deployed: list[Deployed], quantity: int) -> None:
    def gone(kept: int) -> set[str]:
        policy = Policy(kept, "Items")
        return set(releases_to_delete(releases(deployed), deployed, phases(policy, policy), policy, NOW))

    assert gone(quantity + 1) <= gone(quantity)


def test_of_what_was_deployed_two_more_stay_than_are_to_be_kept() -> None:
    """OctopusDeploy/Issues 4018: the current release and the one before it are kept besides."""
    deployed = [Deployed(f"Releases-{number}", "E1", None, NOW - timedelta(days=number)) for number in range(1, 7)]
    policy = Policy(2, "Items")
    own = {entry.release: entry.at for entry in deployed}

    assert releases_to_delete(own, deployed, phases(policy), policy, NOW) == ["Releases-6", "Releases-5"]


def test_the_example_of_the_documentation() -> None:
    """Fifteen releases, two phases, three to keep: four go (Octopus docs, "Configuring lifecycle retention policy")."""
    own = {f"0.0.{number}": NOW - timedelta(days=100 - number) for number in range(1, 16)}
    deployed = [Deployed(f"0.0.{number}", "Staging", None, own[f"0.0.{number}"]) for number in range(1, 10)]
    deployed += [Deployed(f"0.0.{number}", "Production", None, own[f"0.0.{number}"]) for number in range(1, 7)]
    policy = Policy(3, "Items")
    both = [Phase(frozenset({"Staging"}), policy), Phase(frozenset({"Production"}), policy)]

    assert releases_to_delete(own, deployed, both, policy, NOW) == ["0.0.1", "0.0.10", "0.0.11", "0.0.12"]


def test_the_release_before_the_latest_stays_for_rolling_back_however_old() -> None:
    deployed = [Deployed(f"Releases-{number}", "E1", None, NOW - timedelta(days=100 * number)) for number in (1, 2, 3)]
    own = {entry.release: entry.at for entry in deployed}

    assert releases_to_delete(own, deployed, phases(Policy(7, "Days")), KEEP_ALL, NOW) == ["Releases-3"]


def test_environments_of_a_phase_share_its_count() -> None:
    at = {f"Releases-{number}": NOW - timedelta(days=number) for number in range(1, 9)}
    deployed = [Deployed(release, f"E{1 + int(release[-1]) % 2}", None, when) for release, when in at.items()]
    phase = Phase(frozenset({"E1", "E2"}), Policy(1, "Items"))

    # Two of each environment are safe; of the other four the phase keeps one.
    assert releases_to_delete(at, deployed, [phase], KEEP_ALL, NOW) == ["Releases-8", "Releases-7", "Releases-6"]


def test_a_phase_that_keeps_a_release_saves_it_from_the_others() -> None:
    at = {f"Releases-{number}": NOW - timedelta(days=100 * number) for number in range(1, 5)}
    deployed = [Deployed(release, "E1", None, when) for release, when in at.items()]
    second = [*deployed, Deployed("Releases-4", "E2", None, at["Releases-4"])]

    assert releases_to_delete(at, deployed, phases(Policy(1)), KEEP_ALL, NOW) == ["Releases-4", "Releases-3"]
    assert releases_to_delete(at, second, phases(Policy(1), Policy(1)), KEEP_ALL, NOW) == ["Releases-3"]


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


def test_build_information_goes_as_its_package_would() -> None:
    def record(name: str, days: int) -> Stored:
        return Stored(f"{name} {days}", name, "1.0.0", NOW - timedelta(days=days))

    records = [record(name, days) for name in ("Home", "Away", "Used") for days in (99, 101, 400)]
    home, used = [("home", "1.0.0")], [("used", "1.0.0")]

    def deleted(keep_days: int) -> list[str]:
        return build_information_to_delete(records, home, used, keep_days, NOW)

    assert deleted(0) == ["Away 101", "Away 400"]
    assert deleted(200) == ["Home 400", "Away 101", "Away 400"]
    assert deleted(30) == ["Home 99", "Home 101", "Home 400", "Away 101", "Away 400"]


def test_of_each_type_the_last_tasks_stay() -> None:
    old = [Done(f"old {number}", "Health", NOW - timedelta(days=31 + number)) for number in range(25)]
    others = [Done(f"other {number}", "Backup", NOW - timedelta(days=100 + number)) for number in range(20)]
    recent = [Done(f"recent {number}", "Health", NOW - timedelta(hours=number)) for number in range(3)]

    assert tasks_to_delete([*old, *others], NOW) == [f"old {number}" for number in range(20, 25)]
    assert tasks_to_delete([*old, *others, *recent], NOW) == [f"old {number}" for number in range(17, 25)]
    many = [Done(f"many {number}", "Health", NOW - timedelta(minutes=number)) for number in range(20_002)]
    assert tasks_to_delete(many, NOW) == ["many 20000", "many 20001"]
