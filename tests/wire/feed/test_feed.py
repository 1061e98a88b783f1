"""The download feed, seen through the harness's own client of it."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tidegate.errors import ProvisioningFailed, Refused, Unreachable
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.embedded_servers import EmbeddedFeed
from tidegate.providers.leftovers import Leftovers
from tidegate.versions import Version

VERSION = Version(2021, 1, 7500)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedFeed]:
    server = EmbeddedFeed(tmp_path / "server", Leftovers(tmp_path / "run"))
    yield server
    server.stop()


def test_versions_are_listed_oldest_first_without_the_withdrawn(server: EmbeddedFeed) -> None:
    versions = server.feed.versions()

    assert list(versions) == sorted(versions)
    assert VERSION in versions
    assert Version(2019, 2, 5) not in versions


def test_an_installer_is_downloaded_once_and_holds_the_launcher(server: EmbeddedFeed, tmp_path: Path) -> None:
    archive = server.feed.installer(VERSION, tmp_path / "downloads")
    again = server.feed.installer(VERSION, tmp_path / "downloads")

    assert archive == again
    with tarfile.open(archive) as content:
        assert sorted(content.getnames()) == ["Octopus.Server", "release.json"]


def test_the_same_version_always_has_the_same_bytes(server: EmbeddedFeed, tmp_path: Path) -> None:
    other = EmbeddedFeed(tmp_path / "other", Leftovers(tmp_path / "other-run"))
    try:
        one = server.feed.installer(VERSION, tmp_path / "one").read_bytes()
        two = other.feed.installer(VERSION, tmp_path / "two").read_bytes()
    finally:
        other.stop()

    assert hashlib.sha256(one).digest() == hashlib.sha256(two).digest()


def test_an_installer_that_was_tampered_with_is_refused_and_not_kept(server: EmbeddedFeed, tmp_path: Path) -> None:
    listed = httpx.get(f"{server.feed.url}/octopus/Octopus.{VERSION}-x64.tar.gz.sha256").text

    class Tampered(DownloadFeed):
        def _get(self, path: str) -> httpx.Response:
            return httpx.Response(200, text=listed.replace(listed[0], "0" if listed[0] != "0" else "1", 1))

    with pytest.raises(ProvisioningFailed, match="checksum"):
        Tampered(server.feed.url).installer(VERSION, tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_file_on_disk_that_was_changed_is_downloaded_again(server: EmbeddedFeed, tmp_path: Path) -> None:
    archive = server.feed.installer(VERSION, tmp_path / "downloads")
    good = archive.read_bytes()
    archive.write_bytes(good[:-1] + b"x")

    assert server.feed.installer(VERSION, tmp_path / "downloads").read_bytes() == good


def test_a_version_that_is_not_offered_is_refused(server: EmbeddedFeed, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="404"):
        server.feed.installer(Version(2019, 2, 5), tmp_path)


def test_a_feed_that_is_not_there_is_unreachable(server: EmbeddedFeed, tmp_path: Path) -> None:
    feed = server.feed
    server.stop()
    with pytest.raises(Unreachable):
        feed.installer(VERSION, tmp_path / "downloads")


def test_anything_but_a_list_of_versions_is_refused(server: EmbeddedFeed) -> None:
    class NotAList(DownloadFeed):
        def _get(self, path: str) -> httpx.Response:
            return httpx.Response(200, json={"Version": "2021.1.7500"})

    with pytest.raises(Refused, match="list of versions"):
        NotAList(server.feed.url).versions()
