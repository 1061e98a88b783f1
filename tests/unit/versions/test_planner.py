from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import VersionRefused
from tidegate.versions import ChangeKind, Version, plan, release_knowledge

KNOWLEDGE = release_knowledge()


def refusal(current: str, target: str, *via: str) -> str:
    with pytest.raises(VersionRefused) as refused:
        plan(Version.parse(current), Version.parse(target), KNOWLEDGE, [Version.parse(stop) for stop in via])
    return str(refused.value)


def test_the_default_hop_is_one_major_change_with_its_way_back() -> None:
    path = plan(Version.parse("2018.12.1"), Version.parse("2021.1.7500"), KNOWLEDGE)

    (hop,) = path.hops
    assert hop.change is ChangeKind.MAJOR
    assert "server folders" in hop.rollback
    assert path.sql_server_floor == 2016


def test_the_path_touches_every_version_it_was_told_to() -> None:
    path = plan(Version.parse("2018.12.1"), Version.parse("2021.1.7500"), KNOWLEDGE, [Version.parse("2019.13.5")])

    assert [(str(hop.origin), str(hop.target)) for hop in path.hops] == [
        ("2018.12.1", "2019.13.5"),
        ("2019.13.5", "2021.1.7500"),
    ]


def test_the_sql_server_floor_is_the_highest_on_the_path() -> None:
    path = plan(Version.parse("2019.13.5"), Version.parse("2020.4.0"), KNOWLEDGE, [Version.parse("2020.3.0")])

    assert path.sql_server_floor == 2017


def test_a_version_that_does_not_exist_is_refused_with_the_nearest() -> None:
    assert "did you mean 2021.1.7500" in refusal("2018.12.1", "2021.1.7501")


def test_a_withdrawn_version_is_refused_with_its_replacement_and_source() -> None:
    message = refusal("2018.12.1", "2019.2.5")
    assert "withdrawn" in message
    assert "Issues#5414" in message
    assert "take 2019.2.6" in message


def test_a_withdrawn_version_is_refused_in_the_middle_of_the_path_too() -> None:
    assert "2019.2.5 was withdrawn" in refusal("2018.12.1", "2021.1.7500", "2019.2.5")


def test_a_downgrade_and_a_hop_to_itself_are_refused() -> None:
    assert "downgrade" in refusal("2021.1.7500", "2020.6.4671")
    assert "already has" in refusal("2021.1.7500", "2021.1.7500")
    assert "downgrade" in refusal("2018.12.1", "2021.1.7500", "2022.1.2495")


def test_a_known_bad_hop_is_refused_with_the_way_round() -> None:
    message = refusal("2018.5.7", "2018.7.0")
    assert "Issues#4739" in message
    assert 'via = ["2018.6.15"]' in message


def test_the_way_round_a_bad_hop_is_itself_a_good_path() -> None:
    path = plan(Version.parse("2018.5.7"), Version.parse("2018.7.0"), KNOWLEDGE, [Version.parse("2018.6.15")])
    assert len(path.hops) == 2


def test_a_hop_that_fails_on_some_instances_only_is_planned_with_its_risk() -> None:
    path = plan(Version.parse("2021.1.7500"), Version.parse("2023.4.6580"), KNOWLEDGE)

    (risk,) = path.risks
    assert "licence" in risk.when
    assert risk.source == "OctopusDeploy/Issues#9141"
    assert path.as_json()["hops"][0]["risks"][0]["source"] == risk.source


def test_every_documented_way_round_exists_and_is_not_withdrawn() -> None:
    withdrawn = {entry.version for entry in KNOWLEDGE.withdrawn}
    for hop in KNOWLEDGE.bad_hops:
        for stop in hop.via:
            assert stop in KNOWLEDGE.versions
            assert stop not in withdrawn


@given(st.sampled_from(KNOWLEDGE.versions), st.sampled_from(KNOWLEDGE.versions))
def test_a_plan_leads_upwards_to_its_target_or_is_refused_with_a_next_step(current: Version, target: Version) -> None:
    refused: VersionRefused | None = None
    path = None
    try:
        path = plan(current, target, KNOWLEDGE)
    except VersionRefused as error:
        refused = error

    assert (path is None) == (refused is not None)
    if refused is not None:
        assert refused.what
        assert refused.next_step
    if path is not None:
        assert (path.origin, path.target) == (current, target)
        assert all(hop.origin < hop.target for hop in path.hops)


@given(st.sampled_from(KNOWLEDGE.versions))
def test_every_known_version_has_a_sql_server_floor(version: Version) -> None:
    assert KNOWLEDGE.floor(version).sql_server >= 2008
