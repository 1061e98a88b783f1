"""Names of databases that rehearsals own, and the data files the database layer is driven by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.sqlserver.inspect import pre_checks
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.sanitise import Feeds, Git, SanitisePolicy, statements
from tidegate.versions import Version


@given(run=st.text(max_size=60), purpose=st.sampled_from(["clone", "verify", "rollback"]))
def test_a_name_says_who_made_the_database_and_until_when(run: str, purpose: str) -> None:
    made = OwnedDatabase.make(purpose, run, lifetime=timedelta(hours=3))

    assert OwnedDatabase.parse(made.name) == made
    assert len(made.name) <= 128  # sysname
    assert timedelta(hours=2, minutes=58) < made.expires - datetime.now(UTC) <= timedelta(hours=3)


def test_two_databases_of_one_run_have_different_names() -> None:
    assert OwnedDatabase.make("clone", "run1").name != OwnedDatabase.make("clone", "run1").name


@pytest.mark.parametrize(
    "name",
    [
        "OctopusDeploy",
        "tidegate",
        "tidegate_run_clone",
        "tidegate_run_clone_202613011200",
        "Tidegate_a_b_202601011200 ",
    ],
)
def test_a_database_that_no_rehearsal_made_is_not_recognised(name: str) -> None:
    assert OwnedDatabase.parse(name) is None


def test_every_statement_says_why_from_where_and_how_it_is_proven() -> None:
    ids = [one.id for one in statements()]

    assert len(ids) == len(set(ids))
    for one in statements():
        assert one.why
        assert one.source
        assert one.needs
        assert one.proof.upper().startswith("SELECT COUNT(*)")
        table = one.needs[0][0]
        assert f"dbo.{table}" in one.sql
        assert f"dbo.{table}" in one.proof


def test_the_documented_statements_always_act_and_the_others_follow_the_policy() -> None:
    always = {one.id for one in statements() if not one.policy}

    assert {"nodes", "node-status", "subscriptions", "triggers", "machines", "workers", "octopus-id-and-jira"} <= always
    cut = {one.id for one in statements() if SanitisePolicy(Feeds.CUT, Git.KEEP).allows(one)} - always
    kept = {one.id for one in statements() if SanitisePolicy(Feeds.KEEP, Git.KEEP).allows(one)} - always
    assert cut == {"feed-credentials", "feed-addresses"}
    assert kept == set()


def test_every_pre_check_has_a_source_and_a_range_that_can_be_read() -> None:
    ids = [check.id for check in pre_checks()]

    assert len(ids) == len(set(ids))
    for check in pre_checks():
        assert check.source
        assert check.means
        assert check.sql.upper().lstrip().startswith("SELECT")
        assert isinstance(Version(2021, 1, 7500) in check.target, bool)
        assert isinstance(Version(2018, 12, 1) in check.origin, bool)
