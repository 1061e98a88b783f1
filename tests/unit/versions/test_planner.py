from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import VersionRefused
from tidegate.sqlserver.inspect import pre_checks
from tidegate.versions import ChangeKind, Version, plan, release_knowledge
from tidegate.versions.planner import WayBack

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


def way(current: str, target: str, *via: str, applying: tuple[str, ...] = ()) -> list[str]:
    stops = [Version.parse(stop) for stop in via]
    path = plan(Version.parse(current), Version.parse(target), KNOWLEDGE, stops, applying=applying)
    return [str(path.origin), *(str(hop.target) for hop in path.hops)]


def test_the_path_goes_round_a_hop_that_is_known_to_fail_and_says_why() -> None:
    path = plan(Version.parse("2018.5.7"), Version.parse("2018.7.0"), KNOWLEDGE)

    assert [str(hop.target) for hop in path.hops] == ["2018.6.15", "2018.7.0"]
    assert [(str(one.version), one.source) for one in path.detours] == [("2018.6.15", "OctopusDeploy/Issues#4739")]
    assert path.as_json()["detours"][0]["via"] == "2018.6.15"


def test_two_bad_hops_on_one_path_are_both_gone_round() -> None:
    assert way("2018.12.1", "2025.4.10331") == ["2018.12.1", "2024.4.1576", "2025.4.10331"]
    # 2018.3 is in no list of releases, but a main instance may run it.
    assert way("2018.3.0", "2025.4.10331") == ["2018.3.0", "2021.1.8018", "2024.4.1576", "2025.4.10331"]


def test_a_stop_that_avoids_the_bad_hop_already_is_not_added_to() -> None:
    assert way("2018.12.1", "2025.4.10331", "2024.4.1576") == ["2018.12.1", "2024.4.1576", "2025.4.10331"]


def test_a_bad_hop_without_a_documented_way_round_is_refused_with_its_source() -> None:
    message = refusal("2020.2.13", "2020.2.14")
    assert "Issues#6452" in message
    assert "no way round is documented" in message


def test_a_way_round_that_the_feed_does_not_offer_is_refused() -> None:
    without = KNOWLEDGE.with_versions(tuple(one for one in KNOWLEDGE.versions if str(one) != "2024.4.1576"))

    with pytest.raises(VersionRefused, match=r"no Octopus Server 2024\.4\.1576"):
        plan(Version.parse("2018.12.1"), Version.parse("2025.4.10331"), without)


def test_a_risk_that_applies_to_this_instance_is_gone_round_where_that_is_documented() -> None:
    with_check = replace(
        KNOWLEDGE,
        bad_hops=tuple(
            replace(hop, pre_check="ptm-licence") if hop.source.endswith("#9141") else hop for hop in KNOWLEDGE.bad_hops
        ),
    )
    current, target = Version.parse("2021.1.7500"), Version.parse("2023.4.6580")

    direct = plan(current, target, with_check)
    led = plan(current, target, with_check, applying={"ptm-licence"})

    assert [str(hop.target) for hop in direct.hops] == ["2023.4.6580"]
    assert [str(hop.target) for hop in led.hops] == ["2021.1.8018", "2023.4.6580"]


def test_a_risk_that_applies_and_has_no_way_round_stays_a_risk() -> None:
    current, target = Version.parse("2025.4.10338"), Version.parse("2026.1.11349")

    path = plan(current, target, KNOWLEDGE, applying={"doubled-library-sets"})

    (risk,) = path.risks
    assert (risk.pre_check, risk.avoidable) == ("doubled-library-sets", False)


@pytest.mark.parametrize(
    ("current", "target", "way_back"),
    [
        ("2018.12.1", "2019.1.0", WayBack.DATABASE_AND_FOLDERS),
        ("2019.1.0", "2019.13.5", WayBack.DATABASE),
        ("2019.7.0", "2019.7.12", WayBack.BINARIES),
        ("2020.2.13", "2020.2.17", WayBack.BINARIES),
        ("2021.1.7006", "2021.1.7500", WayBack.DATABASE),  # from 2020.3 on the older server refuses
    ],
)
def test_each_kind_of_hop_has_its_way_back(current: str, target: str, way_back: WayBack) -> None:
    path = plan(Version.parse(current), Version.parse(target), KNOWLEDGE)

    assert path.hops[0].way_back is way_back
    assert path.as_json()["hops"][0]["wayBack"] == str(way_back)


def test_the_way_back_over_several_hops_is_the_longest_of_them() -> None:
    stops = [Version.parse("2019.7.12"), Version.parse("2019.13.5")]
    path = plan(Version.parse("2019.7.0"), Version.parse("2020.1.4"), KNOWLEDGE, stops)

    assert [hop.way_back for hop in path.hops] == [WayBack.BINARIES, WayBack.DATABASE, WayBack.DATABASE_AND_FOLDERS]
    assert path.way_back is WayBack.DATABASE_AND_FOLDERS


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


def test_every_question_that_a_bad_hop_refers_to_exists() -> None:
    known = {check.id for check in pre_checks()}

    assert {hop.pre_check for hop in KNOWLEDGE.bad_hops if hop.pre_check} <= known
    assert not any(hop.certain and hop.pre_check for hop in KNOWLEDGE.bad_hops)


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
