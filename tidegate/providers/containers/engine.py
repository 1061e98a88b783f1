"""The Docker engine: whether it can be used, its images, and its errors in our words."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

import docker.errors
import requests.exceptions
from docker import DockerClient as Client
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host

from tidegate.errors import ProvisioningFailed, UsageError
from tidegate.secrets import redact

#: The API of Docker 20.10, of late 2020: the oldest that this provider was tried with.
OLDEST_API: Final = (1, 41)

_UNIX: Final = "unix://"
_DEFAULT: Final = "unix:///var/run/docker.sock" if os.name == "posix" else "npipe:////./pipe/docker_engine"

# Ryuk, testcontainers' own reaper, would remove what is to be kept, and wants the engine's socket inside a container.
# Every container is labelled instead, and `tidegate reap` and the next run remove what a killed one left.
testcontainers_config.ryuk_disabled = True


@final
class Engine:
    """A Docker engine that answered, is new enough, and is on this machine."""

    def __init__(self) -> None:
        """Raises :class:`UsageError` that says which of these it is not."""
        address = get_docker_host() or _DEFAULT
        _require_local(address)
        if address.startswith(_UNIX):
            _require_socket(address.removeprefix(_UNIX))
        try:
            self.client: Client = DockerClient().client
            answer: dict[str, Any] = self.client.version()
        except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
            raise UsageError(
                f"the Docker engine cannot be used: {redact(str(error))}",
                where=address,
                next_step="check `docker version`",
            ) from None
        self.version = str(answer.get("Version", "unknown"))
        api = str(answer.get("ApiVersion", "0"))
        if tuple(int(part) for part in re.findall(r"\d+", api)[:2]) < OLDEST_API:
            self.close()
            raise UsageError(
                f"the Docker engine is too old: version {self.version} with API {api}",
                where=address,
                next_step="install Docker 20.10 (API 1.41) or newer",
            )

    def close(self) -> None:
        self.client.close()

    @property
    def data_folder(self) -> Path:
        """Where the engine keeps images and volumes; a path that need not be readable."""
        return Path(str(self.client.info().get("DockerRootDir") or "/"))

    def has_image(self, name: str) -> bool:
        """Whether the image is on this machine."""
        try:
            self.client.images.get(name)
        except docker.errors.ImageNotFound:
            return False
        return True

    def can_pull(self, name: str) -> str:
        """Empty when the image's registry offers it, otherwise why not. Pulls nothing."""
        try:
            # The stubs leave the name without a type.
            self.client.images.get_registry_data(name)  # pyright: ignore[reportUnknownMemberType]
        except docker.errors.APIError as error:
            return redact(str(error.explanation or error))
        return ""

    def provide_image(self, name: str, report: Callable[[str], None]) -> str:
        """Pull the image unless it is here; returns what identifies its content (:func:`digest_of`)."""
        with border(f"the image {name}"):
            if not self.has_image(name):
                report(f"pulling {name}")
                self.client.images.pull(name)
            return digest_of(self.client.images.get(name).attrs)


def digest_of(image: dict[str, Any]) -> str:
    """``name@sha256:…`` as a registry knows the image; for one built here, the id of its content."""
    digests: list[str] = image.get("RepoDigests") or []
    return digests[0] if digests else str(image["Id"])


@contextmanager
def border(what: str) -> Generator[None]:
    """Docker's errors leave as :class:`ProvisioningFailed`."""
    try:
        yield
    except docker.errors.APIError as error:
        raise ProvisioningFailed(f"{what}: Docker refused: {redact(str(error.explanation or error))}") from None
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise ProvisioningFailed(f"{what}: {redact(str(error))}") from None


def _require_local(address: str) -> None:
    if not address.startswith((_UNIX, "npipe://")):
        raise UsageError(
            "the Docker engine is on another machine; folders and ports of its containers cannot be reached from here",
            where=redact(address),
            next_step="run Tidegate on the engine's machine, and unset DOCKER_HOST or choose a local context",
        )


def _require_socket(path: str) -> None:
    """Docker's own client would tell the three cases apart only in the middle of a long text."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
            trial.connect(path)
    except PermissionError:
        raise UsageError(
            "this user may not use the Docker engine",
            where=path,
            next_step="add the user to the group `docker`, log in again, and run this again",
        ) from None
    except OSError as error:
        raise UsageError(
            f"no Docker engine answers: it is not installed or does not run ({error.strerror or error})",
            where=path,
            next_step='install and start Docker 20.10 or newer, or use [test_instance] provider = "embedded"',
        ) from None
