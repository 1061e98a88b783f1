"""HTTP itself: methods, spellings, cookies, files, errors."""

from __future__ import annotations

import base64
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.wire.octopus.api.client import WireClient


def _png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = (1).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("path", ["/api", "/api/", "/API", "/api/projects", "/api/Projects/", "/api/PROJECTS/all"])
def test_spellings_of_a_path(octopus: WireClient, path: str) -> None:
    assert octopus.send("GET", path).status_code == 200


def test_head_has_the_headers_of_get(octopus: WireClient) -> None:
    got, head = octopus.send("GET", "/api/environments"), octopus.send("HEAD", "/api/environments")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"] == "application/json; charset=utf-8"
    assert head.headers["octopus-node"]


def test_options_and_wrong_methods(octopus: WireClient) -> None:
    assert "GET" in octopus.send("OPTIONS", "/api/environments").headers["allow"]
    answer = octopus.send("PATCH", "/api/environments")
    assert answer.status_code == 405
    assert answer.json()["ErrorMessage"]
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("path", ["/api/nothing", "/api/projects/x/y/z/a", "/nowhere", "/api/projects/Projects-999999"])
def test_unknown_paths_say_so_in_json(octopus: WireClient, path: str) -> None:
    answer = octopus.send("GET", path)

    assert answer.status_code == 404
    assert answer.json()["ErrorMessage"].startswith("The resource")


@pytest.mark.parametrize("body", [b"{", b'"text"', b"[1]", b"\xff\xfe"])
def test_bad_bodies_are_refused(octopus: WireClient, body: bytes) -> None:
    answer = octopus.http.post("/api/environments", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["ErrorMessage"]


def test_methods_tunnelled_through_post(octopus: WireClient) -> None:
    made = octopus.post("/api/proxies", {"Name": "Tunnel", "Host": "a", "Port": 1})
    link = made["Links"]["Self"]
    changed = octopus.http.post(link, json={**made, "Host": "b"}, headers={"X-HTTP-Method-Override": "PUT"})
    assert changed.status_code == 200
    assert octopus.get(link)["Host"] == "b"
    assert octopus.http.post(link, headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 200
    assert octopus.send("GET", link).status_code == 404


def test_signing_in_by_form(octopus: WireClient, credentials: tuple[str, str]) -> None:
    with httpx.Client(base_url=octopus.http.base_url) as browser:
        _sign_in_and_out(browser, *credentials)


def _sign_in_and_out(browser: httpx.Client, username: str, password: str) -> None:
    refused = browser.post("/api/users/login", json={"Username": username, "Password": "nonsense"})
    assert refused.status_code == 400
    signed_in = browser.post("/api/users/login", json={"Username": username, "Password": password})
    assert signed_in.status_code == 200
    token = next(value for name, value in browser.cookies.items() if name.startswith("Octopus-Csrf-Token_"))
    assert browser.get("/api/users/me").json()["Username"] == username

    body = {"Name": "By form", "Host": "a", "Port": 1}
    assert browser.post("/api/proxies", json=body).status_code == 401
    made = browser.post("/api/proxies", json=body, headers={"X-Octopus-Csrf-Token": token})
    assert made.status_code == 201
    assert browser.delete(made.json()["Links"]["Self"], headers={"X-Octopus-Csrf-Token": token}).status_code == 200
    browser.post("/api/users/logout")
    assert browser.get("/api/users/me").status_code == 401


@pytest.mark.parametrize("part", ["file", "fileToUpload", "fileData", None])
def test_a_logo_comes_back_as_it_was_sent(octopus: WireClient, shop: dict[str, Any], part: str | None) -> None:
    link = shop["project"]["Links"]["Logo"].partition("?")[0]
    sent = (
        octopus.http.put(link, files={part: ("logo.png", _png(), "image/png")})
        if part
        else octopus.http.post(link, content=_png(), headers={"Content-Type": "image/png"})
    )
    assert sent.status_code == 200
    got = octopus.send("GET", link)
    assert got.content == _png()
    assert got.headers["content-type"] == "image/png"
    again = octopus.send("GET", link, headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert octopus.http.put(link, files={"file": ("logo.png", b"no image")}).status_code == 400


def test_a_picture_without_an_upload(octopus: WireClient, shop: dict[str, Any]) -> None:
    drawn = octopus.send("GET", shop["tenant"]["Links"]["Logo"])

    assert drawn.headers["content-type"] == "image/svg+xml"
    assert drawn.content.startswith(b"<svg")


def test_a_certificate_is_read(octopus: WireClient, shop: dict[str, Any]) -> None:
    certificate = shop["certificate"]

    assert certificate["SubjectCommonName"] == "shop.example.test"
    assert certificate["SerialNumber"] == f"{4711:X}"
    assert certificate["SelfSigned"] is True
    exported = octopus.send("GET", certificate["Links"]["Self"] + "/export")
    assert b"BEGIN CERTIFICATE" in base64.b64decode(base64.b64encode(exported.content))


def test_many_at_once(octopus: WireClient) -> None:
    def make(number: int) -> str:
        return str(octopus.post("/api/projectgroups", {"Name": f"Group {number}"})["Id"])

    def remove(group: str) -> int:
        return octopus.send("DELETE", f"/api/projectgroups/{group}").status_code

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(40)))
        assert len(set(made)) == 40
        gone = list(pool.map(remove, made))
    assert gone == [200] * 40


def test_the_same_name_at_once(octopus: WireClient) -> None:
    def make(_: int) -> httpx.Response:
        return octopus.send("POST", "/api/projectgroups", {"Name": "Only one"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(make, range(8)))

    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 7
    made = next(answer.json() for answer in answers if answer.status_code == 201)
    octopus.send("DELETE", made["Links"]["Self"])


def test_the_server_describes_itself(octopus: WireClient) -> None:
    with octopus.as_user(None) as anonymous:
        described = anonymous.get("/api/swagger.json")

    assert described["swagger"] == "2.0"
    assert "/api/projects/{id}" in described["paths"]
    assert ("/api/spaces" in described["paths"]) == (octopus.version >= (2019, 1, 0))
    assert "ProjectResource" in described["definitions"]
