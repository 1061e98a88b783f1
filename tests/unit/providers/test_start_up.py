"""A server is up when its log says so and its API answers; one that ends or stays silent is the product's answer."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from tests.support.serving import Handler, served
from tidegate.errors import ProvisioningFailed, UpgradeFailed
from tidegate.octopus.start_up import StartingServer, answers, is_listening, listening_address, wait_until_up

_LISTENING = "Listening for HTTP requests on http://localhost:8065/\n"
_READY = "Web server is ready to process requests\n"


class _Warming(Handler):
    """Answers 503 twice, as a server does whose web host stands before its tasks are loaded, and then 200."""

    asked = 0

    def do_GET(self) -> None:
        _Warming.asked += 1
        self.answer(status=200 if _Warming.asked > 2 and self.path == "/api" else 503)


@pytest.fixture
def url() -> Generator[str]:
    with served(_Warming) as address:
        yield address


def _server(log: Callable[[], str], ended: Callable[[], str | None] = lambda: None) -> StartingServer:
    return StartingServer(log, ended, "the test machine", poll=0.001)


@pytest.mark.parametrize("log", ["", _LISTENING, _READY, "Listening for HTTP requests"])
def test_a_log_without_both_lines_names_no_address(log: str) -> None:
    assert listening_address(log) is None


def test_the_last_start_in_the_log_counts() -> None:
    log = "Listening for HTTP requests on http://localhost:1/\n" + _READY + _LISTENING + _READY

    assert listening_address(log) == "http://localhost:8065"
    assert is_listening(log)
    assert not is_listening(_READY)


def test_nobody_who_listens_does_not_answer() -> None:
    assert not answers("http://127.0.0.1:9")


def test_up_is_when_the_api_answers(url: str) -> None:
    logs = iter(["", _LISTENING, _LISTENING + _READY])
    asked: list[str] = []

    def url_of(address: str) -> str:
        asked.append(address)
        return url

    assert wait_until_up(_server(lambda: next(logs)), url_of, timeout=30) == url
    assert asked == ["http://localhost:8065"]
    assert _Warming.asked == 3


def test_a_server_that_ends_while_starting_is_told_with_its_last_lines() -> None:
    with pytest.raises(UpgradeFailed, match="ended with exit code 3 while starting:\nits last words") as failure:
        wait_until_up(_server(lambda: "its last words\n", lambda: "with exit code 3 while starting"), str, timeout=30)
    assert failure.value.where == "the test machine"


def test_a_server_that_ends_between_its_log_line_and_its_first_answer_is_not_awaited() -> None:
    endings = iter([None, None, "with exit code 1 while starting"])
    server = _server(lambda: _LISTENING + _READY, lambda: next(endings))

    with pytest.raises(UpgradeFailed, match="exit code 1"):
        wait_until_up(server, lambda _: "http://127.0.0.1:9", timeout=30)


def test_a_server_that_stays_silent_is_an_answer_about_the_version() -> None:
    with pytest.raises(UpgradeFailed, match=r"waited 0.01 s for the Octopus Server to start.*its last words"):
        wait_until_up(_server(lambda: f"{_LISTENING.strip()}, its last words"), str, timeout=0.01)


def test_trouble_of_the_surroundings_stays_theirs() -> None:
    def url_of(address: str) -> str:
        raise ProvisioningFailed(f"no port is free for {address}")

    with pytest.raises(ProvisioningFailed, match="no port is free"):
        wait_until_up(_server(lambda: _LISTENING + _READY), url_of, timeout=30)
