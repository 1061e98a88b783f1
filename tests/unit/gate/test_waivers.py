"""Waivers: narrow, owned, dated, and visible."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.ledgers import finding
from tidegate.errors import SettingsError
from tidegate.gate.waivers import Waiver, apply, load

GOOD = """
[[waiver]]
check = "DIFF"
place = "Projects-1/*"
reason = "renamed on purpose"
owner = "Ada Lovelace"
link = "https://tracker.example.com/CHG-17"
expires = 2026-12-31
"""


def _file(folder: Path, text: str) -> Path:
    file = folder / "waivers.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_reads_a_waiver(tmp_path: Path) -> None:
    [waiver] = load(_file(tmp_path, GOOD))

    assert waiver.owner == "Ada Lovelace"
    assert waiver.covers(finding(place="Projects-1/Name"))
    assert not waiver.covers(finding(place="Projects-12/Name"))
    assert not waiver.covers(finding(check="COUNT", place="Projects-1/Name"))


def test_special_characters_in_a_place_are_meant_literally(tmp_path: Path) -> None:
    [waiver] = load(_file(tmp_path, GOOD.replace("Projects-1/*", "Processes-1/Steps[0].Name")))

    assert waiver.covers(finding(place="Processes-1/Steps[0].Name"))
    assert not waiver.covers(finding(place="Processes-1/Steps0xName"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("Projects-1/*", "*"), "too broad"),
        (("Projects-1/*", "*/*"), "too broad"),
        (("Projects-1/*", "*Id*"), "too broad"),
        (("Projects-1/*", ""), "too broad"),
        (('check = "DIFF"', 'check = "*"'), "check"),
        (('check = "DIFF"\n', ""), "check"),
        (('owner = "Ada Lovelace"', 'owner = " "'), "owner"),
        (('owner = "Ada Lovelace"\n', ""), "owner"),
        (('reason = "renamed on purpose"\n', ""), "reason"),
        (("https://tracker.example.com/CHG-17", "ask me"), "web address"),
        (("2026-12-31", '"never"'), "expires"),
        (("expires = 2026-12-31\n", ""), "expires"),
        (("[[waiver]]", "[waiver]"), "two brackets"),
        (("[[waiver]]", "[[wavier]]"), "only [[waiver]]"),
        (("[[waiver]]", "[[waiver]"), "not valid TOML"),
        (("reason", 'severity = "info"\nreason'), "severity"),
    ],
)
def test_refuses(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match="waiver") as refused:
        load(_file(tmp_path, GOOD.replace(*change)))

    assert told in str(refused.value)


def test_tells_every_problem_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("Projects-1/*", "*") + GOOD.replace('owner = "Ada Lovelace"\n', "")
    with pytest.raises(SettingsError) as refused:
        load(_file(tmp_path, text))

    assert "waiver 1, place" in str(refused.value)
    assert "waiver 2, owner" in str(refused.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load(tmp_path / "none.toml")


def test_the_last_day_still_counts(tmp_path: Path) -> None:
    waivers = load(_file(tmp_path, GOOD))

    assert apply(waivers, [finding()], date(2026, 12, 31)).open == ()
    assert apply(waivers, [finding()], date(2027, 1, 1)).open == (finding(),)


def test_sorts_findings_and_waivers() -> None:
    fields: dict[str, Any] = {"check": "DIFF", "reason": "r", "owner": "o", "link": "https://a.example/1"}
    used = Waiver(place="Projects-1/*", expires=date(2030, 1, 1), **fields)
    expired = Waiver(place="Projects-2/*", expires=date(2020, 1, 1), **fields)
    unused = Waiver(place="Tenants-1", expires=date(2030, 1, 1), **fields)
    first, second = finding(place="Projects-1/Name"), finding(place="Projects-2/Name")

    result = apply([used, expired, unused], [first, second], date(2026, 1, 1))

    assert (result.open, result.expired, result.unused) == ((second,), (expired,), (unused,))
    assert [(one.finding, one.waiver) for one in result.waived] == [(first, used)]


def test_a_valid_waiver_counts_beside_an_expired_one() -> None:
    fields: dict[str, Any] = {
        "check": "DIFF",
        "place": "Projects-1/*",
        "reason": "r",
        "owner": "o",
        "link": "https://a.example/1",
    }
    old, new = Waiver(expires=date(2020, 1, 1), **fields), Waiver(expires=date(2030, 1, 1), **fields)

    assert apply([old, new], [finding()], date(2026, 1, 1)).open == ()


def test_a_waiver_that_covers_more_than_it_may_covers_nothing() -> None:
    fields: dict[str, Any] = {"check": "DIFF", "reason": "r", "owner": "o", "link": "https://a.example/1"}
    broad = Waiver(place="Projects-*", expires=date(2030, 1, 1), at_most=2, **fields)
    narrow = Waiver(place="Projects-1/*", expires=date(2030, 1, 1), **fields)
    three = [finding(place=f"Projects-{number}/Name") for number in (1, 2, 3)]

    assert apply([broad], three[:2], date(2026, 1, 1)).open == ()
    result = apply([broad, narrow], three, date(2026, 1, 1))
    assert (result.open, result.too_broad, result.unused) == (tuple(three[1:]), (broad,), ())
