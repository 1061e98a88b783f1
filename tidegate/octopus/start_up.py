"""Whether an Octopus Server that was started is up: what its log says, and whether its API answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tidegate.errors import HarnessError, ProvisioningFailed, TidegateError, UpgradeFailed
from tidegate.log_ends import last_lines
from tidegate.octopus.client import OctopusClient
from tidegate.waiting import wait_until

#: Log lines that Octopus's own test containers wait for.
_LISTENING: Final = "Listening for HTTP requests on "
_READY: Final = "Web server is ready to process requests"
_PATIENCE: Final = 10.0  # seconds for one answer of a server that is starting


@dataclass(frozen=True, slots=True)
class StartingServer:
    """What can be seen of a server while it starts.

    ``log`` is all it has said; ``ended`` says how it ended ("with exit code 3 while starting"), and nothing while it
    runs; ``where`` names it in messages; ``poll`` is the pause between two looks in seconds.
    """

    log: Callable[[], str]
    ended: Callable[[], str | None]
    where: str
    poll: float = 0.05

    def last_words(self) -> str:
        return last_lines(self.log())


def is_listening(log: str) -> bool:
    """Whether the server is done with its database: an image's entry point works on it before that."""
    return _LISTENING in log


def listening_address(log: str) -> str | None:
    """The address of a server whose log says that it is ready, as the log names it, without a slash at the end."""
    if _LISTENING in log and _READY in log:
        return log.rsplit(_LISTENING, 1)[1].split(maxsplit=1)[0].rstrip("/")
    return None


def answers(url: str) -> bool:
    """Whether ``GET /api`` answers 200 now."""
    with OctopusClient(url, None, timeout=_PATIENCE) as client:
        try:
            return client.send("GET", "/api").status == 200
        except HarnessError:
            return False  # nobody listens there yet, or what stands before the server has nobody behind it


def wait_until_up(server: StartingServer, url_of: Callable[[str], str], *, timeout: float) -> str:
    """The server's URL, as soon as it is up; ``url_of`` makes it of the address in the log. ``timeout`` in seconds is
    for the log and for the API each.

    Raises :class:`tidegate.errors.UpgradeFailed` with the last log lines when the server ends or stays silent, and
    whatever ``url_of`` raises as :class:`tidegate.errors.ProvisioningFailed`.
    """

    def running() -> None:
        if (ending := server.ended()) is not None:
            raise UpgradeFailed(f"the Octopus Server ended {ending}:\n{server.last_words()}", where=server.where)

    def address() -> str | None:
        # The log is read first: one that says ready and a server that ended since are both seen.
        found = listening_address(server.log())
        running()
        return found

    def answering() -> bool:
        running()
        return answers(url)

    try:
        found = wait_until(
            address,
            timeout=timeout,
            what="the Octopus Server to start",
            poll=server.poll,
            describe=server.last_words,
        )
        url = url_of(found)
        wait_until(
            answering,
            timeout=timeout,
            what=f"{url}/api to answer 200",
            poll=server.poll,
            describe=server.last_words,
        )
    except (UpgradeFailed, ProvisioningFailed):
        raise
    except TidegateError as error:
        raise UpgradeFailed(error.what, where=server.where) from None
    return url
