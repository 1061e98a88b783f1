"""Octopus's download feed: which versions there are, and their installers with checksums."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import httpx

from tidegate.digests import sha256_of
from tidegate.errors import ProvisioningFailed, Refused, Unreachable, VersionRefused
from tidegate.versions import Version

_CHUNK: Final = 1 << 16


class DownloadFeed:
    """`/download/upgrade/v3` and the installers beside it (Octopus docs, guide/automate-upgrades)."""

    def __init__(self, url: str, *, timeout: float = 60) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout

    def versions(self) -> tuple[Version, ...]:
        """Every version listed, oldest first. Entries that are no plain versions (pre-releases) are left out.

        Raises :class:`Unreachable` or :class:`Refused`.
        """
        response = self._get("/download/upgrade/v3")
        try:
            entries = cast("list[dict[str, Any]]", response.json())
            listed = [str(entry["Version"]) for entry in entries]
        except (ValueError, TypeError, KeyError):
            raise Refused("the download feed did not answer with a list of versions", where=self.url) from None
        versions: list[Version] = []
        for text in listed:
            try:
                versions.append(Version.parse(text))
            except VersionRefused:
                continue  # "2020.1.0-rc.1" and the like are no targets for production
        return tuple(sorted(versions))

    def checksum(self, version: Version, *, package: str = "tar.gz") -> str:
        """SHA-256 of the installer, as the feed tells it. Raises :class:`Unreachable` or :class:`Refused`."""
        words = self._get(f"/octopus/{_installer_name(version, package)}.sha256").text.split()
        if not words:
            raise Refused(f"the download feed has an empty checksum for {version}", where=self.url)
        return words[0].lower()

    def installer(self, version: Version, folder: Path, *, package: str = "tar.gz") -> Path:
        """The installer of ``version`` in ``folder``, downloaded unless it is there, its checksum verified.

        ``package`` is how its name ends: `tar.gz`, or `msi` for Windows.

        Raises :class:`ProvisioningFailed` when the checksum differs; the file is gone then.
        """
        name = _installer_name(version, package)
        expected = self.checksum(version, package=package)
        target = folder / name
        if target.exists() and sha256_of(target) == expected:
            return target
        folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        with self._stream(f"/octopus/{name}") as response, partial.open("wb") as file:
            for chunk in response.iter_bytes(_CHUNK):
                file.write(chunk)
        actual = sha256_of(partial)
        if actual != expected:
            partial.unlink()
            raise ProvisioningFailed(
                f"the installer of {version} has checksum {actual}, the feed says {expected}",
                where=f"{self.url}/octopus/{name}",
                next_step="download it again; if it stays different, do not install it",
            )
        partial.rename(target)
        return target

    def _get(self, path: str) -> httpx.Response:
        try:
            response = httpx.get(self.url + path, timeout=self._timeout, follow_redirects=True, trust_env=True)
        except httpx.HTTPError as error:
            raise Unreachable(f"the download feed did not answer: {error}", where=self.url + path) from None
        if not response.is_success:
            raise Refused(f"the download feed answered {response.status_code}", where=self.url + path)
        return response

    def _stream(self, path: str) -> _Download:
        return _Download(self.url + path, self._timeout)


class _Download:
    """A streamed download whose errors are the harness's own."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._client = httpx.Client(timeout=timeout, follow_redirects=True)
        self._response: httpx.Response | None = None

    def __enter__(self) -> httpx.Response:
        try:
            self._response = self._client.send(self._client.build_request("GET", self._url), stream=True)
        except httpx.HTTPError as error:
            self._client.close()
            raise Unreachable(f"the download did not start: {error}", where=self._url) from None
        if not self._response.is_success:
            status = self._response.status_code
            self.__exit__(None, None, None)
            raise Refused(f"the download feed answered {status}", where=self._url)
        return self._response

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        if self._response is not None:
            self._response.close()
        self._client.close()
        if isinstance(error, httpx.HTTPError):
            raise Unreachable(f"the download broke off: {error}", where=self._url) from None


def _installer_name(version: Version, package: str) -> str:
    return f"Octopus.{version}-x64.{package}"
