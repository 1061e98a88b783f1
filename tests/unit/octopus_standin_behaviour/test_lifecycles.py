"""How far a release may go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.behaviour.lifecycles import (
    Phase,
    automatic_now,
    deployable,
    next_deployments,
    phases_of,
    progression,
)

ENVIRONMENTS = [{"Id": f"Environments-{number}", "Name": f"Env {number}"} for number in range(1, 5)]
A, B, C, D = (entry["Id"] for entry in ENVIRONMENTS)

phases_strategy = st.lists(
    st.builds(
        Phase,
        st.just("Phase"),
        st.lists(st.sampled_from([A, B]), unique=True, max_size=2).map(tuple),
        st.lists(st.sampled_from([C, D]), unique=True, min_size=1, max_size=2).map(tuple),
        st.integers(0, 2),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def test_a_lifecycle_without_phases_goes_through_the_environments_in_order() -> None:
    phases = phases_of({"Phases": []}, ENVIRONMENTS)

    assert [phase.environments for phase in phases] == [(A,), (B,), (C,), (D,)]
    assert deployable(phases, frozenset()) == [A]
    assert deployable(phases, {A}) == [A, B]


def test_a_phase_without_environments_takes_any() -> None:
    phases = phases_of(
        {"Phases": [{"Name": "All", "OptionalDeploymentTargets": [], "AutomaticDeploymentTargets": []}]}, ENVIRONMENTS
    )

    assert deployable(phases, frozenset()) == [A, B, C, D]


def test_a_minimum_opens_the_next_phase_early() -> None:
    phases = [Phase("Verify", (), (A, B), minimum=1), Phase("Live", (), (C,))]

    assert next_deployments(phases, {B}) == [A, C]


def test_an_optional_phase_can_be_left_out() -> None:
    phases = [Phase("Verify", (), (A,), is_optional=True), Phase("Live", (), (B,))]

    assert deployable(phases, frozenset()) == [A, B]


def test_a_defect_lets_nothing_new_through() -> None:
    phases = [Phase("Develop", (), (A,)), Phase("Live", (), (B,))]

    assert deployable(phases, {A}, blocked=True) == [A]


def test_automatic_environments_are_those_of_open_phases() -> None:
    phases = [Phase("Develop", (A,), ()), Phase("Verify", (B,), (C,))]

    assert automatic_now(phases, frozenset()) == [A]
    assert automatic_now(phases, {A}) == [B]


@given(phases_strategy, st.frozensets(st.sampled_from([A, B, C, D])))
def test_more_deployments_never_close_an_environment(phases: list[Phase], deployed: frozenset[str]) -> None:
    for another in (A, B, C, D):
        assert set(deployable(phases, deployed)) <= set(deployable(phases, deployed | {another}))


@given(phases_strategy, st.frozensets(st.sampled_from([A, B, C, D])))
def test_what_is_pending_lies_behind_something_incomplete(phases: list[Phase], deployed: frozenset[str]) -> None:
    entries = progression(phases, deployed)

    for position, entry in enumerate(entries):
        if entry.progress == "Pending":
            assert any(not earlier.phase.complete(deployed) for earlier in entries[:position])
