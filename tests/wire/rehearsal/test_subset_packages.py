"""Packages travel from the main instance to the subset's in pieces, whole, and only those that are used."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import pytest

from tests.support.serving import Handler, served
from tidegate.errors import Refused
from tidegate.octopus.client import Access, OctopusClient
from tidegate.rehearsal.subset_packages import copy_packages

PIECE = b"0123456789abcdef" * 4096  # 64 KiB
PIECES = 320
SIZE = len(PIECE) * PIECES
STEPS = [{"Actions": [{"Packages": [{"PackageId": "Shop.Web"}, {"PackageId": "#{Which}"}]}]}]
PACKAGES = [
    {"Id": "packages-Shop.Web.1.0.0", "PackageId": "Shop.Web", "Version": "1.0.0", "FileExtension": ".zip"},
    {"Id": "packages-Shop.Web.0.9.0", "PackageId": "Shop.Web", "Version": "0.9.0", "FileExtension": ".zip"},
]


class Packages(Handler):
    """Both instances; neither ever holds a package as a whole."""

    refuses: ClassVar[set[str]]
    received: ClassVar[list[tuple[bytes, str]]]  # the head of what was pushed, and the digest of all of it

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path in self.refuses:
            self.answer_json({"ErrorMessage": "the package's file is lost"}, 404)
        elif path.endswith("/raw"):
            self.send_response(200)
            self.send_header("Content-Length", str(SIZE))
            self.end_headers()
            for _ in range(PIECES):
                self.wfile.write(PIECE)
        else:
            found: list[dict[str, Any]] = {
                "deploymentprocesses": [{"Steps": STEPS}],
                "releases": [{"SelectedPackages": [{"Version": "1.0.0"}]}],
                "packages": PACKAGES[:1] if "latest" in query else PACKAGES,
            }.get(path.rpartition("/")[2], [])
            self.answer_json({"Items": found, "TotalResults": len(found)}, 200)

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        head, digest = b"", hashlib.sha256()
        while left:
            piece = self.rfile.read(min(left, len(PIECE)))
            left -= len(piece)
            head = head or piece[:300]
            digest.update(piece)
        self.received.append((head.partition(b"\r\n\r\n")[0], digest.hexdigest()))
        if self.path.partition("?")[0] in self.refuses:
            self.answer_json({"ErrorMessage": "no room for it"}, 400)
        else:
            self.answer_json({"Id": "packages-Shop.Web.1.0.0"}, 201)


@pytest.fixture
def instance() -> Iterator[str]:
    Packages.refuses, Packages.received = set(), []
    with served(Packages) as url:
        yield url


def copy(url: str) -> tuple[int, list[str]]:
    told: list[str] = []
    with ExitStack() as stack:
        main = stack.enter_context(OctopusClient(url, None))
        test = stack.enter_context(OctopusClient(url, None, access=Access.FULL))
        return copy_packages(main, "Spaces-1", test, "Spaces-2", told.append), told


def test_a_used_package_arrives_whole_without_ever_being_in_memory_as_a_whole(instance: str) -> None:
    tracemalloc.start()
    try:
        copied = copy(instance)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert copied == (1, ["copied 1 packages that the imported projects use"])
    assert peak < SIZE / 4
    [(head, digest)] = Packages.received
    assert b'filename="Shop.Web.1.0.0.zip"' in head
    boundary = head.partition(b"\r\n")[0]
    form = b"\r\n".join([head, b"", PIECE * PIECES, boundary + b"--", b""])
    assert digest == hashlib.sha256(form).hexdigest()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/Spaces-1/packages/packages-Shop.Web.1.0.0/raw", "answered 404: the package's file is lost"),
        ("/api/Spaces-2/packages/raw", "the package Shop.Web.1.0.0.zip answered 400: no room for it"),
    ],
)
def test_a_package_that_cannot_be_copied_is_told_in_the_server_s_words(instance: str, path: str, told: str) -> None:
    Packages.refuses.add(path)

    with pytest.raises(Refused, match=told):
        copy(instance)
