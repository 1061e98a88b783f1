"""File names of packages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.behaviour.package_store import EXTENSIONS, NotAPackage, parse_name

packages = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}(\.[A-Za-z][A-Za-z0-9-]{0,8}){0,2}", fullmatch=True)
versions = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){1,3}(-[a-z]{1,5}(\.[0-9]{1,2})?)?", fullmatch=True)


@given(packages, versions, st.sampled_from(EXTENSIONS))
def test_id_and_version_come_apart_where_they_were_put_together(package: str, version: str, extension: str) -> None:
    name = parse_name(f"{package}.{version}{extension}")

    assert (name.id, name.version, name.extension) == (package, version, extension)
    assert name.file == f"{package}.{version}{extension}"


@pytest.mark.parametrize("text", ["Acme.zip", "Acme.1.exe", "1.0.0.zip", "", "Acme.1.0.0"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(NotAPackage):
        parse_name(text)


def test_folders_in_the_name_are_ignored() -> None:
    assert parse_name("../../etc/Acme.1.0.0.zip").file == "Acme.1.0.0.zip"
    assert parse_name("C:\\temp\\Acme.1.0.0.zip").file == "Acme.1.0.0.zip"


def test_a_part_of_digits_belongs_to_the_version() -> None:
    name = parse_name("Trial.12345678.1.0.zip")

    assert (name.id, name.version) == ("Trial", "12345678.1.0")
